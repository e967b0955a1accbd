use saas_core::{Actor, DbError, Ledger, Origin, Personal, Problem, Secret, Token, UserId, mail::MailInError, system_event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    AccountCreated, Chosen, SignUpRepeated,
    consent::{consent_insert_in, consents_check},
    email_token_insert_in,
    password::{Person, password_check},
};
use crate::{
    Auth, Document, Email, HashError,
    mail::{Letters, Reader},
    refused::{self, Refused},
};

/// What somebody enters to get an account.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What they want to be called.
    #[serde(default)]
    #[schema(required = true)]
    pub name: String,
    /// Their address.
    #[serde(default)]
    #[schema(required = true)]
    pub email: String,
    /// Their password.
    #[serde(default)]
    #[schema(required = true)]
    pub password: Secret,
    /// What they agree to, each as `document:version`: all that is required, and more as they like.
    #[serde(default)]
    pub consents: Vec<String>,
}

/// An account could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignUpError {
    /// Something that was entered is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[from] HashError),
    /// The letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not take it.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SignUpError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Refused(refused) => refused.into(),
            SignUpError::Hash(error) => error.into(),
            SignUpError::Mail(error) => error.into(),
            SignUpError::Db(error) => error.into(),
        }
    }
}

struct Checked {
    name: String,
    email: Email,
    password: Secret,
    consents: Vec<Document>,
}

/// Makes an account and sends the mail that confirms its address. If the address has an account, its owner gets a mail that says so, and
/// whoever asked learns nothing: the steps, the answer and the number of mails are the same.
pub(crate) async fn account_sign_up(auth: &Auth, origin: Origin, new: NewAccount, letters: &Letters) -> Result<Email, SignUpError> {
    let Checked { name, email, password, consents } = check(auth, new).await.map_err(SignUpError::Refused)?;
    let password_hash = auth.hasher().hash(&password).await?;

    let mut tx = auth.db().system("sign up").caused_by(origin).begin().await?;
    let now = tx.now();
    let user = UserId::new();
    // Either the account was there, or it is made with its person; when two sign up at once, the one that comes late finds neither.
    let known = sqlx::query!(
        r#"with known as (
            select user_id, name, email, verified_at is not null as verified from auth.account where email_key = $2
        ), person as (
            insert into core.user (id, created_at) select $1, $6 where not exists (select from known) returning id
        ), added as (
            insert into auth.account (user_id, email, email_key, name, password_hash, created_at)
            select id, $3, $2, $4, $5, $6 from person
            on conflict on constraint account_email_key do nothing
            returning user_id
        )
        select known.user_id as "user_id?", known.name as "name?", known.email as "email?", known.verified as "verified?",
            (select count(*) from added) = 1 as "added!"
        from (values (1)) one
        left join known on true"#,
        Uuid::from(user),
        email.key(),
        email.as_str(),
        name,
        password_hash,
        now,
    )
    .fetch_one(&mut *tx)
    .await?;
    // Whoever signed up before and never confirmed it is taken for the same person, until somebody shows otherwise; whoever has confirmed it has
    // said nothing now.
    let consents: &[Document] = if known.verified == Some(true) { &[] } else { &consents };
    consent_insert_in(&mut tx, known.user_id.map_or(user, UserId::from), consents, true).await?;
    let token = Token::generate();
    let chosen = Chosen { name: &name, password_hash: Some(&password_hash) };
    match (known.added, known.user_id.zip(known.name).zip(known.email)) {
        (true, _) => {
            let reader = Reader { user, email: email.as_str(), name: &name };
            if email_token_insert_in(&mut tx, &token, user, email.as_str(), "verify", Some(chosen)).await? {
                letters.verify_in(&mut tx, reader, &token).await?;
            }
        }
        (false, Some(((owner, owner_name), address))) if known.verified == Some(true) => {
            let reader = Reader { user: owner.into(), email: &address, name: &owner_name };
            if email_token_insert_in(&mut tx, &token, reader.user, &address, "known", None).await? {
                letters.known_in(&mut tx, reader, &token).await?;
            }
        }
        // Nobody has shown that the address is theirs: whoever uses this link does, and gets what was chosen with it.
        (false, Some(((owner, _), address))) => {
            let reader = Reader { user: owner.into(), email: &address, name: &name };
            if email_token_insert_in(&mut tx, &token, reader.user, &address, "verify", Some(chosen)).await? {
                letters.verify_in(&mut tx, reader, &token).await?;
            }
        }
        // The other one, who is signing up at this very moment, gets the mail.
        (false, None) => return Ok(email),
    }
    let email_shown = Personal(email.as_str());
    match known.user_id {
        Some(owner) => {
            system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, UserId::from(owner), &SignUpRepeated { email: email_shown })
                .await?
        }
        None => system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &AccountCreated { email: email_shown }).await?,
    };
    tx.commit().await?;
    tracing::info!(known = !known.added, "signed up");
    Ok(email)
}

async fn check(auth: &Auth, new: NewAccount) -> Result<Checked, Refused> {
    let mut refused = Refused::default();
    let name = refused.take("name", refused::name(&new.name));
    let email = refused.take("email", refused::email(&new.email));
    // Only what was accepted: its length is bounded, and so is the work of comparing.
    let person = Person { name: name.as_deref(), email: email.as_ref().map(Email::as_str), organizations: &[] };
    refused.take("password", password_check(auth, &new.password, person).await);
    let consents = refused.take("consents", consents_check(auth, &new.consents));
    match (name, email, consents) {
        (Some(name), Some(email), Some(consents)) if refused.is_empty() => Ok(Checked { name, email, password: new.password, consents }),
        _ => Err(refused),
    }
}

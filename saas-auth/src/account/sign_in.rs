use saas_core::{Actor, DbError, Ledger, Origin, Problem, ProblemType, Secret, SessionId, UserId, system_event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SignInRefused;
use crate::{
    Auth, Email, HashError, PasswordFlaw, PasswordPolicy,
    password::Verdict,
    refused::{self, Refusal, Refused},
    session::{NewSession, session_insert_in},
};

/// What somebody enters to sign in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Their address.
    #[serde(default)]
    #[schema(required = true)]
    pub email: String,
    /// Their password.
    #[serde(default)]
    #[schema(required = true)]
    pub password: Secret,
    /// Whether to stay signed in for 30 days, rather than 24 hours or until the browser is closed.
    #[serde(default)]
    pub remember: bool,
}

/// Nobody was signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Something that was entered cannot be right.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// There is no such account, or it has another password, or it may not sign in: it is never said which.
    #[error("the address or the password is wrong")]
    Wrong,
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SignInError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused(refused) => refused.into(),
            SignInError::Wrong => Self::new(&ProblemType::UNAUTHENTICATED).detail("The address or the password is wrong."),
            SignInError::Hash(error) => error.into(),
            SignInError::Db(error) => error.into(),
        }
    }
}

/// Checks a password and begins a session with a token of its own, in the place of `old`, the session that the request came with.
pub(crate) async fn account_sign_in(
    auth: &Auth,
    credentials: &Credentials,
    origin: &Origin,
    old: Option<SessionId>,
) -> Result<NewSession, SignInError> {
    let email = check(credentials).map_err(SignInError::Refused)?;
    let account = find(auth, &email).await?;
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let verdict = auth.hasher().verify(&credentials.password, stored).await?;
    let user = account.as_ref().map(|account| account.user);
    let (Verdict::Right { outdated }, Some(account)) = (verdict, account) else {
        return Err(refuse(auth, origin, user).await);
    };
    let fresh_hash = if outdated { Some(auth.hasher().hash(&credentials.password).await?) } else { None };

    let mut tx = auth.db().system("sign in").caused_by(origin.clone()).begin().await?;
    let now = tx.now();
    let Some(session) = session_insert_in(&mut tx, account.user, &account.password_hash, credentials.remember).await? else {
        drop(tx);
        return Err(refuse(auth, origin, user).await);
    };
    if let Some(old) = old {
        sqlx::query!("update auth.session set ended_at = $2 where id = $1 and ended_at is null", Uuid::from(old), now)
            .execute(&mut *tx)
            .await?;
    }
    if let Some(fresh_hash) = fresh_hash {
        sqlx::query!(
            "update auth.account set password_hash = $3 where user_id = $1 and password_hash = $2",
            Uuid::from(account.user),
            account.password_hash,
            fresh_hash,
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    tracing::info!(user.id = %session.user, "signed in");
    Ok(session)
}

/// Records a refusal, the same way whether or not there is such an account.
async fn refuse(auth: &Auth, origin: &Origin, user: Option<UserId>) -> SignInError {
    tracing::info!("refused a sign-in");
    let subject = user.map_or_else(|| "unknown".to_owned(), |user| user.to_string());
    let recorded = async {
        let mut tx = auth.db().system("refuse a sign-in").caused_by(origin.clone()).begin().await?;
        system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, subject, &SignInRefused {}).await?;
        tx.commit().await
    };
    match recorded.await {
        Ok(()) => SignInError::Wrong,
        Err(error) => error.into(),
    }
}

struct Account {
    user: UserId,
    password_hash: String,
}

async fn find(auth: &Auth, email: &Email) -> Result<Option<Account>, SignInError> {
    let mut tx = auth.db().system("sign in").begin().await?;
    let account =
        sqlx::query_as!(Account, r#"select user_id as "user: UserId", password_hash from auth.account where email_key = $1"#, email.key(),)
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(account)
}

fn check(credentials: &Credentials) -> Result<Email, Refused> {
    let mut refused = Refused::default();
    let email = refused.take("email", refused::email(&credentials.email));
    let password = credentials.password.expose();
    if password.is_empty() {
        refused.add("password", Refusal::PasswordMissing);
    } else if password.len() > PasswordPolicy::MAX_BYTES {
        refused.add("password", Refusal::Password(PasswordFlaw::Long { maximum: PasswordPolicy::MAX_BYTES }));
    } else if password.contains('\0') {
        refused.add("password", Refusal::Characters);
    }
    email.filter(|_| refused.is_empty()).ok_or(refused)
}

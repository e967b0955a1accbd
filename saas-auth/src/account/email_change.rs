//! Another address for an account: whoever reads the new one shows that it is theirs, and whoever reads the old one that they want it.

mod confirm;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    DbError, FieldError, Ledger, Origin, Personal, Problem, SignedIn, SystemTx, Token, UserId, mail::MailInError, system_event_in,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use confirm::{Confirmed, LinkState, Side, email_change_confirm, email_change_link, email_change_refuse};

use super::{EmailChangeStarted, EmailChangeStopped, LINK_LIFETIME};
use crate::{
    Auth, Email,
    attempt::throttled,
    mail::{Letters, Reader},
    refused::{self, Refusal, Refused},
};

/// How many changes one account begins within an hour: each writes two mails, one of them to an address that anybody can name.
const STARTS_PER_HOUR: i64 = 5;

/// What somebody enters to have another address who has just shown who they are.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmail {
    /// The address that they want.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) email: String,
}

/// A change of address that waits to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct EmailChange {
    /// The new address.
    pub email: String,
    /// When its links stop working.
    pub expires_at: DateTime<Utc>,
    /// Whether the link that was mailed to the new address was used.
    pub new_confirmed: bool,
    /// Whether the link that was mailed to the old address was used.
    pub old_confirmed: bool,
}

/// An address was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmailChangeError {
    /// Something that was entered is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// Nobody has shown that the address which the account has is theirs.
    #[error("the address of the account was never confirmed")]
    Unverified,
    /// Too many changes were begun.
    #[error("too many changes were begun")]
    Throttled {
        /// When another one may be.
        wait: Duration,
    },
    /// The link was used, is too old, or never was one.
    #[error("the link was used already or is too old")]
    Expired,
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for EmailChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<EmailChangeError> for Problem {
    fn from(error: EmailChangeError) -> Self {
        match error {
            EmailChangeError::Refused(refused) => refused.into(),
            EmailChangeError::Unverified => Self::forbidden().detail("confirm the address that you have first"),
            EmailChangeError::Throttled { wait } => throttled("Too many changes of address were begun.", wait),
            EmailChangeError::Expired => Self::invalid([FieldError::new("/token", "was used already, or is too old")]),
            EmailChangeError::Mail(error) => error.into(),
            EmailChangeError::Db(error) => error.into(),
        }
    }
}

/// Begins a change, in the place of one that waits, and mails a link to each side. If the new address has an account its owner gets a mail that
/// says so; whoever asked learns nothing: the steps, the answer and the number of mails are the same.
pub(crate) async fn email_change_start(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    wanted: &NewEmail,
    letters: &Letters,
) -> Result<EmailChange, EmailChangeError> {
    let email = check(me, wanted).map_err(EmailChangeError::Refused)?;
    if !me.verified {
        return Err(EmailChangeError::Unverified);
    }
    let mut tx = auth.db().system("begin a change of address").caused_by(origin).begin().await?;
    let now = tx.now();
    let account =
        sqlx::query!("select email, name, password_hash from auth.account where user_id = $1 for no key update", Uuid::from(me.user))
            .fetch_one(&mut *tx)
            .await?;
    wait_for_turn_in(&mut tx, me.user).await?;
    let (new_token, old_token) = (Token::generate(), Token::generate());
    let (new_hash, old_hash) = (new_token.hash(), old_token.hash());
    let expires_at = now + LINK_LIFETIME;
    sqlx::query!("update auth.email_change set ended_at = $2 where user_id = $1 and ended_at is null", Uuid::from(me.user), now)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        r#"insert into auth.email_change
            (id, user_id, email, email_key, old_email, password_hash, new_token_hash, old_token_hash, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"#,
        Uuid::now_v7(),
        Uuid::from(me.user),
        email.as_str(),
        email.key(),
        account.email,
        account.password_hash,
        new_hash.as_bytes(),
        old_hash.as_bytes(),
        now,
        expires_at,
    )
    .execute(&mut *tx)
    .await?;
    // Whoever signed up with the address and never confirmed it does not own it.
    let holder = sqlx::query!(
        r#"select user_id as "user_id: UserId", email, name from auth.account where email_key = $1 and verified_at is not null"#,
        email.key(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    match holder {
        Some(holder) => {
            let reader = Reader { user: holder.user_id, email: &holder.email, name: &holder.name };
            letters.email_taken_in(&mut tx, reader, &new_token).await?;
        }
        None => letters.email_new_in(&mut tx, me.user, email.as_str(), &new_token).await?,
    }
    let reader = Reader { user: me.user, email: &account.email, name: &account.name };
    letters.email_old_in(&mut tx, reader, email.as_str(), &old_token).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &EmailChangeStarted { email: Personal(email.as_str()) }).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "began a change of address");
    Ok(EmailChange { email: email.as_str().to_owned(), expires_at, new_confirmed: false, old_confirmed: false })
}

/// The change that waits, if there is one and its links still work.
pub(crate) async fn email_change_waiting(auth: &Auth, me: &SignedIn) -> Result<Option<EmailChange>, DbError> {
    let mut tx = auth.db().system("look at a change of address").begin().await?;
    let now = tx.now();
    let change = sqlx::query_as!(
        EmailChange,
        r#"select c.email, c.expires_at, c.new_confirmed_at is not null as "new_confirmed!", c.old_confirmed_at is not null as "old_confirmed!"
        from auth.email_change c
        join auth.account on account.user_id = c.user_id and account.email = c.old_email and account.password_hash is not distinct from c.password_hash
        where c.user_id = $1 and c.ended_at is null and c.expires_at > $2"#,
        Uuid::from(me.user),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(change)
}

/// Gives a change up. There may be none.
pub(crate) async fn email_change_stop(auth: &Auth, origin: Origin, me: &SignedIn) -> Result<(), DbError> {
    let mut tx = auth.db().system("give up a change of address").caused_by(origin).begin().await?;
    let now = tx.now();
    let stopped =
        sqlx::query!("update auth.email_change set ended_at = $2 where user_id = $1 and ended_at is null", Uuid::from(me.user), now)
            .execute(&mut *tx)
            .await?;
    if stopped.rows_affected() > 0 {
        system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &EmailChangeStopped { by: None }).await?;
    }
    tx.commit().await
}

/// Counts the changes that were begun.
async fn wait_for_turn_in(tx: &mut SystemTx, user: UserId) -> Result<(), EmailChangeError> {
    let now = tx.now();
    let hour = TimeDelta::hours(1);
    let begun = sqlx::query!(
        r#"select count(*) as "times!", min(created_at) as first from auth.email_change where user_id = $1 and created_at > $2"#,
        Uuid::from(user),
        now - hour,
    )
    .fetch_one(&mut **tx)
    .await?;
    match begun.first {
        Some(first) if begun.times >= STARTS_PER_HOUR => {
            Err(EmailChangeError::Throttled { wait: (first + hour - now).to_std().unwrap_or_default() })
        }
        _ => Ok(()),
    }
}

fn check(me: &SignedIn, wanted: &NewEmail) -> Result<Email, Refused> {
    let mut refused = Refused::default();
    let email = refused.take("email", refused::email(&wanted.email));
    if email.as_ref().is_some_and(|email| email.key() == me.email.to_ascii_lowercase()) {
        refused.add("email", Refusal::EmailSame);
    }
    email.filter(|_| refused.is_empty()).ok_or(refused)
}

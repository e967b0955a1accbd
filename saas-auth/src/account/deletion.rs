//! The end of an account (AUT-15): asked for by its person, confirmed by whoever reads its mail, and begun 30 days later.

mod ask;
mod erase;
mod leaving;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Actor, DbError, FieldError, Ledger, Origin, Problem, ProblemType, Token, UserId, mail::MailInError, system_event_in};
use uuid::Uuid;

pub(crate) use ask::{DELETION_LINK_LIFETIME, DeletionState, DeletionWanted, deletion_ask, deletion_state};
pub(crate) use leaving::{Leaving, deletion_stop, leaving_by_token};

use super::{
    LeavingBegan,
    bound_token::{BoundToken, bound_token_take_in},
    current_password::CurrentPasswordError,
};
use crate::{
    Auth, HashError,
    attempt::throttled,
    mail::{Letters, Reader, hex},
    refused::{Refusal, Refused},
    session::session_end_all_in,
};

/// How long somebody who leaves may come back.
const GRACE: TimeDelta = TimeDelta::days(30);

/// An account is not to be deleted, or not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeletionError {
    /// The current password is missing or wrong.
    #[error("the password is missing or wrong")]
    Refused(Refused),
    /// They are the last owner of these organizations.
    #[error("organizations would be left without an owner")]
    LastOwner(Vec<String>),
    /// The current password was wrong too often.
    #[error("the current password was wrong too often")]
    PasswordThrottled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// It was asked for too often.
    #[error("it was asked for too often")]
    Throttled {
        /// When it may be asked for again.
        wait: Duration,
    },
    /// The link was used, is too old, never was one, or the account is not as it was when the link was sent.
    #[error("the link was used already or is too old")]
    Expired,
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for DeletionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<CurrentPasswordError> for DeletionError {
    fn from(error: CurrentPasswordError) -> Self {
        match error {
            CurrentPasswordError::Wrong => Self::Refused(Refused::of("password", Refusal::PasswordWrong)),
            CurrentPasswordError::Throttled { wait } => Self::PasswordThrottled { wait },
            CurrentPasswordError::Hash(error) => Self::Hash(error),
            CurrentPasswordError::Db(error) => Self::Db(error),
        }
    }
}

impl From<DeletionError> for Problem {
    fn from(error: DeletionError) -> Self {
        match error {
            DeletionError::Refused(refused) => refused.into(),
            DeletionError::LastOwner(organizations) => Self::new(&ProblemType::CONFLICT)
                .detail("You are the last owner of organizations: make somebody else an owner of them, or delete them, first.")
                .with("organizations", organizations),
            DeletionError::PasswordThrottled { wait } => throttled("The current password was wrong too often.", wait),
            DeletionError::Throttled { wait } => throttled("It was asked for too often.", wait),
            DeletionError::Expired => Self::invalid([FieldError::new("/token", "was used already, or is too old")]),
            DeletionError::Hash(error) => error.into(),
            DeletionError::Mail(error) => error.into(),
            DeletionError::Db(error) => error.into(),
        }
    }
}

/// Begins the days in which somebody may come back, for a link that was mailed to their address. All their sessions end, and what they made rests. Of
/// any number that use a link at once, one succeeds. Says until when.
pub(crate) async fn deletion_confirm(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    letters: &Letters,
) -> Result<DateTime<Utc>, DeletionError> {
    let mut tx = auth.db().system("begin to leave").caused_by(origin).begin().await?;
    let now = tx.now();
    let until = now + GRACE;
    let user: UserId = bound_token_take_in(&mut tx, BoundToken::Deletion, token).await?.ok_or(DeletionError::Expired)?;
    let account = sqlx::query!(
        "update auth.account set leaves_at = $2, leaving_reminded_at = null where user_id = $1 returning email, name",
        Uuid::from(user),
        until,
    )
    .fetch_one(&mut *tx)
    .await?;
    let left = sqlx::query!("update core.user set state = 'leaving' where id = $1 and state = 'active'", Uuid::from(user))
        .execute(&mut *tx)
        .await
        .map_err(DbError::from);
    match left {
        Ok(left) if left.rows_affected() == 1 => {}
        Ok(_) => return Err(DeletionError::Expired),
        Err(error) if error.constraint() == Some("user_last_owner") => {
            tx.rollback().await;
            return Err(DeletionError::LastOwner(ask::only_owner_of(auth, user).await?));
        }
        Err(error) => return Err(error.into()),
    }
    session_end_all_in(&mut tx, user, None).await?;
    system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &LeavingBegan { until }).await?;
    letters.leaving_in(&mut tx, Reader { user, email: &account.email, name: &account.name }, hex(&token.hash()), until).await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, "began to leave");
    Ok(until)
}

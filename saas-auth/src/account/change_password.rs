use std::time::Duration;

use chrono::{DateTime, Utc};
use saas_core::{Actor, DbError, Ledger, Origin, Problem, Secret, SignedIn, UserId, mail::MailInError, system_event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    PasswordChangeRefused, PasswordChanged,
    password::{Person, password_check},
};
use crate::{
    Auth, HashError, PasswordPolicy,
    attempt::{Attempts, Counted, throttled},
    mail::{Letters, Reader},
    password::Verdict,
    refused::{Refusal, Refused},
    session::{NewSession, session_end_all_in, session_insert_in},
};

/// What somebody who is signed in enters to change their password.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The one that they have.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) current_password: Secret,
    /// The one that they want.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) new_password: Secret,
}

/// The password was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePasswordError {
    /// The current password is wrong, or the new one is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// The current password was wrong too often.
    #[error("the current password was wrong too often")]
    Throttled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// A password could not be checked or hashed.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The notice could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ChangePasswordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Refused(refused) => refused.into(),
            ChangePasswordError::Throttled { wait } => throttled("The current password was wrong too often.", wait),
            ChangePasswordError::Hash(error) => error.into(),
            ChangePasswordError::Mail(error) => error.into(),
            ChangePasswordError::Db(error) => error.into(),
        }
    }
}

/// Changes the password of whoever is signed in and knows the one that they have. All other sessions end; the one at hand goes on under another
/// id and token. Of any number at once one succeeds.
pub(crate) async fn account_change_password(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    change: &PasswordChange,
    letters: &Letters,
) -> Result<NewSession, ChangePasswordError> {
    check(auth, me, change).await.map_err(ChangePasswordError::Refused)?;
    let attempts = auth.attempts("current password", me.user, auth.sign_in_limit());
    let stored = stored_hash(auth, &attempts, me.user).await?;
    if auth.hasher().verify(&change.current_password, Some(&stored)).await? == Verdict::Wrong {
        return Err(refuse(auth, origin, me, &attempts).await?);
    }
    let new_hash = auth.hasher().hash(&change.new_password).await?;

    let mut tx = auth.db().system("change a password").caused_by(origin).begin().await?;
    let now = tx.now();
    if let Some(until) = attempts.refused_until_in(&mut tx).await? {
        return Err(wait(until, now));
    }
    let account = sqlx::query!(
        "update auth.account set password_hash = $3 where user_id = $1 and password_hash = $2 returning email, name",
        Uuid::from(me.user),
        stored,
        new_hash,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let remembered = sqlx::query_scalar!(
        "select remembered from auth.session where id = $1 and ended_at is null and expires_at > $2",
        Uuid::from(me.session),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Somebody was faster: the password is another one by now, or the session is over.
    let (Some(account), Some(remembered)) = (account, remembered) else { return Err(wrong()) };
    session_end_all_in(&mut tx, me.user).await?;
    let Some(session) = session_insert_in(&mut tx, me.user, &new_hash, remembered).await? else { return Err(wrong()) };
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PasswordChanged {}).await?;
    letters.password_changed_in(&mut tx, Reader { user: me.user, email: &account.email, name: &account.name }, session.id).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "changed a password");
    Ok(session)
}

/// The hash of the current password, if it may be tried.
async fn stored_hash(auth: &Auth, attempts: &Attempts, user: UserId) -> Result<String, ChangePasswordError> {
    let mut tx = auth.db().system("change a password").begin().await?;
    if let Some(until) = attempts.refused_until_in(&mut tx).await? {
        return Err(wait(until, tx.now()));
    }
    let stored =
        sqlx::query_scalar!("select password_hash from auth.account where user_id = $1", Uuid::from(user)).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Counts and records that the current password was wrong.
async fn refuse(auth: &Auth, origin: Origin, me: &SignedIn, attempts: &Attempts) -> Result<ChangePasswordError, DbError> {
    let mut tx = auth.db().system("refuse to change a password").caused_by(origin).begin().await?;
    if let Counted::Refused { until } = attempts.add_in(&mut tx).await? {
        return Ok(wait(until, tx.now()));
    }
    system_event_in(&mut tx, Ledger::Platform, Actor::User(me.user), me.user, &PasswordChangeRefused {}).await?;
    tx.commit().await?;
    Ok(wrong())
}

fn wrong() -> ChangePasswordError {
    ChangePasswordError::Refused(Refused::of("current_password", Refusal::PasswordWrong))
}

fn wait(until: DateTime<Utc>, now: DateTime<Utc>) -> ChangePasswordError {
    ChangePasswordError::Throttled { wait: (until - now).to_std().unwrap_or_default() }
}

async fn check(auth: &Auth, me: &SignedIn, change: &PasswordChange) -> Result<(), Refused> {
    let mut refused = Refused::default();
    let current = change.current_password.expose();
    if current.is_empty() {
        refused.add("current_password", Refusal::PasswordMissing);
    } else if current.len() > PasswordPolicy::MAX_BYTES || current.contains('\0') {
        refused.add("current_password", Refusal::PasswordWrong);
    }
    let person = Person { name: Some(&me.name), email: Some(&me.email) };
    refused.take("new_password", password_check(auth, &change.new_password, person).await);
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

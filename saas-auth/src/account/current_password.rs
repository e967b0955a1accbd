//! The password that somebody who is signed in has, asked for once more. Wherever that is, the same attempts count: whoever finds a browser open
//! does not guess the password there.

use std::time::Duration;

use chrono::{DateTime, Utc};
use saas_core::{Actor, DbError, Event, Ledger, Origin, Secret, SignedIn, SystemTx, UserId, system_event_in};
use uuid::Uuid;

use crate::{
    Auth, HashError, PasswordPolicy,
    attempt::{Attempts, Counted},
    password::Verdict,
    refused::Refusal,
};

/// The right password was entered.
pub(crate) struct CurrentPassword {
    /// What is kept of it: whoever finds another one later was overtaken.
    pub(crate) hash: String,
    attempts: Attempts,
}

/// The right password was not entered.
#[derive(Debug)]
pub(crate) enum CurrentPasswordError {
    Wrong,
    Throttled { wait: Duration },
    Hash(HashError),
    Db(DbError),
}

impl From<HashError> for CurrentPasswordError {
    fn from(error: HashError) -> Self {
        Self::Hash(error)
    }
}

impl From<DbError> for CurrentPasswordError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<sqlx::Error> for CurrentPasswordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl CurrentPassword {
    /// Of many guesses at once the right one counts only if it was among those that may be tried.
    pub(crate) async fn counts_in(&self, tx: &mut SystemTx) -> Result<(), CurrentPasswordError> {
        may_be_tried_in(&self.attempts, tx).await
    }
}

/// Whether an account has a password at all.
pub(crate) async fn account_has_password(auth: &Auth, user: UserId) -> Result<bool, DbError> {
    let mut tx = auth.db().system("look whether there is a password").begin().await?;
    let has = sqlx::query_scalar!(r#"select password_hash is not null as "has!" from auth.account where user_id = $1"#, Uuid::from(user),)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(has)
}

/// Whether it can be a password at all.
pub(crate) fn current_password_entered(password: &Secret) -> Result<(), Refusal> {
    let text = password.expose();
    if text.is_empty() {
        Err(Refusal::PasswordMissing)
    } else if text.len() > PasswordPolicy::MAX_BYTES || text.contains('\0') {
        Err(Refusal::PasswordWrong)
    } else {
        Ok(())
    }
}

/// Checks a password, if it may be tried. That it was wrong is counted, and recorded as `refused`.
pub(crate) async fn current_password_check(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    password: &Secret,
    refused: &impl Event,
) -> Result<CurrentPassword, CurrentPasswordError> {
    let attempts = auth.attempts("current password", me.user, auth.sign_in_limit());
    let mut tx = auth.db().system("check a current password").begin().await?;
    may_be_tried_in(&attempts, &mut tx).await?;
    let hash =
        sqlx::query_scalar!("select password_hash from auth.account where user_id = $1", Uuid::from(me.user)).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    let verdict = auth.hasher().verify(password, hash.as_deref()).await?;
    if let Some(hash) = hash.filter(|_| verdict != Verdict::Wrong) {
        return Ok(CurrentPassword { hash, attempts });
    }
    let mut tx = auth.db().system("refuse a current password").caused_by(origin).begin().await?;
    if let Counted::Refused { until } = attempts.add_in(&mut tx).await? {
        return Err(throttled(until, tx.now()));
    }
    system_event_in(&mut tx, Ledger::Platform, Actor::User(me.user), me.user, refused).await?;
    tx.commit().await?;
    Err(CurrentPasswordError::Wrong)
}

async fn may_be_tried_in(attempts: &Attempts, tx: &mut SystemTx) -> Result<(), CurrentPasswordError> {
    match attempts.refused_until_in(tx).await? {
        Some(until) => Err(throttled(until, tx.now())),
        None => Ok(()),
    }
}

fn throttled(until: DateTime<Utc>, now: DateTime<Utc>) -> CurrentPasswordError {
    CurrentPasswordError::Throttled { wait: (until - now).to_std().unwrap_or_default() }
}

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Ledger, Origin, Secret, SignedIn, SystemTx, UserId, system_event_in};
use uuid::Uuid;

use super::{BackupCodes, SecondFactorError, SecondFactorOn, app_secret::AppSecret, backup_code::backup_codes_replace_in};
use crate::{
    Auth,
    account::account_lock_in,
    mail::Letters,
    session::{Method, NewSession, Replace, session_end_all_in, session_replace_in},
};

/// How long an app may take to be set up.
const WAITING: TimeDelta = TimeDelta::minutes(10);

/// An app that is being set up.
#[derive(Debug)]
pub(crate) struct Enrolment {
    secret: AppSecret,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Enrolment {
    /// The secret, to be typed into an app.
    pub(crate) fn text(&self) -> String {
        self.secret.text()
    }

    /// What an app reads from a picture.
    pub(crate) fn url(&self, auth: &Auth, me: &SignedIn) -> String {
        self.secret.url(auth.pages().product(), &me.email)
    }
}

/// Gives whoever is signed in a secret for an app, in the place of one that waits. Nothing is asked for yet.
pub(crate) async fn authenticator_begin(auth: &Auth, origin: Origin, me: &SignedIn) -> Result<Enrolment, SecondFactorError> {
    let mut tx = auth.db().system("begin to set up an authenticator app").caused_by(origin).begin().await?;
    let (id, secret, now) = (Uuid::now_v7(), AppSecret::generate(), tx.now());
    account_lock_in(&mut tx, me.user).await?;
    sqlx::query!("delete from auth.authenticator where user_id = $1 and confirmed_at is null", Uuid::from(me.user))
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "insert into auth.authenticator (id, user_id, secret, created_at) values ($1, $2, $3, $4)",
        id,
        Uuid::from(me.user),
        secret.seal(auth.keys(), id, me.user),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Enrolment { secret, expires_at: now + WAITING })
}

/// The app that waits for its first code, if there is one.
pub(crate) async fn authenticator_waiting(auth: &Auth, me: &SignedIn) -> Result<Option<Enrolment>, SecondFactorError> {
    let mut tx = auth.db().system("look at an authenticator app that is set up").begin().await?;
    let waiting = waiting_in(&mut tx, auth, me.user).await?;
    tx.commit().await?;
    Ok(waiting.map(|(_, enrolment)| enrolment))
}

async fn waiting_in(tx: &mut SystemTx, auth: &Auth, user: UserId) -> Result<Option<(Uuid, Enrolment)>, SecondFactorError> {
    let now = tx.now();
    let row = sqlx::query!(
        "select id, secret, created_at from auth.authenticator where user_id = $1 and confirmed_at is null and created_at > $2",
        Uuid::from(user),
        now - WAITING,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let secret = AppSecret::open(auth.keys(), row.id, user, &row.secret)?;
    Ok(Some((row.id, Enrolment { secret, expires_at: row.created_at + WAITING })))
}

/// Takes the first code of an app: from now on it is asked for. Gives backup codes, this once. All other sessions end; the one at hand goes on
/// under another id and token. Of any number at once one succeeds.
pub(crate) async fn authenticator_confirm(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    code: &Secret,
    letters: &Letters,
) -> Result<(BackupCodes, NewSession), SecondFactorError> {
    let mut tx = auth.db().system("set up an authenticator app").caused_by(origin).begin().await?;
    let now = tx.now();
    account_lock_in(&mut tx, me.user).await?;
    let (id, enrolment) = waiting_in(&mut tx, auth, me.user).await?.ok_or(SecondFactorError::Expired)?;
    let step = enrolment.secret.step(code.expose(), now).ok_or(SecondFactorError::Wrong)?;
    let replaced = sqlx::query!("delete from auth.authenticator where user_id = $1 and confirmed_at is not null", Uuid::from(me.user))
        .execute(&mut *tx)
        .await?;
    sqlx::query!("update auth.authenticator set confirmed_at = $2, last_step = $3 where id = $1", id, now, step).execute(&mut *tx).await?;
    let codes = backup_codes_replace_in(&mut tx, me.user).await?;
    session_end_all_in(&mut tx, me.user, Some(me.session)).await?;
    let session = session_replace_in(&mut tx, me, Replace::Proved(Method::Totp)).await?.ok_or(SecondFactorError::Expired)?;
    let on = SecondFactorOn { replaced: replaced.rows_affected() > 0 };
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &on).await?;
    letters.second_factor_on_in(&mut tx, me.into()).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "set up an authenticator app");
    Ok((codes, session))
}

/// Takes a code of the account's app, if it is right and later than the last one that was taken.
///
/// A last step that lies ahead of every clock was taken while this one was put forward: it does not count, or its owner would be kept out until
/// then.
pub(super) async fn authenticator_code_use_in(
    tx: &mut SystemTx,
    auth: &Auth,
    user: UserId,
    code: &Secret,
) -> Result<bool, SecondFactorError> {
    let now = tx.now();
    let row = sqlx::query!("select id, secret from auth.authenticator where user_id = $1 and confirmed_at is not null", Uuid::from(user))
        .fetch_optional(&mut **tx)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let Some(step) = AppSecret::open(auth.keys(), row.id, user, &row.secret)?.step(code.expose(), now) else { return Ok(false) };
    let used = sqlx::query!(
        "update auth.authenticator set last_step = $2 where id = $1 and (last_step < $2 or last_step > $3)",
        row.id,
        step,
        AppSecret::last_step(now),
    )
    .execute(&mut **tx)
    .await?;
    Ok(used.rows_affected() == 1)
}

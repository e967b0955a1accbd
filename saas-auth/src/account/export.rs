//! All that is kept of a person, given to them (CMP-01): asked for, packed by a job, and there for a day.

mod pack;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, JobOptions, Ledger, Origin, Problem, Secret, SignedIn, SystemTx, Token, UserId, job_system_in, system_event_in};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use pack::EXPORT_LIFETIME;

use super::{
    DataExportAsked, DataExportRead, DataExportRefused,
    current_password::{CurrentPasswordError, account_has_password, current_password_check, current_password_entered},
};
use crate::{
    AttemptLimit, Auth, HashError,
    attempt::{Counted, throttled},
    refused::{Refusal, Refused},
};

/// How often one account's data is packed.
const EXPORTS: AttemptLimit = AttemptLimit::new(3, TimeDelta::hours(24));

saas_core::ids! {
    /// One export of a person's data.
    pub(crate) ExportId;
}

/// What somebody who is signed in enters to be given their data.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportWanted {
    /// The password that they have, if they have one.
    #[serde(default)]
    pub(crate) password: Secret,
}

/// An export of somebody's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DataExport {
    pub(crate) id: ExportId,
    /// When it was asked for.
    pub(crate) asked_at: DateTime<Utc>,
    /// When it was packed; none while it is not.
    pub(crate) ready_at: Option<DateTime<Utc>>,
    /// When it is gone again.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Somebody is not given their data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataExportError {
    /// The current password is missing or wrong.
    #[error("the password is missing or wrong")]
    Refused(Refused),
    /// The current password was wrong too often, or it was asked for too often.
    #[error("it was tried too often")]
    Throttled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for DataExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<CurrentPasswordError> for DataExportError {
    fn from(error: CurrentPasswordError) -> Self {
        match error {
            CurrentPasswordError::Wrong => Self::Refused(Refused::of("password", Refusal::PasswordWrong)),
            CurrentPasswordError::Throttled { wait } => Self::Throttled { wait },
            CurrentPasswordError::Hash(error) => Self::Hash(error),
            CurrentPasswordError::Db(error) => Self::Db(error),
        }
    }
}

impl From<DataExportError> for Problem {
    fn from(error: DataExportError) -> Self {
        match error {
            DataExportError::Refused(refused) => refused.into(),
            DataExportError::Throttled { wait } => throttled("It was tried too often.", wait),
            DataExportError::Hash(error) => error.into(),
            DataExportError::Db(error) => error.into(),
        }
    }
}

/// Has the data of somebody packed who is signed in and knows their password, if they have one.
pub(crate) async fn export_ask(auth: &Auth, origin: Origin, me: &SignedIn, wanted: &ExportWanted) -> Result<ExportId, DataExportError> {
    let current = if account_has_password(auth, me.user).await? {
        current_password_entered(&wanted.password).map_err(|refusal| DataExportError::Refused(Refused::of("password", refusal)))?;
        Some(current_password_check(auth, origin.clone(), me, &wanted.password, &DataExportRefused {}).await?)
    } else {
        None
    };
    let mut tx = auth.db().system("ask for a person's data").caused_by(origin).begin().await?;
    if let Some(current) = current {
        current.counts_in(&mut tx).await?;
    }
    let id = export_ask_in(auth, &mut tx, me.user).await?;
    tx.commit().await?;
    Ok(id)
}

/// The same for somebody who has shown just now who they are.
pub(crate) async fn export_ask_leaving(auth: &Auth, origin: Origin, user: UserId) -> Result<ExportId, DataExportError> {
    let mut tx = auth.db().system("ask for a person's data").caused_by(origin).begin().await?;
    let id = export_ask_in(auth, &mut tx, user).await?;
    tx.commit().await?;
    Ok(id)
}

async fn export_ask_in(auth: &Auth, tx: &mut SystemTx, user: UserId) -> Result<ExportId, DataExportError> {
    let now = tx.now();
    if let Counted::Refused { until } = auth.attempts("export", user, EXPORTS).add_in(tx).await? {
        return Err(DataExportError::Throttled { wait: (until - now).to_std().unwrap_or_default() });
    }
    let id = ExportId::new();
    sqlx::query!("insert into auth.export (id, user_id, asked_at) values ($1, $2, $3)", Uuid::from(id), Uuid::from(user), now)
        .execute(&mut **tx)
        .await?;
    job_system_in(tx, None, &pack::PackData { export: id.into() }, JobOptions::new()).await?;
    system_event_in(tx, Ledger::Platform, saas_core::Actor::User(user), user, &DataExportAsked {}).await?;
    Ok(id)
}

/// The exports of somebody that are there or on their way, the latest first.
pub(crate) async fn export_list(auth: &Auth, me: &SignedIn) -> Result<Vec<DataExport>, DbError> {
    let mut tx = auth.db().system("a person's exports").begin().await?;
    let now = tx.now();
    let exports = sqlx::query_as!(
        DataExport,
        r#"select id as "id: ExportId", asked_at, ready_at, expires_at from auth.export
        where user_id = $1 and (expires_at is null or expires_at > $2)
        order by asked_at desc, id desc"#,
        Uuid::from(me.user),
        now,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(exports)
}

/// Which export somebody wants to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ExportKey<'a> {
    /// One of their own.
    Own(ExportId, UserId),
    /// That of a link that was mailed.
    Link(&'a Token),
}

/// Whether there is an export for this link, without reading it.
pub(crate) async fn export_is_there(auth: &Auth, token: &Token) -> Result<bool, DbError> {
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from auth.export where token_hash = $1 and expires_at > $2) as "is_there!""#,
        hash.as_bytes(),
        now,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(is_there)
}

/// The archive of an export, while it is there. That it was read is recorded.
pub(crate) async fn export_read(auth: &Auth, origin: Origin, key: ExportKey<'_>) -> Result<Option<Vec<u8>>, DbError> {
    let mut tx = auth.db().system("read a person's export").caused_by(origin).begin().await?;
    let now = tx.now();
    let (id, user, hash) = match key {
        ExportKey::Own(id, user) => (Some(Uuid::from(id)), Some(Uuid::from(user)), None),
        ExportKey::Link(token) => (None, None, Some(token.hash())),
    };
    let found = sqlx::query!(
        r#"select user_id as "user: UserId", archive as "archive!" from auth.export
        where ((id = $1 and user_id = $2) or token_hash = $3) and expires_at > $4 and archive is not null"#,
        id as Option<Uuid>,
        user as Option<Uuid>,
        hash.as_ref().map(saas_core::TokenHash::as_bytes) as Option<&[u8]>,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    system_event_in(&mut tx, Ledger::Platform, saas_core::Actor::User(found.user), found.user, &DataExportRead {}).await?;
    tx.commit().await?;
    Ok(Some(found.archive))
}

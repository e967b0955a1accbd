use chrono::{DateTime, Utc};
use serde_json::Value;

use super::JobId;
use crate::{Db, DbError, TenantId};

/// A job that failed for good.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The job.
    pub id: JobId,
    /// Whose it is, unless it is the program's own.
    pub tenant: Option<TenantId>,
    /// Its kind.
    pub name: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong the last time.
    pub error: String,
    /// When it was enqueued.
    pub enqueued_at: DateTime<Utc>,
    /// When it was given up.
    pub died_at: DateTime<Utc>,
}

/// The jobs that failed for good: they stay until somebody replays them. For operators, across tenants.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    db: Db,
}

impl DeadLetters {
    /// Those of this database.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    /// The latest ones, up to `limit`.
    ///
    /// # Errors
    ///
    /// Fails if the database is away.
    pub async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, DbError> {
        let mut tx = self.db.system("list dead letters").begin().await?;
        Ok(sqlx::query_as!(
            DeadLetter,
            r#"select id as "id: _", tenant_id as "tenant: _", name, attempt as attempts, coalesce(error, '') as "error!", enqueued_at,
                died_at as "died_at!"
            from core.job
            where state = 'dead'
            order by died_at desc
            limit $1"#,
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?)
    }

    /// One of them with what it carries; nothing if there is none such.
    ///
    /// # Errors
    ///
    /// Fails if the database is away.
    pub async fn show(&self, id: JobId) -> Result<Option<(DeadLetter, Value)>, DbError> {
        let mut tx = self.db.system("show a dead letter").begin().await?;
        let row = sqlx::query!(
            r#"select tenant_id as "tenant: TenantId", name, attempt, coalesce(error, '') as "error!", enqueued_at, died_at as "died_at!", payload
            from core.job
            where id = $1 and state = 'dead'"#,
            uuid::Uuid::from(id),
        )
        .fetch_optional(&mut *tx)
        .await?;
        Ok(row.map(|row| {
            let letter = DeadLetter {
                id,
                tenant: row.tenant,
                name: row.name,
                attempts: row.attempt,
                error: row.error,
                enqueued_at: row.enqueued_at,
                died_at: row.died_at,
            };
            (letter, row.payload)
        }))
    }

    /// Lets it be done again, with all its attempts. If a job with the same unique key waits, that one does it.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Unknown`] if there is none such.
    pub async fn replay(&self, id: JobId) -> Result<(), ReplayError> {
        let mut tx = self.db.system("replay a dead letter").begin().await?;
        let replayed = sqlx::query_scalar!(r#"select core.job_replay($1) as "replayed!""#, uuid::Uuid::from(id))
            .fetch_one(&mut *tx)
            .await
            .map_err(DbError::from)?;
        tx.commit().await?;
        if replayed { Ok(()) } else { Err(ReplayError::Unknown) }
    }

    /// Replays all of them, and says how many.
    ///
    /// # Errors
    ///
    /// Fails if the database is away; then none is replayed.
    pub async fn replay_all(&self) -> Result<i64, DbError> {
        let mut tx = self.db.system("replay dead letters").begin().await?;
        let replayed = sqlx::query_scalar!(
            r#"select count(*) filter (where core.job_replay(id)) as "replayed!"
            from (select id from core.job where state = 'dead' order by died_at) dead"#
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(replayed)
    }
}

/// A dead letter could not be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no dead letter of this id.
    #[error("there is no dead letter of this id")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

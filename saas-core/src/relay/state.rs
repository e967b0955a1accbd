use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Ledger, Relay};
use crate::{DbError, EventId};

/// How far the relay is behind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RelayState {
    /// Events that wait, those that are tried again among them.
    pub waiting: i64,
    /// The age of the oldest of them in seconds; 0 if there is none.
    pub lag_seconds: f64,
    /// Events that were given up.
    pub dead: i64,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeadEvent {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub ledger: Ledger,
    /// Its name.
    pub name: String,
    /// Who has taken it all the same.
    pub taken: Vec<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// Who refused it last, and why.
    pub error: String,
    /// When it was given up.
    pub dead_at: DateTime<Utc>,
}

impl Relay {
    /// How far it is behind, for metrics and the status page. Reads only what waits.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn state(&self) -> Result<RelayState, DbError> {
        let mut tx = self.db().system("how far events are relayed").begin().await?;
        let now = tx.now();
        let state = sqlx::query_as!(
            RelayState,
            r#"select waiting as "waiting!", coalesce(greatest(extract(epoch from $1 - oldest), 0), 0)::float8 as "lag_seconds!",
                (select count(*) from outbox where dead_at is not null) as "dead!"
            from (select count(*) as waiting, min(at) as oldest from outbox where relayed_at is null and dead_at is null) waiting"#,
            now,
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(state)
    }

    /// The events that were given up, the last first.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn dead(&self, limit: u32) -> Result<Vec<DeadEvent>, DbError> {
        let mut tx = self.db().system("events that were given up").begin().await?;
        let rows = sqlx::query!(
            r#"select tenant_id, id, name, taken, attempts, coalesce(error, '') as "error!", dead_at as "dead_at!"
            from outbox where dead_at is not null order by dead_at desc, id limit $1"#,
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| DeadEvent {
                id: row.id.into(),
                ledger: Ledger::from(row.tenant_id),
                name: row.name,
                taken: row.taken,
                attempts: row.attempts,
                error: row.error,
                dead_at: row.dead_at,
            })
            .collect())
    }

    /// Has an event that was given up tried again by those who have not taken it, or all of them; how many there were.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn replay(&self, only: Option<EventId>) -> Result<u64, DbError> {
        let mut tx = self.db().system("try events again").begin().await?;
        let revived = sqlx::query!(
            r#"update outbox set dead_at = null, attempts = 0, next_at = to_timestamp(0)
            where dead_at is not null and ($1::uuid is null or id = $1)"#,
            only.map(uuid::Uuid::from),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(revived.rows_affected())
    }
}

use crate::{Db, DbError};

/// How the queue is, for metrics and the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct JobStats {
    /// Jobs that are due and have not begun.
    pub waiting: i64,
    /// Jobs whose time has not come: enqueued for later, or between two attempts.
    pub scheduled: i64,
    /// Jobs that have begun.
    pub running: i64,
    /// Dead letters.
    pub dead: i64,
    /// How long the oldest of those that are due has been, in seconds; 0 if none is.
    pub oldest_waiting_s: i64,
}

impl JobStats {
    /// Counts.
    ///
    /// # Errors
    ///
    /// Fails if the database is away.
    pub async fn read(db: &Db) -> Result<Self, DbError> {
        let mut tx = db.system("count jobs").begin().await?;
        Ok(sqlx::query_as!(
            Self,
            r#"select
                count(*) filter (where state = 'waiting' and due_at <= now()) as "waiting!",
                count(*) filter (where state = 'waiting' and due_at > now()) as "scheduled!",
                count(*) filter (where state = 'running') as "running!",
                count(*) filter (where state = 'dead') as "dead!",
                coalesce(extract(epoch from now() - min(due_at) filter (where state = 'waiting' and due_at <= now())), 0)::bigint
                    as "oldest_waiting_s!"
            from core.job"#
        )
        .fetch_one(&mut *tx)
        .await?)
    }
}

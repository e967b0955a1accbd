//! One attempt: begin, call, record.

use std::time::Duration;

use sqlx::PgPool;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use super::{JobError, JobId, error::Next, handlers::Handler, options::microseconds, run::Attempt};
use crate::{Db, TenantId, backoff, failure};

/// Ends the handler when the attempt is dropped, as at the end of the program's patience.
struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The alarm must not be put away: the attempt did not end, or its end counts for nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfinished {
    /// The program stops, and has found another job before it knew.
    #[error("the program stops: the job is left to another")]
    Stopping,
    /// Somebody else's alarm by now; the library would take it away from them.
    #[error("superseded: the attempt took longer than its lease")]
    Superseded,
    /// The database could not be told how it went.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The pause after the first attempt.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(3600);

/// Does a job whose alarm rang.
pub(super) async fn attempt(
    db: &Db,
    pool: &PgPool,
    name: &'static str,
    handler: &Handler,
    id: JobId,
    alarm: i64,
) -> Result<(), Unfinished> {
    let row = sqlx::query!(
        r#"select tenant_id, payload as "payload!", run as "run!", attempt as "attempt!", attempts as "attempts!"
        from core.job_begin($1, $2, $3)"#,
        uuid::Uuid::from(id),
        alarm,
        db.clock().now(),
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let tenant = row.tenant_id.map(TenantId::from);
    let attempt = Attempt { id, run: row.run, number: row.attempt, last: row.attempts };
    let span = tracing::info_span!("job", job.name = name, job.id = %id, job.attempt = row.attempt, tenant.id = tenant.map(tracing::field::display));
    let outcome = match (handler.call)(db, attempt.clone(), tenant, row.payload) {
        Ok(work) => {
            // A task of its own: a panic ends it alone, and the time limit holds although it may not yield.
            let mut task = tokio::spawn(work.instrument(span.clone()));
            let _abort = Abort(task.abort_handle());
            match tokio::time::timeout(handler.time_limit, &mut task).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(ended)) => Err(JobError::from(ended)),
                Err(_) => Err(JobError::from(TooLong(handler.time_limit))),
            }
        }
        Err(refused) => Err(refused),
    };
    record(db, pool, &attempt, outcome).instrument(span).await
}

#[derive(Debug, thiserror::Error)]
#[error("took longer than {} s", .0.as_secs_f32())]
struct TooLong(Duration);

async fn record(db: &Db, pool: &PgPool, attempt: &Attempt, outcome: Result<(), JobError>) -> Result<(), Unfinished> {
    let id = uuid::Uuid::from(attempt.id);
    let error = match outcome {
        Ok(()) => {
            // It is gone if the handler completed it in its own transaction, or somebody else did.
            let is_done = sqlx::query_scalar!(
                r#"select core.job_end($1, $2) or not exists (select from core.job where id = $1) as "is_done!""#,
                id,
                attempt.run
            )
            .fetch_one(pool)
            .await?;
            return if is_done { Ok(()) } else { Err(Unfinished::Superseded) };
        }
        Err(error) => error,
    };
    let (delay, next) = match error.next {
        Next::Usual => (backoff::doubled(FIRST, LONGEST, attempt.number, rand::random()), "again"),
        Next::After(delay) => (delay, "again"),
        Next::PutOff(delay) => (delay, "put_off"),
        Next::Dead => (Duration::ZERO, "never"),
        Next::Nothing => return Err(Unfinished::Superseded),
    };
    let text = failure::in_full(&*error.source);
    let became = sqlx::query_scalar!(
        r#"select core.job_fail($1, $2, $3, $4, $5, $6) as "became!""#,
        id,
        attempt.run,
        text,
        // Rings at once otherwise, in the turn of those that wait.
        microseconds(delay).max(1),
        next,
        db.clock().now(),
    )
    .fetch_one(pool)
    .await?;
    match became.as_str() {
        "dead" => tracing::error!(error = text, "the job is a dead letter"),
        "waiting" if next == "put_off" => tracing::debug!(reason = text, "the job was put off"),
        "waiting" => tracing::warn!(error = text, "the attempt failed"),
        _ => return Err(Unfinished::Superseded),
    }
    Ok(())
}

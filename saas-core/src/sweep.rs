use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{DbError, Job, JobError, Jobs, SystemDb, SystemRun, idempotency::REMEMBERED};

/// How long a person can look up what they were told.
const NOTICES: TimeDelta = TimeDelta::days(180);

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct Sweep {}

impl Job for Sweep {
    const NAME: &'static str = "core.sweep";
}

/// Each night (UTC) [sweeps](sweep) what is over.
pub fn sweep_daily(jobs: &Jobs) {
    jobs.on(|run: SystemRun, _: Sweep| async move { sweep(run.db()).await.map(drop).map_err(JobError::from) });
    jobs.cron("50 3 * * *", &Sweep {});
}

/// Deletes notifications after 180 days, and answers that were kept for their idempotency keys once those mean nothing any more. Says how many.
///
/// # Errors
///
/// Fails if the database does; what was deleted until then stays so.
pub async fn sweep(db: &SystemDb) -> Result<u64, DbError> {
    let mut swept = 0;
    loop {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let notices = sqlx::query!(
            "delete from notification where (tenant_id, user_id, event_id) in (
                select tenant_id, user_id, event_id from notification where at < $1 limit $2
            )",
            now - NOTICES,
            BATCH,
        )
        .execute(&mut *tx)
        .await?;
        let answers = sqlx::query!(
            "delete from kept_answer where (tenant_id, caller_kind, caller_id, key) in (
                select tenant_id, caller_kind, caller_id, key from kept_answer where at < $1 limit $2
            )",
            now - REMEMBERED,
            BATCH,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let each = [notices, answers].map(|deleted| deleted.rows_affected());
        swept += each.iter().sum::<u64>();
        if each.iter().all(|rows| *rows < BATCH.unsigned_abs()) {
            return Ok(swept);
        }
    }
}

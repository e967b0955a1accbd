use chrono::TimeDelta;
use saas_core::{DbError, Job, Jobs, SystemDb, SystemRun};
use serde::{Deserialize, Serialize};
use sqlx::query;

use super::{Counts, EVENTS_KEPT, SUMS_KEPT};

/// For how long a batch of counts is known that was added: until then whoever sent it and heard nothing may send it again.
const BATCHES_KEPT: TimeDelta = TimeDelta::days(7);

/// How many rows one transaction deletes.
const ROWS: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct SweepUsage {}

impl Job for SweepUsage {
    const NAME: &'static str = "billing.usage.sweep";
}

impl Counts {
    /// Sweeps each night (UTC).
    pub fn sweep_daily(jobs: &Jobs) {
        jobs.on(|run: SystemRun, _: SweepUsage| async move {
            Self::sweep(run.db()).await?;
            Ok(())
        });
        jobs.cron("10 4 * * *", &SweepUsage {});
    }

    /// Deletes sums after 25 months, events 60 days after they were recorded, and what is known of batches after a week. Says how many.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what was deleted until then stays so.
    pub async fn sweep(db: &SystemDb) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let now = tx.now();
            let sums = query!(
                "delete from usage_hour where ctid = any (array(select ctid from usage_hour where hour < $1 limit $2))",
                now - SUMS_KEPT,
                ROWS,
            )
            .execute(&mut *tx)
            .await?;
            let events = query!(
                "delete from usage_event where ctid = any (array(select ctid from usage_event where recorded_at < $1 limit $2))",
                now - EVENTS_KEPT,
                ROWS,
            )
            .execute(&mut *tx)
            .await?;
            let batches = query!(
                "delete from billing.usage_batch where ctid = any (array(select ctid from billing.usage_batch where at < $1 limit $2))",
                now - BATCHES_KEPT,
                ROWS,
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            let gone = [sums, events, batches].iter().map(sqlx::postgres::PgQueryResult::rows_affected).sum::<u64>();
            swept += gone;
            if gone == 0 {
                return Ok(swept);
            }
        }
    }
}

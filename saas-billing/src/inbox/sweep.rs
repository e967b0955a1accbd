use chrono::TimeDelta;
use saas_core::{DbError, Job, Jobs, SystemDb, SystemRun};
use serde::{Deserialize, Serialize};
use sqlx::query;

use super::Inbox;

/// Longer than the gateway sends an event again (three days) and lists it (thirty).
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct SweepInbox {}

impl Job for SweepInbox {
    const NAME: &'static str = "billing.sweep";
}

impl Inbox {
    /// Sweeps each night (UTC).
    pub fn sweep_daily(jobs: &Jobs) {
        jobs.on(|run: SystemRun, _: SweepInbox| async move {
            Self::sweep(run.db()).await?;
            Ok(())
        });
        jobs.cron("40 3 * * *", &SweepInbox {});
    }

    /// Deletes events of which nothing is left to do 90 days after they came. Those that nobody could read, or has worked on yet, stay. Says
    /// how many.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what was deleted until then stays so.
    pub async fn sweep(db: &SystemDb) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let before = tx.now() - REMEMBERED;
            let gone = query!(
                "delete from billing.gateway_event where id in (
                    select id from billing.gateway_event
                    where received_at < $1 and state in ('done', 'ignored', 'foreign') order by received_at limit $2
                )",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            swept += gone;
            if gone == 0 {
                return Ok(swept);
            }
        }
    }
}

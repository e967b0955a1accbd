use chrono::TimeDelta;
use saas_core::{DbError, Job, Jobs, SystemDb, SystemRun};
use serde::{Deserialize, Serialize};

use crate::Tenancy;

/// How long an invitation is kept after it is over: as long as it can be sent again, and whoever asks what became of it is answered.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct SweepInvitations {}

impl Job for SweepInvitations {
    const NAME: &'static str = "tenancy.invitation.sweep";
}

impl Tenancy {
    /// Sweeps each night (UTC).
    pub fn sweep_daily(jobs: &Jobs) {
        jobs.on(|run: SystemRun, _: SweepInvitations| async move {
            Self::sweep(run.db()).await?;
            Ok(())
        });
        jobs.cron("35 3 * * *", &SweepInvitations {});
    }

    /// Deletes invitations that have been over for 30 days: accepted, taken back or expired. Says how many. The addresses in them are of people
    /// who may never have heard of the product.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what was deleted until then stays so.
    pub async fn sweep(db: &SystemDb) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let before = tx.now() - REMEMBERED;
            let deleted = sqlx::query!(
                "delete from tenancy.invitation
                where (tenant_id, id) in (select tenant_id, id from tenancy.invitation where least(ended_at, expires_at) < $1 limit $2)",
                before,
                BATCH,
            )
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            if deleted == 0 {
                return Ok(swept);
            }
            swept += deleted;
        }
    }
}

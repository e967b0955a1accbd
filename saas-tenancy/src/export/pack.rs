use std::time::Duration;

use chrono::TimeDelta;
use saas_core::{
    Actor, Job, JobError, Jobs, SystemDb, SystemRun, TenantArchiveError, TenantArchives, TenantId, TenantRun, TenantTx, UserId, event_in,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    LIFETIME, OrganizationExportError, OrganizationExportReady,
    letter::{Owner, ready_in},
};
use crate::Tenancy;

/// How long an archive may take to be packed, with all attempts.
const PACKING: TimeDelta = TimeDelta::days(2);

/// How many are removed between two looks.
const BATCH: i64 = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackOrganization {
    pub(super) export: Uuid,
}

impl Job for PackOrganization {
    const NAME: &'static str = "tenancy.export";
    const TIME_LIMIT: Duration = Duration::from_secs(600);
}

#[derive(Debug, Serialize, Deserialize)]
struct SweepExports {}

impl Job for SweepExports {
    const NAME: &'static str = "tenancy.export.sweep";
}

impl Tenancy {
    /// Packs the data of organizations whose owners ask for it and mails them where it is; and removes each night (UTC) what is over. Nothing where the
    /// program keeps no files.
    pub fn export_for(&self, jobs: &Jobs) {
        let Some(archives) = self.archives().cloned() else { return };
        let (tenancy, swept) = (self.clone(), archives.clone());
        jobs.on(move |run: TenantRun, job: PackOrganization| {
            let (tenancy, archives) = (tenancy.clone(), archives.clone());
            async move { tenancy.pack(&run, &archives, job.export).await }
        });
        jobs.on(move |run: SystemRun, _: SweepExports| {
            let archives = swept.clone();
            async move { Self::sweep_exports(run.db(), &archives).await.map(drop).map_err(JobError::from) }
        });
        jobs.cron("45 3 * * *", &SweepExports {});
    }

    /// The archive comes before the row that says so: whatever is killed in between is done again, over what was there. That it is ready, the mail and that
    /// the job is done are one transaction.
    async fn pack(&self, run: &TenantRun, archives: &TenantArchives, export: Uuid) -> Result<(), JobError> {
        let tenant = Uuid::from(run.tenant());
        let mut tx = run.db().clone().read_only(true).begin().await?;
        let is_wanted = sqlx::query_scalar!(
            r#"select exists (select from tenancy.export where tenant_id = $1 and id = $2 and ready_at is null) as "is_wanted!""#,
            tenant,
            export,
        )
        .fetch_one(&mut *tx)
        .await?;
        drop(tx);
        let bytes = if is_wanted { Some(archives.pack(run.db(), &self.db().inventory(), export).await?) } else { None };

        let mut tx = run.db().begin().await?;
        if let Some(bytes) = bytes {
            self.packed_in(&mut tx, export, bytes).await?;
        }
        run.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whoever asked is told, if they still own the organization.
    async fn packed_in(&self, tx: &mut TenantTx, export: Uuid, bytes: u64) -> Result<(), JobError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let packed = sqlx::query!(
            "update tenancy.export set ready_at = $3, expires_at = $4, bytes = $5 where tenant_id = $1 and id = $2 and ready_at is null",
            tenant,
            export,
            now,
            now + LIFETIME,
            i64::try_from(bytes).unwrap_or(i64::MAX),
        )
        .execute(&mut **tx)
        .await?;
        if packed.rows_affected() == 0 {
            return Ok(());
        }
        event_in(tx, Actor::System, export, &OrganizationExportReady { bytes }).await?;
        let owner = sqlx::query_as!(
            Owner,
            r#"select member.user_id as "id: UserId", member.name, member.email, tenant.name as organization
            from tenancy.export
            join core.member on member.tenant_id = export.tenant_id and member.user_id = export.asked_by
            join core.tenant on tenant.id = export.tenant_id
            where export.tenant_id = $1 and export.id = $2 and member.left_at is null and member.role = 'owner'"#,
            tenant,
            export,
        )
        .fetch_optional(&mut **tx)
        .await?;
        if let (Some(owner), Some(outbox)) = (owner, self.outbox()) {
            ready_in(tx, outbox, &owner, export).await?;
        }
        Ok(())
    }

    /// Removes archives that are over, and those that were not packed within two days. Says how many. The row goes after the bytes, so a sweep that is killed
    /// does the same again.
    ///
    /// # Errors
    ///
    /// Fails if the database or the store does; what was removed until then stays so.
    pub async fn sweep_exports(db: &SystemDb, archives: &TenantArchives) -> Result<u64, OrganizationExportError> {
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let now = tx.now();
            let over = sqlx::query!(
                r#"select tenant_id as "tenant_id: TenantId", id from tenancy.export
                where coalesce(expires_at, asked_at + $2::interval) < $1
                order by asked_at
                limit $3"#,
                now,
                PACKING as TimeDelta,
                BATCH,
            )
            .fetch_all(&mut *tx)
            .await?;
            tx.commit().await?;
            if over.is_empty() {
                return Ok(swept);
            }
            for export in over {
                archives.remove(export.tenant_id, export.id).await.map_err(TenantArchiveError::from)?;
                let mut tx = db.begin().await?;
                sqlx::query!("delete from tenancy.export where tenant_id = $1 and id = $2", Uuid::from(export.tenant_id), export.id)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                swept += 1;
            }
        }
    }
}

use std::{collections::BTreeSet, time::Duration};

use chrono::TimeDelta;
use saas_core::{
    Actor, Job, JobError, Jobs, SystemDb, SystemRun, TenantArchiveError, TenantArchives, TenantId, TenantRun, TenantTx, UserId, event_in,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    LIFETIME, OrganizationExportError, OrganizationExportFailed, OrganizationExportReady,
    letter::{Owner, ready_in},
};
use crate::Tenancy;

/// How long an archive may take to be packed, with all attempts.
const PACKING: TimeDelta = TimeDelta::days(2);

/// How long an archive is tried for. What comes later than that is given up; with the last attempt it is less than [`PACKING`].
const TRIED: TimeDelta = TimeDelta::days(1);

/// How long one attempt may take: 30 GB at 2 MB a second.
const ATTEMPT: Duration = Duration::from_secs(4 * 3600);

/// How many are removed between two looks.
const BATCH: i64 = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PackOrganization {
    pub(super) export: Uuid,
}

impl Job for PackOrganization {
    const NAME: &'static str = "tenancy.export";
    /// The last is about an hour after the first: somebody waits.
    const ATTEMPTS: u16 = 12;
    /// A moment more, for saying that it took too long.
    const TIME_LIMIT: Duration = Duration::from_secs(ATTEMPT.as_secs() + 60);
}

/// An attempt was given up.
#[derive(Debug, thiserror::Error)]
#[error("packing took longer than {} s", ATTEMPT.as_secs())]
struct TooLong(#[from] tokio::time::error::Elapsed);

#[derive(Debug, Serialize, Deserialize)]
struct SweepExports {}

impl Job for SweepExports {
    const NAME: &'static str = "tenancy.export.sweep";
    /// It asks the store about each organization.
    const TIME_LIMIT: Duration = Duration::from_secs(3600);
}

impl Tenancy {
    /// Packs the data of organizations whose owners ask for it and mails them where it is; and removes each night (UTC) what is over. Nothing where the
    /// program keeps no files.
    pub fn export_for(&self, jobs: &Jobs) {
        let Some(archives) = self.archives().cloned() else { return };
        let (tenancy, swept) = (self.clone(), archives.clone());
        jobs.on(move |run: TenantRun, job: PackOrganization| {
            let (tenancy, archives) = (tenancy.clone(), archives.clone());
            async move {
                let packed = tokio::time::timeout(ATTEMPT, tenancy.pack(&run, &archives, job.export)).await;
                let packed = packed.map_err(|elapsed| JobError::from(TooLong::from(elapsed))).flatten();
                if packed.is_err() && run.is_last_attempt() {
                    Self::pack_failed(&run, job.export).await?;
                }
                packed
            }
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
        let now = tx.now();
        let wanted_since = sqlx::query_scalar!(
            "select asked_at from tenancy.export where tenant_id = $1 and id = $2 and ready_at is null",
            tenant,
            export,
        )
        .fetch_optional(&mut *tx)
        .await?;
        drop(tx);
        if wanted_since.is_some_and(|asked_at| asked_at + TRIED < now) {
            tracing::error!(tenant.id = %tenant, export.id = %export, "an archive was not packed within a day and is given up");
            return Self::pack_failed(run, export).await;
        }
        let bytes = if wanted_since.is_some() {
            // What an attempt left that was cut off.
            removed(archives, run.tenant(), export).await?;
            Some(archives.pack(run.db(), &self.db().inventory(), export).await?)
        } else {
            None
        };

        let mut tx = run.db().begin().await?;
        if let Some(bytes) = bytes {
            self.packed_in(&mut tx, export, bytes).await?;
        }
        run.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whoever asked sees that nothing comes, and may ask again. The job is a dead letter all the same, for operators to see why.
    async fn pack_failed(run: &TenantRun, export: Uuid) -> Result<(), JobError> {
        let mut tx = run.db().begin().await?;
        let now = tx.now();
        let failed = sqlx::query!(
            "update tenancy.export set failed_at = $3 where tenant_id = $1 and id = $2 and ready_at is null and failed_at is null",
            Uuid::from(run.tenant()),
            export,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if failed.rows_affected() > 0 {
            event_in(&mut tx, Actor::System, export, &OrganizationExportFailed {}).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whoever asked is told, if they still own the organization.
    async fn packed_in(&self, tx: &mut TenantTx, export: Uuid, bytes: u64) -> Result<(), JobError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let packed = sqlx::query!(
            "update tenancy.export set ready_at = $3, expires_at = $4, bytes = $5, failed_at = null
            where tenant_id = $1 and id = $2 and ready_at is null",
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

    /// Removes archives that are over, those that were not packed within two days, and bytes that no row speaks of. Says how many. The row goes after the
    /// bytes, so a sweep that is killed does the same again. What the store does not let go is tried again the next time, and keeps nothing else.
    ///
    /// # Errors
    ///
    /// Fails if the database does, or the store is away; what was removed until then stays so.
    pub async fn sweep_exports(db: &SystemDb, archives: &TenantArchives) -> Result<u64, OrganizationExportError> {
        let (mut swept, mut seen) = (0, None);
        loop {
            let over = over(db, seen).await?;
            let Some(last) = over.last() else { break };
            seen = Some(*last);
            for (tenant, export) in over {
                if !removed(archives, tenant, export).await? {
                    continue;
                }
                let mut tx = db.begin().await?;
                sqlx::query!("delete from tenancy.export where tenant_id = $1 and id = $2", Uuid::from(tenant), export)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                swept += 1;
            }
        }
        for (tenant, export) in unknown(db, archives).await? {
            swept += u64::from(removed(archives, tenant, export).await?);
        }
        Ok(swept)
    }
}

/// Some of those that are over, after the last one that was looked at.
async fn over(db: &SystemDb, after: Option<(TenantId, Uuid)>) -> Result<Vec<(TenantId, Uuid)>, OrganizationExportError> {
    let mut tx = db.begin().await?;
    let now = tx.now();
    let over = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id from tenancy.export
        where coalesce(expires_at, asked_at + $2::interval) < $1 and ($4::uuid is null or (tenant_id, id) > ($4, $5::uuid))
        order by tenant_id, id
        limit $3"#,
        now,
        PACKING as TimeDelta,
        BATCH,
        after.map(|(tenant, _)| Uuid::from(tenant)),
        after.map(|(_, export)| export),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(over.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// What lies in the store and has no row: whoever packed it was slower than the sweep. The rows are read after the store, and come before the bytes.
async fn unknown(db: &SystemDb, archives: &TenantArchives) -> Result<Vec<(TenantId, Uuid)>, OrganizationExportError> {
    let stored = archives.stored().await.map_err(TenantArchiveError::from)?;
    let ids: Vec<Uuid> = stored.iter().map(|(_, export)| *export).collect();
    let mut tx = db.begin().await?;
    let known = sqlx::query!(r#"select tenant_id as "tenant_id: TenantId", id from tenancy.export where id = any ($1)"#, &ids)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    let known: BTreeSet<_> = known.into_iter().map(|row| (row.tenant_id, row.id)).collect();
    Ok(stored.into_iter().filter(|export| !known.contains(export)).collect())
}

/// Whether the bytes are gone. What the store keeps for a reason of its own is told of and left.
async fn removed(archives: &TenantArchives, tenant: TenantId, export: Uuid) -> Result<bool, OrganizationExportError> {
    match archives.remove(tenant, export).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => Err(TenantArchiveError::from(error).into()),
        Err(error) => {
            tracing::error!(tenant.id = %tenant, export.id = %export, error = &error as &dyn std::error::Error, "an export's bytes could not be removed");
            Ok(false)
        }
    }
}

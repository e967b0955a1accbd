use chrono::Duration;
use object_store::ObjectStoreExt as _;
use serde::{Deserialize, Serialize};
use sqlx::query;
use uuid::Uuid;

use super::{FileError, FileId, Files, storage::path};
use crate::{DbError, Job, JobError, Jobs, SystemDb, SystemRun, TenantId};

/// How long a file may take to arrive.
const ARRIVAL: Duration = Duration::days(1);

/// How many are removed between two looks.
const BATCH: i64 = 100;

#[derive(Debug, Serialize, Deserialize)]
struct SweepFiles {}

impl Job for SweepFiles {
    const NAME: &'static str = "core.file.sweep";
}

impl Files {
    /// Sweeps each night (UTC).
    pub fn sweep_daily(&self, jobs: &Jobs) {
        let files = self.clone();
        jobs.on(move |run: SystemRun, _: SweepFiles| {
            let files = files.clone();
            async move { files.sweep(run.db()).await.map(drop).map_err(JobError::from) }
        });
        jobs.cron("40 3 * * *", &SweepFiles {});
    }

    /// Removes the bytes of deleted files, and those of files that broke off while they arrived. Says how many it removed.
    ///
    /// Run it daily. The row goes after the bytes, so a sweep that is killed does the same again; two at once do no harm. What the store does not
    /// let go is tried again the next time, and keeps nothing else.
    ///
    /// # Errors
    ///
    /// Fails if the database does, or the store is away; what was removed until then stays so.
    pub async fn sweep(&self, db: &SystemDb) -> Result<u64, FileError> {
        let (mut removed, mut seen) = (0, None);
        loop {
            let swept = self.sweep_some(db, seen).await?;
            removed += swept.removed;
            seen = swept.last;
            if seen.is_none() {
                return Ok(removed);
            }
        }
    }

    /// Looks at some of those that come after the last one that was looked at.
    async fn sweep_some(&self, db: &SystemDb, after: Option<(Uuid, Uuid)>) -> Result<Swept, FileError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        // A file that is marked can no longer become ready, whoever still sends it.
        let files = query!(
            "update data.file f set state = 'deleted', deleted_at = coalesce(f.deleted_at, $1)
            from (
                select tenant_id, id from data.file
                where (state = 'deleted' or (state = 'arriving' and created_at < $2))
                    and ($4::uuid is null or (tenant_id, id) > ($4, $5::uuid))
                order by tenant_id, id
                limit $3
            ) old
            where f.tenant_id = old.tenant_id and f.id = old.id
            returning f.tenant_id, f.id",
            now,
            now - ARRIVAL,
            BATCH,
            after.map(|(tenant, _)| tenant),
            after.map(|(_, id)| id),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;

        let storage = &self.0.storage;
        let mut gone = Vec::new();
        for file in &files {
            let path = path(TenantId::from(file.tenant_id), FileId::from(file.id));
            let delete = async {
                match storage.store.delete(&path).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(FileError::Store(error.into())),
                }
            };
            match storage.writing.call(delete, FileError::is_away).await {
                Ok(()) => gone.push((file.tenant_id, file.id)),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    tracing::error!(tenant.id = %file.tenant_id, file.id = %file.id, error = &error as &dyn std::error::Error, "a file's bytes could not be removed");
                }
            }
        }

        let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = gone.iter().copied().unzip();
        let mut tx = db.begin().await?;
        query!(
            "delete from data.file f using unnest($1::uuid[], $2::uuid[]) as gone (tenant_id, id)
            where f.tenant_id = gone.tenant_id and f.id = gone.id and f.state = 'deleted'",
            &tenants,
            &ids,
        )
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;
        let last = files.iter().map(|file| (file.tenant_id, file.id)).max();
        Ok(Swept { removed: gone.len() as u64, last })
    }
}

struct Swept {
    removed: u64,
    /// The last that was looked at; none if none was left.
    last: Option<(Uuid, Uuid)>,
}

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};

use super::{AuditChain, Checkpoint};
use crate::{DbError, Job, JobError, Jobs, SystemRun, file::Storage};

/// Where they lie. No tenant has this name.
const FOLDER: &str = "audit-checkpoints";

#[derive(Debug, Serialize, Deserialize)]
struct KeepCheckpoints {}

impl Job for KeepCheckpoints {
    const NAME: &'static str = "core.audit.keep";
}

/// Checkpoints could not be kept, or those that were cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The storage is away or refuses.
    #[error("the storage of checkpoints does not do as it is told")]
    Storage(#[from] object_store::Error),
    /// What lies there is no list of checkpoints.
    #[error("what is kept is no checkpoint")]
    Unreadable(#[from] serde_json::Error),
}

impl AuditChain {
    /// Each night (UTC), before anything is pruned, keeps the ends of all chains outside of the database, where `verify` finds them.
    ///
    /// # Security
    ///
    /// It helps against those who can write to the database and not to this storage: give it a bucket of its own that lets nothing be changed
    /// or deleted (an object lock).
    pub fn keep_daily(&self, jobs: &Jobs, storage: &Storage) {
        let (chain, storage) = (self.clone(), storage.clone());
        jobs.on(move |_: SystemRun, _: KeepCheckpoints| {
            let (chain, storage) = (chain.clone(), storage.clone());
            async move { chain.keep(&storage).await.map(drop).map_err(JobError::from) }
        });
        jobs.cron("10 3 * * *", &KeepCheckpoints {});
    }

    /// What [`keep_daily`](Self::keep_daily) does, now; says when it was.
    ///
    /// # Errors
    ///
    /// Fails if the database or the storage does.
    pub async fn keep(&self, storage: &Storage) -> Result<DateTime<Utc>, CheckpointError> {
        let checkpoints = self.checkpoints().await?;
        let now = self.db.clock().now();
        let path = Path::from_iter([FOLDER.to_owned(), format!("{}.json", now.format("%Y%m%dT%H%M%S%.6fZ"))]);
        storage.store.put(&path, serde_json::to_vec(&checkpoints)?.into()).await?;
        Ok(now)
    }

    /// All that were ever kept there, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the storage does, or holds something else.
    pub async fn kept(storage: &Storage) -> Result<Vec<Checkpoint>, CheckpointError> {
        let mut files: Vec<_> = storage.store.list(Some(&Path::from(FOLDER))).map_ok(|file| file.location).try_collect().await?;
        files.sort();
        let mut kept = Vec::new();
        for file in files {
            let bytes = storage.store.get(&file).await?.bytes().await?;
            kept.extend(serde_json::from_slice::<Vec<Checkpoint>>(&bytes)?);
        }
        Ok(kept)
    }
}

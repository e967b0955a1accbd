use std::{
    fs::File,
    io::{BufWriter, Seek as _},
    num::NonZeroUsize,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, types::Json};
use tokio::{
    io::AsyncReadExt as _,
    task::{JoinError, spawn_blocking},
};
use uuid::Uuid;

use super::{
    PackError,
    archive::{Archive, Format, Row},
};
use crate::{
    DbError, Interrupted, TenantDb, TenantId, TenantStore,
    file::{FileError, Storage, objects_remove},
    inventory::Table,
};

/// How many rows are read, and held in memory, at once.
const PAGE: i64 = 500;

/// How large the parts are in which an archive lies in the store. One is in memory at a time.
const PART: usize = 16 << 20;

/// No file has this name: they are called by their ids.
const FOLDER: &str = "exports";

/// What says that an archive is whole. No part has this name.
const WHOLE: &str = "whole";

/// Archives of all that is kept of tenants, in the object store, each under an id that a row of yours knows: the row comes before the bytes and goes
/// after them. Cheap to clone.
///
/// An archive is packed into a file of this machine that has no name, and then stored in parts, which are objects like any other, and a last object that
/// says which they are. So a store that is slow keeps no transaction open; and whatever is killed leaves only what can be listed and removed, which an
/// upload in parts that the store puts together would not.
#[derive(Debug, Clone)]
pub struct TenantArchives {
    storage: Storage,
    part: usize,
}

/// Of what an archive is put together: so many parts of so many bytes in all, by one attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    attempt: Uuid,
    parts: u64,
    bytes: u64,
}

/// An archive of what is kept of a tenant cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenantArchiveError {
    /// The object store failed, was away lately, or has no such archive; or the database failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// It could not be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Whoever packed it panicked.
    #[error("an export was not packed to its end")]
    Broken(#[from] JoinError),
}

impl From<DbError> for TenantArchiveError {
    fn from(error: DbError) -> Self {
        Self::File(error.into())
    }
}

impl From<sqlx::Error> for TenantArchiveError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<Interrupted> for TenantArchiveError {
    fn from(error: Interrupted) -> Self {
        Self::File(error.into())
    }
}

impl TenantArchives {
    /// In this store.
    #[must_use]
    pub fn new(storage: Storage) -> Self {
        Self { storage, part: PART }
    }

    /// In parts of so many bytes, instead of 16 MiB.
    #[must_use]
    pub fn in_parts_of(self, part: NonZeroUsize) -> Self {
        Self { part: part.get(), ..self }
    }

    /// Packs all that is kept of the tenant, as it was at one moment: its rows of each table that [it is given](Table::is_given_to_tenant), without secrets.
    /// What is its people's alone, such as what they were told and the programs that act for them, their own exports have. A few hundred rows and one part
    /// are in memory at a time, whatever there is; all of it is on the disk of this machine meanwhile. What was under this id before is replaced. Says how
    /// many bytes it has.
    ///
    /// # Errors
    ///
    /// Fails if the database, the disk or the store does, or if the inventory gives what the application may not read for a tenant; then what was under this
    /// id before is as it was.
    pub async fn pack(&self, db: &TenantDb, inventory: &[Table], id: Uuid) -> Result<u64, TenantArchiveError> {
        let tenant = db.tenant().ok_or(FileError::Missing)?;
        let pass = self.storage.writing.enter()?;
        let stored = async { self.put(tenant, id, pour(db, inventory, tenant).await?).await }.await;
        match &stored {
            Ok(_) => pass.succeeded(),
            Err(TenantArchiveError::File(file)) if file.is_away() => pass.failed(),
            Err(_) => drop(pass),
        }
        stored
    }

    /// Stores an archive in parts, and then says that it is whole. What breaks off takes its parts back if it can; if not, they go with the archive.
    async fn put(&self, tenant: TenantId, id: Uuid, mut packed: tokio::fs::File) -> Result<u64, TenantArchiveError> {
        let attempt = Uuid::now_v7();
        let stored = self.put_parts(&parts(tenant, id, attempt), &mut packed).await;
        let stored = match stored {
            Ok((parts, bytes)) => {
                let whole = serde_json::to_vec(&Whole { attempt, parts, bytes }).map_err(PackError::from)?;
                self.storage.store.put(&whole_path(tenant, id), whole.into()).await.map(|_| bytes).map_err(away)
            }
            Err(error) => Err(error),
        };
        if stored.is_err()
            && let Err(error) = objects_remove(&self.storage, &parts(tenant, id, attempt)).await
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "an export that broke off could not be taken back at once");
        }
        Ok(stored?)
    }

    /// How many parts it came to, and how many bytes.
    async fn put_parts(&self, folder: &Path, packed: &mut tokio::fs::File) -> Result<(u64, u64), FileError> {
        let (mut parts, mut bytes) = (0, 0);
        loop {
            let mut part = Vec::new();
            let read = (&mut *packed).take(self.part as u64).read_to_end(&mut part).await.map_err(FileError::Store)?;
            if read == 0 {
                return Ok((parts, bytes));
            }
            self.storage.store.put(&part_path(folder, parts), part.into()).await.map_err(away)?;
            (parts, bytes) = (parts + 1, bytes + read as u64);
        }
    }

    /// The bytes of an archive, and how many they are.
    ///
    /// # Errors
    ///
    /// Fails if the store does. One that is not there, or not whole, is [`FileError::Missing`].
    pub async fn read(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, object_store::Error>> + Send + use<>), FileError> {
        let get = async {
            let found = async { self.storage.store.get(&whole_path(tenant, id)).await?.bytes().await };
            found.await.map_err(|error| match error {
                object_store::Error::NotFound { .. } => FileError::Missing,
                error => away(error),
            })
        };
        let whole = self.storage.reading.call(get, FileError::is_away).await?;
        let whole: Whole = serde_json::from_slice(&whole).map_err(|error| FileError::Store(error.into()))?;
        let (store, folder) = (Arc::clone(&self.storage.store), parts(tenant, id, whole.attempt));
        let parts = stream::iter(0..whole.parts).then(move |part| {
            let (store, path) = (Arc::clone(&store), part_path(&folder, part));
            async move { Ok::<_, object_store::Error>(store.get(&path).await?.into_stream()) }
        });
        Ok((whole.bytes, parts.try_flatten()))
    }

    /// Removes an archive, and what is left of attempts at it.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn remove(&self, tenant: TenantId, id: Uuid) -> Result<(), FileError> {
        objects_remove(&self.storage, &archive(tenant, id)).await
    }

    /// All archives of which there is something in the store, whole or not. One request for each tenant that has anything there; one that the store refuses
    /// is told of and left out.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn stored(&self) -> Result<Vec<(TenantId, Uuid)>, FileError> {
        let folders = async |prefix: Option<&Path>| {
            let list = async { self.storage.store.list_with_delimiter(prefix).await.map_err(away) };
            self.storage.reading.call(list, FileError::is_away).await.map(|listed| listed.common_prefixes)
        };
        let named = |path: &Path| path.filename().and_then(|name| name.parse::<Uuid>().ok());
        let mut stored = Vec::new();
        for tenant in folders(None).await?.iter().filter_map(named).map(TenantId::from) {
            match folders(Some(&folder(tenant))).await {
                Ok(found) => stored.extend(found.iter().filter_map(named).map(|id| (tenant, id))),
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "a tenant's archives could not be listed");
                }
            }
        }
        Ok(stored)
    }
}

#[async_trait]
impl TenantStore for TenantArchives {
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(objects_remove(&self.storage, &folder(tenant)).await?)
    }
}

fn away(error: object_store::Error) -> FileError {
    FileError::Store(error.into())
}

/// Where a tenant's archives lie: under the prefix of all that is the tenant's.
fn folder(tenant: TenantId) -> Path {
    Path::from_iter([tenant.to_string(), FOLDER.to_owned()])
}

fn archive(tenant: TenantId, id: Uuid) -> Path {
    folder(tenant).join(id.to_string())
}

fn whole_path(tenant: TenantId, id: Uuid) -> Path {
    archive(tenant, id).join(WHOLE)
}

/// Where an attempt puts its parts: two that are at it at once disturb nothing of each other.
fn parts(tenant: TenantId, id: Uuid, attempt: Uuid) -> Path {
    archive(tenant, id).join(attempt.to_string())
}

fn part_path(folder: &Path, part: u64) -> Path {
    folder.clone().join(part.to_string())
}

/// Reads and packs it all in turns, into a file that is gone when it is closed, whoever closes it.
async fn pour(db: &TenantDb, inventory: &[Table], tenant: TenantId) -> Result<tokio::fs::File, TenantArchiveError> {
    let file = spawn_blocking(tempfile::tempfile).await?.map_err(PackError::from)?;
    let mut archive = Archive::large(BufWriter::new(file));
    let mut tx = db.clone().snapshot().begin().await?;
    for table in inventory.iter().filter(|table| table.is_given_to_tenant()) {
        let Some(owner) = table.tenant() else { continue };
        let columns = table.given_to_tenant();
        for format in Format::BOTH {
            archive.begin(table.name, &columns, format)?;
            // Read once for each format: to keep the rows would take memory, and in one snapshot they are the same.
            let cursor = format!("declare kept no scroll cursor for {}", table.selecting(&columns, owner));
            sqlx::query(AssertSqlSafe(cursor)).bind(Uuid::from(tenant)).execute(&mut *tx).await?;
            loop {
                let fetch = format!("fetch {PAGE} from kept");
                let rows: Vec<Json<Row>> = sqlx::query_scalar(AssertSqlSafe(fetch)).fetch_all(&mut *tx).await?;
                if rows.is_empty() {
                    break;
                }
                archive = packing(archive, rows).await?;
            }
            sqlx::query("close kept").execute(&mut *tx).await?;
        }
    }
    drop(tx);
    let finished = spawn_blocking(move || {
        let mut file = archive.finish()?.into_inner().map_err(|error| PackError::from(error.into_error()))?;
        file.rewind()?;
        Ok::<_, PackError>(file)
    });
    Ok(tokio::fs::File::from_std(finished.await??))
}

/// Compressing takes a while: others get their turn meanwhile.
async fn packing(mut archive: Archive<BufWriter<File>>, rows: Vec<Json<Row>>) -> Result<Archive<BufWriter<File>>, TenantArchiveError> {
    let packed = spawn_blocking(move || {
        let rows: Vec<Row> = rows.into_iter().map(|row| row.0).collect();
        archive.rows(&rows)?;
        Ok::<_, PackError>(archive)
    });
    Ok(packed.await??)
}

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use object_store::{ObjectStoreExt as _, buffered::BufWriter, path::Path};
use sqlx::{AssertSqlSafe, types::Json};
use tokio::{io::AsyncWriteExt as _, task::JoinError};
use uuid::Uuid;
use zip::write::StreamWriter;

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

/// How much of an archive is in memory at a time; S3 takes no smaller parts.
const BUFFER: usize = 5 << 20;

/// No file has this name: they are called by their ids.
const FOLDER: &str = "exports";

/// Archives of all that is kept of tenants, in the object store, each under an id that a row of yours knows: the row comes before the bytes and goes
/// after them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TenantArchives {
    storage: Storage,
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

/// What was packed and is not stored yet.
#[derive(Debug, Clone, Default)]
struct Packed(Arc<Mutex<Vec<u8>>>);

impl Packed {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TenantArchives {
    /// In this store.
    #[must_use]
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }

    /// Packs all that is kept of the tenant, as it was at one moment: its rows of each table that [it is given](Table::is_given_to_tenant), without secrets.
    /// What is its people's alone, such as what they were told and the programs that act for them, their own exports have. A few hundred rows are in memory at a time, whatever there is. What was under this id before is replaced. Says how many bytes it has.
    ///
    /// # Errors
    ///
    /// Fails if the database or the store does, or if the inventory gives what the application may not read for a tenant; then what was under this id before
    /// is as it was.
    pub async fn pack(&self, db: &TenantDb, inventory: &[Table], id: Uuid) -> Result<u64, TenantArchiveError> {
        let tenant = db.tenant().ok_or(FileError::Missing)?;
        let pass = self.storage.writing.enter()?;
        let mut store = BufWriter::with_capacity(Arc::clone(&self.storage.store), path(tenant, id), BUFFER).with_max_concurrency(1);
        match pour(&mut store, db, inventory, tenant).await {
            Ok(bytes) => {
                let stored = store.shutdown().await.map_err(FileError::Store);
                match &stored {
                    Ok(()) => pass.succeeded(),
                    Err(error) if error.is_away() => pass.failed(),
                    Err(_) => drop(pass),
                }
                stored?;
                Ok(bytes)
            }
            Err(error) => {
                match &error {
                    TenantArchiveError::File(file) if file.is_away() => pass.failed(),
                    _ => drop(pass),
                }
                if let Err(error) = store.abort().await {
                    tracing::debug!(error = %error, "an export that broke off could not be taken back at once");
                }
                Err(error)
            }
        }
    }

    /// The bytes of an archive, and how many they are.
    ///
    /// # Errors
    ///
    /// Fails if the store does. One that is not there is [`FileError::Missing`].
    pub async fn read(
        &self,
        tenant: TenantId,
        id: Uuid,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, object_store::Error>> + Send + use<>), FileError> {
        let get = async {
            self.storage.store.get(&path(tenant, id)).await.map_err(|error| match error {
                object_store::Error::NotFound { .. } => FileError::Missing,
                error => FileError::Store(error.into()),
            })
        };
        let object = self.storage.reading.call(get, FileError::is_away).await?;
        Ok((object.meta.size, object.into_stream()))
    }

    /// Removes an archive, if it is there.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn remove(&self, tenant: TenantId, id: Uuid) -> Result<(), FileError> {
        let delete = async {
            match self.storage.store.delete(&path(tenant, id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(FileError::Store(error.into())),
            }
        };
        self.storage.writing.call(delete, FileError::is_away).await
    }
}

#[async_trait]
impl TenantStore for TenantArchives {
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(objects_remove(&self.storage, &folder(tenant)).await?)
    }
}

/// Where a tenant's archives lie: under the prefix of all that is the tenant's.
fn folder(tenant: TenantId) -> Path {
    Path::from_iter([tenant.to_string(), FOLDER.to_owned()])
}

fn path(tenant: TenantId, id: Uuid) -> Path {
    Path::from_iter([tenant.to_string(), FOLDER.to_owned(), id.to_string()])
}

/// Reads, packs and stores it all in turns, and says how many bytes it came to.
async fn pour(store: &mut BufWriter, db: &TenantDb, inventory: &[Table], tenant: TenantId) -> Result<u64, TenantArchiveError> {
    let mut tx = db.clone().snapshot().begin().await?;
    let (packed, mut bytes) = (Packed::default(), 0);
    let mut archive = Archive::stream(packed.clone());
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
                bytes += keep(store, &packed).await?;
            }
            sqlx::query("close kept").execute(&mut *tx).await?;
        }
    }
    drop(tx);
    archive.finish()?;
    Ok(bytes + keep(store, &packed).await?)
}

/// Compressing takes a while: others get their turn meanwhile.
async fn packing(
    mut archive: Archive<StreamWriter<Packed>>,
    rows: Vec<Json<Row>>,
) -> Result<Archive<StreamWriter<Packed>>, TenantArchiveError> {
    let packed = tokio::task::spawn_blocking(move || {
        let rows: Vec<Row> = rows.into_iter().map(|row| row.0).collect();
        archive.rows(&rows)?;
        Ok::<_, PackError>(archive)
    });
    Ok(packed.await??)
}

async fn keep(store: &mut BufWriter, packed: &Packed) -> Result<u64, FileError> {
    let bytes = packed.take();
    store.write_all(&bytes).await.map_err(FileError::Store)?;
    Ok(bytes.len() as u64)
}

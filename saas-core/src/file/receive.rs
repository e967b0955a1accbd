use std::{error::Error, pin::Pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use object_store::buffered::BufWriter;
use sha2::{Digest as _, Sha256};
use sqlx::query;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::{File, FileAdded, FileError, FileId, FileOwner, Files, storage::path};
use crate::{Actor, DbError, TenantDb, event_in};

/// How many bytes it takes to tell what a file is.
const HEAD: usize = 8 << 10;

/// How much of a file is in memory at a time; S3 takes no smaller parts.
const BUFFER: usize = 5 << 20;

/// A file as its sender describes it.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// What it belongs to.
    pub owner: FileOwner,
    /// Its name; folders in it are left out.
    pub name: &'a str,
    /// Its type as its sender calls it.
    pub declared: &'a str,
}

impl Files {
    /// Takes a file as it arrives, holding a few megabytes of it at a time.
    ///
    /// Two short transactions stand around the bytes: none is open while they arrive.
    ///
    /// # Errors
    ///
    /// Fails if the file is not permitted, breaks off, or cannot be stored; nothing of it can then be read, and the sweep removes the rest.
    pub async fn receive<S, E>(&self, db: &TenantDb, actor: Actor, new: NewFile<'_>, content: S) -> Result<File, FileError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let name = plain_name(new.name)?;
        let mut content = Box::pin(content);
        let head = head(&mut content).await?;
        let rules = &self.0.rules;
        let media_type = rules.media_type(&head, new.declared).ok_or(FileError::Kind { taken: rules.types })?;

        // Nothing is written down while the store is away.
        let pass = self.0.storage.writing.enter()?;
        let id = FileId::new();
        let mut tx = db.begin().await?;
        let tenant = tx.tenant().ok_or(FileError::Missing)?;
        let (user, now) = (tx.user(), tx.now());
        query!(
            "insert into file (tenant_id, id, name, media_type, owner_kind, owner_id, created_by, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
            Uuid::from(tenant),
            Uuid::from(id),
            name,
            media_type,
            new.owner.kind,
            new.owner.id,
            user.map(Uuid::from),
            now,
        )
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
        tx.commit().await?;

        let store = BufWriter::with_capacity(Arc::clone(&self.0.storage.store), path(tenant, id), BUFFER);
        let kept = keep(store, head, &mut content, rules.max_bytes).await;
        match &kept {
            Ok(_) => pass.succeeded(),
            Err(error) if error.is_away() => pass.failed(),
            // Whoever sent it is to blame, which says nothing of the store.
            Err(_) => drop(pass),
        }
        let (bytes, hash) = kept?;

        let mut tx = db.begin().await?;
        // Deleting the owner meanwhile deletes the file too: then it is not arriving any more.
        let made = query!(
            "update file set state = 'ready', bytes = $3, sha256 = $4 where tenant_id = $1 and id = $2 and state = 'arriving'",
            Uuid::from(tenant),
            Uuid::from(id),
            i64::try_from(bytes).unwrap_or(i64::MAX),
            hash,
        )
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)?;
        if made.rows_affected() == 0 {
            return Err(FileError::Missing);
        }
        event_in(&mut tx, actor, id, &FileAdded { name: name.to_owned(), media_type, bytes }).await?;
        tx.commit().await?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(File { id, name: name.to_owned(), media_type: media_type.to_owned(), bytes, created_at: now, created_by: user })
    }
}

/// The name without folders, as some browsers send them.
fn plain_name(name: &str) -> Result<&str, FileError> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let fits = (1..=255).contains(&name.chars().count()) && !name.contains(char::is_control) && ![".", ".."].contains(&name);
    if fits { Ok(name) } else { Err(FileError::Name) }
}

/// The first bytes, or all of them if they are few.
async fn head<S, E>(content: &mut Pin<Box<S>>) -> Result<Bytes, FileError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut head = BytesMut::new();
    while head.len() < HEAD {
        let Some(chunk) = content.next().await else { break };
        head.extend_from_slice(&chunk.map_err(|error| FileError::BrokenOff(error.into()))?);
    }
    Ok(head.freeze())
}

/// Writes everything, to stay or not at all.
async fn keep<S, E>(mut store: BufWriter, head: Bytes, content: &mut Pin<Box<S>>, max_bytes: u64) -> Result<(u64, Vec<u8>), FileError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    match pour(&mut store, head, content, max_bytes).await {
        Ok(poured) => {
            store.shutdown().await.map_err(FileError::Store)?;
            Ok(poured)
        }
        Err(error) => {
            // What could not be taken back now, the sweep removes by the row.
            if let Err(error) = store.abort().await {
                tracing::debug!(error = %error, "a broken upload could not be taken back at once");
            }
            Err(error)
        }
    }
}

/// Writes everything and says how many bytes they were and what their SHA-256 is.
async fn pour<S, E>(store: &mut BufWriter, head: Bytes, content: &mut Pin<Box<S>>, max_bytes: u64) -> Result<(u64, Vec<u8>), FileError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut bytes, mut hash) = (0, Sha256::new());
    let mut chunk = head;
    loop {
        bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if bytes > max_bytes {
            return Err(FileError::TooLarge { max_bytes });
        }
        hash.update(&chunk);
        store.write_all(&chunk).await.map_err(FileError::Store)?;
        chunk = match content.next().await {
            Some(chunk) => chunk.map_err(|error| FileError::BrokenOff(error.into()))?,
            None => break,
        };
    }
    Ok((bytes, hash.finalize().to_vec()))
}

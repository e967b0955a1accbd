use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use object_store::ObjectStoreExt as _;
use serde::Serialize;
use sqlx::{FromRow, query, query_as};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    FileId, Files,
    storage::{is_answer, path},
};
use crate::{
    Actor, DbError, Interrupted, Listed, Order, OrderBy, Problem, ProblemType, TenantDb, TenantId, TenantTx, UserId, extract::is_over_limit,
};

/// What a file belongs to: an entity of the application, by the name of its kind and its id. Files are deleted with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOwner {
    /// The kind, such as `order`.
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// The name that it was sent with, without folders.
    pub name: String,
    /// What its bytes are.
    pub media_type: String,
    /// Its length in bytes.
    pub bytes: i64,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// Who sent it; none if it was no person.
    pub created_by: Option<UserId>,
}

impl Listed for File {
    const ORDERS: &'static [Order] = &[
        Order::new("name", "lower(name)", OrderBy::Text),
        Order::new("created_at", "created_at", OrderBy::Time),
        Order::new("bytes", "bytes", OrderBy::Number),
    ];
}

/// A file cannot be taken or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It has no name, or one of more than 255 characters or with control characters.
    #[error("the name of the file cannot be used")]
    Name,
    /// It has more bytes than are taken.
    #[error("the file has more than {max_bytes} bytes")]
    TooLarge {
        /// The most that it may have.
        max_bytes: u64,
    },
    /// It is of a kind that is not taken.
    #[error("files of this kind are not taken")]
    Kind {
        /// The media types that are.
        taken: &'static [&'static str],
    },
    /// It broke off.
    #[error("the file did not arrive whole")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is not there, or not any more.
    #[error("there is no such file")]
    Missing,
    /// The object store is away or refused.
    #[error("the object store failed")]
    Store(#[source] std::io::Error),
    /// The object store was away lately and was not asked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Name => Self::invalid([crate::FieldError::new("/file", "needs a name of 1 to 255 characters")]),
            FileError::TooLarge { max_bytes } => {
                Self::new(&ProblemType::TOO_LARGE).detail(format!("a file may have at most {max_bytes} bytes")).with("limit", max_bytes)
            }
            FileError::Kind { taken } => Self::new(&ProblemType::UNSUPPORTED_MEDIA_TYPE)
                .detail(format!("files of these kinds are taken: {}", taken.join(", ")))
                .with("taken", taken),
            FileError::BrokenOff(source) if is_over_limit(&*source) => Self::new(&ProblemType::TOO_LARGE),
            FileError::BrokenOff(source) => {
                Self::new(&ProblemType::BAD_REQUEST).detail("the file did not arrive whole").because(Source(source))
            }
            FileError::Missing => Self::not_found(),
            FileError::Store(source) => Self::unavailable(source),
            FileError::Interrupted(interrupted) => interrupted.into(),
            FileError::Database(error) => error.into(),
        }
    }
}

impl FileError {
    /// Whether the object store is away, so that it is no use to ask it for the next thing. What it refuses for a reason of its own is an answer.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.is_away() || matches!(self, Self::Interrupted(_))
    }

    /// Whether the object store is what failed.
    pub(crate) fn is_away(&self) -> bool {
        let Self::Store(error) = self else { return false };
        !error.get_ref().and_then(|it| it.downcast_ref()).is_some_and(is_answer)
    }
}

/// A boxed error as an error of its own.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Source(Box<dyn std::error::Error + Send + Sync>);

impl Files {
    /// The files of `owner`, the newest first, at most `limit` of them.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn files_in(tx: &mut TenantTx, owner: FileOwner, limit: i64) -> Result<Vec<File>, DbError> {
        let files = query_as!(
            File,
            r#"select id as "id: FileId", name, media_type, bytes, created_at, created_by as "created_by: UserId"
            from file
            where tenant_id = $1 and owner_kind = $2 and owner_id = $3 and state = 'ready'
            order by created_at desc, id desc
            limit $4"#,
            tx.tenant().map(Uuid::from),
            owner.kind,
            owner.id,
            limit,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(files)
    }

    /// One file that is there whole.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn file_in(tx: &mut TenantTx, id: FileId) -> Result<Option<File>, DbError> {
        let file = query_as!(
            File,
            r#"select id as "id: FileId", name, media_type, bytes, created_at, created_by as "created_by: UserId"
            from file where tenant_id = $1 and id = $2 and state = 'ready'"#,
            tx.tenant().map(Uuid::from),
            Uuid::from(id),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(file)
    }

    /// Deletes one file: it cannot be read from the commit on; its bytes go with the next sweep. Answers with its name.
    ///
    /// # Errors
    ///
    /// Fails if the database does. A file that is not there is [`FileError::Missing`].
    pub async fn file_delete_in(tx: &mut TenantTx, actor: Actor, id: FileId) -> Result<(), FileError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let name = sqlx::query_scalar!(
            "update file set state = 'deleted', deleted_at = $3 where tenant_id = $1 and id = $2 and state = 'ready' returning name",
            tenant,
            Uuid::from(id),
            now,
        )
        .fetch_optional(&mut **tx)
        .await
        .map_err(DbError::from)?
        .ok_or(FileError::Missing)?;
        crate::event_in(tx, actor, id, &super::FileDeleted { name }).await?;
        Ok(())
    }

    /// Deletes all files of something that is being deleted itself, and says how many they were. Records nothing: the owner's own event does.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn files_delete_in(tx: &mut TenantTx, owner: FileOwner) -> Result<u64, DbError> {
        let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
        let deleted = query!(
            "update file set state = 'deleted', deleted_at = $4
            where tenant_id = $1 and owner_kind = $2 and owner_id = $3 and state <> 'deleted'",
            tenant,
            owner.kind,
            owner.id,
            now,
        )
        .execute(&mut **tx)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// The bytes of a file, and how many they are.
    ///
    /// # Errors
    ///
    /// Fails if the database or the store does. A file that is not there is [`FileError::Missing`].
    pub async fn read(
        &self,
        db: &TenantDb,
        id: FileId,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, object_store::Error>> + Send + use<>), FileError> {
        let mut tx = db.begin().await?;
        let file = Self::file_in(&mut tx, id).await?.ok_or(FileError::Missing)?;
        let tenant = tx.tenant().ok_or(FileError::Missing)?;
        drop(tx);
        self.bytes_of(tenant, file.id).await
    }

    /// The bytes of a file whose row was read.
    pub(super) async fn bytes_of(
        &self,
        tenant: TenantId,
        id: FileId,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, object_store::Error>> + Send + use<>), FileError> {
        let storage = &self.0.storage;
        let get = async { storage.store.get(&path(tenant, id)).await.map_err(|error| FileError::Store(error.into())) };
        let object = storage.reading.call(get, FileError::is_away).await?;
        Ok((object.meta.size, object.into_stream()))
    }

    /// An address that leads `reader` to the bytes, for fifteen minutes.
    ///
    /// # Errors
    ///
    /// Fails if the database does. A file that is not there is [`FileError::Missing`].
    pub async fn link(&self, db: &TenantDb, reader: Actor, id: FileId) -> Result<String, FileError> {
        let mut tx = db.begin().await?;
        let file = Self::file_in(&mut tx, id).await?.ok_or(FileError::Missing)?;
        let tenant = tx.tenant().ok_or(FileError::Missing)?;
        Ok(self.0.links.link(tenant, file.id, reader, tx.now()))
    }
}

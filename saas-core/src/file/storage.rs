use std::sync::Arc;

use object_store::{Error, ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path};
use url::Url;

use super::FileId;
use crate::{Breaker, Dependencies, Dependency, TenantId};

/// Where the bytes of files lie: a local folder, or a bucket that speaks the S3 protocol (feature `s3`).
///
/// While it is away, files are refused at once with 503, and it is asked in the background whether it is back. What is refused for another
/// reason, such as a wrong key, is an answer of a store that works.
#[derive(Debug, Clone)]
pub struct Storage {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) reading: Breaker,
    pub(crate) writing: Breaker,
}

// Two, because a full disk can still be read.
const READING: Dependency = Dependency::new("files_reading").shown_as("core-status-files-reading");
const WRITING: Dependency = Dependency::new("files_writing").shown_as("core-status-files-writing");

/// What is written and removed to find out whether that can be done. No tenant has this name.
const PROBE: &str = "probe";

/// The place for files cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The folder cannot be made or read.
    #[error("the folder for files cannot be used")]
    Folder(#[source] std::io::Error),
    /// The address or an option of it is wrong.
    #[error("the address of the storage for files is not understood")]
    Address(#[source] object_store::Error),
}

impl Storage {
    /// Opens `file:///folder` or `s3://bucket/prefix`. Options are the store's own, such as `aws_endpoint`, `aws_region`,
    /// `aws_access_key_id`, `aws_secret_access_key`; names are those of the `object_store` crate.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made, or the address or an option is not understood. Whether a bucket answers shows at its first use.
    pub fn open(url: &Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, StorageError> {
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| StorageError::Folder(std::io::ErrorKind::InvalidInput.into()))?;
            return Self::folder(&folder);
        }
        Self::bucket(url, options)
    }

    /// Keeps files in a folder, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made.
    pub fn folder(folder: &std::path::Path) -> Result<Self, StorageError> {
        std::fs::create_dir_all(folder).map_err(StorageError::Folder)?;
        Ok(Self::new(LocalFileSystem::new_with_prefix(folder).map_err(StorageError::Address)?.with_automatic_cleanup(true)))
    }

    #[cfg(feature = "s3")]
    fn bucket(url: &Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, StorageError> {
        use object_store::{RetryConfig, aws::AmazonS3Builder, prefix::PrefixStore};
        // Somebody waits for the answer: the store's own three minutes are too long.
        let retry = RetryConfig { max_retries: 2, retry_timeout: std::time::Duration::from_secs(10), ..RetryConfig::default() };
        let builder = AmazonS3Builder::new().with_url(url.as_str()).with_retry(retry);
        let store = options
            .into_iter()
            .try_fold(builder, |builder, (name, value)| Ok(builder.with_config(name.parse()?, value)))
            .and_then(AmazonS3Builder::build)
            .map_err(StorageError::Address)?;
        let prefix = Path::from_url_path(url.path()).map_err(|error| StorageError::Address(error.into()))?;
        Ok(Self::new(PrefixStore::new(store, prefix)))
    }

    #[cfg(not(feature = "s3"))]
    fn bucket(url: &Url, _: impl IntoIterator<Item = (String, String)>) -> Result<Self, StorageError> {
        let source = format!("files can be kept at file:// alone; {}:// needs the feature s3", url.scheme()).into();
        Err(StorageError::Address(object_store::Error::NotSupported { source }))
    }

    /// Any store of the `object_store` crate.
    #[must_use]
    pub fn new(store: impl ObjectStore) -> Self {
        Self { store: Arc::new(store), reading: Breaker::new(READING), writing: Breaker::new(WRITING) }.with_probes()
    }

    /// Tells these whether it is away.
    #[must_use]
    pub fn shown_in(self, dependencies: &Dependencies) -> Self {
        Self { reading: dependencies.breaker(READING), writing: dependencies.breaker(WRITING), ..self }.with_probes()
    }

    fn with_probes(self) -> Self {
        let store = Arc::clone(&self.store);
        self.reading.probe_with(move || {
            let store = Arc::clone(&store);
            async move { store.head(&Path::from(PROBE)).await.as_ref().err().is_none_or(is_answer) }
        });
        let store = Arc::clone(&self.store);
        self.writing.probe_with(move || {
            let store = Arc::clone(&store);
            async move {
                let written = async {
                    store.put(&Path::from(PROBE), PROBE.into()).await?;
                    store.delete(&Path::from(PROBE)).await
                };
                written.await.as_ref().err().is_none_or(is_answer)
            }
        });
        self
    }
}

/// Whether it is the store that says so. What comes from the network, the disk, or a server that fails has no kind of its own.
pub(super) fn is_answer(error: &Error) -> bool {
    !matches!(error, Error::Generic { .. })
}

/// Where a file lies. The tenant stands first, so that all of a tenant's files have one prefix.
pub(super) fn path(tenant: TenantId, file: FileId) -> Path {
    Path::from_iter([tenant.to_string(), file.to_string()])
}

use std::sync::Arc;

use object_store::{ObjectStore, local::LocalFileSystem, path::Path};
use url::Url;

use super::FileId;
use crate::TenantId;

/// Where the bytes of files lie: a local folder, or a bucket that speaks the S3 protocol (feature `s3`).
#[derive(Debug, Clone)]
pub struct Storage(pub(super) Arc<dyn ObjectStore>);

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
        let store = LocalFileSystem::new_with_prefix(folder).map_err(StorageError::Address)?.with_automatic_cleanup(true);
        Ok(Self(Arc::new(store)))
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
        Ok(Self(Arc::new(PrefixStore::new(store, prefix))))
    }

    #[cfg(not(feature = "s3"))]
    fn bucket(url: &Url, _: impl IntoIterator<Item = (String, String)>) -> Result<Self, StorageError> {
        let source = format!("files can be kept at file:// alone; {}:// needs the feature s3", url.scheme()).into();
        Err(StorageError::Address(object_store::Error::NotSupported { source }))
    }

    /// Any store of the `object_store` crate.
    #[must_use]
    pub fn new(store: impl ObjectStore) -> Self {
        Self(Arc::new(store))
    }
}

/// Where a file lies. The tenant stands first, so that all of a tenant's files have one prefix.
pub(super) fn path(tenant: TenantId, file: FileId) -> Path {
    Path::from_iter([tenant.to_string(), file.to_string()])
}

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, path::Path};

use super::{FileError, Files, Storage};
use crate::{TenantId, TenantStore};

/// The bytes of all files of a tenant, those that no row knows included: they have one prefix.
#[async_trait]
impl TenantStore for Files {
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(objects_remove(&self.0.storage, &Path::from(tenant.to_string())).await?)
    }
}

/// Removes all that lies under a prefix.
pub(crate) async fn objects_remove(storage: &Storage, prefix: &Path) -> Result<(), FileError> {
    let list = async { storage.store.list(Some(prefix)).try_collect::<Vec<_>>().await.map_err(|error| FileError::Store(error.into())) };
    for object in storage.reading.call(list, FileError::is_away).await? {
        let delete = async {
            match storage.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(FileError::Store(error.into())),
            }
        };
        storage.writing.call(delete, FileError::is_away).await?;
    }
    Ok(())
}

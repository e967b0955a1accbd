//! A store that does not let one object go.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory, path::Path,
};
use saas_core::{
    Actor, MasterKey,
    file::{FileOwner, FileRules, Files, NewFile, Storage},
    testing::TestDb,
};

#[derive(Debug, Clone, Default)]
struct Stubborn {
    inner: Arc<InMemory>,
    /// What stays.
    held: Arc<Mutex<Option<Path>>>,
}

impl fmt::Display for Stubborn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stubborn")
    }
}

#[async_trait]
impl ObjectStore for Stubborn {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let it = self.clone();
        let delete = move |path: Result<Path>| {
            let it = it.clone();
            async move {
                let path = path?;
                if it.held.lock().unwrap().as_ref() == Some(&path) {
                    return Err(Error::PermissionDenied { path: path.to_string(), source: "it is held".into() });
                }
                it.inner.delete(&path).await.map(|()| path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// OPS-07: what the store does not let go is tried again the next time, and keeps nothing else.
#[tokio::test]
async fn a_file_that_cannot_be_removed_keeps_no_other() {
    let (test, store) = (TestDb::new(&[]).await.unwrap(), Stubborn::default());
    let db = test.db.tenant(test.tenant("acme").await);
    let files = Files::new(Storage::new(store.clone()), &MasterKey::generate(), FileRules::DOCUMENTS);
    let owner = FileOwner { kind: super::ORDER, id: uuid::Uuid::now_v7() };
    let mut first = None;
    for name in ["one.txt", "two.txt", "three.txt"] {
        let new = NewFile { owner, name, declared: "text/plain" };
        let file =
            files.receive(&db, Actor::System, new, stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(name))])).await.unwrap();
        first.get_or_insert(Path::from_iter([db.tenant().unwrap().to_string(), file.id.to_string()]));
    }
    let mut tx = db.begin().await.unwrap();
    assert_eq!(Files::files_delete_in(&mut tx, owner).await.unwrap(), 3);
    tx.commit().await.unwrap();
    // The first that the sweep looks at.
    *store.held.lock().unwrap() = first.clone();
    let system = test.db.system("sweep files");
    let objects = async || store.inner.list(None).map(|object| object.unwrap().location).collect::<Vec<_>>().await;
    assert_eq!(files.sweep(&system).await.unwrap(), 2);
    assert_eq!(objects().await, [first.unwrap()]);
    *store.held.lock().unwrap() = None;
    assert_eq!(files.sweep(&system).await.unwrap(), 1);
    assert!(objects().await.is_empty());
}

//! Stores that are slow, fail, are waited for in vain, or do not let go.

use std::{
    collections::BTreeSet,
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, memory::InMemory, path::Path,
};
use saas_core::{TenantArchives, file::Storage};
use saas_tenancy::{Role, Tenancy};
use sqlx::{Connection as _, PgConnection};

use super::{Scene, read};

/// What a store does with each object that it is sent, before it keeps it.
type Put = dyn Fn(&str) -> BoxFuture<'static, object_store::Result<()>> + Send + Sync;

/// A store that is asked to.
#[derive(Clone)]
struct Willful {
    inner: Arc<InMemory>,
    put: Arc<Put>,
    /// A part of the names of what it does not let go.
    holds: Arc<Mutex<Option<String>>>,
}

impl Willful {
    fn new(put: impl Fn(&str) -> BoxFuture<'static, object_store::Result<()>> + Send + Sync + 'static) -> Self {
        Self { inner: Arc::default(), put: Arc::new(put), holds: Arc::default() }
    }

    fn archives(&self) -> TenantArchives {
        TenantArchives::new(Storage::new(self.clone())).in_parts_of(NonZeroUsize::new(1000).unwrap())
    }

    async fn objects(&self) -> Vec<String> {
        self.inner.list(None).map(|object| object.unwrap().location.to_string()).collect().await
    }
}

impl fmt::Debug for Willful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Willful")
    }
}

impl fmt::Display for Willful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Willful")
    }
}

#[async_trait]
impl ObjectStore for Willful {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        (self.put)(at.as_ref()).await?;
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> object_store::Result<Box<dyn MultipartUpload>> {
        (self.put)(at.as_ref()).await?;
        self.inner.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, object_store::Result<Path>>) -> BoxStream<'static, object_store::Result<Path>> {
        let it = self.clone();
        let delete = move |path: object_store::Result<Path>| {
            let it = it.clone();
            async move {
                let path = path?;
                if it.holds.lock().unwrap().as_ref().is_some_and(|held| path.as_ref().contains(held)) {
                    return Err(object_store::Error::PermissionDenied { path: path.to_string(), source: "it is held".into() });
                }
                it.inner.delete(&path).await.map(|()| path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// However slow the store is: nothing of the database is held meanwhile, so no time limit of a transaction ends it and no row waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_stored_no_transaction_is_open() {
    let scene = Scene::new().await;
    let url = scene.app.test.database.superuser_url().expose().to_owned();
    let (parts, open) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let store = {
        let (parts, open) = (Arc::clone(&parts), Arc::clone(&open));
        Willful::new(move |_| {
            let (url, parts, open) = (url.clone(), Arc::clone(&parts), Arc::clone(&open));
            async move {
                let mut superuser = PgConnection::connect(&url).await.unwrap();
                let query =
                    "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'";
                open.fetch_add(sqlx::query_scalar(query).fetch_one(&mut superuser).await.unwrap(), Ordering::Relaxed);
                parts.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            .boxed()
        })
    };
    let db = scene.app.test.db.tenant(scene.tenant);
    store.archives().pack(&db, &scene.app.test.db.inventory(), uuid::Uuid::now_v7()).await.unwrap();
    assert!(parts.load(Ordering::Relaxed) > 3);
    assert_eq!(open.load(Ordering::Relaxed), 0);
}

/// A store that fails in the middle keeps nothing of it, and what was there before is as it was; of whoever is killed there, all can be found.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_archive_that_broke_off_go() {
    let scene = Scene::new().await;
    let (db, inventory, id) = (scene.app.test.db.tenant(scene.tenant), scene.app.test.db.inventory(), uuid::Uuid::now_v7());
    const KILLED: i64 = -1000;
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let store = {
        let left = Arc::clone(&left);
        Willful::new(move |_| {
            let left = left.fetch_sub(1, Ordering::Relaxed);
            async move {
                match left {
                    ..=KILLED => std::future::pending().await,
                    -500..=0 => Err(object_store::Error::PermissionDenied { path: String::new(), source: "no".into() }),
                    _ => Ok(()),
                }
            }
            .boxed()
        })
    };
    let archives = store.archives();
    archives.pack(&db, &inventory, id).await.unwrap();
    let (before, objects) = (read(&archives, scene.tenant, id).await.unwrap(), store.objects().await);
    left.store(2, Ordering::Relaxed);
    archives.pack(&db, &inventory, id).await.unwrap_err();
    assert_eq!(store.objects().await, objects, "two parts came and were taken back");
    // Two parts come, and then it is killed while it waits for the store.
    left.store(KILLED + 2, Ordering::Relaxed);
    let killed = tokio::time::timeout(Duration::from_secs(2), archives.pack(&db, &inventory, id)).await;
    assert!(killed.is_err());
    assert_eq!(store.objects().await.len(), objects.len() + 2);
    assert_eq!(read(&archives, scene.tenant, id).await.unwrap(), before);
    archives.remove(scene.tenant, id).await.unwrap();
    assert_eq!(store.objects().await, Vec::<String>::new());
}

/// One that cannot be deleted keeps no other, and bytes that no row speaks of go too.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_takes_all_that_it_can() {
    let scene = Scene::new().await;
    let store = Willful::new(|_| async { Ok(()) }.boxed());
    let (archives, inventory) = (store.archives(), scene.app.test.db.inventory());
    let over = "insert into tenancy.export (tenant_id, id, asked_by, asked_at) values ($1, $2, $3, $4)";
    let mut all = Vec::new();
    for slug in ["one", "two", "three"] {
        let tenant = scene.app.test.tenant(slug).await;
        let (owner, id) = (scene.app.member(tenant, Role::Owner).await, uuid::Uuid::now_v7());
        archives.pack(&scene.app.test.db.tenant(tenant), &inventory, id).await.unwrap();
        let mut tx = scene.app.test.db.system("arrange a test").begin().await.unwrap();
        let asked = scene.clock.now() - TimeDelta::days(3);
        sqlx::query(over).bind(tenant).bind(id).bind(owner).bind(asked).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        all.push((tenant, id));
    }
    all.sort();
    // Its row is gone already, or never came.
    archives.pack(&scene.app.test.db.tenant(scene.tenant), &inventory, uuid::Uuid::now_v7()).await.unwrap();
    // One that is wanted.
    let wanted = scene.ask().await.parse().unwrap();
    archives.pack(&scene.app.test.db.tenant(scene.tenant), &inventory, wanted).await.unwrap();

    *store.holds.lock().unwrap() = Some(all[0].1.to_string());
    let sweep = async || Tenancy::sweep_exports(&scene.app.test.db.system("sweep"), &archives).await.unwrap();
    assert_eq!(sweep().await, 3, "two that are over, and one that nobody knows");
    let left: BTreeSet<_> = archives.stored().await.unwrap().into_iter().collect();
    assert_eq!(left, BTreeSet::from([all[0], (scene.tenant, wanted)]));
    assert_eq!(scene.count("select count(*) from tenancy.export").await, 2, "the row stays with its bytes");
    *store.holds.lock().unwrap() = None;
    assert_eq!(sweep().await, 1);
    assert_eq!(archives.stored().await.unwrap(), [(scene.tenant, wanted)]);
    assert!(read(&archives, scene.tenant, wanted).await.is_some());
}

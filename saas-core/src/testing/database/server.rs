//! The server that a test process works on.

use std::{
    collections::HashMap,
    env,
    future::Future,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::{
    Connection, PgConnection, PgPool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, Postgres},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Mutex, OnceCell, Semaphore},
};
use url::Url;
use uuid::Uuid;

use super::{TestDatabaseError, directory, drops, refused, template::Template};
use crate::{
    Secret,
    dev::{self, DevDatabase, DevOptions},
};

/// Cargo starts test programs one after another; the cluster need not stop in between.
const LINGER: Duration = Duration::from_secs(4);

/// Copies that are made at once. More would only wait for the same disk.
const WORKERS: u32 = 4;

const REGISTRY: &str = r"
    select pg_advisory_xact_lock(5432000);
    create schema if not exists saas_testing;
    revoke all on schema saas_testing from public;
    create table if not exists saas_testing.template (
        name text primary key,
        owner text not null,
        app text not null,
        system text not null,
        used_at timestamptz not null default now()
    );
    create table if not exists saas_testing.copy (
        name text primary key,
        process bigint not null
    );
";

/// One per process, and never dropped: the cluster stops when the process has gone.
pub(super) struct Server {
    superuser: Url,
    pool: PgPool,
    /// Names this process in the registry: it lives as long as the session below holds an advisory lock on the number, which the server
    /// releases however the process ends.
    pub(super) process: i64,
    pub(super) session: Mutex<PgConnection>,
    pub(super) templates: Mutex<HashMap<String, Arc<Template>>>,
    pub(super) drops: Semaphore,
    _cluster: Option<DevDatabase>,
}

impl Server {
    /// The server of this process; the first call starts it.
    pub(super) async fn get() -> Result<&'static Self, TestDatabaseError> {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        SERVER
            .get_or_try_init(async || {
                let server = run(Self::start()).await?;
                Ok(server)
            })
            .await
    }

    async fn start() -> Result<Self, TestDatabaseError> {
        let (superuser, cluster) = match env::var_os("SAAS_TEST_SUPERUSER_URL").filter(|url| !url.is_empty()) {
            Some(url) => (url.to_string_lossy().into_owned(), None),
            None => {
                let directory = directory::find()?;
                let options = DevOptions { directory, durable: false, linger: LINGER, ..DevOptions::new("saas_testing") };
                let cluster = dev::start(options).await?;
                (cluster.superuser_url().to_owned(), Some(cluster))
            }
        };
        let options = PgConnectOptions::from_str(&superuser).map_err(refused("read its address"))?;
        let superuser = Url::parse(&superuser).map_err(TestDatabaseError::Url)?;

        let mut session = PgConnection::connect_with(&options).await.map_err(refused("let the superuser in"))?;
        let is_superuser: bool = sqlx::query_scalar("select rolsuper from pg_roles where rolname = current_user")
            .fetch_one(&mut session)
            .await
            .map_err(refused("show the superuser's rights"))?;
        if !is_superuser {
            return Err(TestDatabaseError::NoSuperuser);
        }
        sqlx::raw_sql(REGISTRY).execute(&mut session).await.map_err(refused("make the registry of databases"))?;
        let process = i64::from(rand::random::<u32>()) << 24 | i64::from(std::process::id() & 0x00ff_ffff);
        sqlx::query("select pg_advisory_lock($1)").bind(process).execute(&mut session).await.map_err(refused("take a lock"))?;
        drops::collect(&mut session).await?;

        let pool = PgPoolOptions::new().max_connections(WORKERS).acquire_timeout(Duration::from_secs(300)).connect_lazy_with(options);
        Ok(Self {
            superuser,
            pool,
            process,
            session: Mutex::new(session),
            templates: Mutex::default(),
            drops: Semaphore::new(1),
            _cluster: cluster,
        })
    }

    /// A connection of the superuser to the registry's database. Only inside of [`run`].
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>, TestDatabaseError> {
        self.pool.acquire().await.map_err(refused("let the superuser in"))
    }

    /// A name that no database has had.
    pub(super) fn new_name(&self) -> String {
        format!("test_{}", Uuid::now_v7().simple())
    }

    /// The superuser's address for a database.
    pub(super) fn superuser_url(&self, database: &str) -> Secret {
        let mut url = self.superuser.clone();
        url.set_path(database);
        Secret::new(url)
    }

    /// The address for another login.
    pub(super) fn url(&self, login: &str, password: &str, database: &str) -> Result<Secret, TestDatabaseError> {
        let mut url = self.superuser.clone();
        url.set_path(database);
        let set = url.set_username(login).and_then(|()| url.set_password(Some(password)));
        set.map_err(|()| TestDatabaseError::Url(url::ParseError::EmptyHost))?;
        Ok(Secret::new(url))
    }
}

/// The runtime that outlives every test's own, for connections that tests share and for work that goes on after a test.
pub(super) fn runtime() -> Result<&'static Runtime, TestDatabaseError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("test-databases")
        .enable_all()
        .build()
        .map_err(TestDatabaseError::Runtime)?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// Does the work on that runtime. It is finished even when the caller is cancelled.
pub(super) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, TestDatabaseError>> + Send + 'static,
) -> Result<T, TestDatabaseError> {
    runtime()?.spawn(work).await.map_err(TestDatabaseError::Interrupted)?
}

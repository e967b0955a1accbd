//! What parts of the framework are measured with that need no product: a database with core's tables alone, and all cores.

use saas_core::{Clock, DatabaseConfig, Db, MasterKey, Secret, TenantId, Token, dev::DevDatabase, provision};
use sqlx::{Connection as _, PgConnection};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::{Outcome, cluster::Cluster, plan::Plan};

pub(crate) struct Library {
    pub(crate) db: Db,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) postmaster: u32,
    owner: Secret,
    config: DatabaseConfig,
    cores: Cores,
    _database: DevDatabase,
}

impl Library {
    pub(crate) async fn start(cluster: &Cluster, plan: &Plan) -> Outcome<Self> {
        let database = cluster.database("bench_core").await?;
        let owner = Secret::new(database.url());
        Db::migrate_as(&owner, &[]).await?;
        let logins = provision(&owner, |_| Token::generate().text()).await?;
        let tenants: Vec<Uuid> = (0..plan.tenants).map(|_| Uuid::now_v7()).collect();
        let mut connection = PgConnection::connect(database.superuser_url()).await?;
        sqlx::query("insert into core.tenant (id, slug, name, created_at) select t, 't-' || n, 'Tenant', $2 from unnest($1::uuid[]) with ordinality as x (t, n)")
            .bind(&tenants)
            .bind(Clock::system().now())
            .execute(&mut connection)
            .await?;
        // What a plain insert is made into.
        sqlx::raw_sql(
            "create table data.note (tenant_id uuid not null, id uuid not null, subject text not null, data jsonb not null, \
                at timestamptz not null, primary key (tenant_id, id)); select core.isolate('data.note')",
        )
        .execute(&mut connection)
        .await?;
        connection.close().await?;
        let cores = Cores(Some(Runtime::new()?));
        let config = DatabaseConfig {
            app: logins.app,
            system: logins.system,
            max_connections: plan.pool,
            allow_old_server: true,
            ..DatabaseConfig::default()
        };
        let db = cores.connect(config.clone()).await?;
        let tenants = tenants.into_iter().map(TenantId::from).collect();
        Ok(Self { db, tenants, postmaster: cluster.postmaster()?, owner, config, cores, _database: database })
    }

    /// Another program on the same database, which seals its transactions.
    pub(crate) async fn connect(&self, seal: Option<MasterKey>) -> Outcome<Db> {
        self.cores.connect(DatabaseConfig { seal, ..self.config.clone() }).await
    }

    /// Seals the database with this key, or opens it.
    pub(crate) async fn seal(&self, key: Option<&MasterKey>) -> Outcome<()> {
        match key {
            Some(key) => Db::seal(&self.owner, key).await?,
            None => Db::unseal(&self.owner).await?,
        }
        Ok(())
    }

    /// Runs something on all cores, as a server would.
    pub(crate) async fn run<T: Send + 'static>(&self, what: impl Future<Output = Outcome<T>> + Send + 'static) -> Outcome<T> {
        self.cores.run(what).await
    }
}

/// A runtime like a server's, beside the one that measures.
struct Cores(Option<Runtime>);

impl Cores {
    async fn connect(&self, config: DatabaseConfig) -> Outcome<Db> {
        self.run(async move { Ok(Db::connect(&config, &[], Clock::system()).await?) }).await
    }

    async fn run<T: Send + 'static>(&self, what: impl Future<Output = Outcome<T>> + Send + 'static) -> Outcome<T> {
        self.0.as_ref().ok_or("it has ended")?.spawn(what).await?
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // Waiting for it is not allowed where this is dropped.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::{TestDatabase, TestDatabaseError};
use crate::{Clock, DatabaseConfig, Db, MasterKey, Migrations, Secret, TenantId, UserId, db::with_core, provision};

/// A migrated database that belongs to one test, connected to as the program would be.
#[derive(Debug)]
pub struct TestDb {
    /// The database, as a program has it: through the application and the system login, never as its owner.
    pub db: Db,
    /// What is beneath it.
    pub database: TestDatabase,
}

impl TestDb {
    /// A database with these migrations (core's come first by themselves), and the system's clock.
    ///
    /// # Errors
    ///
    /// Fails if there is no PostgreSQL, or a migration does not apply.
    pub async fn new(migrations: &[Migrations]) -> Result<Self, TestDatabaseError> {
        Self::at(migrations, Clock::system(), 5).await
    }

    /// The same with a clock of the test's own and so many connections.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub async fn at(migrations: &[Migrations], clock: Clock, max_connections: u32) -> Result<Self, TestDatabaseError> {
        Self::make(migrations, clock, max_connections, None).await
    }

    /// A database with these migrations that is [sealed](Db::seal) with this key.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub async fn sealed(migrations: &[Migrations], key: &MasterKey) -> Result<Self, TestDatabaseError> {
        Self::make(migrations, Clock::system(), 5, Some(key)).await
    }

    async fn make(
        migrations: &[Migrations],
        clock: Clock,
        max_connections: u32,
        seal: Option<&MasterKey>,
    ) -> Result<Self, TestDatabaseError> {
        // A failing test shows what went wrong inside; a passing one shows nothing.
        crate::telemetry::init_test_logs();
        let database = TestDatabase::from_template(&key(migrations), async |owner: &Secret| {
            Db::migrate_as(owner, migrations).await.map_err(boxed)?;
            provision(owner, |_| Secret::new("test")).await.map_err(boxed)
        })
        .await?;
        if let Some(key) = seal {
            Db::seal(database.owner_url(), key).await.map_err(|error| TestDatabaseError::Prepare(boxed(error)))?;
        }
        let config = DatabaseConfig {
            owner: Some(database.owner_url().clone()),
            app: database.logins().app.clone(),
            system: database.logins().system.clone(),
            max_connections,
            seal: seal.cloned(),
            allow_old_server: true,
            ..DatabaseConfig::default()
        };
        let db = Db::connect(&config, migrations, clock).await.map_err(|error| TestDatabaseError::Prepare(boxed(error)))?;
        Ok(Self { db, database })
    }

    /// A new tenant, written by the system login.
    ///
    /// # Panics
    ///
    /// If the database refuses, for example a second tenant of the same short name.
    pub async fn tenant(&self, slug: &str) -> TenantId {
        let id = TenantId::new();
        self.system("insert into core.tenant (id, slug, name, created_at) values ($1, $2, $2, $3)", id.into(), slug).await;
        id
    }

    /// A new person, who belongs nowhere yet.
    ///
    /// # Panics
    ///
    /// If the database refuses.
    pub async fn user(&self) -> UserId {
        let id = UserId::new();
        self.system("insert into core.user (id, created_at) select $1, $3 where $2 = $2", id.into(), "").await;
        id
    }

    /// Sweeps as happens each night, and says of which tables how many rows went.
    ///
    /// # Panics
    ///
    /// If the database refuses.
    pub async fn sweep(&self) -> BTreeMap<&'static str, u64> {
        let swept = crate::sweep(&self.db.system("a test sweeps")).await.unwrap_or_else(|error| panic!("the test is swept: {error}"));
        swept.into_iter().filter(|expired| expired.rows > 0).map(|expired| (expired.table, expired.rows)).collect()
    }

    /// Makes a person a member of a tenant.
    ///
    /// # Panics
    ///
    /// If the database refuses.
    pub async fn member(&self, tenant: TenantId, user: UserId, role: &str) {
        let outcome = async {
            let mut tx = self.db.system("arrange a test").begin().await?;
            let now = tx.now();
            sqlx::query("insert into core.member (tenant_id, user_id, role, name, email, joined_at) values ($1, $2, $3, $4, $5, $6)")
                .bind(tenant)
                .bind(user)
                .bind(role)
                .bind(format!("{role} {user}"))
                .bind(format!("{user}@example.com"))
                .bind(now)
                .execute(&mut *tx)
                .await?;
            tx.commit().await
        };
        arranged(outcome.await);
    }

    /// Ends a person's membership.
    ///
    /// # Panics
    ///
    /// If the database refuses, as it does for the last owner.
    pub async fn left(&self, tenant: TenantId, user: UserId) {
        let outcome = async {
            let mut tx = self.db.system("arrange a test").begin().await?;
            let now = tx.now();
            sqlx::query("update core.member set left_at = $3 where tenant_id = $1 and user_id = $2")
                .bind(tenant)
                .bind(user)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            tx.commit().await
        };
        arranged(outcome.await);
    }

    async fn system(&self, statement: &'static str, id: uuid::Uuid, text: &str) {
        let outcome = async {
            let mut tx = self.db.system("arrange a test").begin().await?;
            let now = tx.now();
            sqlx::query(statement).bind(id).bind(text).bind(now).execute(&mut *tx).await?;
            tx.commit().await
        };
        arranged(outcome.await);
    }
}

/// Only tests come here, and a test that cannot be arranged has failed.
fn arranged(outcome: Result<(), crate::DbError>) {
    if let Err(error) = outcome {
        panic!("the test cannot be arranged: {error:?}");
    }
}

fn boxed(error: impl std::error::Error + Send + Sync + 'static) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(error)
}

/// A hash over everything that the migrations do.
fn key(migrations: &[Migrations]) -> String {
    let mut hash = Sha256::new();
    hash.update(include_str!("../../migrations/provision.sql"));
    hash.update(crate::job::INSTALL);
    for set in with_core(migrations) {
        hash.update(set.name);
        for migration in [set.control, set.data].into_iter().flatten().flat_map(sqlx::migrate::Migrator::iter) {
            hash.update(&*migration.checksum);
        }
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

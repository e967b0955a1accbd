//! Each crate owns its migrations; the program runs them all, as the owner, under one lock.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, migrate::Migrator};

use super::{Db, DbError, READ, pool::OpenTransaction, provision};
use crate::{failure, inventory::Table};

/// What a crate brings to the database.
///
/// Forward only. `control` is for tables in a schema named after the crate; `data` for tables that live where the tenant's data lives, found
/// through the search path.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// The crate's short name; also the name of its schema.
    pub name: &'static str,
    /// Migrations of the control plane.
    pub control: Option<&'static Migrator>,
    /// Migrations of the data plane.
    pub data: Option<&'static Migrator>,
    /// Functions that run as their owner because they look something up before a tenant is known: `schema.name`.
    pub lookups: &'static [&'static str],
    /// Every table and column that they make.
    pub inventory: &'static [Table],
}

/// Core's own come first, always.
pub(crate) static CORE: Migrations = Migrations {
    name: "core",
    control: Some(&CONTROL),
    data: Some(&DATA),
    lookups: &["core.leaves", "core.reader", "core.seal_holds", "core.seal_keys", "core.seal_of", "core.stays"],
    inventory: crate::inventory::CORE,
};

/// Jobs have tables of a library besides core's own, which its own migrations make.
static JOBS: Migrations = Migrations {
    name: "jobs",
    control: None,
    data: None,
    lookups: &["core.job_add", "core.job_complete", "core.mail_add"],
    inventory: crate::job::JOBS,
};

static CONTROL: Migrator = sqlx::migrate!("migrations/control");
static DATA: Migrator = sqlx::migrate!("migrations/data");

/// Any number will do, as long as every program that migrates uses the same.
const LOCK: i64 = 0x5AA5_0001;

/// How long a migration waits for a table in use. Meanwhile everybody else who wants the table waits behind it.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// How long others have it to themselves then.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// How often it is tried again: for about two minutes, four times as long as a statement of the program may take.
const LOCK_TRIES: u32 = 40;

struct Step<'a> {
    migrator: &'a Migrator,
    table: String,
    search_path: &'static str,
}

impl Migrations {
    fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let control =
            self.control.map(|migrator| Step { migrator, table: format!("{}._migrations", self.name), search_path: "pg_catalog" });
        let data =
            self.data.map(|migrator| Step { migrator, table: format!("data._migrations_{}", self.name), search_path: "data, pg_catalog" });
        control.into_iter().chain(data)
    }
}

impl Db {
    /// Brings the database up to date, as the owner. Several nodes may do so at once: one works, the others wait.
    ///
    /// A migration that changes a table in use waits 2 s for it, lets the others go on for a second, and tries again, for two minutes.
    ///
    /// # Errors
    ///
    /// Fails if there is no owner login, or with the first migration that does not apply.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let owner = self.inner.owner.as_ref().ok_or(MigrateError::NoOwner)?;
        migrate(owner, &self.inner.sets).await
    }

    /// Migrates as the owner, when the other logins may not exist yet.
    ///
    /// # Errors
    ///
    /// Fails with the first migration that does not apply.
    pub async fn migrate_as(owner: &crate::Secret, sets: &[Migrations]) -> Result<(), MigrateError> {
        let sets: Vec<_> = with_core(sets).copied().collect();
        migrate(owner, &sets).await
    }

    /// How many of the migrations that the program needs are not in the database yet.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize, DbError> {
        let mut transaction = OpenTransaction::begin(&self.inner.app, READ).await?;
        Ok(pending(&mut transaction, &self.inner.sets).await?)
    }

    /// Every table that the program's crates say they make.
    #[must_use]
    pub fn inventory(&self) -> Vec<Table> {
        self.inner.sets.iter().flat_map(|set| set.inventory).copied().collect()
    }
}

async fn pending(connection: &mut PgConnection, sets: &[Migrations]) -> Result<usize, sqlx::Error> {
    let mut pending = 0;
    for step in sets.iter().flat_map(Migrations::steps) {
        let known: bool = sqlx::query_scalar("select to_regclass($1) is not null").bind(&step.table).fetch_one(&mut *connection).await?;
        let applied: Vec<i64> = if known {
            sqlx::query_scalar(AssertSqlSafe(format!("select version from {} where success", step.table)))
                .fetch_all(&mut *connection)
                .await?
        } else {
            Vec::new()
        };
        pending += step.migrator.iter().filter(|migration| !applied.contains(&migration.version)).count();
    }
    Ok(pending)
}

pub(crate) fn with_core(sets: &[Migrations]) -> impl Iterator<Item = &Migrations> {
    [&CORE, &JOBS].into_iter().chain(sets)
}

/// Migrates with an owner login alone, before the other logins need to exist.
async fn migrate(owner: &crate::Secret, sets: &[Migrations]) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect(owner.expose()).await.map_err(MigrateError::Connect)?;
    // Held by the session: it ends with the connection, whatever happens.
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut connection).await.map_err(MigrateError::Connect)?;
    provision::prepare(&mut connection).await.map_err(MigrateError::Roles)?;
    // Its worker would migrate as itself, and may not.
    crate::job::install(owner, &mut connection).await.map_err(MigrateError::Jobs)?;
    let limit = format!("set lock_timeout = '{}ms'", LOCK_WAIT.as_millis());
    connection.execute(AssertSqlSafe(limit)).await.map_err(MigrateError::Connect)?;
    for set in sets {
        let mut left = LOCK_TRIES;
        loop {
            match apply(&mut connection, set).await {
                Err(error) if left > 0 && error.passes() => {
                    left -= 1;
                    tracing::warn!(name = set.name, left, "a migration waits for what is in use");
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                result => break result?,
            }
        }
    }
    connection.close().await.map_err(MigrateError::Connect)
}

async fn apply(connection: &mut PgConnection, set: &Migrations) -> Result<(), MigrateError> {
    let failed = |source| MigrateError::Apply { name: set.name, source };
    let sql = |source: sqlx::Error| failed(source.into());
    if set.control.is_some() {
        let schema = format!(
            "create schema if not exists {name}; revoke all on schema {name} from public; grant usage on schema {name} to saas_app, saas_system",
            name = set.name
        );
        connection.execute(AssertSqlSafe(schema)).await.map_err(sql)?;
    }
    for step in set.steps() {
        connection.execute(AssertSqlSafe(format!("set search_path = {}", step.search_path))).await.map_err(sql)?;
        let mut migrator = Migrator::with_migrations(step.migrator.iter().cloned().collect());
        migrator.dangerous_set_table_name(step.table.clone());
        migrator.set_locking(false);
        // A newer release may have migrated already; it promises to be usable by this one.
        migrator.set_ignore_missing(true);
        migrator.run_direct(None, connection, false).await.map_err(failed)?;
        let readable = format!("revoke all on {table} from public; grant select on {table} to saas_app, saas_system", table = step.table);
        connection.execute(AssertSqlSafe(readable)).await.map_err(sql)?;
    }
    Ok(())
}

/// The database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// There is no owner login to migrate with.
    #[error("DATABASE_URL is not set: migrations run as the owner of the database")]
    NoOwner,
    /// The owner login cannot connect.
    #[error("the database of DATABASE_URL cannot be reached: {0}")]
    Connect(#[source] sqlx::Error),
    /// The group roles could not be made.
    #[error("the roles could not be made: the login of DATABASE_URL must own the database and have CREATEROLE: {0}")]
    Roles(#[source] sqlx::Error),
    /// The tables of the job library could not be made or updated.
    #[error("the tables of jobs could not be brought up to date: {0}")]
    Jobs(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A migration does not apply.
    #[error("a migration of {name} failed: {source}")]
    Apply {
        /// The crate.
        name: &'static str,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

impl MigrateError {
    /// Whether it helps to try again: a table is in use, also by somebody who waits for another of ours, or another node that has migrated
    /// already is granting the same.
    fn passes(&self) -> bool {
        let Self::Apply { source, .. } = self else { return false };
        let refused = failure::causes(source).find_map(|error| match error.downcast_ref() {
            Some(sqlx::Error::Database(refused)) => Some(refused),
            _ => None,
        });
        refused.is_some_and(|it| {
            it.code().is_some_and(|code| code == "55P03" || code == "40P01") || it.message().starts_with("tuple concurrently")
        })
    }
}

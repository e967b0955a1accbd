//! The isolated database: a tenant's data is reached through a tenant's transaction, or not at all.
//!
//! Three logins. The owner migrates and does nothing else. The application ([`TenantDb`]) sees one tenant at a time, which row-level
//! security enforces. The system ([`Db::system`]) sees all tenants and says why. None of the pools is public.

mod check;
mod connect;
mod connections;
mod error;
mod hints;
mod migrate;
mod pool;
mod provision;
mod retry;
mod seal;
mod system;
mod tenant;

#[cfg(feature = "download-postgres")]
pub(crate) use check::is_old_server;
pub use check::{Finding, Severity};
pub use connect::{ConnectError, DatabaseConfig};
pub use error::DbError;
pub(crate) use hints::Hints;
#[cfg(feature = "testing")]
pub(crate) use migrate::with_core;
pub use migrate::{MigrateError, Migrations};
pub use provision::{Logins, ProvisionError, provision};
pub use retry::Retryable;
pub use seal::SealError;
pub use system::{SystemDb, SystemTx};
pub use tenant::{TenantDb, TenantTx};

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use futures_core::future::BoxFuture;
use sqlx::{PgConnection, postgres::PgConnectOptions};

use self::{connections::Connections, seal::Seal};
use crate::{Clock, Secret, TenantId, UserId};

/// What looks at the database itself, and is nobody.
const READ: &str = "begin read only";

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    app: Connections,
    system: Connections,
    owner: Option<Secret>,
    direct: Logins,
    /// Whether nothing may stay in a session for the next transaction: behind a pooler, and sealed.
    keeps_nothing: bool,
    seal: Option<Seal>,
    clock: Clock,
    sets: Vec<Migrations>,
    reasons: Mutex<BTreeMap<&'static str, u64>>,
}

impl Db {
    /// The data of one tenant, as nobody in particular. Holds no connection until [`TenantDb::begin`].
    #[must_use]
    pub fn tenant(&self, tenant: TenantId) -> TenantDb {
        TenantDb::new(self.clone(), Some(tenant), None)
    }

    /// What a person may read before a tenant is known: the list of tenants that they belong to, and nothing else.
    #[must_use]
    pub fn person(&self, user: UserId) -> TenantDb {
        TenantDb::new(self.clone(), None, Some(user))
    }

    /// The way across tenants. Each transaction is counted by the reason, which can be searched for.
    ///
    /// # Security
    ///
    /// The system login sees every tenant's rows. Use it for what has no tenant (accounts, sessions) and for workers; never to save a
    /// handler the trouble of naming its tenant.
    #[must_use]
    pub fn system(&self, reason: &'static str) -> SystemDb {
        SystemDb::new(self.clone(), reason)
    }

    /// How many transactions across tenants were begun, by reason.
    #[must_use]
    pub fn system_uses(&self) -> BTreeMap<&'static str, u64> {
        self.inner.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count_system_use(&self, reason: &'static str) {
        *self.inner.reasons.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// Runs one statement as the application login with no tenant set: it sees no tenant's row, and is there to call the lookup
    /// functions that turn a hash into the one row it belongs to. Repeated once on a fresh connection when the server has gone in
    /// between, so it must only read. Behind a pooler, and sealed, it is a transaction.
    ///
    /// # Errors
    ///
    /// Fails if no connection can be had or the statement fails.
    pub async fn lookup<T, F>(&self, statement: F) -> Result<T, DbError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>,
    {
        if self.inner.keeps_nothing {
            // Outside of a transaction a pooler may send each message of a statement to another session, and what somebody set or prepared may be
            // left in it.
            let mut nobody = TenantDb::new(self.clone(), None, None).read_only(true).open().await?;
            return Ok(statement(&mut nobody).await?);
        }
        pool::retry_dead(&self.inner.app, |mut connection| {
            let statement = &statement;
            async move {
                let result = statement(&mut connection).await;
                match &result {
                    Ok(_) => connection.keep_on_drop(),
                    Err(error) if pool::is_dead(error) => connection.close_on_drop(),
                    Err(_) => {}
                }
                result
            }
        })
        .await
    }

    /// Where a connection of its own may listen for notices: the application login, which can read no notice's subject without a tenant.
    pub(crate) fn listen_url(&self) -> &str {
        self.inner.direct.app.expose()
    }

    /// How the system login connects, for a pool that lives apart from the requests'.
    pub(crate) fn system_options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        self.inner.direct.system.expose().parse()
    }

    /// Whether it [seals](Self::seal) its transactions.
    #[cfg(feature = "testing")]
    pub(crate) fn is_sealed(&self) -> bool {
        self.inner.seal.is_some()
    }

    /// The clock that times are bound from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Closes all connections, after those in use came back.
    pub async fn close(&self) {
        self.inner.app.close().await;
        self.inner.system.close().await;
    }

    /// How many connections each pool holds and how many of them are idle: (name, size, idle).
    #[must_use]
    pub fn pools(&self) -> [(&'static str, u32, usize); 2] {
        [("app", &self.inner.app), ("system", &self.inner.system)].map(|(name, connections)| {
            let (size, idle) = connections.count();
            (name, size, idle)
        })
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("pools", &self.pools()).finish_non_exhaustive()
    }
}

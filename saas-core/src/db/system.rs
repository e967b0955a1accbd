use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use sqlx::PgConnection;

use super::{Db, DbError, pool::OpenTransaction};
use crate::{Clock, Origin, inventory::Table};

/// The database as the system login sees it: all tenants. Made by [`Db::system`], with a reason.
#[derive(Clone, Debug)]
pub struct SystemDb {
    db: Db,
    reason: &'static str,
    origin: Origin,
}

impl SystemDb {
    pub(super) fn new(db: Db, reason: &'static str) -> Self {
        Self { db, reason, origin: Origin::default() }
    }

    /// The same, with what the audit log says about where its changes come from.
    #[must_use]
    pub fn caused_by(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// What the database holds, of each crate.
    pub(crate) fn inventory(&self) -> Vec<Table> {
        self.db.inventory()
    }

    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.db.clock().now()
    }

    /// Opens a transaction across tenants, in one round trip.
    ///
    /// # Errors
    ///
    /// Fails if no connection can be had.
    pub async fn begin(&self) -> Result<SystemTx, DbError> {
        self.db.count_system_use(self.reason);
        let transaction = OpenTransaction::begin(&self.db.inner.system, "begin").await?;
        tracing::debug!(reason = self.reason, "system transaction");
        Ok(SystemTx { transaction, origin: self.origin.clone(), clock: self.db.clock().clone() })
    }
}

/// A transaction across tenants. It rolls back when dropped.
pub struct SystemTx {
    transaction: OpenTransaction,
    origin: Origin,
    clock: Clock,
}

impl SystemTx {
    /// Makes it all happen.
    ///
    /// # Errors
    ///
    /// Fails if the server does not confirm.
    pub async fn commit(self) -> Result<(), DbError> {
        self.transaction.commit().await
    }

    /// Undoes it and lets go of its locks before it returns. A dropped transaction lets go of them some time after.
    pub async fn rollback(self) {
        self.transaction.rollback().await;
    }

    /// Where its changes come from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The time, to bind where a row wants one.
    #[must_use]
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }
}

impl Deref for SystemTx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for SystemTx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl fmt::Debug for SystemTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemTx")
    }
}

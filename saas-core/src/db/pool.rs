//! Taking connections so that neither a cancelled request nor a dead server leaves anything behind.

use std::ops::{Deref, DerefMut};

use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr as _, pool::PoolConnection, postgres::PgTransactionManager};
use sqlx_core::transaction::TransactionManager as _;

use super::DbError;

/// Closes its connection unless told that all went well. sqlx returns a connection to the pool when a transaction is cancelled while it
/// opens, although the server may have opened it.
struct Opening(Option<PoolConnection<Postgres>>);

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}

/// A connection inside a transaction. Dropped before it is committed, it rolls back before anybody else gets it.
pub(super) struct OpenTransaction {
    connection: PoolConnection<Postgres>,
    done: bool,
}

impl OpenTransaction {
    /// Opens a transaction with one round trip. `begin` is one text of several statements, the first of them `begin`.
    pub(super) async fn begin(pool: &PgPool, begin: &str) -> Result<Self, DbError> {
        retry_dead(pool, |connection| async move {
            let mut opening = Opening(Some(connection));
            if let Some(connection) = opening.0.as_mut() {
                PgTransactionManager::begin(connection, Some(AssertSqlSafe(begin.to_owned()).into_sql_str())).await?;
            }
            opening.0.take().ok_or(sqlx::Error::PoolClosed)
        })
        .await
        .map(|connection| Self { connection, done: false })
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        PgTransactionManager::commit(&mut self.connection).await?;
        self.done = true;
        Ok(())
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        if !self.done {
            // Queued here, sent by the pool before the connection is idle again.
            PgTransactionManager::start_rollback(&mut self.connection);
        }
    }
}

impl Deref for OpenTransaction {
    type Target = sqlx::PgConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for OpenTransaction {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

/// Whether the error says that the connection, not the statement, is at fault.
pub(super) fn is_dead(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // 57P01 and 57P02 end the session; 22012 is our own guard, which found settings of somebody else's session.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| matches!(code.as_ref(), "57P01" | "57P02" | "57P05" | "22012")),
        _ => false,
    }
}

/// Does something with a connection. We do not ping before use, so a connection may turn out to have died while it was idle: each such
/// one is closed and the next is tried, and after a restart of the server all idle ones are like that, so as many as the pool holds.
pub(super) async fn retry_dead<T, F, R>(pool: &PgPool, mut action: F) -> Result<T, DbError>
where
    F: FnMut(PoolConnection<Postgres>) -> R,
    R: Future<Output = Result<T, sqlx::Error>>,
{
    let mut left = pool.options().get_max_connections();
    loop {
        let connection = pool.acquire().await?;
        match action(connection).await {
            Err(error) if is_dead(&error) && left > 0 => left -= 1,
            result => return Ok(result?),
        }
    }
}

//! Taking connections so that neither a cancelled request nor a dead server leaves anything behind.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

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
}

/// The server answers COMMIT with success also where a statement has failed before, and undoes everything. The first statement fails there,
/// so that what is reported as committed is. The chained transaction is empty and rolls back at the drop: sqlx counts open transactions and
/// offers no other way to end one with a text of ours in one round trip.
const COMMIT: &str = "set constraints all immediate; commit and chain";

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
        .map(|connection| Self { connection })
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        sqlx::raw_sql(COMMIT).execute(&mut *self.connection).await?;
        Ok(())
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        // Queued here, sent by the pool before the connection is idle again.
        PgTransactionManager::start_rollback(&mut self.connection);
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

/// How long to wait before a server that broke off a new connection is tried again: it is going down or coming up.
const BACKOFF: Duration = Duration::from_millis(50);

/// Does something with a connection. We do not ping before use, so a connection may turn out to have died while it was idle: each such
/// one is closed and the next is tried, and after a restart of the server all idle ones are like that, so as many as the pool holds.
pub(super) async fn retry_dead<T, F, R>(pool: &PgPool, mut action: F) -> Result<T, DbError>
where
    F: FnMut(PoolConnection<Postgres>) -> R,
    R: Future<Output = Result<T, sqlx::Error>>,
{
    // And some more for new connections that the server broke off. One that it refuses, the pool itself tries again.
    let mut left = pool.options().get_max_connections() + 10;
    loop {
        left -= 1;
        match pool.acquire().await {
            Ok(connection) => match action(connection).await {
                Err(error) if is_dead(&error) && left > 0 => {}
                result => return Ok(result?),
            },
            Err(error) if is_dead(&error) && left > 0 => tokio::time::sleep(BACKOFF).await,
            Err(error) => return Err(error.into()),
        }
    }
}

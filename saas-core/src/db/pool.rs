//! Taking connections so that neither a cancelled request nor a dead server leaves anything behind.

use std::{
    io,
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{AssertSqlSafe, SqlSafeStr as _, postgres::PgTransactionManager};
use sqlx_core::transaction::TransactionManager as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    DbError,
    connections::{Connections, Taken},
};

/// How long a connection is sought, together with its first answer. Whoever waits is answered with 503 after that.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one connection may take for its first answer. A host that vanished without a word leaves connections that never fail: the next
/// one, or a new one, gets what is left of [`PATIENCE`].
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// How long the server may take to confirm. What it does later than that, the caller was told nothing of.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// How long a connection may take to show that it can be used again.
pub(super) const RETURN: Duration = Duration::from_secs(5);

/// A connection inside a transaction. Dropped before it is committed, it rolls back before anybody else gets it.
pub(super) struct OpenTransaction {
    connection: Taken,
}

/// The server answers COMMIT with success also where a statement has failed before, and undoes everything. The first statement fails there,
/// so that what is reported as committed is. The chained transaction is empty and rolls back at the drop: sqlx counts open transactions and
/// offers no other way to end one with a text of ours in one round trip.
const COMMIT: &str = "set constraints all immediate; commit and chain";

impl OpenTransaction {
    /// Opens a transaction with one round trip. `begin` is one text of several statements, the first of them `begin`.
    pub(super) async fn begin(connections: &Connections, begin: &str) -> Result<Self, DbError> {
        let begin = AssertSqlSafe([connections.before(), begin].concat()).into_sql_str();
        retry_dead(connections, |mut connection| {
            let begin = begin.clone();
            async move {
                connection.close_on_drop();
                PgTransactionManager::begin(&mut connection, Some(begin)).await?;
                connection.test_on_drop();
                Ok(connection)
            }
        })
        .await
        .map(|connection| Self { connection })
    }

    pub(super) async fn commit(mut self) -> Result<(), DbError> {
        match timeout(CONFIRMATION, sqlx::raw_sql(COMMIT).execute(&mut *self.connection)).await {
            Ok(confirmed) => Ok(confirmed.map(drop)?),
            Err(_) => {
                self.connection.close_on_drop();
                Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not confirm in time").into())
            }
        }
    }

    /// Ends it and waits until the server has: its locks are free then. Where the server does not say so in time, the connection is closed.
    pub(super) async fn rollback(mut self) {
        let rolled_back = timeout(RETURN, sqlx::raw_sql("rollback and chain").execute(&mut *self.connection)).await;
        if !matches!(rolled_back, Ok(Ok(_))) {
            self.connection.close_on_drop();
        }
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
        // 57P01 and 57P02 end the session; 08P01 is a pooler's word for a session that it lost; SA001 is our own guard, which found settings of
        // somebody else's session.
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(code.as_ref(), "57P01" | "57P02" | "57P05" | "08P01" | "SA001"))
        }
        _ => false,
    }
}

/// How long to wait before a server that broke off a new connection is tried again: it is going down or coming up.
const BACKOFF: Duration = Duration::from_millis(50);

/// Does something with a connection. We do not ping before use, so a connection may turn out to have died while it was idle: each such
/// one is closed and the next is tried, and after a restart of the server all idle ones are like that, so as many as the pool holds.
pub(super) async fn retry_dead<T, F, R>(connections: &Connections, mut action: F) -> Result<T, DbError>
where
    F: FnMut(Taken) -> R,
    R: Future<Output = Result<T, sqlx::Error>>,
{
    let deadline = Instant::now() + PATIENCE;
    // And some more for new connections that the server broke off. One that it refuses, the pool itself tries again.
    let mut left = connections.pool().options().get_max_connections() + 10;
    loop {
        left -= 1;
        let acquired = timeout_at(deadline, connections.take()).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        let connection = match acquired {
            Ok(connection) => connection,
            Err(error) if is_dead(&error) && left > 0 => {
                tokio::time::sleep(BACKOFF).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match timeout_at(deadline.min(Instant::now() + FIRST_ANSWER), action(connection)).await {
            Ok(Err(error)) if is_dead(&error) && left > 0 => {}
            Ok(result) => return Ok(result?),
            Err(_) if left > 0 && Instant::now() < deadline => {}
            Err(_) => return Err(sqlx::Error::PoolTimedOut.into()),
        }
    }
}

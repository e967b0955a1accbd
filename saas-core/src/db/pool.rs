//! Taking connections so that neither a cancelled request nor a dead server leaves anything behind.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr as _, pool::PoolConnection, postgres::PgTransactionManager};
use sqlx_core::transaction::TransactionManager as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::DbError;

/// A pool of sqlx, and before it connections that the next may have without a look at them.
///
/// When a connection comes back, sqlx sends something and waits for the answer, because it cannot know in which state it was left. After a
/// single statement that succeeded the state is known, and every request begins with one.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    sqlx: PgPool,
    /// As many as there may be connections: whoever has one finds a spare, or need not wait for one at sqlx.
    turns: Arc<Semaphore>,
    spare: Mutex<Vec<Spare>>,
}

struct Spare {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

/// A spare one that nobody wanted for so long goes back to sqlx, which looks after age and life.
const FRESH: Duration = Duration::from_secs(60);

/// A connection in use.
pub(super) struct Taken {
    connection: PoolConnection<Postgres>,
    // Dropped after the connection has gone on its way back.
    _turn: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(sqlx: PgPool) -> Self {
        let turns = usize::try_from(sqlx.options().get_max_connections()).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner { sqlx, turns: Arc::new(Semaphore::new(turns)), spare: Mutex::default() }))
    }

    pub(super) async fn acquire(&self) -> Result<Taken, sqlx::Error> {
        let turn = match Arc::clone(&self.0.turns).try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => {
                let turn = Arc::clone(&self.0.turns).acquire_owned();
                let turn = tokio::time::timeout(self.0.sqlx.options().get_acquire_timeout(), turn).await;
                turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?
            }
        };
        // Dropped outside of the lock, if it is not fresh.
        let spare = self.0.spare().pop();
        let connection = match spare.filter(|spare| spare.since.elapsed() < FRESH) {
            Some(spare) => spare.connection,
            None => self.0.sqlx.acquire().await?,
        };
        Ok(Taken { connection, _turn: turn })
    }

    /// Takes back a connection whose one statement has succeeded and was read to its end.
    pub(super) fn give_back(&self, taken: Taken) {
        let mut spare = self.0.spare();
        if !self.0.sqlx.is_closed() {
            spare.push(Spare { connection: taken.connection, since: Instant::now() });
        }
    }

    /// Closes all connections, after those in use came back.
    pub(super) async fn close(&self) {
        let closed = self.0.sqlx.close();
        let spare = mem::take(&mut *self.0.spare());
        drop(spare);
        closed.await;
    }

    /// How many connections there are.
    pub(super) fn size(&self) -> u32 {
        self.0.sqlx.size()
    }

    /// How many of them wait to be used.
    pub(super) fn idle(&self) -> usize {
        self.0.sqlx.num_idle() + self.0.spare().len()
    }
}

impl Inner {
    fn spare(&self) -> MutexGuard<'_, Vec<Spare>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // On their way back to sqlx they would need a runtime, which may be gone by now.
        for spare in self.spare().drain(..) {
            drop(spare.connection.detach());
        }
    }
}

impl Taken {
    /// Closes it when it is dropped, because what it may have been left in is nobody's to get.
    pub(super) fn close_on_drop(&mut self) {
        self.connection.close_on_drop();
    }
}

impl Deref for Taken {
    type Target = sqlx::PgConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

/// Closes its connection unless told that all went well. sqlx returns a connection to the pool when a transaction is cancelled while it
/// opens, although the server may have opened it.
struct Opening(Option<Taken>);

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}

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
    pub(super) async fn begin(pool: &Pool, begin: &str) -> Result<Self, DbError> {
        pool.retry_dead(|connection| async move {
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

impl Pool {
    /// Does something with a connection. We do not ping before use, so a connection may turn out to have died while it was idle: each such
    /// one is closed and the next is tried, and after a restart of the server all idle ones are like that, so as many as the pool holds.
    pub(super) async fn retry_dead<T, F, R>(&self, mut action: F) -> Result<T, DbError>
    where
        F: FnMut(Taken) -> R,
        R: Future<Output = Result<T, sqlx::Error>>,
    {
        // And some more for new connections that the server broke off. One that it refuses, the pool itself tries again.
        let mut left = self.0.sqlx.options().get_max_connections() + 10;
        loop {
            left -= 1;
            match self.acquire().await {
                Ok(connection) => match action(connection).await {
                    Err(error) if is_dead(&error) && left > 0 => {}
                    result => return Ok(result?),
                },
                Err(error) if is_dead(&error) && left > 0 => tokio::time::sleep(BACKOFF).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::pool::RETURN;

/// The connections of one login.
///
/// sqlx tests a connection whenever one comes back, which costs a round trip. Whoever looked something up and saw the answer leaves it in
/// order: it is kept aside, for the transaction that follows most often, and goes back after a moment if none does.
#[derive(Clone)]
pub(super) struct Connections(Arc<Inner>);

struct Inner {
    pool: PgPool,
    /// What each transaction's opening begins with.
    before: &'static str,
    /// One for each connection that may be in use: whoever has a place finds a connection aside or gets one of the pool's, and never waits
    /// for one that is aside.
    places: Arc<Semaphore>,
    aside: Mutex<Aside>,
}

#[derive(Default)]
struct Aside {
    connections: Vec<(Instant, PoolConnection<Postgres>)>,
    /// Whether somebody takes back what stays too long.
    is_watched: bool,
}

/// How long a connection is kept aside, at least; twice as long at most.
const MOMENT: Duration = Duration::from_secs(1);

impl Connections {
    pub(super) fn new(pool: PgPool, before: &'static str) -> Self {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner { pool, before, places: Arc::new(Semaphore::new(places)), aside: Mutex::default() }))
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(super) fn before(&self) -> &'static str {
        self.0.before
    }

    /// How many there are, and how many of them nobody uses.
    pub(super) fn count(&self) -> (u32, usize) {
        (self.0.pool.size(), self.0.pool.num_idle() + self.aside().connections.len())
    }

    pub(super) async fn close(&self) {
        self.0.places.close();
        self.aside().connections.clear();
        self.0.pool.close().await;
    }

    /// A connection for whoever has a place; waits for one without a limit of its own.
    pub(super) async fn take(&self) -> Result<Taken, sqlx::Error> {
        let place = self.0.places.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let aside = self.aside().connections.pop();
        let connection = match aside {
            Some((_, connection)) => connection,
            None => self.0.pool.acquire().await?,
        };
        Ok(Taken { connection: Some(connection), place: Some(place), from: self.clone(), then: Then::Tested })
    }

    fn keep(&self, connection: PoolConnection<Postgres>, runtime: &Handle) {
        let mut aside = self.aside();
        aside.connections.push((Instant::now(), connection));
        if !aside.is_watched {
            aside.is_watched = true;
            runtime.spawn(self.clone().watch());
        }
    }

    /// Takes back what nobody wanted, until nothing is left.
    async fn watch(self) {
        loop {
            tokio::time::sleep(MOMENT).await;
            let mut aside = self.aside();
            aside.connections.retain_mut(|(since, connection)| {
                since.elapsed() < MOMENT || {
                    give_back(connection, None);
                    false
                }
            });
            if aside.connections.is_empty() {
                aside.is_watched = false;
                return;
            }
        }
    }

    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.0.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What sqlx does at the drop of a connection, which waits for the server without a limit and keeps its place in the pool meanwhile.
fn give_back(connection: &mut PoolConnection<Postgres>, place: Option<OwnedSemaphorePermit>) {
    let back = connection.return_to_pool();
    // Without a runtime there is nobody to come back to.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move {
            if timeout(RETURN, back).await.is_err() {
                tracing::warn!(limit_s = RETURN.as_secs(), "a connection that did not answer was given up");
            }
            drop(place);
        });
    }
}

/// A connection in use.
pub(super) struct Taken {
    /// There until the drop.
    connection: Option<PoolConnection<Postgres>>,
    place: Option<OwnedSemaphorePermit>,
    from: Connections,
    then: Then,
}

/// What becomes of a connection that was in use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It is tested, and whoever comes next has it.
    Tested,
    /// Whoever comes next has it at once.
    Kept,
    /// Nobody may have it. sqlx would return a connection to the pool also when a transaction is cancelled while it opens, although the
    /// server may have opened it.
    Closed,
}

impl Taken {
    /// It is in order: what was asked was answered, and nothing was changed for whoever comes next.
    pub(super) fn keep_on_drop(&mut self) {
        self.then = Then::Kept;
    }

    /// Nobody may have it.
    pub(super) fn close_on_drop(&mut self) {
        self.then = Then::Closed;
    }

    /// As if nothing had been decided.
    pub(super) fn test_on_drop(&mut self) {
        self.then = Then::Tested;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match (self.then, Handle::try_current()) {
            (Then::Closed, _) => connection.close_on_drop(),
            (Then::Kept, Ok(runtime)) => self.from.keep(connection, &runtime),
            (Then::Tested | Then::Kept, _) => give_back(&mut connection, self.place.take()),
        }
    }
}

impl Deref for Taken {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().unwrap_or_else(|| unreachable!("it is there until the drop"))
    }
}

impl DerefMut for Taken {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().unwrap_or_else(|| unreachable!("it is there until the drop"))
    }
}

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{AsyncConnectionConfig, Client, RedisError, Script, aio::MultiplexedConnection};
use tokio::{sync::Mutex, time::timeout};
use uuid::Uuid;

use super::{Ask, Count, Key, Rate, RateLimitStore, StoreError, Subject};
use crate::{Breaker, Dependencies, Dependency, Interrupted, Secret};

/// Counts in Redis (5.0 or newer, or Valkey), for several nodes: a window that slides in sixty steps, in one script and one round trip.
///
/// Redis' own clock is what counts, so the nodes' may differ. A rule's count for a key takes a hash of at most 61 numbers, which Redis forgets
/// when the window has passed. The keys of one request are not in one slot, so it does not run on a Redis Cluster.
///
/// While Redis is away, asking fails at once; in the background it is asked once a second whether it is back.
///
/// # Security
///
/// A key holds ids, networks and hashes of addresses; they are personal data for as long as the window. Use `rediss://` where the network is
/// not yours.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
    breaker: Breaker,
}

struct Inner {
    client: Client,
    /// For as long as it answers: one that fell silent is not used again.
    connection: Mutex<Option<Arc<MultiplexedConnection>>>,
    script: Script,
    prefix: String,
}

/// The address of the Redis server is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the address of the Redis server is wrong")]
pub struct RedisAddressError(#[source] pub(crate) redis::RedisError);

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);

/// What people notice of it is that they cannot sign in.
const REDIS: Dependency =
    Dependency::new("rate_limits").shown_as("core-status-limits").pauses(Duration::from_secs(1), Duration::from_secs(1));

impl RedisStore {
    /// Counts in the Redis at this address (`redis://…`, `rediss://…` with TLS), in keys that begin with `prefix`: the product's name, so that
    /// several can share it. It connects when it is first asked, and again whenever the connection is lost.
    ///
    /// # Errors
    ///
    /// Fails if that is no address of a Redis server.
    pub fn new(address: &Secret, prefix: &str) -> Result<Self, RedisAddressError> {
        let client = Client::open(address.expose()).map_err(RedisAddressError)?;
        let inner =
            Inner { client, connection: Mutex::default(), script: Script::new(include_str!("redis.lua")), prefix: prefix.to_owned() };
        Ok(Self { inner: Arc::new(inner), breaker: Breaker::new(REDIS) }.with_probe())
    }

    /// Tells these whether Redis is away.
    #[must_use]
    pub fn shown_in(self, dependencies: &Dependencies) -> Self {
        Self { breaker: dependencies.breaker(REDIS), ..self }.with_probe()
    }

    /// Counts, since a Redis that answers and takes nothing is of no use.
    fn with_probe(self) -> Self {
        let inner = Arc::clone(&self.inner);
        self.breaker.probe_with(move || {
            let inner = Arc::clone(&inner);
            let nobody = Subject::Tenant(Uuid::nil().into());
            async move { inner.ask(&[Ask { key: Key { rule: "probe", subject: nobody }, rate: Rate::per_minute(1) }]).await.is_ok() }
        });
        self
    }
}

impl Inner {
    async fn ask(&self, asks: &[Ask]) -> Result<Vec<(u32, u64, i64)>, StoreError> {
        let mut call = self.script.prepare_invoke();
        for ask in asks {
            call.key(format!("{}:limit:{}", self.prefix, ask.key));
            call.arg(ask.rate.limit().get()).arg(u64::try_from(ask.rate.window().as_micros()).unwrap_or(u64::MAX));
        }
        let connection = in_time(self.connect()).await?;
        let answer = in_time(call.invoke_async(&mut MultiplexedConnection::clone(&connection))).await;
        if answer.is_err() {
            self.forget(&connection).await;
        }
        answer
    }

    /// The connection that all requests share.
    async fn connect(&self) -> Result<Arc<MultiplexedConnection>, RedisError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok(Arc::clone(connection));
        }
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let made = Arc::new(self.client.get_multiplexed_async_connection_with_config(&config).await?);
        *kept = Some(Arc::clone(&made));
        Ok(made)
    }

    /// The next request makes another connection, unless one did already.
    async fn forget(&self, connection: &Arc<MultiplexedConnection>) {
        let mut kept = self.connection.lock().await;
        kept.take_if(|kept| Arc::ptr_eq(kept, connection));
    }
}

async fn in_time<T>(what: impl Future<Output = Result<T, RedisError>>) -> Result<T, StoreError> {
    let answer = timeout(PATIENCE, what).await.map_err(|late| StoreError::Away(Box::new(late)))?;
    answer.map_err(|error| StoreError::Away(Box::new(error)))
}

#[async_trait]
impl RateLimitStore for RedisStore {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Option<Count>>, StoreError> {
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        let counts = self.breaker.call(self.inner.ask(asks), |_| true).await?;
        Ok(counts.into_iter().map(|it| Some(count(it))).collect())
    }
}

fn count((remaining, reset, wait): (u32, u64, i64)) -> Count {
    Count { remaining, reset: Duration::from_micros(reset), retry_after: u64::try_from(wait).ok().map(Duration::from_micros) }
}

impl From<Interrupted> for StoreError {
    fn from(interrupted: Interrupted) -> Self {
        Self::Away(Box::new(interrupted))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

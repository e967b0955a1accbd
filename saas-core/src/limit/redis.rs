use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{Ask, Count, RateLimitStore, StoreError};
use crate::Secret;

/// Counts in Redis (5.0 or newer, or Valkey), for several nodes: a window that slides in sixty steps, in one script and one round trip.
///
/// Redis' own clock is what counts, so the nodes' may differ. A rule's count for a key takes a hash of at most 61 numbers, which Redis forgets
/// when the window has passed. The keys of one request are not in one slot, so it does not run on a Redis Cluster.
///
/// While Redis is away, asking fails at once, and once a second a request waits shortly to see whether it is back.
///
/// # Security
///
/// A key holds ids, networks and hashes of addresses; they are personal data for as long as the window. Use `rediss://` where the network is
/// not yours.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    connection: ConnectionManager,
    script: Script,
    prefix: String,
    started: Instant,
    /// Until when Redis is not asked, in milliseconds after `started`.
    away_until_ms: AtomicU64,
}

/// The address of the Redis server is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the address of the Redis server is wrong")]
pub struct RedisAddressError(#[source] pub(crate) redis::RedisError);

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long it is left alone after it did not answer.
const PAUSE_MS: u64 = 1000;

impl RedisStore {
    /// Counts in the Redis at this address (`redis://…`, `rediss://…` with TLS), in keys that begin with `prefix`: the product's name, so that
    /// several can share it. It connects when it is first asked, and again whenever the connection is lost.
    ///
    /// # Errors
    ///
    /// Fails if that is no address of a Redis server.
    pub fn new(address: &Secret, prefix: &str) -> Result<Self, RedisAddressError> {
        let client = Client::open(address.expose()).map_err(RedisAddressError)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(RedisAddressError)?;
        Ok(Self {
            inner: Arc::new(Inner {
                connection,
                script: Script::new(include_str!("redis.lua")),
                prefix: prefix.to_owned(),
                started: Instant::now(),
                away_until_ms: AtomicU64::new(0),
            }),
        })
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.inner.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn ask(&self, asks: &[Ask]) -> Result<Vec<(u32, u64, i64)>, redis::RedisError> {
        let mut call = self.inner.script.prepare_invoke();
        for ask in asks {
            call.key(format!("{}:limit:{}", self.inner.prefix, ask.key));
            call.arg(ask.rate.limit().get()).arg(u64::try_from(ask.rate.window().as_micros()).unwrap_or(u64::MAX));
        }
        call.invoke_async(&mut self.inner.connection.clone()).await
    }
}

#[async_trait]
impl RateLimitStore for RedisStore {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Count>, StoreError> {
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        if self.elapsed_ms() < self.inner.away_until_ms.load(Ordering::Relaxed) {
            return Err(StoreError::Away(Box::new(NotAsked)));
        }
        let answer = tokio::time::timeout(2 * PATIENCE, self.ask(asks)).await;
        let counts =
            answer.map_err(|late| StoreError::Away(Box::new(late))).and_then(|it| it.map_err(|error| StoreError::Away(Box::new(error))));
        match counts {
            Ok(counts) => Ok(counts.into_iter().map(count).collect()),
            Err(error) => {
                self.inner.away_until_ms.store(self.elapsed_ms() + PAUSE_MS, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

fn count((remaining, reset, wait): (u32, u64, i64)) -> Count {
    Count { remaining, reset: Duration::from_micros(reset), retry_after: u64::try_from(wait).ok().map(Duration::from_micros) }
}

#[derive(Debug, thiserror::Error)]
#[error("it did not answer a moment ago")]
struct NotAsked;

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

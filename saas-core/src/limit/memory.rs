use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, MonotonicClock},
    middleware::{NoOpMiddleware, StateInformationMiddleware},
};

use super::{Ask, Count, Key, Rate, RateLimitStore, StoreError, kept::Kept};

struct Limiter {
    buckets: RateLimiter<u64, Kept, MonotonicClock, StateInformationMiddleware>,
    kept: Kept,
}

/// Counts in this process, with `governor`: a bucket for each key, that fills evenly (GCRA). Its clock is the machine's monotonic one, which
/// does not jump.
///
/// A key is kept as a hash of 64 bits under a key that only this process has: two clients share a bucket with a chance of one to many
/// millions, and nobody can choose to. A million keys take less than 64 MiB; more are not kept, and asking for a new one fails with
/// [`StoreError::Full`], while those that are kept go on counting. Whoever used little is forgotten within seconds, so that takes a flood.
pub struct MemoryStore {
    /// One for each rate, because governor knows one rate for all keys.
    limiters: RwLock<HashMap<Rate, Arc<Limiter>>>,
    hasher: RandomState,
    most_keys: usize,
    /// How many new keys may come before it is looked how many there are.
    room: AtomicI64,
    swept: Mutex<Instant>,
}

impl MemoryStore {
    /// How many keys are kept at most.
    pub const MOST_KEYS: usize = 1_000_000;

    /// Below this it is not worth the while to look for what can be forgotten.
    const FEW: usize = 8192;

    /// Looking at each key takes milliseconds, so it is not done more often.
    const BETWEEN_SWEEPS: Duration = Duration::from_secs(1);

    /// A store with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::with_most_keys(Self::MOST_KEYS)
    }

    /// A store that keeps at most so many keys.
    #[must_use]
    pub fn with_most_keys(most_keys: usize) -> Self {
        Self {
            limiters: RwLock::default(),
            hasher: RandomState::new(),
            most_keys,
            room: AtomicI64::new(as_room(most_keys.min(Self::FEW))),
            swept: Mutex::new(Instant::now()),
        }
    }

    /// How many keys it keeps.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.all().iter().map(|limiter| limiter.buckets.len()).sum()
    }

    fn take_one(&self, key: Key, rate: Rate) -> Result<Count, StoreError> {
        let (limiter, key) = (self.limiter(rate), self.hasher.hash_one(key));
        // Any request may bring a new key; most do not, which is found out when the room seems to be used up.
        if self.room.fetch_sub(1, Ordering::Relaxed) <= 0 && !self.make_room() && !limiter.kept.has(key) {
            return Err(StoreError::Full);
        }
        let step = rate.window() / rate.limit().get();
        Ok(match limiter.buckets.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Count { remaining, reset: step * (rate.limit().get() - remaining.min(rate.limit().get())), retry_after: None }
            }
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(limiter.buckets.clock().now());
                Count { remaining: 0, reset: wait + rate.window().saturating_sub(step), retry_after: Some(wait) }
            }
        })
    }

    fn limiter(&self, rate: Rate) -> Arc<Limiter> {
        let known = self.limiters.read().unwrap_or_else(PoisonError::into_inner).get(&rate).cloned();
        known.unwrap_or_else(|| {
            let mut limiters = self.limiters.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(limiters.entry(rate).or_insert_with(|| Arc::new(limiter(rate))))
        })
    }

    fn all(&self) -> Vec<Arc<Limiter>> {
        self.limiters.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether there is room, after forgetting what can be forgotten. The number of keys may double between two sweeps, so that their cost
    /// is shared by the requests that made them necessary.
    fn make_room(&self) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.keys();
        if kept >= self.most_keys.min(Self::FEW) && swept.elapsed() >= Self::BETWEEN_SWEEPS {
            for limiter in self.all() {
                limiter.buckets.retain_recent();
                limiter.buckets.shrink_to_fit();
            }
            kept = self.keys();
            *swept = Instant::now();
        }
        let room = self.most_keys.saturating_sub(kept).min(kept.max(Self::FEW));
        self.room.store(as_room(room) - 1, Ordering::Relaxed);
        room > 0
    }
}

fn as_room(keys: usize) -> i64 {
    i64::try_from(keys).unwrap_or(i64::MAX)
}

fn limiter(rate: Rate) -> Limiter {
    let step = (rate.window() / rate.limit().get()).max(Duration::from_nanos(1));
    // A step is at least a nanosecond, so it is a quota.
    let quota = Quota::with_period(step).unwrap_or_else(|| Quota::per_second(rate.limit())).allow_burst(rate.limit());
    let kept = Kept::default();
    let plain: RateLimiter<_, _, _, NoOpMiddleware<Instant>> = RateLimiter::new(quota, kept.clone(), MonotonicClock);
    Limiter { buckets: plain.with_middleware(), kept }
}

#[async_trait]
impl RateLimitStore for MemoryStore {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Count>, StoreError> {
        let mut counts = Vec::with_capacity(asks.len());
        for ask in asks {
            let count = self.take_one(ask.key, ask.rate)?;
            counts.push(count);
            if count.retry_after.is_some() {
                break;
            }
        }
        Ok(counts)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("most_keys", &self.most_keys).finish_non_exhaustive()
    }
}

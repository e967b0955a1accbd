use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{
    Ask, Count, Key, Rate, RateLimitStore, StoreError,
    window::{Kept, Moment},
};

/// Counts in this process: a window that slides in sixty steps. Its clock is the machine's monotonic one, which does not jump.
///
/// A key is kept as a hash of 64 bits under a key that only this process has: two clients are counted together with a chance of one to
/// many millions, and nobody can choose to. A million keys that came once take less than 64 MiB, and whatever comes takes less than 128: more keys
/// are not kept, and asking for a new one fails with [`StoreError::Full`], while those that are kept go on counting; of more steps, a key's
/// become one. Whoever used little is forgotten within a window, so that takes a flood.
pub struct MemoryStore {
    /// One for each length of a window, of which there are as many as in the settings.
    tables: RwLock<HashMap<Duration, Arc<Table>>>,
    hasher: RandomState,
    began: Instant,
    most_keys: usize,
    keys: AtomicUsize,
    steps: AtomicUsize,
    /// From how many steps on it is looked for what can be forgotten.
    sweep_at: AtomicUsize,
    swept: Mutex<Instant>,
}

/// Keys that are counted in windows of one length.
struct Table {
    window: Duration,
    shards: [Mutex<Shard>; SHARDS],
}

type Shard = HashMap<u64, Kept, BuildHasherDefault<Hashed>>;

/// Requests rarely wait for each other. Of a million keys each has 12,500, which fill a table that has room for 14,336; with 64 it would be
/// twice as large, and half empty.
const SHARDS: usize = 80;

impl MemoryStore {
    /// How many keys are kept at most.
    pub const MOST_KEYS: usize = 1_000_000;

    /// How many steps are kept for each of them, on average.
    const STEPS: usize = 4;

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
            tables: RwLock::default(),
            hasher: RandomState::new(),
            began: Instant::now(),
            most_keys,
            keys: AtomicUsize::new(0),
            steps: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(Self::FEW),
            swept: Mutex::new(Instant::now()),
        }
    }

    /// How many keys it keeps.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    fn take_one(&self, key: Key, rate: Rate) -> Result<Count, StoreError> {
        let (table, key) = (self.table(rate.window()), self.hasher.hash_one(key));
        if self.steps.load(Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) || self.keys() >= self.most_keys {
            self.sweep();
        }
        let mut shard = lock(table.shard(key));
        let is_new = !shard.contains_key(&key);
        if is_new && self.keys.fetch_add(1, Ordering::Relaxed) >= self.most_keys {
            self.keys.fetch_sub(1, Ordering::Relaxed);
            return Err(StoreError::Full);
        }
        let kept = shard.entry(key).or_default();
        let before = kept.len();
        let room = self.steps.load(Ordering::Relaxed) < self.most_steps();
        // The time is looked at while nobody else counts this key, so that it never goes back.
        let count = kept.take(self.moment(rate.window()), rate, room);
        self.steps.fetch_add(kept.len(), Ordering::Relaxed);
        self.steps.fetch_sub(before, Ordering::Relaxed);
        Ok(count)
    }

    fn most_steps(&self) -> usize {
        self.most_keys.saturating_mul(Self::STEPS)
    }

    fn moment(&self, window: Duration) -> Moment {
        Moment::of(window, self.began.elapsed())
    }

    fn table(&self, window: Duration) -> Arc<Table> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&window).cloned();
        known.unwrap_or_else(|| {
            let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry(window).or_insert_with(|| Arc::new(Table::of(window))))
        })
    }

    /// Forgets what counts no longer. What is kept may double between two sweeps, so that their cost is shared by the requests that made
    /// them necessary. While somebody sweeps, nobody waits for it.
    fn sweep(&self) {
        let Ok(mut swept) = self.swept.try_lock() else { return };
        if swept.elapsed() < Self::BETWEEN_SWEEPS {
            return;
        }
        let tables: Vec<_> = self.tables.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for (table, shard) in tables.iter().flat_map(|table| table.shards.iter().map(move |shard| (table, shard))) {
            let mut shard = lock(shard);
            let moment = self.moment(table.window);
            shard.retain(|_, kept| {
                let is_over = kept.is_over(moment);
                if is_over {
                    self.keys.fetch_sub(1, Ordering::Relaxed);
                    self.steps.fetch_sub(kept.len(), Ordering::Relaxed);
                }
                !is_over
            });
            shard.shrink_to_fit();
        }
        let kept = self.steps.load(Ordering::Relaxed);
        self.sweep_at.store(kept.saturating_mul(2).max(Self::FEW).min(self.most_steps()), Ordering::Relaxed);
        *swept = Instant::now();
    }
}

impl Table {
    fn of(window: Duration) -> Self {
        Self { window, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// By the bits that the shard's own table does not look at first.
    fn shard(&self, key: u64) -> &Mutex<Shard> {
        let nth = usize::try_from((key >> 32) % SHARDS as u64).unwrap_or_default();
        &self.shards[nth]
    }
}

fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hash of a key that is one.
#[derive(Debug, Clone, Copy, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a key is one number")
    }
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

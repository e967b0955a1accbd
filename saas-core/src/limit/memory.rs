use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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
/// many millions, and nobody can choose to. A million keys that came once take less than 64 MiB, and whatever comes takes less than 128.
///
/// More keys are not kept, while those that are kept go on counting; whoever used little is forgotten within a window, so that takes a flood:
///
/// * Networks and accounts that somebody says are theirs take half of the keys at most: whoever invents them takes no room from people, machines and
///   tenants. Those that find no room are counted all the same, by rule in 4096 cells that each serves many, so that none is allowed more
///   than its limit, and some are refused for what others did.
/// * People, machines and tenants that find no room are not counted: who pays is not refused for what others did.
/// * Of more than four steps for each key that may be kept, on average, those of a key become thirds of its window: a request counts up to a third
///   longer, and whoever spreads seven tenths of the limit evenly over the window is not refused.
pub struct MemoryStore {
    /// One for each length of a window, of which there are as many as in the settings, and each kind.
    tables: RwLock<HashMap<(Duration, Kind), Arc<Table>>>,
    hasher: RandomState,
    began: Instant,
    most_keys: usize,
    keys: AtomicUsize,
    /// How many of them clients can choose.
    chosen: AtomicUsize,
    steps: AtomicUsize,
    /// From how many steps on it is looked for what can be forgotten.
    sweep_at: AtomicUsize,
    swept: Mutex<Instant>,
    /// Whether somebody found no room, which the log says once until there is enough again.
    is_full: AtomicBool,
}

/// What a number in a table stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// Somebody whom the program knows.
    Known,
    /// Whatever a client says or comes from.
    Chosen,
    /// All those of a rule that found no room and fell into one cell.
    Crowd,
}

impl Kind {
    /// How many keys it is, and how many of them clients can choose.
    const fn weight(self) -> (usize, usize) {
        match self {
            Self::Known => (1, 0),
            Self::Chosen => (1, 1),
            Self::Crowd => (0, 0),
        }
    }
}

/// Keys of one kind that are counted in windows of one length.
struct Table {
    window: Duration,
    kind: Kind,
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

    /// In how many cells a rule counts those that found no room. They are kept beside the keys.
    const CELLS: u64 = 4096;

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
            chosen: AtomicUsize::new(0),
            steps: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(Self::FEW),
            swept: Mutex::new(Instant::now()),
            is_full: AtomicBool::new(false),
        }
    }

    /// How many keys it keeps.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    /// None if there is no room for it.
    fn take_one(&self, key: Key, rate: Rate) -> Option<Count> {
        if self.steps.load(Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) || self.is_short_of_keys() {
            self.sweep();
        }
        let hash = self.hasher.hash_one(key);
        if !key.subject.is_chosen() {
            return self.count(Kind::Known, hash, rate, Kept::default);
        }
        let cell = self.hasher.hash_one((key.rule, hash % Self::CELLS));
        let own = self.count(Kind::Chosen, hash, rate, || self.in_crowd(cell, rate.window()));
        own.or_else(|| self.count(Kind::Crowd, cell, rate, Kept::default))
    }

    /// What is kept of whoever is new is what it `begins` with.
    fn count(&self, kind: Kind, hash: u64, rate: Rate, begins: impl FnOnce() -> Kept) -> Option<Count> {
        let table = self.table(rate.window(), kind);
        let mut shard = lock(table.shard(hash));
        // An entry would make the table larger for one that is not admitted.
        let is_new = !shard.contains_key(&hash);
        if is_new && !self.admits(kind) {
            self.found_no_room();
            return None;
        }
        let kept = shard.entry(hash).or_insert_with(begins);
        let before = if is_new { 0 } else { kept.len() };
        let room = self.steps.load(Ordering::Relaxed) < self.most_steps();
        // The time is looked at while nobody else counts this key, so that it never goes back.
        let count = kept.take(self.moment(rate.window()), rate, room);
        self.steps.fetch_add(kept.len(), Ordering::Relaxed);
        self.steps.fetch_sub(before, Ordering::Relaxed);
        Some(count)
    }

    /// What somebody who has room now may have used while there was none. Whoever holds a key may ask: nobody who holds a cell waits for a key.
    fn in_crowd(&self, cell: u64, window: Duration) -> Kept {
        let table = self.table(window, Kind::Crowd);
        let shard = lock(table.shard(cell));
        shard.get(&cell).map_or_else(Kept::default, |kept| kept.gathered(self.moment(window)))
    }

    /// Has a place taken by one more, if there is one.
    fn admits(&self, kind: Kind) -> bool {
        let (key, chosen) = kind.weight();
        let has_room = self.keys.fetch_add(key, Ordering::Relaxed) < self.most_keys;
        let is_in_share = self.chosen.fetch_add(chosen, Ordering::Relaxed) < self.most_chosen();
        let is_admitted = match kind {
            Kind::Known => has_room,
            Kind::Chosen => has_room && is_in_share,
            Kind::Crowd => true,
        };
        if !is_admitted {
            self.forget_one(kind);
        }
        is_admitted
    }

    fn forget_one(&self, kind: Kind) {
        let (key, chosen) = kind.weight();
        self.keys.fetch_sub(key, Ordering::Relaxed);
        self.chosen.fetch_sub(chosen, Ordering::Relaxed);
    }

    fn found_no_room(&self) {
        if !self.is_full.load(Ordering::Relaxed) && !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(keys = self.keys(), "rate limits have no room for more keys: new ones are counted together, or not at all");
        }
    }

    fn is_short_of_keys(&self) -> bool {
        self.keys() >= self.most_keys || self.chosen.load(Ordering::Relaxed) >= self.most_chosen()
    }

    fn most_chosen(&self) -> usize {
        self.most_keys / 2
    }

    fn most_steps(&self) -> usize {
        self.most_keys.saturating_mul(Self::STEPS)
    }

    fn moment(&self, window: Duration) -> Moment {
        Moment::of(window, self.began.elapsed())
    }

    fn table(&self, window: Duration, kind: Kind) -> Arc<Table> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&(window, kind)).cloned();
        known.unwrap_or_else(|| {
            let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry((window, kind)).or_insert_with(|| Arc::new(Table::of(window, kind))))
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
                let before = kept.len();
                kept.trim(moment);
                let left = kept.len();
                self.steps.fetch_sub(before - left, Ordering::Relaxed);
                if left == 0 {
                    self.forget_one(table.kind);
                }
                left > 0
            });
            shard.shrink_to_fit();
        }
        let kept = self.steps.load(Ordering::Relaxed);
        self.sweep_at.store(kept.saturating_mul(2).max(Self::FEW).min(self.most_steps()), Ordering::Relaxed);
        if !self.is_short_of_keys() {
            self.is_full.store(false, Ordering::Relaxed);
        }
        *swept = Instant::now();
    }
}

impl Table {
    fn of(window: Duration, kind: Kind) -> Self {
        Self { window, kind, shards: std::array::from_fn(|_| Mutex::default()) }
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
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Option<Count>>, StoreError> {
        let mut counts = Vec::with_capacity(asks.len());
        for ask in asks {
            let count = self.take_one(ask.key, ask.rate);
            counts.push(count);
            if count.is_some_and(|it| it.retry_after.is_some()) {
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

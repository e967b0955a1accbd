//! What is counted in memory and written now and then.

use std::{
    array,
    collections::{HashMap, VecDeque},
    fmt,
    hash::{BuildHasher as _, RandomState},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use saas_core::{Db, DbError, Metrics, TenantId};
use sqlx::query;
use tokio::{sync::Notify, task::JoinHandle, time};
use uuid::Uuid;

use super::By;
use crate::Meter;

/// How often counts are written.
const EVERY: Duration = Duration::from_secs(10);

/// How long a batch is waited for. The server itself gives up a statement after 30 seconds, and beginning and ending have bounds of their own:
/// whoever is silent for longer has gone.
const PATIENCE: Duration = Duration::from_secs(50);

/// How long the last writes may take together when the program stops.
const LAST: Duration = Duration::from_secs(10);

/// After how long a last write that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Those that count at once seldom wait for each other.
const SHARDS: usize = 16;

/// How many sums wait in memory at most, of some 150 bytes each; as many again may be on their way.
const MOST: usize = 100_000;

/// From how many on they are written at once.
const MANY: usize = MOST / 4;

/// How many are written by one statement.
const BATCH: usize = 10_000;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    meter: Meter,
    by: By,
    /// Hours since 1970.
    hour: i64,
}

type Sums = HashMap<Key, u64>;

/// Sums that are on their way, and which of all batches they are: it is added once, however often it is sent.
#[derive(Debug)]
struct Batch {
    id: Uuid,
    sums: Vec<(Key, u64)>,
}

/// Counts what is not billed: in memory, at the cost of a lock that is held for nanoseconds, and writes the sums every ten seconds, for all tenants
/// by one statement. Cheap to clone; clones count together.
///
/// ```
/// use saas_billing::{By, Counts, Meter};
/// use saas_core::{Db, Metrics, TenantId};
///
/// const SEARCHES: Meter = Meter::new("searches");
///
/// fn begin(db: &Db, metrics: &Metrics) -> Counts {
///     Counts::new(db, metrics)
/// }
///
/// fn searched(counts: &Counts, tenant: TenantId) {
///     counts.count(tenant, SEARCHES, By::System, 1);
/// }
///
/// async fn serve(counts: Counts) {
///     let running = counts.start();
///     // … until it has answered the last request:
///     running.drained().await;
/// }
/// ```
///
/// # What may be lost
///
/// * A program that is killed loses what is not written yet: what was counted in ten seconds and while a write takes, or all that was counted
///   since the database went away. One that [drains](RunningCounts::drained) loses nothing, if the database answers in its last ten seconds.
/// * While the database is away all is kept and added up, in up to 100,000 sums, one for each meter, hour and [`By`] of a tenant. What has no room
///   is lost, and counted in the metric `usage_lost`, as is what could not be written at last.
/// * Nothing is counted twice: a write whose answer was lost is sent again under its id, which the sums' own transaction remembers for a week.
#[derive(Clone)]
pub struct Counts {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    hasher: RandomState,
    shards: [Mutex<Sums>; SHARDS],
    /// How many sums the shards hold.
    held: AtomicUsize,
    /// There are many.
    many: Notify,
    /// What was taken out of the shards and is not known to be written, the oldest first.
    sent: tokio::sync::Mutex<VecDeque<Batch>>,
    lost: Arc<AtomicU64>,
    is_full: AtomicBool,
}

impl Counts {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(db: &Db, metrics: &Metrics) -> Self {
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        metrics.watch_counters(
            "usage_lost",
            "Uses that were counted and are lost: there was no room, or the program stopped while the database was away",
            [],
            move || vec![([], counted.load(Ordering::Relaxed) as f64)],
        );
        let hasher = RandomState::new();
        let shards = array::from_fn(|_| Mutex::new(HashMap::with_hasher(hasher.clone())));
        let (held, many, sent, is_full) = Default::default();
        Self { inner: Arc::new(Inner { db: db.clone(), hasher, shards, held, many, sent, lost, is_full }) }
    }

    /// Counts so much more, in the hour that it is. Never waits for the database, and cannot fail.
    pub fn count(&self, tenant: TenantId, meter: Meter, by: By, quantity: u32) {
        let inner = &*self.inner;
        let key = Key { tenant, meter, by, hour: inner.db.clock().now().timestamp().div_euclid(3600) };
        if quantity > 0 && !inner.add(key, quantity.into()) {
            inner.lose(quantity.into());
        }
    }

    /// Writes what was counted until now. What cannot be written is kept, and written by the next.
    ///
    /// It may be cancelled anywhere.
    ///
    /// # Errors
    ///
    /// Fails if the database does, or says nothing for 50 seconds.
    pub async fn flush(&self) -> Result<(), DbError> {
        let mut sent = self.inner.sent.lock().await;
        self.inner.send(&mut sent).await?;
        self.inner.take(&mut sent);
        self.inner.send(&mut sent).await
    }

    /// Writes every ten seconds from now on, and at once when there is much, until it is [drained](RunningCounts::drained).
    #[must_use = "what was counted at last is written by `drained`"]
    pub fn start(&self) -> RunningCounts {
        let counts = self.clone();
        let task = tokio::spawn(async move {
            let mut is_well = true;
            loop {
                tokio::select! {
                    // Whoever could not write a moment ago cannot write sooner because there is more.
                    () = counts.inner.many.notified(), if is_well => {}
                    () = time::sleep(EVERY) => {}
                }
                let flushed = counts.flush().await;
                if let Err(error) = &flushed {
                    tracing::warn!(error = error as &dyn std::error::Error, "what was used could not be written, and is kept");
                }
                is_well = flushed.is_ok();
            }
        });
        RunningCounts { counts: self.clone(), task }
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("held", &self.inner.held.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

/// Counts that are written now and then.
#[derive(Debug)]
#[must_use]
pub struct RunningCounts {
    counts: Counts,
    task: JoinHandle<()>,
}

impl RunningCounts {
    /// Writes what was counted at last, as often as it takes in ten seconds. Call it once nothing is counted any more: until then it is written every
    /// ten seconds as before.
    pub async fn drained(self) {
        // Whatever it is writing is sent again under its id.
        self.task.abort();
        let written = time::timeout(LAST, async {
            while let Err(error) = self.counts.flush().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "what was used at last could not be written yet");
                time::sleep(PAUSE).await;
            }
        });
        if written.await.is_err() {
            let lost = self.counts.inner.left().await;
            self.counts.inner.lost.fetch_add(lost, Ordering::Relaxed);
            tracing::error!(lost, "what was used at last could not be written in time, and is lost");
        }
    }
}

impl Inner {
    /// Adds to a sum, if there is one or room for one.
    fn add(&self, key: Key, quantity: u64) -> bool {
        // Not of the bits by which the map itself finds its places.
        let at = usize::try_from((self.hasher.hash_one(key) >> 32) % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(at) else { return false };
        let mut sums = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get_mut(&key) {
            *sum = sum.saturating_add(quantity);
            return true;
        }
        let held = self.held.fetch_add(1, Ordering::Relaxed);
        if held >= MOST {
            self.held.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        sums.insert(key, quantity);
        if held >= MANY {
            self.many.notify_one();
        }
        true
    }

    fn lose(&self, quantity: u64) {
        self.lost.fetch_add(quantity, Ordering::Relaxed);
        if !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::error!(sums = MOST, "there is no room for what is used and cannot be written: some of it is lost");
        }
    }

    /// Takes what was counted out of the shards, whose memory they keep. There is no await between here and the queue, so nothing is lost by being
    /// cancelled.
    fn take(&self, sent: &mut VecDeque<Batch>) {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).drain());
        }
        self.held.fetch_sub(all.len(), Ordering::Relaxed);
        self.is_full.store(false, Ordering::Relaxed);
        sent.extend(all.chunks(BATCH).map(|sums| Batch { id: Uuid::now_v7(), sums: sums.to_vec() }));
    }

    /// How much is not known to be written.
    async fn left(&self) -> u64 {
        let mut sent = self.sent.lock().await;
        self.take(&mut sent);
        sent.iter().flat_map(|batch| &batch.sums).map(|(_, sum)| *sum).fold(0, u64::saturating_add)
    }

    /// Writes the batches in turn; each leaves the queue when it is known to be written.
    async fn send(&self, sent: &mut VecDeque<Batch>) -> Result<(), DbError> {
        while let Some(batch) = sent.front() {
            time::timeout(PATIENCE, self.write(batch)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            sent.pop_front();
        }
        Ok(())
    }

    /// Adds a batch, unless that was done before. Of a tenant that was deleted since, nothing is written.
    async fn write(&self, batch: &Batch) -> Result<(), DbError> {
        let mut rows = Columns::default();
        for (key, sum) in &batch.sums {
            rows.push(*key, *sum);
        }
        let mut tx = self.db.system("counts of use are written").begin().await?;
        let now = tx.now();
        query!(
            r#"with batch as (
                insert into billing.usage_batch (id, at) values ($1, $2) on conflict (id) do nothing returning id
            )
            insert into usage_hour as sum (tenant_id, meter, hour, by_kind, by_id, quantity)
            select n.tenant_id, n.meter, n.hour, n.by_kind, n.by_id, n.quantity
            from batch
            cross join unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::bigint[])
                as n (tenant_id, meter, hour, by_kind, by_id, quantity)
            join core.tenant on tenant.id = n.tenant_id and tenant.state <> 'deleted'
            -- Two that write at once lock the sums in the same order.
            order by n.tenant_id, n.meter, n.hour, n.by_kind, n.by_id
            on conflict (tenant_id, meter, hour, by_kind, by_id) do update
                set quantity = least(sum.quantity::numeric + excluded.quantity, 9223372036854775807)::bigint"#,
            batch.id,
            now,
            &rows.tenants,
            &rows.meters as &[&str],
            &rows.hours,
            &rows.kinds as &[&str],
            &rows.ids,
            &rows.quantities,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}

/// Sums as columns, for one statement over all of them.
#[derive(Default)]
struct Columns {
    tenants: Vec<Uuid>,
    meters: Vec<&'static str>,
    hours: Vec<DateTime<Utc>>,
    kinds: Vec<&'static str>,
    ids: Vec<String>,
    quantities: Vec<i64>,
}

impl Columns {
    fn push(&mut self, key: Key, sum: u64) {
        let (kind, id) = key.by.columns();
        self.tenants.push(key.tenant.into());
        self.meters.push(key.meter.name());
        self.hours.push(DateTime::from_timestamp(key.hour.saturating_mul(3600), 0).unwrap_or_default());
        self.kinds.push(kind);
        self.ids.push(id.into_owned());
        self.quantities.push(i64::try_from(sum).unwrap_or(i64::MAX));
    }
}

//! What a node does about jobs from its start to its end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::Notify,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior},
};

use super::{
    StartError,
    attempt::{Unfinished, attempt},
    handlers::{Handler, Schedule},
    library::{self, Bell, Ring, Slot},
};
use crate::{Db, Lifecycle};

/// How a node works on jobs.
#[derive(Debug, Clone)]
pub struct JobsConfig {
    /// How many jobs run side by side on this node; none, and it leaves them to others. Each may take a connection of each pool.
    pub concurrency: usize,
    /// How long a node may show no life before its jobs are given to others. It shows life four times as often.
    pub lease: Duration,
    /// How long jobs may take to finish once the program is told to stop. What is cut off is begun again elsewhere.
    pub drain: Duration,
    /// How often it looks for jobs whose notice was lost or whose time has come.
    pub poll: Duration,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { concurrency: 4, lease: Duration::from_secs(30), drain: Duration::from_secs(10), poll: Duration::from_secs(1) }
    }
}

/// A node that works on jobs.
#[derive(Debug)]
pub struct RunningJobs {
    task: Option<JoinHandle<()>>,
}

impl RunningJobs {
    /// Waits until the program stops and the jobs in flight have finished, or were cut off after [`JobsConfig::drain`].
    pub async fn drained(self) {
        if let Some(task) = self.task
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "jobs did not drain");
        }
    }
}

/// What there is to do and how.
pub(super) struct Work {
    pub(super) db: Db,
    pub(super) handlers: BTreeMap<&'static str, Handler>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) config: JobsConfig,
}

/// After the connection for notices was lost, or the keeper failed.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a transaction may do nothing, however long the lease is: what the login has of itself.
const LONGEST_IDLE: Duration = Duration::from_secs(60);
/// How many jobs whose time has come get their turns at once.
const PROMOTED: i32 = 1000;

pub(super) async fn start(work: Work, lifecycle: &Lifecycle) -> Result<RunningJobs, StartError> {
    if let Some(schedule) = work.schedules.iter().find(|schedule| !work.handlers.contains_key(schedule.name)) {
        return Err(StartError::Schedule(schedule.name));
    }
    library::crontabs(&work.schedules).map_err(StartError::Schedule)?;
    if work.config.concurrency == 0 {
        return Ok(RunningJobs { task: None });
    }
    let pool = pool(&work).await.map_err(|error| StartError::Database(error.into()))?;
    let work = Arc::new(work);
    let wake = Arc::new(Notify::new());
    let bell = bell(&work, &pool, &wake, lifecycle);
    let mut slots = Vec::new();
    for _ in 0..work.config.concurrency {
        let defines = work.handlers.values().map(|handler| handler.define);
        let slot = Slot::new(&pool, defines, bell.clone(), &work.config, lifecycle).await.map_err(StartError::Database)?;
        slots.push(slot);
    }
    let names: Vec<_> = slots.iter().map(Slot::name).collect();
    // Before the first claim, or it would be an orphan's.
    library::heartbeat(&pool, &names).await.map_err(|error| StartError::Database(error.into()))?;
    let task = tokio::spawn(run(work, pool, wake, slots, names, lifecycle.clone()));
    Ok(RunningJobs { task: Some(task) })
}

/// A pool of its own: jobs neither wait behind requests nor keep them waiting, and a connection that has died is not handed out. A node that stands
/// still in the middle of a transaction, such as the library's search for dead workers, which is one node's at a time, lets go of its locks when
/// its lease is over.
async fn pool(work: &Work) -> Result<PgPool, sqlx::Error> {
    let slots = u32::try_from(work.config.concurrency).unwrap_or(u32::MAX);
    let idle = format!("{}ms", work.config.lease.min(LONGEST_IDLE).as_millis());
    PgPoolOptions::new()
        // Notices take one for good; the keeper and the ticks want some.
        .max_connections(slots.saturating_add(3))
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(work.db.system_options()?.application_name("saas-jobs").options([("idle_in_transaction_session_timeout", idle)]))
        .await
}

async fn run(work: Arc<Work>, pool: PgPool, wake: Arc<Notify>, slots: Vec<Slot>, names: Vec<String>, lifecycle: Lifecycle) {
    let mut beside = JoinSet::new();
    beside.spawn(listen(pool.clone(), wake.clone()));
    beside.spawn(every(work.config.lease / 4, {
        let (pool, names) = (pool.clone(), names.clone());
        move || {
            let (pool, names) = (pool.clone(), names.clone());
            async move { library::heartbeat(&pool, &names).await }
        }
    }));
    beside.spawn(every(work.config.poll, {
        let pool = pool.clone();
        move || {
            let pool = pool.clone();
            async move { promote(&pool).await }
        }
    }));
    beside.spawn(every(work.config.lease, {
        let pool = pool.clone();
        move || {
            let pool = pool.clone();
            async move { mend(&pool).await }
        }
    }));
    let keeper = tokio::spawn(keep(work.clone(), pool.clone(), lifecycle.clone()));
    let mut running = JoinSet::new();
    for slot in slots {
        running.spawn(take_turns(slot, pool.clone(), wake.clone(), work.config.clone(), lifecycle.clone()));
    }
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            tracing::error!(error = %error, "a slot for jobs ended");
        }
    }
    // Heartbeats go on until here: during the grace period the jobs are still ours.
    beside.shutdown().await;
    if let Err(error) = keeper.await {
        tracing::error!(error = %error, "the keeper of jobs ended");
    }
    if let Err(error) = library::farewell(&pool, &names).await {
        tracing::warn!(error = %error, "workers could not say good-bye; their lease will end");
    }
    pool.close().await;
}

/// What happens when an alarm rings.
fn bell(work: &Arc<Work>, pool: &PgPool, wake: &Arc<Notify>, lifecycle: &Lifecycle) -> Bell {
    let (work, pool, wake, lifecycle) = (work.clone(), pool.clone(), wake.clone(), lifecycle.clone());
    Bell(Arc::new(move |ring| {
        // One notice stands for all jobs of a transaction: whoever found one wakes the next to look for more.
        wake.notify_one();
        // The library may claim another job, or the one that it has just cut off, before it hears that the program stops.
        if lifecycle.is_draining() {
            return Box::pin(std::future::ready(Err(Unfinished::Stopping)));
        }
        let (work, pool) = (work.clone(), pool.clone());
        Box::pin(async move { answer(&work, &pool, ring).await })
    }))
}

async fn answer(work: &Work, pool: &PgPool, ring: Ring) -> Result<(), Unfinished> {
    let Some(handler) = work.handlers.get(ring.name) else { return Ok(()) };
    match ring.job {
        Some(job) => attempt(&work.db, pool, ring.name, handler, job, ring.alarm).await,
        None => Ok(enqueue(work, pool, handler, ring).await?),
    }
}

/// Cron's alarm becomes a job, unless one waits.
async fn enqueue(work: &Work, pool: &PgPool, handler: &Handler, ring: Ring) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    if let Some(schedule) = work.schedules.iter().find(|schedule| schedule.name == ring.name) {
        sqlx::query_scalar!(
            "select core.job_put($1, null, $2, $3, 1::smallint, 'cron', $4, 0, $5)",
            uuid::Uuid::from(super::JobId::new()),
            schedule.name,
            schedule.payload,
            i32::from(handler.attempts),
            work.db.clock().now(),
        )
        .fetch_one(&mut *transaction)
        .await?;
    }
    library::silence(&mut transaction, ring.alarm).await?;
    transaction.commit().await
}

async fn take_turns(slot: Slot, pool: PgPool, wake: Arc<Notify>, config: JobsConfig, lifecycle: Lifecycle) {
    let mut looked = Instant::now();
    while !lifecycle.is_draining() {
        slot.drain().await;
        if looked.elapsed() >= config.lease {
            looked = Instant::now();
            if let Err(error) = slot.let_go(&pool).await {
                tracing::warn!(error = %error, "what a slot for jobs may still claim is not given back; it is tried again");
            }
        }
        tokio::select! {
            () = lifecycle.draining() => {}
            () = wake.notified() => {}
            () = tokio::time::sleep(config.poll) => {}
        }
    }
}

/// Wakes a slot when jobs are enqueued. Whoever is at work looks for more by itself.
async fn listen(pool: PgPool, wake: Arc<Notify>) {
    loop {
        if let Err(error) = hear(&pool, &wake).await {
            tracing::warn!(error = %error, "notices of jobs are lost; looking for jobs all the same");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn hear(pool: &PgPool, wake: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(library::CHANNEL).await?;
    // What was enqueued after the slots had looked and before this was heard by nobody.
    wake.notify_one();
    loop {
        if listener.try_recv().await?.is_none() {
            return Ok(());
        }
        wake.notify_one();
    }
}

async fn promote(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!("select core.job_promote($1)", PROMOTED).fetch_one(pool).await.map(drop)
}

async fn mend(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mended = sqlx::query_scalar!(r#"select core.job_mend() as "mended!""#).fetch_one(pool).await?;
    if mended > 0 {
        tracing::warn!(mended, "jobs had lost their alarms");
    }
    Ok(())
}

async fn every<F, R>(period: Duration, mut action: F)
where
    F: FnMut() -> R,
    R: Future<Output = Result<(), sqlx::Error>>,
{
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(error) = action().await {
            tracing::warn!(error = %error, "looking after jobs failed; it is tried again");
        }
    }
}

async fn keep(work: Arc<Work>, pool: PgPool, lifecycle: Lifecycle) {
    while !lifecycle.is_draining() {
        // Read once already, when they were found to be right.
        let crontabs = library::crontabs(&work.schedules).unwrap_or_default();
        if let Err(error) = library::keep(&pool, crontabs, &work.config, &lifecycle).await {
            tracing::warn!(error = %error, "schedules and the recovery of jobs failed; starting them again");
            tokio::select! {
                () = lifecycle.draining() => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}

//! Background jobs, as the application's and the system's logins.

mod basics;
mod cron;
mod failing;
mod fair;
mod killed;
mod options;
mod tenants;
pub(crate) mod worker;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use saas_core::{
    DeadLetter, DeadLetters, Job, JobError, JobId, JobOptions, JobStats, Jobs, JobsConfig, Lifecycle, RunningJobs, TenantId, TenantRun,
    job_in, testing::TestDb,
};
use tokio::sync::mpsc;

/// A tenant's job that says something.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Say {
    pub(crate) word: String,
}

impl Job for Say {
    const NAME: &'static str = "test.say";
    const ATTEMPTS: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_secs(20);
}

pub(crate) fn say(word: impl Into<String>) -> Say {
    Say { word: word.into() }
}

/// Quick to notice things; everything else as in production.
pub(crate) fn quick(concurrency: usize) -> JobsConfig {
    JobsConfig { concurrency, lease: Duration::from_secs(2), drain: Duration::from_secs(5), poll: Duration::from_millis(50) }
}

pub(crate) async fn enqueue<J: Job>(test: &TestDb, tenant: TenantId, job: &J, options: JobOptions) -> JobId {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let id = job_in(&mut tx, job, options).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// So many jobs of a tenant, in one transaction: the words are numbers from 1.
pub(crate) async fn enqueue_many(test: &TestDb, tenant: TenantId, number: i32) {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    // A thousand take less than a statement may.
    for first in (1..=number).step_by(1_000) {
        sqlx::query(
            "select count(core.job_add(gen_random_uuid(), 'test.say', jsonb_build_object('word', n::text), 1::smallint, null, 3, 0, now()))
            from generate_series($1, least($1 + 999, $2)) n",
        )
        .bind(first)
        .bind(number)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

/// What handlers say, in order.
pub(crate) struct Heard {
    words: mpsc::UnboundedReceiver<(TenantId, String)>,
    all: Arc<Mutex<Vec<String>>>,
}

impl Heard {
    /// Registers a handler that repeats what it is told.
    pub(crate) fn on(jobs: &Jobs) -> Self {
        Self::then(jobs, async || Ok(()))
    }

    /// And then does something.
    pub(crate) fn then<F, T>(jobs: &Jobs, after: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let (sender, words) = mpsc::unbounded_channel();
        let all = Arc::new(Mutex::new(Vec::new()));
        let heard = all.clone();
        jobs.on(move |run: TenantRun, job: Say| {
            heard.lock().unwrap().push(job.word.clone());
            sender.send((run.tenant(), job.word)).unwrap();
            after()
        });
        Self { words, all }
    }

    pub(crate) async fn next(&mut self) -> (TenantId, String) {
        tokio::time::timeout(Duration::from_secs(30), self.words.recv()).await.expect("a job runs").unwrap()
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.all.lock().unwrap().clone()
    }
}

/// Starts; dropped, it goes on until the test's runtime ends.
pub(crate) async fn start(jobs: &Jobs, config: JobsConfig) -> (RunningJobs, Lifecycle) {
    let lifecycle = Lifecycle::new();
    (jobs.start(config, &lifecycle).await.unwrap(), lifecycle)
}

pub(crate) async fn stats(test: &TestDb) -> JobStats {
    JobStats::read(&test.db).await.unwrap()
}

/// Waits until the numbers of the queue are as they should be.
pub(crate) async fn until(test: &TestDb, what: &str, condition: impl Fn(&JobStats) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let stats = stats(test).await;
        if condition(&stats) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "gave up waiting until {what}: {stats:?}");
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn nothing_left(test: &TestDb) {
    let all = |stats: &JobStats| stats.waiting + stats.scheduled + stats.running;
    let mut left = all(&stats(test).await);
    // However many there are: each minute there are less.
    while left > 0 {
        until(test, "less is left", |stats| all(stats) < left).await;
        left = all(&stats(test).await);
    }
}

/// The one dead letter, once there is one.
pub(crate) async fn dead(test: &TestDb) -> DeadLetter {
    until(test, "there is a dead letter", |stats| stats.dead == 1).await;
    DeadLetters::new(&test.db).list(10).await.unwrap().pop().unwrap()
}

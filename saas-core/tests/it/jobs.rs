//! Background jobs, as the application's and the system's logins.

mod basics;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use saas_core::{
    Job, JobId, JobOptions, Jobs, JobsConfig, Lifecycle, RunningJobs, TenantId, TenantRun, job_in,
    testing::TestDb,
};
use tokio::sync::mpsc;

/// A tenant's job that says something.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Say {
    pub(crate) word: String,
}

impl Job for Say {
    const NAME: &'static str = "test.say";
    const TIME_LIMIT: Duration = Duration::from_secs(20);
}

pub(crate) fn say(word: impl Into<String>) -> Say {
    Say { word: word.into() }
}

/// Quick to notice things; everything else as in production.
pub(crate) fn quick(concurrency: usize) -> JobsConfig {
    JobsConfig { concurrency, lease: Duration::from_secs(2), drain: Duration::from_secs(2), poll: Duration::from_millis(50) }
}

pub(crate) async fn enqueue<J: Job>(test: &TestDb, tenant: TenantId, job: &J, options: JobOptions) -> JobId {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let id = job_in(&mut tx, job, options).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// What handlers say, in order.
pub(crate) struct Heard {
    words: mpsc::UnboundedReceiver<(TenantId, String)>,
    all: Arc<Mutex<Vec<String>>>,
}

impl Heard {
    /// Registers a handler that repeats what it is told.
    pub(crate) fn on(jobs: &Jobs) -> Self {
        let (sender, words) = mpsc::unbounded_channel();
        let all = Arc::new(Mutex::new(Vec::new()));
        let heard = all.clone();
        jobs.on(move |run: TenantRun, job: Say| {
            heard.lock().unwrap().push(job.word.clone());
            let sent = sender.send((run.tenant(), job.word));
            async move { Ok(sent?) }
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

/// Starts, and stops when the test is over.
pub(crate) async fn start(jobs: &Jobs, config: JobsConfig) -> (RunningJobs, Lifecycle) {
    let lifecycle = Lifecycle::new();
    (jobs.start(config, &lifecycle).await.unwrap(), lifecycle)
}

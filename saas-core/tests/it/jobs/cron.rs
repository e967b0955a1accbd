//! What the clock enqueues: each time once, however many nodes there are, and one run for all that was missed.

use std::time::Duration;

use chrono::{TimeDelta, Timelike as _};
use saas_core::{Clock, Job, Jobs, Lifecycle, RunningJobs, SystemRun, testing::TestDb};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use super::{nothing_left, quick, say, start};
use crate::planted::{as_superuser, truth};

#[derive(serde::Serialize, serde::Deserialize)]
struct Tick {}

impl Job for Tick {
    const NAME: &'static str = "test.tick";
}

const NODES: usize = 3;

/// Nodes that all have the same schedule, and where its runs are heard of.
struct Nodes {
    running: Vec<(RunningJobs, Lifecycle)>,
    ticks: UnboundedReceiver<()>,
}

impl Nodes {
    async fn start(test: &TestDb, cron: &'static str) -> Self {
        let (told, ticks) = unbounded_channel();
        let mut running = Vec::new();
        for _ in 0..NODES {
            running.push(node(test, cron, told.clone()).await);
        }
        Self { running, ticks }
    }

    /// Stops them all, once each has had its look at the schedule, and says how often it ran since the last look.
    async fn stop(mut self, test: &TestDb) -> usize {
        let ada = test.tenant(&format!("tenant-{}", uuid::Uuid::now_v7().simple())).await;
        for number in 0..NODES {
            super::enqueue(test, ada, &say(number.to_string()), saas_core::JobOptions::new()).await;
        }
        nothing_left(test).await;
        for (running, lifecycle) in self.running {
            lifecycle.drain();
            running.drained().await;
        }
        // Not one that was enqueued twice and waits.
        let alarms = truth(test, "select count(*)::text from graphile_worker._private_jobs").await;
        let jobs = truth(test, "select count(*)::text from core.job").await;
        assert_eq!((alarms, jobs), (vec!["0".to_owned()], vec!["0".to_owned()]));
        let mut more = 0;
        while self.ticks.try_recv().is_ok() {
            more += 1;
        }
        more
    }
}

async fn node(test: &TestDb, cron: &'static str, told: UnboundedSender<()>) -> (RunningJobs, Lifecycle) {
    let jobs = Jobs::new(&test.db);
    jobs.on(move |_: SystemRun, _: Tick| {
        let told = told.clone();
        async move { Ok(told.send(())?) }
    });
    jobs.on(|_: saas_core::TenantRun, _: super::Say| async { Ok(()) });
    jobs.cron(cron, &Tick {});
    start(&jobs, quick(1)).await
}

/// OPS-01: no node ran for three hours, and the schedule is hourly: one run makes up for it, however many nodes come back at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_while_no_node_ran_is_made_up_for_once() {
    let test = TestDb::new(&[]).await.unwrap();
    // Half an hour away from now, so that no time of it comes while this runs.
    let minute = (Clock::system().now() - TimeDelta::minutes(30)).minute();
    let hourly: &'static str = format!("{minute} * * * *").leak();
    let known = "insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
        values ('test.tick', now() - interval '3 hours', now() - interval '3 hours')";
    as_superuser(&test, known).await;
    let mut nodes = Nodes::start(&test, hourly).await;
    timeout(Duration::from_secs(60), nodes.ticks.recv()).await.expect("it is made up for").unwrap();
    assert_eq!(nodes.stop(&test).await, 0);
    // Nor by nodes that start later.
    assert_eq!(Nodes::start(&test, hourly).await.stop(&test).await, 0);
}

/// OPS-01: three nodes, and each minute is one run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_comes_is_one_run_however_many_nodes_there_are() {
    let test = TestDb::new(&[]).await.unwrap();
    let mut nodes = Nodes::start(&test, "* * * * *").await;
    timeout(Duration::from_secs(150), nodes.ticks.recv()).await.expect("a minute passes").unwrap();
    let minute = Clock::system().now().minute();
    let more = nodes.stop(&test).await;
    // Where this machine was so slow that another minute has come, that is another run.
    let passed = (Clock::system().now().minute() + 60 - minute) % 60;
    assert!(more <= passed as usize, "{more} more in {passed} minutes");
}

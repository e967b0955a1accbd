use std::{path::PathBuf, time::Duration};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use saas_core::dev::{self, DevDatabase, DevOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::outside::Outside;
use crate::process::{Settings, folder, wait_until};

/// A PostgreSQL of the test's own, which it may stop.
struct Cluster {
    directory: PathBuf,
    _folder: TempDir,
    database: DevDatabase,
}

impl Cluster {
    async fn start() -> Self {
        let folder = folder();
        let directory = folder.path().join("cluster");
        let database = Self::run(&directory).await;
        Self { directory, _folder: folder, database }
    }

    /// Starts it, on the port that it had before.
    async fn run(directory: &std::path::Path) -> DevDatabase {
        let options = DevOptions { directory: directory.to_owned(), durable: false, ..DevOptions::new("monitoring") };
        dev::start(options).await.unwrap()
    }

    fn server(&self) -> Option<Pid> {
        let record: Value = serde_json::from_slice(&std::fs::read(self.directory.join("postgres.json")).ok()?).ok()?;
        let claim = std::fs::read_to_string(PathBuf::from(record["home"].as_str()?).join("data/postmaster.pid")).ok()?;
        Pid::from_raw(claim.lines().next()?.parse().ok()?)
    }

    /// Stops it as an administrator does who does not wait for connections.
    async fn stop(&self) {
        let server = self.server().unwrap();
        kill_process(server, Signal::INT).unwrap();
        wait_until("PostgreSQL stops", Duration::from_secs(30), async || test_kill_process(server).is_err()).await;
    }
}

/// Readiness says 503 within two seconds and requests get a problem; once the database is back, all goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_comes_back_needs_no_restart() {
    let (folder, mut cluster) = (folder(), Cluster::start().await);
    let owner = cluster.database.url().to_owned();
    let server = Settings::serving(folder.path()).set("DATABASE_URL", &owner).start().await;
    let outside = Outside::at(&server.url, folder.path(), &owner).await;
    assert_eq!(outside.status_of("/health/ready").await, Some(200));
    assert_eq!(outside.post_device("10.0.0.1").await.unwrap().status(), 200);

    cluster.stop().await;
    let stopped = Instant::now();
    let is_unready = async || outside.status_of("/health/ready").await == Some(503);
    wait_until("readiness says so", Duration::from_secs(2), is_unready).await;
    assert_eq!(outside.status_of("/health/live").await, Some(200), "the process itself is well");
    let (list, page, refused) =
        tokio::join!(outside.status_of("/api/v1/devices"), outside.status_of("/devices"), outside.post_device("10.0.0.2"));
    assert_eq!((list, page), (Some(503), Some(503)));
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    let expected = serde_json::json!({ "type": "/problems/unavailable", "title": "The service is not available right now", "status": 503 });
    assert_eq!(problem, expected, "nothing about why");
    // A connection is waited for, in case it is only busy; but not for long.
    assert!(stopped.elapsed() < Duration::from_secs(20));

    cluster.database = Cluster::run(&cluster.directory).await;
    assert_eq!(cluster.database.url(), owner, "it comes back where it was");
    let is_ready = async || outside.status_of("/health/ready").await == Some(200);
    wait_until("readiness comes back", Duration::from_secs(10), is_ready).await;
    assert_eq!(outside.post_device("10.0.0.2").await.unwrap().status(), 200);
    assert_eq!(outside.status_of("/devices").await, Some(200));
    server.kill().await;
}

/// A restart between two requests costs none of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_between_requests_is_not_noticed() {
    let (folder, mut cluster) = (folder(), Cluster::start().await);
    let owner = cluster.database.url().to_owned();
    let server = Settings::serving(folder.path()).set("DATABASE_URL", &owner).start().await;
    let outside = Outside::at(&server.url, folder.path(), &owner).await;
    // As many connections as there are, all of which die.
    let at_once = futures_util::future::join_all((0..20).map(|_| outside.status_of("/api/v1/devices"))).await;
    assert!(at_once.iter().all(|status| *status == Some(200)), "{at_once:?}");
    cluster.stop().await;
    cluster.database = Cluster::run(&cluster.directory).await;
    let after = futures_util::future::join_all((0..20).map(|_| outside.status_of("/api/v1/devices"))).await;
    assert!(after.iter().all(|status| *status == Some(200)), "{after:?}");
    assert_eq!(outside.post_device("10.0.0.1").await.unwrap().status(), 200);
    server.kill().await;
}

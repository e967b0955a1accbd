//! A server that goes away and comes back.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use saas_core::{
    Clock, DatabaseConfig, Db, DbError, JobOptions, Jobs, Lifecycle, MasterKey, Secret, TenantId,
    dev::{self, DevDatabase, DevOptions},
    job_in, provision,
};
use tempfile::TempDir;

use crate::{
    borrower::{bodies, few, finds_nothing, note, written},
    jobs::{quick, say, worker::write},
    mail::sink::{Mode, Sink},
    planted::{CONNECTIONS, NOTE, as_superuser, connect, run},
    program::wait_until,
    rounds::RESTARTS,
    works::{Arrived, Receivers, Works},
};

const SOON: Duration = Duration::from_secs(30);

/// Ends the sessions of the application and the system, as an administrator would.
const TERMINATE: &str =
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'saas'";

#[tokio::test]
async fn terminated_connections_are_replaced_without_an_error() {
    let test = few().await;
    let tenant = test.db.tenant(TenantId::new());
    for round in 0..3 {
        // As many as the pool holds, and then they are idle.
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(tenant.begin().await.unwrap());
        }
        drop(held);
        drop(test.db.system("test").begin().await.unwrap());
        finds_nothing(&test.db).await;
        as_superuser(&test, TERMINATE).await;

        match round {
            0 => drop(tenant.begin().await.unwrap()),
            1 => finds_nothing(&test.db).await,
            _ => assert_eq!(test.db.pending_migrations().await.unwrap(), 0),
        }
        drop(test.db.system("test").begin().await.unwrap());
    }
}

#[tokio::test]
async fn a_connection_that_is_terminated_in_a_transaction_fails_that_transaction_alone() {
    let test = few().await;
    let tenant = test.db.tenant(TenantId::new());
    let mut tx = tenant.begin().await.unwrap();
    note(&mut tx, "lost").await.unwrap();
    as_superuser(&test, TERMINATE).await;
    let error = tx.commit().await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");

    let mut tx = tenant.begin().await.unwrap();
    note(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(written(&test).await, ["kept"]);
}

/// A request as the program has it: who is it, the tenant's transaction, and what it is about.
async fn request(db: &Db) -> Result<(), DbError> {
    db.ping().await.unwrap();
    let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
    note(&mut tx, "request").await?;
    tx.commit().await
}

/// Issue 2: "no failed request beyond those in flight". Those were begun before the server had been told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_all_terminated_under_load_cost_no_request_but_those_in_flight() {
    const CLIENTS: usize = 16;
    let test = few().await;
    for _ in 0..5 {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (db, stop, served) = (test.db.clone(), stop.clone(), served.clone());
                tokio::spawn(async move {
                    let mut failed = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let began = Instant::now();
                        match request(&db).await {
                            Ok(()) => drop(served.fetch_add(1, Ordering::SeqCst)),
                            Err(error) => {
                                assert!(error.is_unavailable(), "{error:?}");
                                failed.push(began);
                            }
                        }
                    }
                    failed
                })
            })
            .collect();
        let more = async || {
            let before = served.load(Ordering::SeqCst);
            while served.load(Ordering::SeqCst) < before + 100 {
                tokio::task::yield_now().await;
            }
        };
        more().await;
        as_superuser(&test, TERMINATE).await;
        let terminated = Instant::now();
        more().await;
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            let failed = client.await.unwrap();
            assert!(failed.len() <= 1, "{} requests of one client failed", failed.len());
            assert!(failed.iter().all(|began| *began < terminated));
        }
    }
}

/// A cluster of this test's own, which it may stop.
struct Own {
    folder: TempDir,
    options: DevOptions,
}

impl Own {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Root's server runs as somebody else, who has to get through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let directory = folder.path().join(".saas");
        Self { folder, options: DevOptions { directory, durable: false, ..DevOptions::new("restarted") } }
    }

    async fn start(&self) -> DevDatabase {
        dev::start(self.options.clone()).await.unwrap()
    }

    fn home(&self) -> PathBuf {
        let record = fs::read(self.options.directory.join("postgres.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["home"].as_str().unwrap().into()
    }

    fn server(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.home().join("data/postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.parse().ok()?)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // A second panic would end the program before it says what failed.
        if std::thread::panicking() {
            return;
        }
        wait_until("the cluster has stopped", SOON, || self.server().is_none());
        let home = self.home();
        if !home.starts_with(self.folder.path()) {
            fs::remove_dir_all(home).unwrap();
        }
    }
}

/// The program's requests, one after another until it is told to stop: how many were begun, and how many of those failed later.
async fn requests(db: Db, stop: Arc<AtomicBool>, begun: Arc<AtomicUsize>) -> usize {
    let tenant = db.tenant(TenantId::new());
    let mut failed = 0;
    while !stop.load(Ordering::SeqCst) {
        // This is where a request finds that the server has gone, and must not notice.
        let mut tx = tenant.begin().await.unwrap();
        begun.fetch_add(1, Ordering::SeqCst);
        let rest = async {
            note(&mut tx, "request").await?;
            tx.commit().await
        };
        if let Err(error) = rest.await {
            assert!(error.is_unavailable(), "{error:?}");
            failed += 1;
        }
    }
    failed
}

/// A database with a table of notes.
async fn with_notes(database: &DevDatabase, max_connections: u32) -> Db {
    let owner = Secret::new(database.url());
    Db::migrate_as(&owner, &[]).await.unwrap();
    run(&owner, NOTE.to_owned()).await;
    let logins = provision(&owner, |_| Secret::new("test")).await.unwrap();
    let config =
        DatabaseConfig { app: logins.app, system: logins.system, max_connections, allow_old_server: true, ..DatabaseConfig::default() };
    Db::connect(&config, &[], Clock::system()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_server_costs_no_request_but_those_in_flight() {
    const CLIENTS: usize = 4;
    let own = Own::new();
    let database = own.start().await;
    let db = with_notes(&database, CLIENTS as u32).await;

    let mut again = Vec::new();
    for signal in [Signal::INT, Signal::QUIT].into_iter().cycle().take(RESTARTS.number()) {
        let (stop, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(requests(db.clone(), stop.clone(), begun.clone()))).collect();
        let served = |more: usize| {
            let (begun, before) = (begun.clone(), begun.load(Ordering::SeqCst));
            async move {
                tokio::task::spawn_blocking(move || {
                    wait_until("requests are served", SOON, || begun.load(Ordering::SeqCst) >= before + more);
                })
                .await
                .unwrap();
            }
        };
        served(50).await;
        let server = own.server().unwrap();
        // INT is a fast shutdown, which ends the sessions; QUIT is an immediate one, as in a crash.
        kill_process(server, signal).unwrap();
        tokio::task::block_in_place(|| wait_until("the server has stopped", SOON, || own.server() != Some(server)));
        again.push(own.start().await);
        served(50).await;
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            let failed = client.await.unwrap();
            assert!(failed <= 1, "{failed} requests of one client failed");
        }
        assert_eq!(db.pending_migrations().await.unwrap(), 0);
    }
    let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
    assert_eq!(bodies(&mut tx).await, Vec::<String>::new());
    drop(tx);
    db.close().await;
    drop((again, database));
}

/// J5: the server restarts while jobs run, in order and as in a crash: each takes effect once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_a_restart_of_the_server_interrupts_take_effect_once_each() {
    const EACH: i64 = 400;
    let own = Own::new();
    let database = own.start().await;
    let db = with_notes(&database, 5).await;
    let owner = Secret::new(database.url());
    let tenant = TenantId::new();
    run(&owner, format!("insert into core.tenant (id, slug, name, created_at) values ('{tenant}', 'ada', 'Ada', now())")).await;
    let count = async |what: &str| -> i64 { first(&owner, &format!("select count(*) {what}")).await };

    let (jobs, lifecycle) = (Jobs::new(&db), Lifecycle::new());
    jobs.on(write);
    let running = jobs.start(quick(2), &lifecycle).await.unwrap();
    let (mut again, mut number) = (Vec::new(), 0);
    for signal in [Signal::INT, Signal::QUIT] {
        let mut tx = db.tenant(tenant).begin().await.unwrap();
        for _ in 0..EACH {
            number += 1;
            job_in(&mut tx, &say(number.to_string()), JobOptions::new()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let before = number - EACH;
        let began = Instant::now();
        while count("from data.note").await < before + 10 {
            assert!(began.elapsed() < SOON, "jobs run");
        }
        assert!(count("from core.job").await > 0, "all was done before the restart");
        let server = own.server().unwrap();
        kill_process(server, signal).unwrap();
        tokio::task::block_in_place(|| wait_until("the server has stopped", SOON, || own.server() != Some(server)));
        again.push(own.start().await);
    }
    let began = Instant::now();
    while count("from core.job").await > 0 {
        assert!(began.elapsed() < 3 * SOON, "jobs go on after the restart");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((count("from data.note").await, count("from (select distinct body from data.note) each").await), (number, number));
    lifecycle.drain();
    running.drained().await;
    db.close().await;
    drop((again, database));
}

/// NOT-01, NOT-03, NOT-05, AUD-02: the server restarts while events are relayed, letters and messages are sent and the log is sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_an_event_follows_once_when_the_server_restarts_under_load() {
    const EACH: usize = 150;
    let own = Own::new();
    let database = own.start().await;
    let (db, keys) = (with_notes(&database, 5).await, MasterKey::generate());
    let (receivers, mut sink, mut arrived) = (Receivers::new().await, Sink::new(Mode::Plain).await, Arrived::default());
    let works = Works::new(&db, &keys, &sink.url(""));
    let tenant = works.organization(&receivers).await;
    let lifecycle = Lifecycle::new();
    let running = works.begin(&lifecycle).await;
    let (mut again, mut number) = (Vec::new(), 0);
    for signal in [Signal::INT, Signal::QUIT] {
        works.happen(tenant, number..number + EACH).await;
        number += EACH;
        let sent = receivers.chat.count();
        receivers.chat.wait_for(sent + 1).await;
        assert!(works.left().await > 0, "all was done before the restart");
        let server = own.server().unwrap();
        kill_process(server, signal).unwrap();
        tokio::task::block_in_place(|| wait_until("the server has stopped", SOON, || own.server() != Some(server)));
        again.push(own.start().await);
    }
    arrived.until(&mut sink, works.nothing_left()).await;
    arrived.rest(&mut sink).await;
    works.all_was_done(tenant, number, &receivers, &arrived).await;
    lifecycle.drain();
    running.drained().await;
    db.close().await;
    drop((works, again, database));
}

/// A number that the owner finds.
async fn first(owner: &Secret, query: &str) -> i64 {
    let mut connection = connect(owner).await;
    sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
}

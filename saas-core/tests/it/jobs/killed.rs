//! A node that is killed or stopped in the middle of its jobs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Signal, getpid, kill_process};
use saas_core::{Clock, DatabaseConfig, Db, JobError, JobOptions, Jobs, JobsConfig, Secret, TenantRun, testing::TestDb};
use tokio::time::sleep;

use super::{Say, dead, enqueue, enqueue_many, nothing_left, quick, say, start, stats, worker::write};
use crate::{
    borrower::{note, with_notes, written},
    planted::{as_superuser, truth},
    program::Program,
    rounds::JOB_KILLS,
};

/// Where the program below finds what it works on, and where it is to wait and for which file: app login, system login, step, path.
const PLACES: [&str; 4] = ["SAAS_TEST_APP", "SAAS_TEST_SYSTEM", "SAAS_TEST_STEP", "SAAS_TEST_GATE"];

/// The steps of an attempt, each a moment to die.
const STEPS: [&str; 4] = ["begun", "written", "completed", "committed"];

/// What the tests below start: a node that works, and waits at a step of its jobs until there is a file. Alone it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_that_works() {
    let [Some(app), Some(system), Some(step), Some(gate)] = PLACES.map(|name| std::env::var_os(name).map(|it| it.into_string().unwrap()))
    else {
        return;
    };
    let config = DatabaseConfig {
        app: Secret::new(app),
        system: Secret::new(system),
        max_connections: 5,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let jobs = Jobs::new(&db);
    let is_restless = step == RESTLESS;
    let stop = Stop { step, gate: gate.into() };
    jobs.on(move |run: TenantRun, job: Say| {
        let stop = stop.clone();
        async move {
            let outcome = stop.work(&run, &job).await;
            Program::report(if outcome.is_ok() { "done" } else { "refused" });
            outcome
        }
    });
    let config = if is_restless { JobsConfig { lease: Duration::from_millis(100), ..quick(1) } } else { quick(4) };
    let _running = start(&jobs, config).await;
    tokio::task::spawn_blocking(Program::wait_for_the_end).await.unwrap();
}

/// No step: the job takes its process with it.
const POISON: &str = "poison";

/// No step: the node looks for dead ones all the time.
const RESTLESS: &str = "restless";

#[derive(Clone)]
struct Stop {
    step: String,
    gate: PathBuf,
}

impl Stop {
    async fn work(&self, run: &TenantRun, job: &Say) -> Result<(), JobError> {
        if self.step == POISON {
            Program::report(POISON);
            kill_process(getpid(), Signal::KILL)?;
        }
        self.at(STEPS[0]).await;
        let mut tx = run.db().begin().await?;
        note(&mut tx, &job.word).await?;
        self.at(STEPS[1]).await;
        run.complete_in(&mut tx).await?;
        self.at(STEPS[2]).await;
        tx.commit().await?;
        self.at(STEPS[3]).await;
        Ok(())
    }

    async fn at(&self, step: &str) {
        if self.step == step {
            Program::report(step);
            while !self.gate.exists() {
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

fn program(test: &TestDb, step: &str, gate: &Path) -> Program {
    let logins = test.database.logins();
    let values = [logins.app.expose(), logins.system.expose(), step, gate.to_str().unwrap()];
    Program::start("jobs::killed::the_program_that_works", |command| {
        command.envs(PLACES.into_iter().zip(values));
    })
}

/// J1: wherever in an attempt its node is killed, the job takes effect, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_node_is_killed_at_any_step_takes_effect_once() {
    for step in STEPS {
        let test = with_notes(5).await;
        let ada = test.tenant("ada").await;
        enqueue(&test, ada, &say(step), JobOptions::new()).await;
        let mut program = program(&test, step, Path::new("/nowhere/at/all"));
        assert_eq!(program.reported(), step);
        program.kill();
        let jobs = Jobs::new(&test.db);
        jobs.on(write);
        let _running = start(&jobs, quick(1)).await;
        nothing_left(&test).await;
        assert_eq!((written(&test).await, stats(&test).await.dead), (vec![step.to_owned()], 0), "{step}");
    }
}

/// J1: killed again and again, each time at another moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_node_that_is_killed_again_and_again_take_effect_once_each() {
    let kills = JOB_KILLS.number();
    let test = with_notes(8).await;
    let ada = test.tenant("ada").await;
    let number = kills * 20;
    enqueue_many(&test, ada, i32::try_from(number).unwrap()).await;
    // That a job is given up because its node died too often is not what this is about.
    as_superuser(&test, "update core.job set attempts = 1000").await;
    for kill in 0..kills {
        let mut program = program(&test, "none", Path::new("/nowhere/at/all"));
        assert_eq!(program.reported(), "done");
        sleep(Duration::from_millis(kill as u64 * 7 % 41)).await;
        program.kill();
        assert!(stats(&test).await.waiting > 0, "all was done before kill {kill}");
    }
    let jobs = Jobs::new(&test.db);
    jobs.on(write);
    let _running = start(&jobs, quick(4)).await;
    nothing_left(&test).await;
    let written = written(&test).await;
    assert_eq!((written.len(), written.iter().collect::<BTreeSet<_>>().len()), (number, number));
}

/// J3: a job that takes its process with it each time is given up after its attempts, and what waits behind it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ends_its_process_is_a_dead_letter_after_its_attempts() {
    let test = with_notes(5).await;
    let ada = test.tenant("ada").await;
    let poison = enqueue(&test, ada, &say(POISON), JobOptions::new()).await;
    for _ in 0..3 {
        let mut program = program(&test, POISON, Path::new("/nowhere/at/all"));
        assert_eq!(program.reported(), POISON);
        program.wait_for_end_of_output(Duration::from_secs(60));
    }
    enqueue(&test, ada, &say("next"), JobOptions::new()).await;
    let jobs = Jobs::new(&test.db);
    jobs.on(write);
    let _running = start(&jobs, quick(1)).await;
    let letter = dead(&test).await;
    assert_eq!((letter.id, letter.attempts), (poison, 3), "{}", letter.error);
    nothing_left(&test).await;
    assert_eq!(written(&test).await, ["next"]);
}

/// J2: a node that stood still for longer than its lease finds that its attempt is another's, and what it wrote is undone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stood_still_for_longer_than_its_lease_can_not_complete_what_another_did() {
    for step in &STEPS[..2] {
        let (test, folder) = (with_notes(5).await, tempfile::tempdir().unwrap());
        let (ada, gate) = (test.tenant("ada").await, folder.path().join("go"));
        enqueue(&test, ada, &say("once"), JobOptions::new()).await;
        let mut stopped = program(&test, step, &gate);
        assert_eq!(stopped.reported(), *step);
        kill_process(stopped.pid(), Signal::STOP).unwrap();
        let jobs = Jobs::new(&test.db);
        jobs.on(write);
        let _running = start(&jobs, quick(1)).await;
        nothing_left(&test).await;
        assert_eq!(written(&test).await, ["once"]);
        std::fs::write(&gate, "").unwrap();
        kill_process(stopped.pid(), Signal::CONT).unwrap();
        assert_eq!(stopped.reported(), "refused", "{step}");
        assert_eq!(written(&test).await, ["once"], "{step}");
        nothing_left(&test).await;
    }
}

/// J2: a node that stands still in the middle of a transaction, such as the search for dead workers that is one node's at a time, holds up the
/// others for its lease and no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stands_still_in_a_transaction_lets_go_of_its_locks_with_its_lease() {
    let test = with_notes(5).await;
    let node = program(&test, RESTLESS, Path::new("/nowhere/at/all"));
    let held = async || {
        let query = "select pid::text from pg_stat_activity
            where datname = current_database() and application_name = 'saas-jobs' and state = 'idle in transaction'";
        !truth(&test, query).await.is_empty()
    };
    let began = Instant::now();
    loop {
        kill_process(node.pid(), Signal::STOP).unwrap();
        if held().await {
            break;
        }
        kill_process(node.pid(), Signal::CONT).unwrap();
        assert!(began.elapsed() < Duration::from_secs(120), "it was never met in a transaction");
        sleep(Duration::from_millis(3)).await;
    }
    let stopped = Instant::now();
    while held().await {
        assert!(stopped.elapsed() < Duration::from_secs(20), "it still holds what it held");
        sleep(Duration::from_millis(10)).await;
    }
}

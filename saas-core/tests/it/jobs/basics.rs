//! Enqueueing and running.

use saas_core::{Job, JobOptions, Jobs, Lifecycle, StartError, SystemRun, TenantRun, job_in, job_system_in, testing::TestDb};
use tokio::sync::mpsc;

use super::{Heard, Say, enqueue, enqueue_many, nothing_left, quick, say, start};

/// OPS-01
#[tokio::test]
async fn a_job_runs_in_the_tenant_that_enqueued_it() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let (running, lifecycle) = start(&jobs, quick(2)).await;
    enqueue(&test, ada, &say("hello"), JobOptions::new()).await;
    assert_eq!(heard.next().await, (ada, "hello".to_owned()));
    enqueue(&test, bob, &say("hi"), JobOptions::new()).await;
    assert_eq!(heard.next().await, (bob, "hi".to_owned()));
    nothing_left(&test).await;
    lifecycle.drain();
    running.drained().await;
}

/// OPS-01, J10
#[tokio::test]
async fn a_job_of_a_transaction_that_rolled_back_never_runs() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let mut tx = test.db.tenant(ada).begin().await.unwrap();
    job_in(&mut tx, &say("never"), JobOptions::new()).await.unwrap();
    drop(tx);
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("after"), JobOptions::new()).await;
    assert_eq!(heard.next().await.1, "after");
    nothing_left(&test).await;
    assert_eq!(heard.all(), ["after"]);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Sweep;

impl Job for Sweep {
    const NAME: &'static str = "test.sweep";
}

/// OPS-01
#[tokio::test]
async fn the_system_enqueues_for_a_tenant_and_for_nobody() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let (swept, mut sweeps) = mpsc::unbounded_channel();
    jobs.on(move |run: SystemRun, _: Sweep| {
        let swept = swept.clone();
        async move {
            let mut tx = run.db().begin().await?;
            let tenants: i64 = sqlx::query_scalar("select count(*) from core.tenant").fetch_one(&mut *tx).await?;
            run.complete_in(&mut tx).await?;
            tx.commit().await?;
            Ok(swept.send(tenants)?)
        }
    });
    let _running = start(&jobs, quick(1)).await;
    let mut tx = test.db.system("test").begin().await.unwrap();
    job_system_in(&mut tx, Some(ada), &say("for ada"), JobOptions::new()).await.unwrap();
    job_system_in(&mut tx, None, &Sweep, JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(heard.next().await, (ada, "for ada".to_owned()));
    assert_eq!(sweeps.recv().await, Some(1));
    nothing_left(&test).await;
}

/// OPS-01: during a rolling update, old nodes leave to new ones what they do not know.
#[tokio::test]
async fn a_job_that_nobody_here_can_do_is_left_to_others() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let old = Jobs::new(&test.db);
    old.on(async |_: SystemRun, _: Sweep| Ok(()));
    let _old = start(&old, quick(2)).await;
    enqueue(&test, ada, &say("new"), JobOptions::new()).await;
    // The old node has looked since.
    let mut tx = test.db.system("test").begin().await.unwrap();
    job_system_in(&mut tx, None, &Sweep, JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();
    super::until(&test, "the old node did its own", |stats| stats.waiting == 1).await;

    let new = Jobs::new(&test.db);
    let mut heard = Heard::on(&new);
    let _new = start(&new, quick(1)).await;
    assert_eq!(heard.next().await.1, "new");
}

/// OPS-01
#[tokio::test]
async fn two_handlers_for_one_job_and_a_schedule_without_a_handler_are_refused() {
    let test = TestDb::new(&[]).await.unwrap();
    let twice = Jobs::new(&test.db);
    twice.on(async |_: TenantRun, _: Say| Ok(())).on(async |_: TenantRun, _: Say| Ok(()));
    let error = twice.start(quick(1), &Lifecycle::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Twice("test.say")), "{error}");

    let without = Jobs::new(&test.db);
    without.cron("0 3 * * *", &Sweep);
    let error = without.start(quick(1), &Lifecycle::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Schedule("test.sweep")), "{error}");

    let wrong = Jobs::new(&test.db);
    wrong.on(async |_: SystemRun, _: Sweep| Ok(())).cron("sometimes", &Sweep);
    let error = wrong.start(quick(1), &Lifecycle::new()).await.unwrap_err();
    assert!(matches!(error, StartError::Schedule("test.sweep")), "{error}");
}

/// OPS-01: a backlog is worked off at the speed of the work, not of the polling.
#[tokio::test]
async fn a_backlog_is_worked_off_without_notices() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    enqueue_many(&test, ada, 200).await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let never = std::time::Duration::from_secs(3600);
    let _running = start(&jobs, saas_core::JobsConfig { poll: never, ..quick(2) }).await;
    for _ in 0..200 {
        heard.next().await;
    }
    nothing_left(&test).await;
}

//! A node at work, and at its end.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use saas_core::{JobError, JobOptions, Jobs, JobsConfig, TenantRun};
use tokio::sync::{Semaphore, mpsc};

use super::{Heard, Say, enqueue, enqueue_many, nothing_left, quick, say, start, stats};
use crate::{
    borrower::{note, with_notes, written},
    planted::{as_owner, as_superuser, truth},
    rounds::{JOB_BATCHES, JOBS},
};

/// Writes a note, and that is done, in one transaction.
pub(crate) async fn write(run: TenantRun, job: Say) -> Result<(), JobError> {
    let mut tx = run.db().begin().await?;
    note(&mut tx, &job.word).await?;
    run.complete_in(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// J4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_ten_thousand_jobs_takes_effect_once_with_eight_workers_on_two_nodes() {
    let test = with_notes(8).await;
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let number = JOBS.number();
    enqueue_many(&test, ada, (number / 2) as i32).await;
    enqueue_many(&test, bob, (number / 2) as i32).await;
    let nodes = [Jobs::new(&test.db), Jobs::new(&test.db)];
    let mut running = Vec::new();
    for jobs in &nodes {
        jobs.on(write);
        running.push(start(jobs, quick(4)).await);
    }
    nothing_left(&test).await;
    let written = written(&test).await;
    assert_eq!(written.len(), number);
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), number / 2);
    assert_eq!(stats(&test).await.dead, 0);
    for (running, lifecycle) in running {
        lifecycle.drain();
        running.drained().await;
    }
}

/// J9
#[tokio::test]
async fn a_node_that_stops_lets_its_jobs_finish_and_begins_no_other() {
    let test = with_notes(5).await;
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let (told, mut begun) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let open = gate.clone();
    jobs.on(move |run: TenantRun, job: Say| {
        told.send(job.word.clone()).unwrap();
        let gate = gate.clone();
        async move {
            gate.acquire().await?.forget();
            write(run, job).await
        }
    });
    let (running, lifecycle) = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("first"), JobOptions::new()).await;
    enqueue(&test, ada, &say("second"), JobOptions::new()).await;
    assert_eq!(begun.recv().await.as_deref(), Some("first"));
    lifecycle.drain();
    open.add_permits(2);
    running.drained().await;
    assert_eq!(written(&test).await, ["first"]);
    let stats = stats(&test).await;
    assert_eq!((stats.waiting, stats.running), (1, 0));
}

/// J9: within its limit.
#[tokio::test]
async fn a_job_that_does_not_finish_is_cut_off_and_done_by_another_node_at_once() {
    let test = with_notes(5).await;
    let ada = test.tenant("ada").await;
    let stubborn = Jobs::new(&test.db);
    let mut heard = Heard::then(&stubborn, async || std::future::pending().await);
    // With a lease that nobody waits for the end of.
    let hour = Duration::from_secs(3600);
    let config = JobsConfig { drain: Duration::from_millis(300), lease: hour, ..quick(1) };
    let (running, lifecycle) = start(&stubborn, config.clone()).await;
    enqueue(&test, ada, &say("long"), JobOptions::new()).await;
    heard.next().await;
    lifecycle.drain();
    tokio::time::timeout(Duration::from_secs(10), running.drained()).await.unwrap();

    let other = Jobs::new(&test.db);
    other.on(write);
    let _other = start(&other, config).await;
    nothing_left(&test).await;
    assert_eq!(written(&test).await, ["long"]);
}

/// OPS-01: whatever becomes of the library's rows, no job is forgotten.
#[tokio::test]
async fn a_job_whose_alarm_is_lost_rings_all_the_same() {
    let test = with_notes(5).await;
    let ada = test.tenant("ada").await;
    enqueue(&test, ada, &say("forgotten"), JobOptions::new()).await;
    as_owner(&test, "delete from graphile_worker._private_jobs").await;
    let jobs = Jobs::new(&test.db);
    jobs.on(write);
    let _running = start(&jobs, quick(1)).await;
    nothing_left(&test).await;
    assert_eq!(written(&test).await, ["forgotten"]);
}

/// J8: what is done leaves the queue, and leaves its room to what comes: after a million jobs it is no larger than after the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_takes_no_more_room_the_more_jobs_it_has_seen() {
    const BATCH: i32 = 500;
    let test = with_notes(5).await;
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    jobs.on(|_: TenantRun, _: Say| async { Ok(()) });
    let _running = start(&jobs, quick(4)).await;
    let mut sizes = Vec::new();
    for _ in 0..JOB_BATCHES.number() {
        enqueue_many(&test, ada, BATCH).await;
        nothing_left(&test).await;
        // As the server does by itself, once a minute and not as soon as this. Whoever held on to an old state would keep it from anything.
        for table in ["core.job", "graphile_worker._private_jobs"] {
            as_superuser(&test, &format!("vacuum {table}")).await;
        }
        let size = "select sum(pg_total_relation_size(oid))::text from pg_class
            where oid = any (array['core.job', 'graphile_worker._private_jobs']::regclass[])";
        sizes.push(truth(&test, size).await[0].parse::<u64>().unwrap());
    }
    assert!(sizes[sizes.len() - 1] <= 3 * sizes[0], "{sizes:?}");
}

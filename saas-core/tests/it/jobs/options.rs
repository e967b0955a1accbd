//! When a job runs, and with whom it shares a key.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use saas_core::{Clock, JobError, JobOptions, Jobs, Lane, job_in, testing::TestDb};
use tokio::sync::Semaphore;

use super::{Heard, enqueue, nothing_left, quick, say, start, stats};

const LATER: Duration = Duration::from_secs(5);

/// OPS-01
#[tokio::test]
async fn a_job_for_later_runs_when_its_time_has_come() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    let began = tokio::time::Instant::now();
    // Far enough from each other for a machine that takes seconds to enqueue one.
    enqueue(&test, ada, &say("later"), JobOptions::new().after(LATER)).await;
    enqueue(&test, ada, &say("soon"), JobOptions::new().after(Duration::from_millis(300))).await;
    enqueue(&test, ada, &say("tomorrow"), JobOptions::new().at(test.db.clock().now() + TimeDelta::days(1))).await;
    enqueue(&test, ada, &say("now"), JobOptions::new()).await;
    for word in ["now", "soon", "later"] {
        assert_eq!(heard.next().await.1, word);
    }
    assert!(began.elapsed() >= LATER, "{:?}", began.elapsed());
    let stats = stats(&test).await;
    assert_eq!((stats.scheduled, stats.waiting), (1, 0));
}

/// J6: the clock of the node says how far away a time is, and the database counts it down: a clock that is wrong by years delays nothing.
#[tokio::test]
async fn a_clock_that_is_wrong_shifts_no_delay() {
    for now in ["2001-01-01T00:00:00Z", "2101-01-01T00:00:00Z"] {
        let clock = Clock::fixed(now.parse().unwrap());
        let test = TestDb::at(&[], clock.clone(), 5).await.unwrap();
        let ada = test.tenant("ada").await;
        let jobs = Jobs::new(&test.db);
        let mut heard = Heard::on(&jobs);
        let _running = start(&jobs, quick(1)).await;
        enqueue(&test, ada, &say("in an hour"), JobOptions::new().at(clock.now() + TimeDelta::hours(1))).await;
        enqueue(&test, ada, &say("past"), JobOptions::new().at(clock.now() - TimeDelta::hours(1))).await;
        assert_eq!(heard.next().await.1, "past");
        let soon = clock.now() + TimeDelta::milliseconds(200);
        enqueue(&test, ada, &say("soon"), JobOptions::new().at(soon)).await;
        assert_eq!(heard.next().await.1, "soon");
        assert_eq!(heard.all(), ["past", "soon"]);
    }
}

/// OPS-01
#[tokio::test]
async fn one_job_of_a_key_waits_at_a_time() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let jobs = Jobs::new(&test.db);
    let gate = Arc::new(Semaphore::new(0));
    let open = gate.clone();
    let mut heard = Heard::then(&jobs, move || {
        let gate = gate.clone();
        async move {
            gate.acquire().await?.forget();
            Ok(())
        }
    });
    let unique = || JobOptions::new().unique("key");
    let first = enqueue(&test, ada, &say("first"), unique()).await;
    assert_eq!(enqueue(&test, ada, &say("second"), unique()).await, first);
    assert_ne!(enqueue(&test, ada, &say("other key"), JobOptions::new().unique("other")).await, first);
    assert_ne!(enqueue(&test, bob, &say("bob's"), unique()).await, first);

    let _running = start(&jobs, quick(1)).await;
    assert_eq!(heard.next().await.1, "first");
    // It has begun, and may have looked already.
    let third = enqueue(&test, ada, &say("third"), unique()).await;
    assert_ne!(third, first);
    assert_eq!(enqueue(&test, ada, &say("fourth"), unique()).await, third);
    open.add_permits(10);
    nothing_left(&test).await;
    let mut all = heard.all();
    all.sort();
    assert_eq!(all, ["bob's", "first", "other key", "third"]);
}

/// OPS-01: a job that waits for another attempt gives way to one that was enqueued since.
#[tokio::test]
async fn a_failed_job_leaves_its_key_to_the_one_that_waits() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let gate = Arc::new(Semaphore::new(0));
    let open = gate.clone();
    let mut heard = Heard::then(&jobs, move || {
        let gate = gate.clone();
        async move {
            gate.acquire().await?.forget();
            Err(JobError::retry_after(Duration::from_secs(3600), "not this time"))
        }
    });
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("first"), JobOptions::new().unique("key")).await;
    heard.next().await;
    enqueue(&test, ada, &say("second"), JobOptions::new().unique("key").attempts(1)).await;
    open.add_permits(1);
    assert_eq!(heard.next().await.1, "second");
    open.add_permits(1);
    super::dead(&test).await;
    let stats = stats(&test).await;
    assert_eq!((stats.waiting, stats.scheduled, stats.running), (0, 0, 0));
    assert_eq!(heard.all(), ["first", "second"]);
}

/// OPS-01: whoever finds a job waiting may rely on it: it does not begin before it can see what they wrote.
#[tokio::test]
async fn a_job_that_another_transaction_relies_on_does_not_begin_before_its_commit() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let first = enqueue(&test, ada, &say("count"), JobOptions::new().unique("key")).await;
    let mut tx = test.db.tenant(ada).begin().await.unwrap();
    assert_eq!(job_in(&mut tx, &say("count"), JobOptions::new().unique("key")).await.unwrap(), first);
    let _running = start(&jobs, quick(2)).await;
    enqueue(&test, ada, &say("beside"), JobOptions::new()).await;
    assert_eq!(heard.next().await.1, "beside");
    assert_eq!(heard.all(), ["beside"]);
    tx.commit().await.unwrap();
    assert_eq!(heard.next().await.1, "count");
}

/// OPS-01
#[tokio::test]
async fn a_lane_does_not_wait_behind_the_other_lanes_of_its_tenant() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    super::enqueue_many(&test, ada, 50).await;
    enqueue(&test, ada, &say("urgent"), JobOptions::new().lane(Lane::Urgent)).await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    assert_eq!([heard.next().await.1, heard.next().await.1, heard.next().await.1], ["1", "urgent", "2"]);
}

//! Enqueueing, running, failing.

use saas_core::{JobOptions, Jobs, job_in, testing::TestDb};

use super::{Heard, enqueue, quick, say, start};

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
    lifecycle.drain();
    running.drained().await;
}

/// J10: only what was committed runs.
#[tokio::test]
async fn a_job_of_a_transaction_that_rolled_back_never_runs() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let mut tx = test.db.tenant(ada).begin().await.unwrap();
    job_in(&mut tx, &say("never"), JobOptions::new()).await.unwrap();
    drop(tx);
    let (_running, _lifecycle) = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("after"), JobOptions::new()).await;
    assert_eq!(heard.next().await.1, "after");
    assert_eq!(heard.all(), ["after"]);
}

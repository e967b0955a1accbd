//! Connections that were left in order: whoever comes next has them without a test, and nobody waits for them.

use std::time::Duration;

use saas_core::{Db, TenantId};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    borrower::{finds_nothing, with_notes},
    planted::truth,
};

/// The server's process that answers a lookup.
async fn process(db: &Db) -> i32 {
    db.lookup(|connection| Box::pin(async move { sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await }))
        .await
        .unwrap()
}

/// The one that a transaction is in.
async fn in_transaction(db: &Db) -> i32 {
    let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *tx).await.unwrap()
}

#[tokio::test]
async fn a_transaction_goes_on_with_the_connection_of_the_lookup_before_it() {
    let test = with_notes(5).await;
    // Several are open, so that it might be another.
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(test.db.tenant(TenantId::new()).begin().await.unwrap());
    }
    drop(open);
    for _ in 0..20 {
        let looked_up = process(&test.db).await;
        assert_eq!(in_transaction(&test.db).await, looked_up);
    }
}

/// With one connection, whoever waited for the pool's would wait for ever for one that is kept aside.
#[tokio::test]
async fn nobody_waits_for_a_connection_that_nobody_uses() {
    for connections in [1, 2] {
        let test = with_notes(connections).await;
        let mut crowd = JoinSet::new();
        for number in 0..60 {
            let db = test.db.clone();
            crowd.spawn(async move {
                for _ in 0..10 {
                    match number % 3 {
                        0 => drop(in_transaction(&db).await),
                        1 => drop(process(&db).await),
                        // Given up somewhere on its way.
                        _ => drop(timeout(Duration::from_micros(number * 50), process(&db)).await),
                    }
                }
            });
        }
        while let Some(done) = crowd.join_next().await {
            done.unwrap();
        }
        assert!(test.db.pools()[0].1 <= connections);
        finds_nothing(&test.db).await;
    }
}

#[tokio::test]
async fn a_connection_that_nobody_wants_goes_back_after_a_moment() {
    let test = with_notes(1).await;
    let process = process(&test.db).await;
    // The test of a connection that comes back asks nothing, so the last question stays and the server's answer is younger.
    let tested = format!("select pid::text from pg_stat_activity where pid = {process} and state_change > query_start + interval '500 ms'");
    let deadline = Instant::now() + Duration::from_secs(30);
    while truth(&test, &tested).await.is_empty() {
        assert!(Instant::now() < deadline, "it is kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(in_transaction(&test.db).await, process);
}

#[tokio::test]
async fn closing_waits_for_no_connection_that_is_kept() {
    let test = with_notes(2).await;
    process(&test.db).await;
    timeout(Duration::from_secs(20), test.db.close()).await.unwrap();
    assert!(test.db.lookup(|connection| Box::pin(async move { sqlx::query("select 1").execute(connection).await })).await.is_err());
}

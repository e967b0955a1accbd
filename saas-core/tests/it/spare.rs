//! Connections that are given on without a look at them.

use std::time::Duration;

use futures_util::future::join_all;
use saas_core::{Clock, Db, DbError, testing::TestDb};

async fn backend(db: &Db) -> Result<i32, DbError> {
    db.lookup(|connection| Box::pin(async move { sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await })).await
}

async fn small() -> TestDb {
    TestDb::at(&[], Clock::system(), 1).await.unwrap()
}

#[tokio::test]
async fn what_follows_a_lookup_gets_its_connection() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let first = backend(&test.db).await.unwrap();
    assert_eq!(backend(&test.db).await.unwrap(), first);
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i32>("select pg_backend_pid()").fetch_one(&mut *tx).await.unwrap(), first);
}

#[tokio::test]
async fn many_share_one_connection_whatever_they_use_it_for() {
    let test = small().await;
    let tenant = test.tenant("acme").await;
    let work = (0..60).map(async |number| {
        if number % 3 == 0 {
            let mut tx = test.db.tenant(tenant).begin().await?;
            let found: String = sqlx::query_scalar("select slug from core.tenant").fetch_one(&mut *tx).await?;
            assert_eq!(found, "acme");
            return if number % 2 == 0 { tx.commit().await } else { Ok(()) };
        }
        backend(&test.db).await.map(drop)
    });
    for done in join_all(work).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn a_lookup_that_failed_or_was_cancelled_gives_on_nothing() {
    let test = small().await;
    let failed =
        test.db.lookup(|connection| Box::pin(async move { sqlx::query("select 1 / (random() * 0)::int").execute(connection).await }));
    assert!(failed.await.is_err());
    let slow = test.db.lookup(|connection| {
        Box::pin(async move { sqlx::query_scalar::<_, i32>("select 7 from pg_sleep(0.3)").fetch_one(connection).await })
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), slow).await.is_err());
    let answer = test.db.lookup(|connection| Box::pin(async move { sqlx::query_scalar::<_, i32>("select 8").fetch_one(connection).await }));
    assert_eq!(answer.await.unwrap(), 8);
}

#[tokio::test]
async fn a_database_closes_while_it_has_connections_to_spare() {
    let test = small().await;
    backend(&test.db).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), test.db.close()).await.unwrap();
    assert!(backend(&test.db).await.is_err());
    assert_eq!(test.db.pools()[0], ("app", 0, 0));
}

#[test]
fn a_database_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = runtime.block_on(async {
        let test = small().await;
        backend(&test.db).await.unwrap();
        test
    });
    drop(runtime);
    drop(test.db);
    drop(test.database);
}

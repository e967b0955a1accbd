//! What the next one to borrow a connection finds.

use saas_core::{Db, DbError, TenantId, TenantTx, testing::TestDb};
use sqlx::Row as _;

use crate::planted::{CONNECTIONS, NOTE, as_owner, truth};

/// A database with a table of notes and so many connections.
pub(crate) async fn with_notes(connections: u32) -> TestDb {
    let test = TestDb::at(&[], saas_core::Clock::system(), connections).await.unwrap();
    as_owner(&test, NOTE).await;
    test
}

pub(crate) async fn few() -> TestDb {
    with_notes(CONNECTIONS).await
}

pub(crate) async fn note(tx: &mut TenantTx, body: &str) -> Result<(), DbError> {
    sqlx::query("insert into note (tenant_id, id, body) values ($1, gen_random_uuid(), $2)")
        .bind(tx.tenant())
        .bind(body)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn bodies(tx: &mut TenantTx) -> Vec<String> {
    sqlx::query_scalar("select body from note order by body").fetch_all(&mut **tx).await.unwrap()
}

/// The notes that are in the database, whoever's they are.
pub(crate) async fn written(test: &TestDb) -> Vec<String> {
    truth(test, "select body from data.note order by body").await
}

/// Borrows a connection and finds no transaction, no tenant, no person, and no rows.
pub(crate) async fn finds_nothing(db: &Db) {
    let state: (String, bool, String) = db
        .lookup(|connection| {
            Box::pin(async move {
                // In one message, in which a transaction that was not open before begins now.
                let row = sqlx::raw_sql(
                    "select concat_ws(' ', current_setting('saas.tenant_id', true), current_setting('saas.user_id', true)),
                         now() = statement_timestamp(), concat_ws(' ', current_user = session_user, current_setting('search_path'))",
                )
                .fetch_one(&mut *connection)
                .await?;
                Ok((row.get::<String, _>(0).trim().to_owned(), row.get(1), row.get(2)))
            })
        })
        .await
        .unwrap();
    assert_eq!(state, (String::new(), true, "t data, pg_catalog".to_owned()));

    let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
    assert_eq!(bodies(&mut tx).await, Vec::<String>::new());
}

/// No connection of the pools is inside a transaction, or will be when what was sent has arrived.
pub(crate) async fn nobody_is_left_in_a_transaction(test: &TestDb) {
    let query = "select usename::text || ': ' || query from pg_stat_activity
        where datname = current_database() and state ~ 'in transaction' and application_name = 'saas'";
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let left = truth(test, query).await;
        if left.is_empty() {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{left:?}");
        tokio::task::yield_now().await;
    }
}

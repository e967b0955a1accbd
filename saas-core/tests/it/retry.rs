//! Units of work that meet: a deadlock costs nobody their request.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use saas_core::{Clock, Db, DbError, Problem, TenantDb, TenantId, TenantTx};
use tokio::sync::Barrier;

use crate::{
    borrower::{bodies, few, nobody_is_left_in_a_transaction, note, written},
    planted::{as_superuser, config, truth},
};

async fn change(tx: &mut TenantTx, body: &str) -> Result<(), Problem> {
    sqlx::query("update note set body = body || '!' where body like $1 || '%'").bind(body).execute(&mut **tx).await?;
    Ok(())
}

/// Changes two notes, and the first time waits in between until the other has changed one of them too.
async fn both(db: TenantDb, first: &'static str, second: &'static str, met: Arc<Barrier>, tries: Arc<AtomicUsize>) -> Result<(), Problem> {
    let (met, tries, own) = (&met, &tries, &AtomicUsize::new(0));
    db.retry(|mut tx| async move {
        tries.fetch_add(1, Ordering::SeqCst);
        change(&mut tx, first).await?;
        if own.fetch_add(1, Ordering::SeqCst) == 0 {
            met.wait().await;
        }
        change(&mut tx, second).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// Design 12.8: a real deadlock, which the server finds after a second and ends for one of the two.
#[tokio::test]
async fn two_units_that_lock_each_other_out_are_both_done_in_the_end() {
    let test = few().await;
    let tenant = test.db.tenant(TenantId::new());
    let mut tx = tenant.begin().await.unwrap();
    note(&mut tx, "a").await.unwrap();
    note(&mut tx, "b").await.unwrap();
    tx.commit().await.unwrap();

    let (met, tries) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    // A task of its own each, as a request has: the futures go from thread to thread.
    let one = tokio::spawn(both(tenant.clone(), "a", "b", met.clone(), tries.clone()));
    let other = tokio::spawn(both(tenant.clone(), "b", "a", met, tries.clone()));
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(written(&test).await, ["a!!", "b!!"]);
    let deadlocks = truth(&test, "select deadlocks::text from pg_stat_database where datname = current_database()").await;
    assert_eq!(deadlocks, ["1"]);
    nobody_is_left_in_a_transaction(&test).await;
}

/// Design 12.8
#[tokio::test]
async fn a_unit_that_never_succeeds_is_given_up_after_the_third_time() {
    let test = few().await;
    as_superuser(&test, "alter database {name} set default_transaction_isolation = 'repeatable read'").await;
    let db = Db::connect(&config(&test), &[], Clock::system()).await.unwrap();
    let tenant = db.tenant(TenantId::new());
    let mut tx = tenant.begin().await.unwrap();
    note(&mut tx, "first").await.unwrap();
    tx.commit().await.unwrap();

    let (tenant, tries) = (&tenant, &AtomicUsize::new(0));
    let write = async |tx: &mut TenantTx, statement: &'static str| sqlx::query(statement).execute(&mut **tx).await.map(drop);
    let write = &write;
    let error: DbError = tenant
        .retry(|mut tx| async move {
            tries.fetch_add(1, Ordering::SeqCst);
            bodies(&mut tx).await;
            // Somebody else is always quicker.
            let mut quicker = tenant.begin().await?;
            write(&mut quicker, "update note set body = body || '!'").await?;
            quicker.commit().await?;
            write(&mut tx, "update note set body = 'slow'").await?;
            tx.commit().await
        })
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap(), "40001");
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(written(&test).await, ["first!!!"]);
}

#[tokio::test]
async fn a_unit_that_fails_for_another_reason_is_not_begun_anew() {
    let test = few().await;
    let tenant = test.db.tenant(TenantId::new());
    let tries = &AtomicUsize::new(0);
    let failed = tenant
        .retry(|mut tx| async move {
            tries.fetch_add(1, Ordering::SeqCst);
            note(&mut tx, "undone").await?;
            Err::<(), _>(Problem::not_found())
        })
        .await;
    assert_eq!(failed.unwrap_err().status(), http::StatusCode::NOT_FOUND);
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    assert_eq!(written(&test).await, Vec::<String>::new());
}

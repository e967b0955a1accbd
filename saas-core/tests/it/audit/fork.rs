//! Many write and many seal: one chain comes of it, and being killed changes nothing.

use std::{
    future::Future as _,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use saas_core::{
    Actor, Clock, DatabaseConfig, Db, DbError, Ledger, Lifecycle, MasterKey, TenantId, UserId, audit::AuditChain, event_in, testing::TestDb,
};

use crate::{
    happening::{Happened, happen, origin},
    planted::{as_superuser, config, truth},
    proxy::Proxy,
    rounds::RELAY_KILLS,
};

const WRITERS: usize = 64;
const EACH: usize = 5;

/// More than sealing takes; reached only by what never ends.
const POLLS: usize = 2_000;

/// Bytes: an answer arrives in pieces, so that each is waited for however busy the machine is.
const PIECE: usize = 1024;

/// AUD-02: 64 writers at once while four seal: no fork, no gap.
#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_make_one_chain_without_a_fork_or_a_gap() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let keys = MasterKey::generate();
    let chain = AuditChain::new(&test.db, &keys);
    let done = AtomicBool::new(false);
    let sealing = futures_util::future::join_all((0..4).map(|_| async {
        while !done.load(Ordering::Relaxed) {
            chain.seal_now().await.unwrap();
            tokio::task::yield_now().await;
        }
    }));
    let writing = async {
        futures_util::future::join_all((0..WRITERS).map(|_| happen(&test, tenant, EACH))).await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(sealing, writing);
    chain.seal_now().await.unwrap();
    let found = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
    let all = i64::try_from(WRITERS * EACH).unwrap();
    assert_eq!((found.sealed, found.intact, found.unsealed, found.fault), (all, all, 0, None));
    let numbers =
        truth(&test, "select concat_ws(' ', count(*), count(distinct number), min(number), max(number)) from data.audit_entry").await;
    assert_eq!(numbers, [format!("{all} {all} 1 {all}")]);
}

/// AUD-01, AUD-02: every session of the program is ended again and again while it writes and seals.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_a_change_and_its_entry_are_both_there_or_neither_and_the_chain_is_whole() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let chain = AuditChain::new(&test.db, &MasterKey::generate());
    let (lifecycle, done) = (Lifecycle::new(), AtomicBool::new(false));
    chain.start_sealing(&lifecycle);
    let writer = async |_| {
        let (mut confirmed, mut number) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            number += 1;
            confirmed += usize::from(change(&test, tenant, number).await.is_ok());
        }
        confirmed
    };
    let sealing = async {
        while !done.load(Ordering::Relaxed) {
            // Killed in the middle, it fails; the next attempt goes on.
            drop(chain.seal_now().await);
        }
    };
    let killing = async {
        for round in 0..RELAY_KILLS.number() {
            // Each round a little later than the one before, so that it hits another step.
            tokio::time::sleep(Duration::from_millis(15 + round as u64 % 13)).await;
            as_superuser(
                &test,
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and (usename like '%_system' or usename like '%_app') and pid <> pg_backend_pid()",
            )
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let (confirmed, (), ()) = tokio::join!(futures_util::future::join_all((0..4).map(writer)), sealing, killing);
    lifecycle.drain();
    let confirmed: usize = confirmed.into_iter().sum();
    assert!(confirmed > 10, "{confirmed}");
    // The change here is the person's membership; each has its entry, and no entry is without its change.
    let whole = "select 'x' from core.member m full join data.audit_entry e on e.resource = m.user_id::text
                 where m.user_id is null or e.id is null";
    assert_eq!(truth(&test, whole).await, Vec::<String>::new());
    let written: usize = truth(&test, "select count(*)::text from data.audit_entry").await[0].parse().unwrap();
    assert!(written >= confirmed, "{written} of {confirmed}");
    while chain.seal_now().await.is_err() || chain.state().await.unwrap().unsealed > 0 {}
    let found = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
    assert_eq!((usize::try_from(found.intact).unwrap(), found.fault), (written, None));
}

async fn change(test: &TestDb, tenant: TenantId, number: usize) -> Result<(), DbError> {
    let user = UserId::new();
    let mut system = test.db.system("test").begin().await?;
    sqlx::query("insert into core.user (id, created_at) values ($1, now())").bind(user).execute(&mut *system).await?;
    system.commit().await?;
    let mut tx = test.db.tenant(tenant).caused_by(origin()).begin().await?;
    sqlx::query("insert into core.member (tenant_id, user_id, role, name, email, joined_at) values ($1, $2, 'member', '', '', now())")
        .bind(tenant)
        .bind(user)
        .execute(&mut *tx)
        .await?;
    event_in(&mut tx, Actor::User(user), user, &Happened { number }).await?;
    tx.commit().await
}

/// What stops in the middle of sealing, wherever that is, leaves a chain that is whole and goes on.
#[tokio::test]
async fn sealing_that_is_given_up_at_any_await_leaves_a_whole_chain() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let proxy = Proxy::start(&test.database.logins().system).await;
    let logins = test.database.logins();
    let far = DatabaseConfig { app: proxy.through(&logins.app), system: proxy.through(&logins.system), ..config(&test) };
    let chain = AuditChain::new(&Db::connect(&far, &[], Clock::system()).await.unwrap(), &MasterKey::generate());
    for polls in 1..POLLS {
        happen(&test, tenant, 2).await;
        let mut left = polls;
        proxy.slow(PIECE);
        let mut sealing = Box::pin(chain.seal_now());
        // So many steps, each as far as it comes before it waits for the server; then it is dropped where it stands.
        let finished = std::future::poll_fn(|context| {
            left -= 1;
            match sealing.as_mut().poll(context) {
                Poll::Ready(sealed) => Poll::Ready(Some(sealed)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        drop(sealing);
        proxy.slow(0);
        assert_eq!(chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap().fault, None, "{polls}");
        // Nothing, if the one before still holds the chain: the server has not heard yet that it was given up.
        if finished.is_some_and(|sealed| sealed.unwrap() > 0) {
            assert!(polls > 5, "{polls} steps were too few to give up anything");
            break;
        }
    }
    while chain.state().await.unwrap().unsealed > 0 {
        chain.seal_now().await.unwrap();
    }
    let found = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
    assert_eq!((found.unsealed, found.fault), (0, None));
}

//! What is kept no longer goes, and the rest still verifies.

use chrono::{DateTime, TimeDelta};
use saas_core::{Actor, Clock, Ledger, UserId, audit::FaultKind, event_in};

use super::Chain;
use crate::{
    happening::{Happened, happen, origin},
    planted::truth,
};

fn start() -> DateTime<chrono::Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

/// AUD-03: 90 days of a plan, for example.
#[tokio::test]
async fn entries_older_than_the_plan_keeps_them_are_pruned_and_the_rest_verifies() {
    let clock = Clock::fixed(start());
    let it = Chain::at(clock.clone(), 5).await;
    let ledger = Ledger::Tenant(it.tenant);
    for _ in 0..3 {
        clock.advance(TimeDelta::days(40));
        happen(&it.test, it.tenant, 5).await;
        it.chain.seal_now().await.unwrap();
    }
    let before = it.chain.checkpoints().await.unwrap();
    assert_eq!(it.chain.prune(ledger, clock.now() - TimeDelta::days(90)).await.unwrap(), 5);
    assert_eq!(it.chain.prune(ledger, clock.now() - TimeDelta::days(90)).await.unwrap(), 0);
    let found = it.chain.verify(ledger, &before).await.unwrap();
    assert_eq!((found.sealed, found.pruned, found.intact, found.fault), (20, 5, 15, None));
    // The chain goes on from where it is.
    happen(&it.test, it.tenant, 1).await;
    it.chain.seal_now().await.unwrap();
    assert_eq!(it.chain.prune(ledger, clock.now() + TimeDelta::days(1)).await.unwrap(), 16);
    happen(&it.test, it.tenant, 2).await;
    it.chain.seal_now().await.unwrap();
    let found = it.chain.verify(ledger, &before).await.unwrap();
    assert_eq!((found.sealed, found.pruned, found.intact, found.fault), (23, 21, 2, None));
}

/// AUD-03: nothing that is not sealed, and nothing behind something that is kept.
#[tokio::test]
async fn what_is_not_sealed_or_follows_what_is_kept_is_not_pruned() {
    let clock = Clock::fixed(start());
    let it = Chain::at(clock.clone(), 2).await;
    let ledger = Ledger::Tenant(it.tenant);
    happen(&it.test, it.tenant, 3).await;
    assert_eq!(it.chain.prune(ledger, clock.now() + TimeDelta::days(1)).await.unwrap(), 2);
    assert_eq!(truth(&it.test, "select count(*)::text from data.audit_entry").await, ["3"]);
    it.chain.seal_now().await.unwrap();
    clock.advance(TimeDelta::days(10));
    happen(&it.test, it.tenant, 1).await;
    it.chain.seal_now().await.unwrap();
    clock.advance(TimeDelta::days(-20));
    happen(&it.test, it.tenant, 1).await;
    it.chain.seal_now().await.unwrap();
    assert_eq!(it.chain.prune(ledger, start() + TimeDelta::days(5)).await.unwrap(), 3);
    assert_eq!(it.fault().await, None);
}

/// AUD-03: each as long as its plan says, and one whose plan cannot be read holds up none of the others.
#[tokio::test]
async fn each_tenant_keeps_its_entries_as_long_as_its_plan_says() {
    let clock = Clock::fixed(start());
    let it = Chain::at(clock.clone(), 5).await;
    let [year, forever, unreadable] = [it.test.tenant("year").await, it.test.tenant("forever").await, it.test.tenant("unreadable").await];
    for tenant in [year, forever, unreadable] {
        happen(&it.test, tenant, 3).await;
    }
    it.chain.seal_now().await.unwrap();
    clock.advance(TimeDelta::days(100));
    let kept = move |db: saas_core::TenantDb| async move {
        match db.tenant() {
            tenant if tenant == Some(year) => Ok(Some(TimeDelta::days(365))),
            tenant if tenant == Some(forever) => Ok(None),
            tenant if tenant == Some(unreadable) => Err(sqlx::Error::PoolTimedOut.into()),
            _ => Ok(Some(TimeDelta::days(90))),
        }
    };
    assert!(it.chain.prune_all(kept).await.is_err());
    let left = "select count(*)::text from data.audit_entry where tenant_id = ";
    for (tenant, entries) in [(it.tenant, "0"), (year, "3"), (forever, "3"), (unreadable, "3")] {
        assert_eq!(truth(&it.test, &format!("{left} '{tenant}'")).await, [entries]);
    }
    clock.advance(TimeDelta::days(300));
    assert!(it.chain.prune_all(kept).await.is_err());
    assert_eq!(truth(&it.test, &format!("{left} '{year}'")).await, ["0"]);
    for ledger in it.chain.ledgers().await.unwrap() {
        assert_eq!(it.chain.verify(ledger, &[]).await.unwrap().fault, None);
    }
}

/// AUD-02: a person is forgotten, and the chain verifies; who empties more than that is found.
#[tokio::test]
async fn a_person_who_is_forgotten_leaves_a_chain_that_verifies() {
    let it = Chain::of(4).await;
    let user = UserId::new();
    let mut tx = it.test.db.tenant(it.tenant).caused_by(origin()).begin().await.unwrap();
    event_in(&mut tx, Actor::User(user), user, &Happened { number: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    it.chain.seal_now().await.unwrap();
    assert_eq!(it.chain.forget(user).await.unwrap(), 1);
    assert_eq!(it.chain.forget(user).await.unwrap(), 0);
    let shown = "select count(*)::text from data.audit_entry where address is null and user_agent is null and salt is null";
    assert_eq!(truth(&it.test, shown).await, ["1"]);
    let found = it.chain.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap();
    assert_eq!((found.intact, found.forgotten, found.fault), (5, 1, None));
    it.tamper("update data.audit_entry set address = '192.0.2.9' where salt is null").await;
    assert_eq!(it.found().await, Some((FaultKind::Changed, 5)));
}

//! Finding what somebody did.

use chrono::TimeDelta;
use saas_core::{
    Actor, AgentId, Clock, Slice, TenantId, UserId,
    audit::{AuditEntry, AuditFilter, audit_entries_in},
    event_in,
    testing::TestDb,
};

use crate::happening::{Happened, Renamed, happen};

async fn found(test: &TestDb, tenant: TenantId, filter: AuditFilter) -> Vec<AuditEntry> {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    audit_entries_in(&mut tx, &filter, &Slice::first(100)).await.unwrap().0
}

/// AUD-03
#[tokio::test]
async fn entries_are_found_by_who_did_what_to_what_and_when() {
    let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
    let test = TestDb::at(&[], clock.clone(), 5).await.unwrap();
    let tenant = test.tenant("acme").await;
    let (ada, bob, agent) = (test.user().await, UserId::new(), AgentId::new());
    test.member(tenant, ada, "owner").await;
    for actor in [Actor::User(ada), Actor::Agent(agent), Actor::Admin { admin: bob, on_behalf_of: Some(ada) }] {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        event_in(&mut tx, actor, "thing", &Renamed::from_a_to_b()).await.unwrap();
        event_in(&mut tx, actor, actor, &Happened { number: 1 }).await.unwrap();
        tx.commit().await.unwrap();
        clock.advance(TimeDelta::hours(1));
    }
    let filter = AuditFilter::default;
    let count = async |filter| found(&test, tenant, filter).await.len();
    assert_eq!(count(filter()).await, 6);
    assert_eq!(count(AuditFilter { actor: Some(ada.into()), ..filter() }).await, 4);
    assert_eq!(count(AuditFilter { actor: Some(bob.into()), ..filter() }).await, 2);
    assert_eq!(count(AuditFilter { action: Some("test.thing.renamed".into()), ..filter() }).await, 3);
    assert_eq!(count(AuditFilter { action: Some("test.thing".into()), ..filter() }).await, 3);
    assert_eq!(count(AuditFilter { action: Some("test".into()), ..filter() }).await, 6);
    assert_eq!(count(AuditFilter { action: Some("test.thi".into()), ..filter() }).await, 0);
    assert_eq!(count(AuditFilter { action: Some("%".into()), ..filter() }).await, 0);
    assert_eq!(count(AuditFilter { resource: Some("thing".into()), ..filter() }).await, 3);
    let second = clock.now() - TimeDelta::hours(2);
    assert_eq!(count(AuditFilter { from: Some(second), ..filter() }).await, 4);
    assert_eq!(count(AuditFilter { to: Some(second), ..filter() }).await, 2);
    assert_eq!(
        count(AuditFilter { from: Some(second), actor: Some(agent.into()), action: Some("test.happened".into()), ..filter() }).await,
        1
    );
    // The organization knows its people by name.
    let names: Vec<_> = found(&test, tenant, filter()).await.into_iter().map(|entry| entry.actor_name).collect();
    assert_eq!(names.iter().flatten().count(), 2);
}

/// AUD-03
#[tokio::test]
async fn pages_follow_each_other_without_loss_while_entries_are_added_in_front() {
    let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
    let test = TestDb::at(&[], clock.clone(), 5).await.unwrap();
    let tenant = test.tenant("acme").await;
    // Several at one moment: their ids decide.
    let mut ids = happen(&test, tenant, 5).await;
    clock.advance(TimeDelta::seconds(1));
    ids.extend(happen(&test, tenant, 6).await);
    ids.reverse();
    let (mut seen, mut slice) = (Vec::new(), Some(Slice::first(3)));
    while let Some(wanted) = slice {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        let (entries, next) = audit_entries_in(&mut tx, &AuditFilter::default(), &wanted).await.unwrap();
        drop(tx);
        seen.extend(entries.iter().map(|entry| entry.id));
        clock.advance(TimeDelta::seconds(1));
        happen(&test, tenant, 1).await;
        slice = next;
    }
    assert_eq!(seen, ids);
}

/// T81, AUD-03
#[tokio::test]
async fn a_tenant_finds_its_own_entries_whatever_it_asks_for() {
    let test = TestDb::new(&[]).await.unwrap();
    let (acme, beta) = (test.tenant("acme").await, test.tenant("beta").await);
    happen(&test, beta, 3).await;
    let theirs = found(&test, beta, AuditFilter::default()).await;
    assert_eq!(theirs.len(), 3);
    for filter in [
        AuditFilter::default(),
        AuditFilter { actor: theirs[0].actor_id, ..AuditFilter::default() },
        AuditFilter { resource: Some(theirs[0].resource.clone()), ..AuditFilter::default() },
    ] {
        assert_eq!(found(&test, acme, filter).await, []);
    }
}

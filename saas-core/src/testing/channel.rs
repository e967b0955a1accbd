//! What every channel of notifications must do.

use serde_json::Value;
use uuid::Uuid;

use super::TestDb;
use crate::{
    Actor, EventId, EventSeverity, Ledger, RecordedEvent, SystemTx, TenantId,
    notification::{Channel, News, NoticeKind},
};

/// Demands of a channel what the documentation of [`Channel`] does.
///
/// Of an event of this kind with this data owners are told; in both tenants somebody must hear of it in this channel. `told` counts what the
/// channel has written for a tenant, over a connection of its own.
///
/// # Panics
///
/// If the channel does something else.
pub async fn channel_conforms<C, F>(test: &TestDb, channel: &C, kind: &NoticeKind, data: &Value, tenants: [TenantId; 2], told: F)
where
    C: Channel,
    F: AsyncFn(TenantId) -> i64,
{
    let [here, there] = tenants;
    let event = |tenant: TenantId| RecordedEvent {
        id: EventId::new(),
        ledger: Ledger::Tenant(tenant),
        name: kind.event.to_owned(),
        version: 1,
        severity: EventSeverity::Notice,
        actor: Actor::System,
        subject: Uuid::now_v7().to_string(),
        data: data.clone(),
        at: test.db.clock().now(),
    };
    let begin = async || match test.db.system("tell through a channel").begin().await {
        Ok(tx) => tx,
        Err(error) => panic!("no transaction: {error}"),
    };
    let tell = async |tx: &mut SystemTx, events: &[&RecordedEvent]| {
        let (permission, roles) = ("test.read", vec!["owner"]);
        let news =
            events.iter().filter_map(|event| Some(News { event, tenant: event.ledger.tenant()?, kind, permission, roles: roles.clone() }));
        let news: Vec<_> = news.collect();
        let before = transaction(tx).await;
        if let Err(error) = channel.tell_in(tx, &news).await {
            panic!("{} did not take its news: {error}", channel.name());
        }
        assert_eq!(transaction(tx).await, before, "the transaction is the same, and no setting stays on it");
    };
    let commit = async |tx: SystemTx| assert!(tx.commit().await.is_ok(), "the transaction cannot be committed");
    assert!(!channel.name().is_empty(), "a channel has a name");

    let (first, second) = (event(here), event(there));
    let mut tx = begin().await;
    tell(&mut tx, &[&first, &second]).await;
    tx.rollback().await;
    assert_eq!((told(here).await, told(there).await), (0, 0), "what is rolled back was never told");

    let mut tx = begin().await;
    tell(&mut tx, &[&first]).await;
    commit(tx).await;
    let once = told(here).await;
    assert!(once > 0, "nobody was told");
    assert_eq!(told(there).await, 0, "another tenant was told");

    // As after a kill, and beside news of another tenant.
    let mut tx = begin().await;
    tell(&mut tx, &[&first, &second]).await;
    tell(&mut tx, &[&second]).await;
    commit(tx).await;
    assert_eq!(told(here).await, once, "news that came again were told again");
    let other = told(there).await;
    assert!(other > 0, "nobody was told in the second tenant");

    let third = event(here);
    let mut tx = begin().await;
    tell(&mut tx, &[&third]).await;
    commit(tx).await;
    assert_eq!((told(here).await, told(there).await), (2 * once, other), "each event is told for itself");
}

/// What transaction this is, and as whom it acts.
async fn transaction(tx: &mut SystemTx) -> (String, String, String) {
    let query = "select pg_current_xact_id()::text, current_setting('saas.tenant_id', true), current_setting('search_path')";
    match sqlx::query_as::<_, (String, Option<String>, String)>(query).fetch_one(&mut **tx).await {
        Ok((id, tenant, path)) => (id, tenant.unwrap_or_default(), path),
        Err(error) => panic!("the transaction is broken: {error}"),
    }
}

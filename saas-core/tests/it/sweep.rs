//! What is over goes at night.

use std::collections::BTreeMap;

use saas_core::{Clock, sweep_due, testing::TestDb};

use crate::planted::{as_owner, truth};

/// NOT-03, API-01, CMP-03: what a person was told goes after 180 days, an answer that was kept for its key after one; a tenant that does nothing more
/// has neither for ever.
#[tokio::test]
async fn old_notifications_and_answers_that_nobody_asks_for_are_deleted() {
    let clock = Clock::fixed("2026-11-03T00:00:00Z".parse().unwrap());
    let test = TestDb::at(&[], clock, 5).await.unwrap();
    let (tenant, user) = (test.tenant("acme").await, test.user().await);
    test.member(tenant, user, "owner").await;
    let rows = format!(
        "insert into data.notification (tenant_id, user_id, event_id, kind, subject, data, at, listed, digest)
        select '{tenant}', '{user}', gen_random_uuid(), 'test', days::text, '{{}}', timestamptz '2026-11-03Z' - days * interval '1 day', true, false
        from unnest(array[0, 179, 181, 400]) days;
        insert into data.kept_answer (tenant_id, caller_kind, caller_id, key, request, at)
        select '{tenant}', 'user', '{user}', hours::text, '', timestamptz '2026-11-03Z' - hours * interval '1 hour'
        from unnest(array[0, 23, 25, 400]) hours"
    );
    as_owner(&test, &rows).await;
    let old = BTreeMap::from([("data.kept_answer", 2), ("data.notification", 2)]);
    let due = sweep_due(&test.db.system("look")).await.unwrap();
    assert_eq!(due.iter().filter(|due| due.rows > 0).map(|due| (due.table, due.rows)).collect::<BTreeMap<_, _>>(), old);
    assert_eq!(test.sweep().await, old, "what was due, and looking deleted nothing");
    assert_eq!(test.sweep().await, BTreeMap::new());
    assert_eq!(truth(&test, "select subject from data.notification order by 1").await, ["0", "179"]);
    assert_eq!(truth(&test, "select key from data.kept_answer order by 1").await, ["0", "23"]);
}

//! What is recorded, and that it is recorded with the change or not at all.

use std::time::Duration;

use saas_core::{
    Actor, AgentId, EventCatalogue, EventKind, KeyId, Ledger, MASK, TenantId, UserId, event_in, system_event_in, testing::TestDb,
};
use serde_json::{Value, json};
use sqlx::postgres::PgListener;

use crate::{
    happening::{Happened, Renamed, happen, origin},
    planted::{as_superuser, truth},
};

async fn rows(test: &TestDb, table: &str) -> Vec<Value> {
    let rows = truth(test, &format!("select to_jsonb(t)::text from data.{table} t order by t.id")).await;
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// AUD-01: actor, action, resource, old and new value, address, user agent, request id, time.
#[tokio::test]
async fn one_call_writes_the_event_and_its_audit_entry_with_who_did_what_from_where() {
    let test = TestDb::new(&[]).await.unwrap();
    let (tenant, admin, user, origin) = (test.tenant("acme").await, UserId::new(), UserId::new(), origin());
    let mut tx = test.db.tenant(tenant).caused_by(origin.clone()).begin().await.unwrap();
    let actor = Actor::Admin { admin, on_behalf_of: Some(user) };
    let id = event_in(&mut tx, actor, "thing 7", &Renamed::from_a_to_b()).await.unwrap();
    tx.commit().await.unwrap();

    let [entry] = rows(&test, "audit_entry").await.try_into().unwrap();
    assert_eq!(entry["id"], json!(id));
    assert_eq!(entry["tenant_id"], json!(tenant));
    assert_eq!(entry["action"], "test.thing.renamed");
    assert_eq!((&entry["version"], &entry["severity"]), (&json!(3), &json!("warning")));
    assert_eq!(entry["actor_kind"], "admin");
    assert_eq!((&entry["actor_id"], &entry["on_behalf_of"]), (&json!(admin), &json!(user)));
    assert_eq!(entry["resource"], "thing 7");
    assert_eq!(entry["address"], "192.0.2.7");
    assert_eq!(entry["user_agent"], "curl/8");
    assert_eq!(entry["request_id"], json!(origin.request));
    assert!(entry["at"].is_string() && entry["number"].is_null() && entry["mac"].is_null(), "{entry}");
    let [event] = rows(&test, "outbox").await.try_into().unwrap();
    assert_eq!((&event["id"], &event["name"], &event["at"]), (&entry["id"], &entry["action"], &entry["at"]));
}

/// AUD-02: what is personal is masked in the log, what is secret everywhere.
#[tokio::test]
async fn what_is_personal_or_secret_by_its_type_is_masked() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "thing", &Renamed::from_a_to_b()).await.unwrap();
    tx.commit().await.unwrap();

    let [entry] = rows(&test, "audit_entry").await.try_into().unwrap();
    let kept: Value = serde_json::from_str(entry["data"].as_str().unwrap()).unwrap();
    assert_eq!(kept, json!({ "name": { "old": "a", "new": "b" }, "email": MASK, "code": MASK }));
    let [event] = rows(&test, "outbox").await.try_into().unwrap();
    assert_eq!(event["data"], json!({ "name": { "old": "a", "new": "b" }, "email": "ada@example.com", "code": MASK }));
}

/// AUD-01
#[tokio::test]
async fn every_kind_of_actor_is_kept() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let (user, key, agent, admin) = (UserId::new(), KeyId::new(), AgentId::new(), UserId::new());
    let actors = [
        Actor::User(user),
        Actor::Key(key),
        Actor::Agent(agent),
        Actor::Admin { admin, on_behalf_of: None },
        Actor::System,
        Actor::Anonymous,
    ];
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    for actor in actors {
        event_in(&mut tx, actor, actor, &Happened { number: 0 }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let kept = truth(&test, "select concat_ws(' ', actor_kind, actor_id) from data.audit_entry order by id").await;
    assert_eq!(kept, actors.map(|actor| actor.to_string()));
}

/// AUD-01: both or neither, with the change that they are about.
#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_neither_an_event_nor_an_entry() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "x", &Happened { number: 1 }).await.unwrap();
    drop(tx);
    // Killed between the two would be: so one statement writes both. Without a tenant it writes neither.
    let mut tx = test.db.person(UserId::new()).begin().await.unwrap();
    assert!(event_in(&mut tx, Actor::System, "x", &Happened { number: 2 }).await.is_err());
    drop(tx);
    // The entry is refused: no event either.
    as_superuser(&test, "alter table data.audit_entry add constraint refused check (resource <> 'refused')").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert!(event_in(&mut tx, Actor::System, "refused", &Happened { number: 3 }).await.is_err());
    drop(tx);
    assert_eq!(rows(&test, "outbox").await, Vec::<Value>::new());
    assert_eq!(rows(&test, "audit_entry").await, Vec::<Value>::new());
}

/// AUD-01, T81: what belongs to no tenant is kept, and no tenant sees it.
#[tokio::test]
async fn what_belongs_to_no_tenant_is_in_the_programs_own_ledger_alone() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let user = UserId::new();
    let mut tx = test.db.system("test").caused_by(origin()).begin().await.unwrap();
    system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &Happened { number: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    let [entry] = rows(&test, "audit_entry").await.try_into().unwrap();
    assert_eq!(entry["tenant_id"], json!(uuid::Uuid::nil()));
    assert_eq!(entry["address"], "192.0.2.7");
    for db in [test.db.tenant(tenant), test.db.person(user)] {
        let mut tx = db.begin().await.unwrap();
        let seen: i64 = sqlx::query_scalar("select (select count(*) from audit_entry) + (select count(*) from outbox)")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(seen, 0);
    }
    // Nor can anybody be a tenant by that id.
    let mut tx = test.db.tenant(TenantId::from(uuid::Uuid::nil())).begin().await.unwrap();
    let taken = sqlx::query("insert into core.tenant (id, slug, name, created_at) values ($1, 'nil', 'Nil', now())")
        .bind(uuid::Uuid::nil())
        .execute(&mut *tx)
        .await;
    assert!(taken.unwrap_err().to_string().contains("tenant_id_check"));
}

/// T75
#[tokio::test]
async fn a_notice_carries_an_id_and_a_fixed_word_and_nothing_else() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let mut listener = PgListener::connect(test.database.logins().app.expose()).await.unwrap();
    listener.listen("saas_live").await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "thing", &Renamed::from_a_to_b()).await.unwrap();
    tx.commit().await.unwrap();
    let notice = tokio::time::timeout(Duration::from_secs(10), listener.recv()).await.unwrap().unwrap();
    assert_eq!(notice.payload(), format!("{tenant} test.thing.read things"));
    // Nobody has a permission for this, so nobody is told.
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "thing", &Happened { number: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    let notice = tokio::time::timeout(Duration::from_secs(10), listener.recv()).await.unwrap().unwrap();
    assert_eq!(notice.payload(), format!("{tenant} nobody test"));
}

/// AUD-02: the relay's columns are the relay's.
#[tokio::test]
async fn the_application_cannot_say_that_an_event_was_relayed() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    happen(&test, tenant, 1).await;
    for statement in [
        "update outbox set relayed_at = now()",
        "delete from outbox",
        "insert into outbox (tenant_id, id, name, version, actor_kind, subject, data, at, relayed_at)
         values (current_setting('saas.tenant_id')::uuid, gen_random_uuid(), 'x', 1, 'system', 'x', '{}', now(), now())",
    ] {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
    }
}

#[test]
fn the_catalogue_says_of_each_kind_who_hears_it_and_what_it_carries() {
    let kinds = [EventKind::of::<Renamed>(), EventKind::of::<Happened>()];
    let catalogue = EventCatalogue::new(&[&kinds, &kinds]);
    let names: Vec<_> = catalogue.kinds().iter().map(|kind| kind.name).collect();
    assert_eq!(names, ["test.happened", "test.thing.renamed"]);
    let renamed = serde_json::to_value(catalogue.find("test.thing.renamed").unwrap()).unwrap();
    assert_eq!(renamed["version"], 3);
    assert_eq!(renamed["severity"], "warning");
    assert_eq!(renamed["permission"], "test.thing.read");
    let schema = &renamed["schema"];
    assert_eq!(schema["type"], "object");
    // What it refers to is within.
    let within = |schema: &Value, part: &Value| match part["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.strip_prefix('#').unwrap()).unwrap().clone(),
        None => part.clone(),
    };
    assert_eq!(within(schema, &schema["properties"]["email"])["type"], "string");
    assert_eq!(within(schema, &schema["properties"]["code"])["type"], "string");
    assert_eq!(within(schema, &schema["properties"]["name"])["properties"]["old"]["type"], "string");
    assert!(catalogue.find("test.nothing").is_none());
}

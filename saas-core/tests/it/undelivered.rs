//! What not everybody could be told of, as the people of an organization see it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use axum::{extract::Request, middleware::Next, response::Response};
use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{
    Actor, AuditRead, Clock, Consumer, ConsumerError, Db, EventId, EventReplay, Permission as _, Principal, RecordedEvent, Relay,
    RelaySettings, Routes, SessionId, SignedIn, Standing, SystemTx, TenantId, audit_routes, event_in, events_replay_in, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::{Value, json};

use crate::{
    happening::{Happened, happen},
    planted::truth,
};

/// Takes events, except while it is told not to; what it has taken.
#[derive(Clone, Default)]
struct Receiver {
    name: &'static str,
    is_deaf: Arc<AtomicBool>,
    heard: Arc<std::sync::Mutex<Vec<EventId>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the secret of the receiver")]
struct Deaf;

#[async_trait]
impl Consumer for Receiver {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn take(&self, _: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        if self.is_deaf.load(Ordering::Relaxed) {
            return Err(Deaf.into());
        }
        self.heard.lock().unwrap().extend(events.iter().map(|event| event.id));
        Ok(())
    }
}

/// Two receivers of the events of all tenants, one of which begins deaf.
struct Scene {
    test: TestDb,
    clock: Clock,
    relay: Relay,
    webhooks: Receiver,
    crm: Receiver,
    app: TestApp,
    tenant: TenantId,
    owner: TestClient,
}

impl Scene {
    async fn new() -> Self {
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        let test = TestDb::at(&[], clock.clone(), 6).await.unwrap();
        let relay = Relay::with(&test.db, RelaySettings { attempts: 2, ..RelaySettings::default() });
        let receiver = |name| Receiver { name, ..Receiver::default() };
        let (webhooks, crm) = (receiver("webhooks"), receiver("crm"));
        webhooks.is_deaf.store(true, Ordering::Relaxed);
        relay.register(webhooks.clone());
        relay.register(crm.clone());
        let (db, pages): (Db, _) = (test.db.clone(), Pages::builder().build().unwrap());
        let routes: Routes = audit_routes().layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
        let tenant = test.tenant("acme").await;
        let owner = person(&test, &app, tenant, "owner").await;
        Self { test, clock, relay, webhooks, crm, app, tenant, owner }
    }

    /// So many events of a tenant that the deaf one did not hear, up to where that was given up.
    async fn given_up(&self, tenant: TenantId, count: usize) -> Vec<EventId> {
        let ids = happen(&self.test, tenant, count).await;
        for _ in 0..2 {
            assert_eq!(self.relay.relay_now().await.unwrap(), 0);
            self.clock.advance(TimeDelta::minutes(1));
        }
        ids
    }

    async fn list(&self, client: &TestClient) -> Vec<Value> {
        let answer = client.get("/api/v1/audit/undelivered").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["items"].as_array().unwrap().clone()
    }
}

async fn person(test: &TestDb, app: &TestApp, tenant: TenantId, role: &str) -> TestClient {
    let user = test.user().await;
    test.member(tenant, user, role).await;
    let mut me = SignedIn::new(user, SessionId::new());
    (me.email, me.name) = (tenant.to_string(), role.to_owned());
    app.acting(Principal::User(Arc::new(me)))
}

/// What a tenancy layer does, for a person whose address says where they belong, and whose name says as what.
async fn member(db: Db, mut request: Request, next: Next) -> Response {
    if let Some(Principal::User(me)) = request.extensions().get::<Principal>().cloned() {
        let tenant: TenantId = me.email.parse().unwrap();
        let permissions: &[&'static str] = match me.name.as_str() {
            "owner" => &[AuditRead::NAME, EventReplay::NAME],
            "auditor" => &[AuditRead::NAME],
            _ => &[],
        };
        let standing = Standing {
            tenant,
            slug: "acme".into(),
            name: "Acme".into(),
            actor: Actor::User(me.user),
            role: me.name.as_str().into(),
            permissions: permissions.into(),
            revision: None,
        };
        request.extensions_mut().insert(db.tenant(tenant).acting(me.user));
        request.extensions_mut().insert(standing);
    }
    next.run(request).await
}

/// AUD-03, OPS-02: the organization sees what was given up and who was not told, and nothing of another's or of what is ours to know.
#[tokio::test]
async fn an_organization_sees_what_not_everybody_could_be_told_of() {
    let scene = Scene::new().await;
    let other = scene.test.tenant("other").await;
    assert!(!scene.owner.page("/audit").await.text().contains("/audit/undelivered"));
    assert!(scene.owner.page("/audit/undelivered").await.text().contains("Everybody was told of everything"));
    let ids = scene.given_up(scene.tenant, 1).await;
    scene.given_up(other, 2).await;
    let [event] = scene.list(&scene.owner).await.try_into().unwrap();
    assert_eq!((&event["id"], &event["event"], &event["subject"]), (&json!(ids[0]), &json!("test.happened"), &json!("0")));
    assert_eq!((&event["told"], &event["untold"]), (&json!(["crm"]), &json!(["webhooks"])));
    assert_eq!((&event["at"], &event["given_up_at"]), (&json!("2026-03-01T12:00:00Z"), &json!("2026-03-01T12:01:00Z")));
    let audit = scene.owner.page("/audit").await.text();
    assert!(audit.contains("One of these entries could not be announced to everybody.") && audit.contains("/audit/undelivered"), "{audit}");
    let page = scene.owner.page("/audit/undelivered").await.text();
    for part in ["test.happened", "Webhooks", "crm", "Announce all again"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("the secret of the receiver") && !event.to_string().contains("secret"), "{page}");
    let german = scene.owner.clone().with("accept-language", "de").page("/audit/undelivered").await.text();
    assert!(german.contains("Nicht gemeldet") && german.contains("Alles erneut melden"), "{german}");
}

/// AUD-03: whoever may have it announced again does, for one event or for all; who was told is not told twice, and it is in the log.
#[tokio::test]
async fn what_was_given_up_is_announced_again_to_those_who_were_not_told() {
    let scene = Scene::new().await;
    let other = scene.test.tenant("other").await;
    let ids = scene.given_up(scene.tenant, 3).await;
    let theirs = scene.given_up(other, 1).await;
    scene.webhooks.is_deaf.store(false, Ordering::Relaxed);
    let path = |id: EventId| format!("/api/v1/audit/undelivered/{id}/replay");
    assert_eq!(scene.owner.post(&path(ids[1]), &json!({})).await.status, StatusCode::NO_CONTENT);
    scene.relay.relay_now().await.unwrap();
    let heard = |receiver: &Receiver| receiver.heard.lock().unwrap().clone();
    assert!(heard(&scene.webhooks).contains(&ids[1]) && !heard(&scene.webhooks).contains(&ids[0]));
    for unknown in [ids[1], theirs[0], EventId::new()] {
        assert_eq!(scene.owner.post(&path(unknown), &json!({})).await.status, StatusCode::NOT_FOUND);
    }
    let again = scene.owner.form("/audit/undelivered/replay", &[]).await;
    assert_eq!((again.status, again.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/audit/undelivered"));
    scene.relay.relay_now().await.unwrap();
    assert_eq!(scene.list(&scene.owner).await, Vec::<Value>::new());
    for receiver in [&scene.webhooks, &scene.crm] {
        let heard = heard(receiver);
        assert!(ids.iter().all(|id| heard.iter().filter(|it| *it == id).count() == 1), "{}: {heard:?}", receiver.name);
        assert_eq!(heard.contains(&theirs[0]), receiver.name == "crm", "the other's waits until they say so");
    }
    let noted =
        truth(&scene.test, "select concat_ws(' ', resource, data) from data.audit_entry where action = 'event.replayed' order by id").await;
    assert_eq!(noted, [format!("{} {{\"number\":1}}", ids[1]), format!("{} {{\"number\":2}}", scene.tenant)]);
    let nothing = scene.owner.post("/api/v1/audit/undelivered/replay", &json!({})).await;
    assert_eq!((nothing.status, nothing.json()), (StatusCode::OK, json!({ "replayed": 0 })));
}

/// TEN-04: an auditor looks and changes nothing; others do not even look.
#[tokio::test]
async fn only_those_who_may_see_and_replay_what_was_given_up() {
    let scene = Scene::new().await;
    let id = scene.given_up(scene.tenant, 1).await[0];
    let auditor = person(&scene.test, &scene.app, scene.tenant, "auditor").await;
    let member = person(&scene.test, &scene.app, scene.tenant, "member").await;
    assert_eq!(scene.list(&auditor).await.len(), 1);
    let page = auditor.page("/audit/undelivered").await.text();
    assert!(page.contains("test.happened") && !page.contains("Announce"), "{page}");
    assert_eq!(member.get("/api/v1/audit/undelivered").await.status, StatusCode::FORBIDDEN);
    for client in [&auditor, &member] {
        for path in ["/api/v1/audit/undelivered/replay".to_owned(), format!("/api/v1/audit/undelivered/{id}/replay")] {
            assert_eq!(client.post(&path, &json!({})).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(scene.list(&scene.owner).await.len(), 1);
}

/// AUD-02: the application's login may have announced again what was given up. What waits, and what was relayed, it cannot touch; nor can it give
/// anything up.
#[tokio::test]
async fn the_application_can_only_revive_what_was_given_up() {
    let scene = Scene::new().await;
    scene.given_up(scene.tenant, 1).await;
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "waits", &Happened { number: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    let state = || truth(&scene.test, "select concat_ws(' ', subject, attempts, dead_at is null) from data.outbox order by id");
    let before = state().await;
    for statement in [
        "update outbox set attempts = 9, next_at = 'infinity' where dead_at is null",
        "update outbox set dead_at = now() where dead_at is null",
    ] {
        let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
        assert_eq!(sqlx::query(statement).execute(&mut *tx).await.unwrap().rows_affected(), 0, "{statement}");
        tx.commit().await.unwrap();
    }
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    let refused = sqlx::query("update outbox set dead_at = now()").execute(&mut *tx).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501");
    drop(tx);
    assert_eq!(state().await, before);
    let other = scene.test.tenant("other").await;
    let mut tx = scene.test.db.tenant(other).begin().await.unwrap();
    assert_eq!(events_replay_in(&mut tx, Actor::System, None).await.unwrap(), 0);
}

/// CMP-02: what was given up names people, so it goes after 30 days like all else that waits.
#[tokio::test]
async fn what_was_given_up_is_kept_for_thirty_days() {
    let scene = Scene::new().await;
    scene.given_up(scene.tenant, 1).await;
    scene.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(2));
    assert_eq!((scene.relay.sweep().await.unwrap(), scene.list(&scene.owner).await.len()), (0, 1));
    scene.clock.advance(TimeDelta::minutes(2));
    assert_eq!((scene.relay.sweep().await.unwrap(), scene.list(&scene.owner).await.len()), (1, 0));
}

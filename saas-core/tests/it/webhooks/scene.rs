use std::{sync::Arc, time::Duration};

use axum::{extract::Request, middleware::Next, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{
    Actor, Clock, Db, Event, EventCatalogue, EventId, EventKind, MasterKey, Outbound, OutboundPolicy, Permission as _, Principal, Relay,
    Routes, SessionId, SignedIn, Standing, TenantId, UserId, event_in, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
    webhook::{WebhookRead, WebhookSettings, WebhookWrite, Webhooks},
};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::receiver::Receiver;

/// What everybody with the right to may hear of.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Done {
    pub(super) number: usize,
    pub(super) note: String,
}

impl Event for Done {
    const NAME: &'static str = "test.thing.done";
    const TOPIC: &'static str = "things";
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

/// What is nobody's business but one person's.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Whispered {}

impl Event for Whispered {
    const NAME: &'static str = "test.thing.whispered";
    const TOPIC: &'static str = "things";
    const PERMISSION: Option<&'static str> = None;
}

/// Two tenants, and everything from the event to the receiver, moved by hand.
pub(super) struct Scene {
    pub(super) test: TestDb,
    pub(super) clock: Clock,
    pub(super) keys: MasterKey,
    pub(super) webhooks: Webhooks,
    pub(super) relay: Relay,
    pub(super) app: TestApp,
    pub(super) tenant: TenantId,
    pub(super) owner: TestClient,
}

pub(super) const START: &str = "2026-03-01T12:00:00Z";

pub(super) fn catalogue() -> EventCatalogue {
    let own = [EventKind::of::<Done>(), EventKind::of::<Whispered>()];
    EventCatalogue::new(&[saas_core::EVENTS, &[own.as_slice()]].concat())
}

impl Scene {
    /// With a clock that stands still.
    pub(super) async fn new() -> Self {
        Self::at(Clock::fixed(START.parse().unwrap()), WebhookSettings::default()).await
    }

    pub(super) async fn at(clock: Clock, settings: WebhookSettings) -> Self {
        let outbound = Outbound::new(OutboundPolicy::local()).unwrap();
        Self::with(clock, settings, outbound).await
    }

    pub(super) async fn with(clock: Clock, settings: WebhookSettings, outbound: Outbound) -> Self {
        let test = TestDb::at(&[], clock.clone(), 8).await.unwrap();
        let keys = MasterKey::generate();
        let webhooks = Webhooks::with(&test.db, &keys, outbound, catalogue(), settings);
        let relay = Relay::new(&test.db);
        relay.register(webhooks.clone());
        let (db, routes): (Db, Routes) = (test.db.clone(), webhooks.routes());
        let routes = routes.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &Pages::builder().build().unwrap())));
        let tenant = test.tenant("acme").await;
        let owner = person(&test, &app, tenant, "owner").await;
        Self { test, clock, keys, webhooks, relay, app, tenant, owner }
    }

    /// Somebody of a tenant; `role` is owner, viewer, or hard-of-hearing: one who may do anything with webhooks and hear of nothing else.
    pub(super) async fn person(&self, tenant: TenantId, role: &str) -> TestClient {
        person(&self.test, &self.app, tenant, role).await
    }

    /// Adds an endpoint that hears of everything; its id and its secret.
    pub(super) async fn endpoint(&self, receiver: &Receiver) -> (String, String) {
        self.endpoint_of(&self.owner, &receiver.url(), &[]).await
    }

    pub(super) async fn endpoint_of(&self, client: &TestClient, url: &str, events: &[&str]) -> (String, String) {
        let added = client.post("/api/v1/webhooks", &json!({ "url": url, "description": "A test's", "events": events })).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        let added = added.json();
        // That it was added is an event itself, which is not what the tests are about.
        self.relay.relay_now().await.unwrap();
        self.forget().await;
        (added["id"].as_str().unwrap().to_owned(), added["secret"].as_str().unwrap().to_owned())
    }

    /// Drops what waits for being sent.
    pub(super) async fn forget(&self) {
        self.owner_runs("delete from data.webhook_message").await;
    }

    pub(super) async fn owner_runs(&self, statement: &str) {
        crate::planted::as_owner(&self.test, statement).await;
    }

    /// Records events of the tenant and hands them to the webhooks; nothing is sent yet.
    pub(super) async fn happen(&self, count: usize) -> Vec<EventId> {
        self.happen_to(self.tenant, count).await
    }

    pub(super) async fn happen_to(&self, tenant: TenantId, count: usize) -> Vec<EventId> {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let mut ids = Vec::new();
        for number in 0..count {
            let done = Done { number, note: "na\u{ef}ve \u{1f600} \"quoted\"".to_owned() };
            ids.push(event_in(&mut tx, Actor::User(UserId::new()), number, &done).await.unwrap());
        }
        tx.commit().await.unwrap();
        self.relay.relay_now().await.unwrap();
        ids
    }

    /// Sends what is due.
    pub(super) async fn deliver(&self) -> usize {
        self.webhooks.deliver_now().await.unwrap()
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub(super) async fn read(&self, id: &str) -> Value {
        let answer = self.owner.get(&format!("/api/v1/webhooks/{id}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    pub(super) async fn deliveries(&self, id: &str) -> Vec<Value> {
        let answer = self.owner.get(&format!("/api/v1/webhooks/{id}/deliveries")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// How each attempt of one delivery went.
    pub(super) async fn log(&self, id: &str, message: &str) -> Vec<Value> {
        let answer = self.owner.get(&format!("/api/v1/webhooks/{id}/deliveries/{message}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["log"].as_array().unwrap().clone()
    }

    /// How long until the only delivery to an endpoint is tried again.
    pub(super) async fn pause(&self, id: &str) -> TimeDelta {
        let deliveries = self.deliveries(id).await;
        let due: DateTime<Utc> = deliveries[0]["due_at"].as_str().unwrap_or_else(|| panic!("{deliveries:?}")).parse().unwrap();
        due - self.clock.now()
    }

    /// The names of the events that are recorded, the oldest first.
    pub(super) async fn recorded(&self, name: &str) -> Vec<Value> {
        let query =
            format!("select jsonb_build_object('subject', subject, 'data', data)::text from data.outbox where name = '{name}' order by id");
        crate::planted::truth(&self.test, &query).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

/// What a receiver calls a message of this event.
pub(super) fn header_of(id: EventId) -> String {
    format!("msg_{}", Uuid::from(id).simple())
}

/// Nothing is so slow that a test would wait for it this long.
pub(super) const SOON: Duration = Duration::from_secs(30);

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
            "owner" => &[WebhookRead::NAME, WebhookWrite::NAME, "test.thing.read", "chat.read", "file.read", "mail.write"],
            "hard-of-hearing" => &[WebhookRead::NAME, WebhookWrite::NAME],
            "reader" => &[WebhookRead::NAME],
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

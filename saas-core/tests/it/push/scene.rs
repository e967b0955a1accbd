use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use axum::{extract::Request, middleware::Next, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{
    Actor, Clock, Db, Event, EventCatalogue, EventId, EventKind, EventSeverity, MasterKey, Outbound, OutboundPolicy, Principal, Push,
    PushOutcome, Relay, Routes, SessionId, SignedIn, Standing, TenantId, UserId, event_in, finish,
    mail::Outbox,
    notification::{Frequency, NoticeKind, Notifications},
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::reader::{AUTH, P256DH};
use crate::webhooks::receiver::Receiver;

/// What everybody hears of at once.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Ended {
    pub(super) host: String,
}

impl Event for Ended {
    const NAME: &'static str = "test.thing.ended";
    const TOPIC: &'static str = "things";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

/// What owners alone hear of.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Whispered {
    pub(super) name: String,
}

impl Event for Whispered {
    const NAME: &'static str = "test.thing.whispered";
    const TOPIC: &'static str = "things";
    const PERMISSION: Option<&'static str> = Some("test.secret.read");
}

/// What is enough once a day.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Rested {
    pub(super) host: String,
}

impl Event for Rested {
    const NAME: &'static str = "test.thing.rested";
    const TOPIC: &'static str = "things";
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

/// What nobody can switch off.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Owed {
    pub(super) host: String,
}

impl Event for Owed {
    const NAME: &'static str = "test.thing.owed";
    const TOPIC: &'static str = "things";
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

/// Sentences of core's with a name in them.
pub(super) const ENDED: NoticeKind =
    NoticeKind::new(Ended::NAME, "core-notice-webhook-disabled", "/things/{subject}?tab=log").mail(Frequency::Now);
const KINDS: &[NoticeKind] = &[
    ENDED,
    NoticeKind::new(Whispered::NAME, "core-notice-chat-failed", "/things").mail(Frequency::Now),
    NoticeKind::new(Rested::NAME, "core-notice-webhook-disabled", "/things"),
    NoticeKind::new(Owed::NAME, "core-notice-webhook-disabled", "/things").mail(Frequency::Now).mandatory(),
];

/// Two tenants, and everything from the event to the push service, moved by hand.
pub(super) struct Scene {
    pub(super) test: TestDb,
    pub(super) clock: Clock,
    pub(super) keys: MasterKey,
    pub(super) notifications: Notifications,
    pub(super) push: Push,
    pub(super) relay: Relay,
    pub(super) app: TestApp,
    pub(super) tenant: TenantId,
    pub(super) other: TenantId,
    /// The sessions that are over.
    pub(super) over: Arc<Mutex<HashSet<SessionId>>>,
}

/// Somebody in one of their browsers.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) client: TestClient,
}

impl Scene {
    /// With a clock that stands still.
    pub(super) async fn new() -> Self {
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        Self::with(clock, Outbound::new(OutboundPolicy::local()).unwrap()).await
    }

    pub(super) async fn with(clock: Clock, outbound: Outbound) -> Self {
        let test = TestDb::at(&[], clock.clone(), 8).await.unwrap();
        let (keys, pages) = (MasterKey::generate(), Pages::builder().build().unwrap());
        let own = [EventKind::of::<Ended>(), EventKind::of::<Whispered>(), EventKind::of::<Rested>(), EventKind::of::<Owed>()];
        let catalogue = EventCatalogue::new(&[saas_core::EVENTS, &[own.as_slice()]].concat());
        let address = "http://localhost:3000".parse().unwrap();
        let outbox = Outbox::new(pages.clone(), keys.clone(), "http://localhost:3000".parse().unwrap());
        let over: Arc<Mutex<HashSet<SessionId>>> = Arc::default();
        let known = Arc::clone(&over);
        let push = Push::new(&test.db, &keys, outbound, &address, move |session| {
            let holds = !known.lock().unwrap().contains(&session);
            async move { Ok(holds) }
        });
        let notifications = Notifications::new(KINDS, catalogue, &outbox, &keys, |permission| match permission {
            "test.thing.read" => vec!["owner", "reader"],
            _ => vec!["owner"],
        })
        .in_browsers(&push);
        let relay = Relay::new(&test.db);
        notifications.register(&relay);
        let (db, routes): (Db, Routes) = (test.db.clone(), notifications.routes());
        let routes = routes.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
        let (tenant, other) = (test.tenant("acme").await, test.tenant("other").await);
        Self { test, clock, keys, notifications, push, relay, app, tenant, other, over }
    }

    /// Somebody of a tenant: an owner or a reader.
    pub(super) async fn person(&self, tenant: TenantId, role: &str) -> Person {
        let user = self.test.user().await;
        self.test.member(tenant, user, role).await;
        self.signs_in(tenant, user, role)
    }

    /// Another session of somebody's.
    pub(super) fn signs_in(&self, tenant: TenantId, user: UserId, role: &str) -> Person {
        let session = SessionId::new();
        let mut me = SignedIn::new(user, session);
        (me.email, me.name) = (tenant.to_string(), role.to_owned());
        Person { user, session, client: self.app.acting(Principal::User(Arc::new(me))) }
    }

    /// Ends a session.
    pub(super) fn signs_out(&self, person: &Person) {
        self.over.lock().unwrap().insert(person.session);
    }

    /// What a browser answers that is asked now, and is reached at this path of a push service.
    pub(super) async fn answer(&self, person: &Person, service: &Receiver, path: &str) -> Value {
        let asked = person.client.get("/api/v1/notifications/browsers").await.json();
        json!({
            "endpoint": endpoint(service, path), "keys": { "p256dh": P256DH, "auth": AUTH }, "server_key": asked["server_key"],
        })
    }

    /// Allows a browser; its id.
    pub(super) async fn allows(&self, person: &Person, service: &Receiver, path: &str) -> String {
        let answer = self.answer(person, service, path).await;
        let added = person.client.post("/api/v1/notifications/browsers", &answer).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        added.json()["id"].as_str().unwrap().to_owned()
    }

    /// The browsers in which somebody is told.
    pub(super) async fn browsers(&self, person: &Person) -> Vec<Value> {
        let answer = person.client.get("/api/v1/notifications/browsers").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["browsers"].as_array().unwrap().clone()
    }

    /// Something of the tenant ends; nothing is sent yet.
    pub(super) async fn ends(&self, host: &str) -> EventId {
        self.happens(self.tenant, host, &Ended { host: host.to_owned() }).await
    }

    pub(super) async fn happens<E: Event>(&self, tenant: TenantId, subject: &str, event: &E) -> EventId {
        self.done(tenant, Actor::System, subject, event).await
    }

    pub(super) async fn done<E: Event>(&self, tenant: TenantId, actor: Actor, subject: &str, event: &E) -> EventId {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let id = event_in(&mut tx, actor, subject, event).await.unwrap();
        tx.commit().await.unwrap();
        self.relay.relay_now().await.unwrap();
        id
    }

    /// Gives all that waits, of all tenants, the chance that its job would have now.
    pub(super) async fn deliver(&self) -> Vec<PushOutcome> {
        let query =
            "select concat_ws(' ', tenant_id, browser_id, id) from data.push_message where state = 'waiting' order by at, id, browser_id";
        let mut outcomes = Vec::new();
        for waiting in crate::planted::truth(&self.test, query).await {
            let ids: Vec<uuid::Uuid> = waiting.split(' ').map(|id| id.parse().unwrap()).collect();
            outcomes.push(self.push.attempt(ids[0].into(), ids[1].into(), ids[2].into()).await.unwrap());
        }
        outcomes
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// All messages as they are stored, the oldest first.
    pub(super) async fn messages(&self) -> Vec<Value> {
        let query = "select to_jsonb(m)::text from data.push_message m order by at, id";
        crate::planted::truth(&self.test, query).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// How long until the newest message is tried again.
    pub(super) async fn pause(&self) -> TimeDelta {
        let messages = self.messages().await;
        let due: DateTime<Utc> = messages.last().unwrap()["due_at"].as_str().unwrap().parse().unwrap();
        due - self.clock.now()
    }

    /// What was announced of browsers, the oldest first.
    pub(super) async fn recorded(&self) -> Vec<String> {
        let query = "select concat_ws(' ', name, data ->> 'because') from data.outbox where name like 'push.%' order by id";
        crate::planted::truth(&self.test, query).await
    }
}

pub(super) fn endpoint(service: &Receiver, path: &str) -> String {
    format!("http://127.0.0.1:{}/{path}", service.port())
}

/// What a tenancy layer does, for a person whose address says where they belong, and whose name says as what.
async fn member(db: Db, mut request: Request, next: Next) -> Response {
    if let Some(Principal::User(me)) = request.extensions().get::<Principal>().cloned() {
        let tenant: TenantId = me.email.parse().unwrap();
        let permissions: &[&'static str] = if me.name == "owner" { &["test.thing.read", "test.secret.read"] } else { &["test.thing.read"] };
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

use std::sync::Arc;

use axum::{extract::Request, middleware::Next, response::Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{
    Actor, Clock, Db, Event, EventCatalogue, EventId, EventKind, EventSeverity, MasterKey, Outbound, OutboundPolicy, Permission as _,
    Principal, Relay, Routes, SessionId, SignedIn, Standing, TenantId,
    chat::{Chat, ChatOutcome, ChatRead, ChatWrite},
    event_in, finish,
    mail::Outbox,
    notification::{NoticeKind, Notifications},
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::webhooks::receiver::Receiver;

/// What everybody with the right to may hear of.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Ended {
    pub(super) host: String,
}

impl Event for Ended {
    const NAME: &'static str = "test.thing.ended";
    const TOPIC: &'static str = "things";
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

/// What matters most.
#[derive(Debug, serde::Serialize, ToSchema)]
pub(super) struct Burned {
    pub(super) host: String,
}

impl Event for Burned {
    const NAME: &'static str = "test.thing.burned";
    const TOPIC: &'static str = "things";
    const SEVERITY: EventSeverity = EventSeverity::Critical;
    const PERMISSION: Option<&'static str> = Some("test.thing.read");
}

/// Sentences of core's with a name in them.
pub(super) const ENDED: NoticeKind = NoticeKind::new(Ended::NAME, "core-notice-webhook-disabled", "/things/{subject}?tab=log");
const KINDS: &[NoticeKind] = &[
    ENDED,
    NoticeKind::new(Burned::NAME, "core-notice-webhook-disabled", "/things"),
    NoticeKind::new(Whispered::NAME, "core-notice-chat-failed", "/things"),
];

/// Two tenants, and everything from the event to the receiver, moved by hand.
pub(super) struct Scene {
    pub(super) test: TestDb,
    pub(super) clock: Clock,
    pub(super) notifications: Notifications,
    pub(super) chat: Chat,
    pub(super) relay: Relay,
    pub(super) app: TestApp,
    pub(super) tenant: TenantId,
    pub(super) other: TenantId,
    pub(super) owner: TestClient,
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
        let own = [EventKind::of::<Burned>(), EventKind::of::<Ended>(), EventKind::of::<Whispered>()];
        let catalogue = EventCatalogue::new(&[saas_core::EVENTS, &[own.as_slice()]].concat());
        let outbox = Outbox::new(pages.clone(), keys.clone(), "http://localhost:3000".parse().unwrap());
        let notifications = Notifications::new(KINDS, catalogue, &outbox, &keys, |permission| match permission {
            "test.thing.read" => vec!["owner", "reader", "hard-of-hearing"],
            "test.secret.read" => vec!["owner"],
            _ => vec!["owner", "reader"],
        });
        let chat = Chat::new(&notifications, &keys, outbound);
        let relay = Relay::new(&test.db);
        notifications.register(&relay);
        relay.register(notifications.through(chat.clone()));
        let (db, routes): (Db, Routes) = (test.db.clone(), chat.routes());
        let routes = routes.merge(notifications.routes()).layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let db = db.clone();
            async move { member(db, request, next).await }
        }));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
        let (tenant, other) = (test.tenant("acme").await, test.tenant("other").await);
        let owner = person(&test, &app, tenant, "owner").await;
        Self { test, clock, notifications, chat, relay, app, tenant, other, owner }
    }

    /// Somebody of a tenant. A reader may see channels, one who is hard of hearing may do anything with them but hear of secrets.
    pub(super) async fn person(&self, tenant: TenantId, role: &str) -> TestClient {
        person(&self.test, &self.app, tenant, role).await
    }

    /// Adds a channel that hears of what ends; its id.
    pub(super) async fn channel(&self, receiver: &Receiver, format: &str) -> String {
        self.channel_of(&self.owner, &receiver.url(), format).await
    }

    pub(super) async fn channel_of(&self, client: &TestClient, address: &str, format: &str) -> String {
        let new = json!({ "format": format, "name": "On-call", "address": address, "kinds": [Ended::NAME] });
        let added = client.post("/api/v1/channels", &new).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        added.json()["id"].as_str().unwrap().to_owned()
    }

    /// Something of the tenant ends; nothing is sent yet.
    pub(super) async fn ends(&self, host: &str) -> EventId {
        self.happens(self.tenant, &Ended { host: host.to_owned() }).await
    }

    pub(super) async fn happens<E: Event>(&self, tenant: TenantId, event: &E) -> EventId {
        let mut tx = self.test.db.tenant(tenant).begin().await.unwrap();
        let id = event_in(&mut tx, Actor::System, "7", event).await.unwrap();
        tx.commit().await.unwrap();
        self.relay.relay_now().await.unwrap();
        id
    }

    /// Gives all that waits, of all tenants, the chance that its job would have now.
    pub(super) async fn deliver(&self) -> Vec<ChatOutcome> {
        let query =
            "select concat_ws(' ', tenant_id, channel_id, id) from data.chat_message where state = 'waiting' order by at, id, channel_id";
        let mut outcomes = Vec::new();
        for waiting in crate::planted::truth(&self.test, query).await {
            let ids: Vec<uuid::Uuid> = waiting.split(' ').map(|id| id.parse().unwrap()).collect();
            let tenant = TenantId::from(ids[0]);
            outcomes.push(self.chat.attempt(tenant, &self.test.db.tenant(tenant), ids[1].into(), ids[2].into()).await.unwrap());
        }
        self.relay.relay_now().await.unwrap();
        outcomes
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub(super) async fn read(&self, id: &str) -> Value {
        let answer = self.owner.get(&format!("/api/v1/channels/{id}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    /// What was sent to a channel, the newest first.
    pub(super) async fn messages(&self, id: &str) -> Vec<Value> {
        let answer = self.owner.get(&format!("/api/v1/channels/{id}/messages")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// How long until the newest message is tried again.
    pub(super) async fn pause(&self, id: &str) -> TimeDelta {
        let messages = self.messages(id).await;
        let due: DateTime<Utc> = messages[0]["due_at"].as_str().unwrap_or_else(|| panic!("{messages:?}")).parse().unwrap();
        due - self.clock.now()
    }

    /// The events of this name, the oldest first.
    pub(super) async fn recorded(&self, name: &str) -> Vec<Value> {
        let query =
            format!("select jsonb_build_object('subject', subject, 'data', data)::text from data.outbox where name = '{name}' order by id");
        crate::planted::truth(&self.test, &query).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

/// The text of a message as Slack gets it.
pub(super) fn text(got: &crate::webhooks::receiver::Got) -> String {
    got.json()["text"].as_str().unwrap().to_owned()
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
            "owner" => &[ChatRead::NAME, ChatWrite::NAME, "test.thing.read", "test.secret.read", "webhook.read"],
            "hard-of-hearing" => &[ChatRead::NAME, ChatWrite::NAME, "test.thing.read", "webhook.read"],
            "reader" => &[ChatRead::NAME, "test.thing.read", "webhook.read"],
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

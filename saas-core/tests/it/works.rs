//! Everything that follows from an event, as one node does it: the relay, the list, webhooks, a chat, mail, the sealed log.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use axum::{extract::Request, middleware::Next};
use saas_core::{
    Actor, Db, Dependencies, Event as _, EventCatalogue, Jobs, Ledger, Lifecycle, MasterKey, Metrics, Outbound, OutboundPolicy,
    Permission as _, Principal, Relay, Routes, RunningJobs, Secret, SessionId, SignedIn, Standing, TenantId, UserId, Web,
    audit::AuditChain,
    chat::{Chat, ChatWrite},
    event_in,
    file::{FileAdded, FileDeleted, FileRead},
    finish,
    mail::{Envelope, MailSender, Outbox, SmtpMailer, letters::Welcome},
    notification::{Frequency, NoticeKind, Notifications},
    pages::Pages,
    testing::TestApp,
    webhook::{RunningWebhooks, WebhookSettings, WebhookWrite, Webhooks},
};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::{jobs::quick, mail::sink::Sink, webhooks::receiver::Receiver};

/// Far beyond what anything here takes; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// In the list; mail is written beside it, to somebody else each time.
const KINDS: &[NoticeKind] = &[
    NoticeKind::new(FileAdded::NAME, "core-files", "/files").mail(Frequency::Off),
    NoticeKind::new(FileDeleted::NAME, "core-files", "/files").mail(Frequency::Off),
];

/// Of so many files one is deleted, which the chat is told: a chat takes one message a second.
const TOLD: usize = 10;

/// A delivery that was begun by somebody who was killed is begun again after so long, which is longer than one takes.
const LEASE: Duration = Duration::from_secs(5);

/// A node's parts.
pub(crate) struct Works {
    db: Db,
    keys: MasterKey,
    outbox: Outbox,
    chat: Chat,
    webhooks: Webhooks,
    relay: Relay,
    sender: MailSender,
    chain: AuditChain,
}

impl Works {
    pub(crate) fn new(db: &Db, keys: &MasterKey, smtp: &Secret) -> Self {
        let outbox = Outbox::new(Pages::builder().build().unwrap(), keys.clone(), "http://localhost:3000".parse().unwrap());
        let notifications = Notifications::new(KINDS, EventCatalogue::new(saas_core::EVENTS), &outbox, keys, |_| vec!["owner"]);
        let chat = Chat::new(&notifications, keys, Outbound::new(OutboundPolicy::local()).unwrap());
        let (outbound, settings) =
            (Outbound::new(OutboundPolicy::local()).unwrap(), WebhookSettings { lease: LEASE, ..Default::default() });
        let webhooks = Webhooks::with(db, keys, outbound.within(LEASE / 2), EventCatalogue::new(saas_core::EVENTS), settings);
        let relay = Relay::new(db);
        relay.register(webhooks.clone());
        notifications.register(&relay);
        relay.register(notifications.through(chat.clone()));
        let mailer = SmtpMailer::new(smtp, "Monitoring <no-reply@example.com>").unwrap();
        let sender = MailSender::new(db, Arc::new(mailer), keys.clone());
        Self { db: db.clone(), keys: keys.clone(), outbox, chat, webhooks, relay, sender, chain: AuditChain::new(db, keys) }
    }

    /// Works until the lifecycle ends.
    pub(crate) async fn begin(&self, lifecycle: &Lifecycle) -> Working {
        let jobs = Jobs::new(&self.db);
        self.chat.work_for(&jobs);
        self.sender.work_for(&jobs);
        self.relay.start(lifecycle);
        self.chain.start_sealing(lifecycle);
        Working { webhooks: self.webhooks.start(lifecycle), jobs: jobs.start(quick(4), lifecycle).await.unwrap() }
    }

    /// An organization with one owner, a chat that it tells of what is deleted, and a webhook that hears of what is added.
    pub(crate) async fn organization(&self, receivers: &Receivers) -> TenantId {
        let (tenant, owner) = (TenantId::new(), UserId::new());
        let mut tx = self.db.system("arrange a test").begin().await.unwrap();
        for statement in [
            "insert into core.tenant (id, slug, name, created_at) select $1, 'acme', 'Acme', now() where $2 = $2",
            "insert into core.user (id, created_at) select $2, now() where $1 = $1",
            "insert into core.member (tenant_id, user_id, role, name, email, joined_at) values ($1, $2, 'owner', 'Ada', 'ada@example.com', now())",
        ] {
            sqlx::query(statement).bind(tenant).bind(owner).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let chat = json!({ "format": "json", "name": "On-call", "address": receivers.chat.url(), "kinds": [FileDeleted::NAME] });
        let hook = json!({ "url": receivers.hooks.url(), "events": [FileAdded::NAME] });
        let me = self.app(tenant, owner).acting(Principal::User(Arc::new(SignedIn::new(owner, SessionId::new()))));
        for (path, new) in [("/api/v1/channels", chat), ("/api/v1/webhooks", hook)] {
            let added = me.post(path, &new).await;
            assert_eq!(added.status, http::StatusCode::CREATED, "{}", added.text());
        }
        tenant
    }

    fn app(&self, tenant: TenantId, owner: UserId) -> TestApp {
        let standing = Standing {
            tenant,
            slug: "acme".into(),
            name: "Acme".into(),
            actor: Actor::User(owner),
            role: "owner".into(),
            permissions: Arc::new([ChatWrite::NAME, FileRead::NAME, WebhookWrite::NAME]),
            revision: None,
        };
        let (routes, db): (Routes, _) = (self.chat.routes().merge(self.webhooks.routes()), self.db.tenant(tenant).acting(owner));
        let routes = routes.layer(axum::middleware::from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(db.clone());
            request.extensions_mut().insert(standing.clone());
            next.run(request)
        }));
        let metrics = Metrics::new();
        let web = Web {
            pages: Pages::builder().build().unwrap(),
            db: self.db.clone(),
            lifecycle: Lifecycle::new(),
            dependencies: Dependencies::new(self.db.clock().clone(), &metrics),
            metrics,
            public_url: "http://localhost:3000".parse().unwrap(),
            keys: self.keys.clone(),
            trusted_proxies: Vec::new(),
            tenant_hosts: saas_core::TenantHosts::default(),
            nav: Vec::new(),
            sign_in: "/sign-in",
        };
        TestApp::new(finish(routes, web))
    }

    /// So many things happen, each with a letter to somebody.
    pub(crate) async fn happen(&self, tenant: TenantId, numbers: Range<usize>) {
        let mut tx = self.db.tenant(tenant).begin().await.unwrap();
        for number in numbers {
            let added = FileAdded { name: format!("{number}.pdf"), media_type: "application/pdf", bytes: 1 };
            event_in(&mut tx, Actor::System, number, &added).await.unwrap();
            if number % TOLD == 0 {
                event_in(&mut tx, Actor::System, number, &FileDeleted { name: added.name }).await.unwrap();
            }
            let letter = Welcome { name: "Ada".to_owned(), href: self.outbox.link("/") };
            let envelope = Envelope::new(format!("reader{number}@example.com"), number, "once");
            self.outbox.mail_in(&mut tx, &envelope, &letter).await.unwrap().unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// How much there is still to do.
    pub(crate) async fn left(&self) -> i64 {
        self.count(
            "select (select count(*) from outbox where relayed_at is null) + (select count(*) from core.mail where ended_at is null)
                + (select count(*) from chat_message where state = 'waiting')
                + (select count(*) from webhook_delivery where state in ('waiting', 'sending')) + (select count(*) from audit_entry where number is null)
                + (select count(*) from core.job)",
        )
        .await
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let mut tx = self.db.system("look at what was done").begin().await.unwrap();
        sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
    }

    /// However much there is: it gets less all the time.
    pub(crate) async fn nothing_left(&self) {
        let (mut least, mut since) = (self.left().await, Instant::now());
        while least > 0 {
            sleep(Duration::from_millis(50)).await;
            let left = self.left().await;
            if left < least {
                (least, since) = (left, Instant::now());
            }
            assert!(since.elapsed() < PATIENCE, "{left} things are left");
        }
    }

    /// Nothing was lost, and nothing came twice as something else: one row of the list for each event, one id for each message, each delivery and
    /// each letter however often it came, and a chain without a gap.
    pub(crate) async fn all_was_done(&self, tenant: TenantId, number: usize, receivers: &Receivers, arrived: &Arrived) {
        let told = number.div_ceil(TOLD);
        assert_eq!(self.count("select count(*) from notification").await, (number + told) as i64);
        assert_eq!(self.count("select count(*) from outbox where dead_at is not null").await, 0);
        let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for got in receivers.chat.got() {
            let got = got.json();
            let of = |field: &str| got[field].as_str().unwrap().to_owned();
            messages.entry(of("subject")).or_default().insert(of("id"));
        }
        let mut deliveries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for got in receivers.hooks.got() {
            deliveries.entry(got.json()["subject"].as_str().unwrap().to_owned()).or_default().insert(got.header("webhook-id").to_owned());
        }
        let one_id_each = |seen: &BTreeMap<String, BTreeSet<String>>| seen.values().all(|ids| ids.len() == 1);
        assert_eq!((messages.len(), one_id_each(&messages)), (told, true), "{messages:?}");
        assert_eq!((deliveries.len(), one_id_each(&deliveries)), (number, true), "{deliveries:?}");
        assert_eq!(self.count("select count(*) from webhook_delivery where state <> 'delivered'").await, 0);
        assert_eq!((arrived.0.len(), one_id_each(&arrived.0)), (number, true), "{:?}", arrived.0);
        let verified = self.chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
        assert_eq!(verified.fault, None);
        assert_eq!((verified.unsealed, verified.sealed), (0, self.count("select count(*) from audit_entry").await));
    }
}

/// A node that works.
pub(crate) struct Working {
    jobs: RunningJobs,
    webhooks: RunningWebhooks,
}

impl Working {
    /// Until it has stopped, which its lifecycle told it.
    pub(crate) async fn drained(self) {
        self.webhooks.drained().await;
        self.jobs.drained().await;
    }
}

/// Who is told outside.
pub(crate) struct Receivers {
    pub(crate) chat: Receiver,
    pub(crate) hooks: Receiver,
}

impl Receivers {
    pub(crate) async fn new() -> Self {
        Self { chat: Receiver::new().await, hooks: Receiver::new().await }
    }
}

/// The letters that a mail server took: by reader the ids under which they came.
#[derive(Default)]
pub(crate) struct Arrived(BTreeMap<String, BTreeSet<String>>);

impl Arrived {
    pub(crate) async fn next(&mut self, sink: &mut Sink) {
        let message = sink.message().await;
        self.0.entry(message.to.join(" ")).or_default().insert(message.message_id);
    }

    /// Takes what comes until something is done: a mail server whose output nobody reads takes nothing more.
    pub(crate) async fn until(&mut self, sink: &mut Sink, done: impl Future<Output = ()>) {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                () = &mut done => return,
                _ = timeout(Duration::from_secs(1), self.next(sink)) => {}
            }
        }
    }

    /// Takes what has come, once nothing more does.
    pub(crate) async fn rest(&mut self, sink: &mut Sink) {
        while timeout(Duration::from_secs(2), self.next(sink)).await.is_ok() {}
    }
}

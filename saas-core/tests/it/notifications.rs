//! Who is told of what, how, and how they stop it (NOT-03, NOT-04).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use saas_core::{
    Actor, Clock, Event, EventCatalogue, MasterKey, Principal, Relay, Routes, SessionId, SignedIn, TenantId, UserId, event_in,
    file::{FileAdded, FileDeleted},
    finish,
    mail::{Accepted, Mail, MailError, MailSender, Mailer, Outbox},
    notification::{NoticeKind, Notifications},
    pages::Pages,
    testing::{TestApp, TestClient, TestDb, deliver},
    webhook::{DisabledBecause, WebhookEndpointDisabled},
};
use serde_json::{Value, json};

use crate::files::member;

/// Takes every mail.
#[derive(Clone, Default)]
struct Postman(Arc<Mutex<Vec<Mail>>>);

#[async_trait]
impl Mailer for Postman {
    async fn send(&self, mail: &Mail) -> Result<Accepted, MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(Accepted { answer: String::new() })
    }
}

/// Daily unless somebody prefers otherwise; and one that nobody can switch off.
const KINDS: &[NoticeKind] =
    &[NoticeKind::new(FileAdded::NAME, "core-files", "/files"), NoticeKind::new(FileDeleted::NAME, "core-files", "/files").mandatory()];

struct House {
    test: TestDb,
    notifications: Notifications,
    relay: Relay,
    sender: MailSender,
    postman: Postman,
    app: TestApp,
    clock: Clock,
    tenant: TenantId,
}

impl House {
    async fn new() -> Self {
        Self::with(Pages::builder().build().unwrap()).await
    }

    async fn with(pages: Pages) -> Self {
        let clock = Clock::fixed("2026-11-03T14:05:09Z".parse().unwrap());
        let test = TestDb::at(&[], clock.clone(), 5).await.unwrap();
        let (keys, postman) = (MasterKey::generate(), Postman::default());
        let outbox = Outbox::new(pages.clone(), keys.clone(), "http://localhost:3000".parse().unwrap());
        let notifications =
            Notifications::new(KINDS, EventCatalogue::new(saas_core::EVENTS), &outbox, &keys, |permission| match permission {
                "webhook.read" => vec!["owner"],
                _ => vec!["owner", "viewer"],
            });
        let relay = Relay::new(&test.db);
        notifications.register(&relay);
        let db = test.db.clone();
        let inside: Routes = notifications.routes();
        let inside = inside.layer(axum::middleware::from_fn(move |request, next| member(db.clone(), request, next)));
        let routes = inside.merge(notifications.unsubscribe_routes(&test.db));
        let app = TestApp::new(finish(routes, TestApp::web(&test, &pages)));
        let sender = MailSender::new(&test.db, Arc::new(postman.clone()), keys);
        let tenant = test.tenant("acme").await;
        Self { test, notifications, relay, sender, postman, app, clock, tenant }
    }

    async fn person(&self, role: &str) -> (UserId, TestClient) {
        let user = self.test.user().await;
        self.test.member(self.tenant, user, role).await;
        let mut me = SignedIn::new(user, SessionId::new());
        me.email = self.tenant.to_string();
        (user, self.app.acting(Principal::User(Arc::new(me))))
    }

    /// Records an event, and what follows from it.
    async fn happens<E: Event>(&self, actor: Actor, subject: &str, event: &E) {
        let mut tx = self.test.db.tenant(self.tenant).begin().await.unwrap();
        event_in(&mut tx, actor, subject, event).await.unwrap();
        tx.commit().await.unwrap();
        self.relay.relay_now().await.unwrap();
        deliver(&self.test.db, &self.sender).await.unwrap();
    }

    async fn webhook_ends(&self, subject: &str) {
        let event = WebhookEndpointDisabled { host: "hooks.example.com".to_owned(), because: DisabledBecause::Failing, undelivered: 3 };
        self.happens(Actor::System, subject, &event).await;
    }

    /// The addresses that got a mail since the last look, in order.
    fn mails(&self) -> Vec<Mail> {
        let mut mails = std::mem::take(&mut *self.postman.0.lock().unwrap());
        mails.sort_by(|a, b| a.to.cmp(&b.to));
        mails
    }

    async fn digest(&self) -> u64 {
        let sent = self.notifications.send_digests(&self.test.db.system("send digests")).await.unwrap();
        deliver(&self.test.db, &self.sender).await.unwrap();
        sent
    }
}

/// Who changed how which person is told of what, in the order in which it happened.
async fn chosen(house: &House, user: UserId) -> Vec<(String, Value)> {
    let query = "select actor_kind, data::jsonb from data.audit_entry
        where action = 'notification.preference.changed' and resource = $1 order by at, id";
    let mut tx = house.test.db.tenant(house.tenant).begin().await.unwrap();
    sqlx::query_as(query).bind(user.to_string()).fetch_all(&mut *tx).await.unwrap()
}

fn choice(actor: &str, kind: &str, channel: &str, old: &str, new: &str) -> (String, Value) {
    (actor.to_owned(), json!({ "kind": kind, "channel": channel, "frequency": { "old": old, "new": new } }))
}

/// AUD-01, NOT-04: who stopped hearing of what, and how, can be said later; what is chosen again as it is, is no change.
#[tokio::test]
async fn whoever_wants_to_hear_of_something_otherwise_is_in_the_log_with_how_they_heard_before() {
    let house = House::new().await;
    let (user, ada) = house.person("owner").await;
    let file = FileAdded::NAME;
    for mail in ["daily", "now", "now", "off"] {
        let put = ada.json(Method::PUT, "/api/v1/notifications/preferences", &json!({ "kind": file, "mail": mail })).await;
        assert_eq!(put.status, StatusCode::NO_CONTENT);
    }
    let form = [("mail:file.added", "daily"), ("list:webhook.endpoint.disabled", "now")];
    for _ in 0..2 {
        assert_eq!(ada.form("/notifications/preferences", &form).await.status, StatusCode::SEE_OTHER);
    }
    let mut expected = vec![
        choice("user", file, "mail", "daily", "now"),
        choice("user", file, "mail", "now", "off"),
        choice("user", file, "list", "now", "off"),
        choice("user", file, "mail", "off", "daily"),
    ];
    let mut noted = chosen(&house, user).await;
    assert_eq!(noted[..2], expected[..2]);
    // The page's are one request, of which the order says nothing.
    noted.sort_by_key(|(_, data)| data.to_string());
    expected.sort_by_key(|(_, data)| data.to_string());
    assert_eq!(noted, expected);
}

async fn kinds(client: &TestClient) -> Vec<String> {
    let list = client.get("/api/v1/notifications?sort=-at").await.json();
    list["items"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect()
}

async fn unread(client: &TestClient) -> i64 {
    client.get("/api/v1/notifications/count").await.json()["unread"].as_i64().unwrap()
}

fn added() -> FileAdded {
    FileAdded { name: "plan.pdf".to_owned(), media_type: "application/pdf", bytes: 1 }
}

fn deleted() -> FileDeleted {
    FileDeleted { name: "plan.pdf".to_owned() }
}

/// NOT-03: those who may hear of it are told once, in the list and by mail; whoever did it is not.
#[tokio::test]
async fn whoever_may_hear_of_it_is_told_once_and_whoever_did_it_is_not() {
    let house = House::new().await;
    let (owner, ada) = house.person("owner").await;
    let (_, vera) = house.person("viewer").await;
    let other = house.test.tenant("other").await;
    let stranger = house.test.user().await;
    house.test.member(other, stranger, "owner").await;

    house.webhook_ends("endpoint-1").await;
    assert_eq!((unread(&ada).await, unread(&vera).await), (1, 0), "a viewer may not see webhooks");
    let mails = house.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, format!("{owner}@example.com"));
    assert_eq!(mails[0].subject, "The webhook to hooks.example.com was switched off.");
    assert!(mails[0].text.contains("http://localhost:3000/webhooks/endpoint-1"), "{}", mails[0].text);

    house.happens(Actor::User(owner), "file-1", &added()).await;
    assert_eq!((unread(&ada).await, unread(&vera).await), (1, 1));
    assert_eq!(house.mails().len(), 0, "this one is for the daily mail");
    assert_eq!(house.relay.relay_now().await.unwrap(), 0);

    let notice = ada.get("/api/v1/notifications").await.json()["items"][0].clone();
    assert_eq!((&notice["subject"], &notice["data"]["host"]), (&json!("endpoint-1"), &json!("hooks.example.com")));
    let page = ada.page("/notifications").await.text();
    assert!(page.contains("The webhook to hooks.example.com was switched off."), "{page}");
    let opened = ada.form(&format!("/notifications/{}/open", notice["id"].as_str().unwrap()), &[]).await;
    assert_eq!((opened.status, opened.location()), (StatusCode::SEE_OTHER, Some("/webhooks/endpoint-1")));
    assert_eq!(unread(&ada).await, 0);
    assert_eq!(vera.post("/api/v1/notifications/read", &json!({ "id": notice["id"] })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(vera.post("/api/v1/notifications/read", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(unread(&vera).await, 0);
    assert_eq!(vera.get("/api/v1/notifications?unread=true").await.json()["items"], json!([]));
}

/// NOT-03: the list goes on to its end, the newest first, by links that need no script.
#[tokio::test]
async fn what_somebody_was_told_is_read_page_by_page_to_its_end() {
    let house = House::new().await;
    let (_, ada) = house.person("owner").await;
    let mut tx = house.test.db.tenant(house.tenant).begin().await.unwrap();
    for number in 0..120 {
        event_in(&mut tx, Actor::System, &format!("file-{number}"), &added()).await.unwrap();
    }
    tx.commit().await.unwrap();
    while house.relay.relay_now().await.unwrap() > 0 {}
    let (mut path, mut seen, mut pages) = ("/notifications".to_owned(), Vec::new(), 0);
    loop {
        let page = ada.page(&path).await.text();
        assert!(page.contains("action=\"/notifications/read"), "some are unread: {page}");
        assert_eq!(page.contains("data-fragment=\"/notifications\""), pages == 0, "the first page is live");
        seen.extend(page.split("data-key=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        pages += 1;
        match page.split_once("rel=\"next\" href=\"") {
            Some((_, rest)) => path = rest.split('"').next().unwrap().to_owned(),
            None => break,
        }
    }
    let newest: Vec<_> = ada.get("/api/v1/notifications?limit=200").await.json()["items"].as_array().unwrap().clone();
    let newest: Vec<_> = newest.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((seen.len(), pages), (120, 3));
    assert_eq!(seen, newest, "as the API lists them");
}

/// NOT-04: each kind and channel for itself; what is mandatory stays.
#[tokio::test]
async fn a_person_is_told_as_they_prefer_but_for_what_is_mandatory() {
    let house = House::new().await;
    let (_, ada) = house.person("owner").await;
    let put = |body: Value| {
        let ada = ada.clone();
        async move { ada.json(Method::PUT, "/api/v1/notifications/preferences", &body).await }
    };
    let file = FileAdded::NAME;
    assert_eq!(put(json!({ "kind": file, "list": "off", "mail": "now" })).await.status, StatusCode::NO_CONTENT);
    house.happens(Actor::System, "file-1", &added()).await;
    assert_eq!((unread(&ada).await, house.mails().len()), (0, 1));

    // The page sends every box and choice; a box that is not ticked is not sent.
    let form = [("list:file.added", "now"), ("mail:file.added", "off"), ("list:webhook.endpoint.disabled", "now")];
    assert_eq!(ada.form("/notifications/preferences", &form).await.status, StatusCode::SEE_OTHER);
    let preferences = ada.get("/api/v1/notifications/preferences").await.json()["preferences"].clone();
    let of = |kind: &str| preferences.as_array().unwrap().iter().find(|it| it["kind"] == kind).unwrap().clone();
    assert_eq!((&of(file)["list"], &of(file)["mail"]), (&json!("now"), &json!("off")));
    assert_eq!(of("webhook.endpoint.disabled")["mail"], "now", "what was not said stays");
    house.happens(Actor::System, "file-2", &added()).await;
    assert_eq!((unread(&ada).await, house.mails().len(), house.digest().await), (1, 0, 0));

    for (body, pointer) in [
        (json!({ "kind": FileDeleted::NAME, "mail": "off" }), "/kind"),
        (json!({ "kind": "no.such.kind", "mail": "off" }), "/kind"),
        (json!({ "kind": file, "list": "daily" }), "/list"),
        (json!({ "kind": file, "mail": "hourly" }), "/mail"),
    ] {
        let refused = put(body.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
            "{body}"
        );
    }
    house.happens(Actor::System, "file-3", &deleted()).await;
    assert_eq!(kinds(&ada).await.first().map(String::as_str), Some(FileDeleted::NAME));
}

/// NOT-04: one mail a day with what waited; nothing for who has left; nothing twice.
#[tokio::test]
async fn what_waits_for_the_day_comes_in_one_mail() {
    let house = House::new().await;
    let (owner, _) = house.person("owner").await;
    let (gone, _) = house.person("viewer").await;
    for n in 0..25 {
        house.happens(Actor::System, &format!("file-{n}"), &added()).await;
    }
    house.test.left(house.tenant, gone).await;
    assert_eq!((house.digest().await, house.mails().len()), (0, 0), "it is afternoon");
    house.clock.advance(chrono::Duration::hours(17));
    assert_eq!(house.digest().await, 2, "two were looked at");
    let mails = house.mails();
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [format!("{owner}@example.com")]);
    assert!(mails[0].text.contains("http://localhost:3000/files") && mails[0].text.contains('5'), "{}", mails[0].text);
    assert_eq!((house.digest().await, house.mails().len()), (0, 0));
}

/// AUT-14, NOT-04: the daily mail comes in the morning of its reader, in their language and with their clock.
#[tokio::test]
async fn the_daily_mail_comes_when_it_is_morning_where_its_reader_is() {
    let house = House::new().await;
    let mut readers = Vec::new();
    for (locale, zone) in [(None, None), (Some("de"), Some("Asia/Kolkata")), (None, Some("America/New_York")), (None, Some("Not/There"))] {
        let (user, _) = house.person("viewer").await;
        let mut tx = house.test.db.system("arrange a test").begin().await.unwrap();
        let chosen = sqlx::query("update core.user set locale = $2, time_zone = $3 where id = $1").bind(user).bind(locale).bind(zone);
        chosen.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        readers.push(format!("{user}@example.com"));
    }
    house.happens(Actor::System, "file-1", &added()).await;
    let to = || house.mails().into_iter().map(|mail| mail.to).collect::<Vec<_>>();
    // 14:05 UTC; Kolkata's morning is at 01:30, UTC's at 07:00, New York's at 12:00.
    assert_eq!((house.digest().await, to()), (0, Vec::new()));
    house.clock.advance(chrono::Duration::minutes(11 * 60 + 24));
    assert_eq!(house.digest().await, 0, "01:29");
    house.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(house.digest().await, 1);
    let mail = house.mails().remove(0);
    assert_eq!(mail.to, readers[1]);
    assert!(mail.subject.ends_with("eine neue Meldung") && mail.html.contains("3. November 2026, 19:35 IST"), "{mail:?}");
    house.clock.advance(chrono::Duration::minutes(5 * 60 + 30));
    assert_eq!(house.digest().await, 2, "a zone that is none any more is UTC");
    let mut elsewhere = vec![readers[0].clone(), readers[3].clone()];
    elsewhere.sort();
    assert_eq!(to(), elsewhere);
    house.clock.advance(chrono::Duration::hours(5));
    assert_eq!((house.digest().await, to()), (1, vec![readers[2].clone()]));
    house.clock.advance(chrono::Duration::days(2));
    assert_eq!(house.digest().await, 0, "nobody is told twice");
}

/// NOT-04: something that flaps fills the list and not the mailbox.
#[tokio::test]
async fn what_happens_again_and_again_is_mailed_once_in_ten_minutes() {
    let house = House::new().await;
    let (_, ada) = house.person("owner").await;
    for _ in 0..3 {
        house.webhook_ends("flapping").await;
    }
    house.webhook_ends("another").await;
    assert_eq!((unread(&ada).await, house.mails().len()), (4, 2));
    house.clock.advance(chrono::Duration::minutes(10));
    house.webhook_ends("flapping").await;
    assert_eq!(house.mails().len(), 1);
}

/// NOT-04: RFC 8058: one `POST` ends it without a sign-in; looking at the link ends nothing; a forged link is nobody's.
#[tokio::test]
async fn a_mail_program_ends_mail_with_one_post() {
    let house = House::new().await;
    let (user, ada) = house.person("owner").await;
    house.webhook_ends("one").await;
    let link = house.mails()[0].unsubscribe.clone().unwrap();
    let path = format!("{}?{}", link.path(), link.query().unwrap());
    let robot = house.app.browser();

    assert_eq!(robot.page(&path).await.status, StatusCode::OK);
    house.webhook_ends("two").await;
    assert_eq!(house.mails().len(), 1, "a scanner that looks at links ends nothing");
    for forged in [path.replace("disabled", "changed"), path.replace("signature=", "signature=A"), path.replace("user=0", "user=1")] {
        let refused = robot.call(Method::POST, &forged, "text/html", None, Bytes::new()).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{forged}");
    }
    // As RFC 8058 has it: a body that says so, no cookie, no origin.
    let post = http::Request::post(&path).header("host", "localhost:3000").header("content-type", "application/x-www-form-urlencoded");
    let ended = robot.send(post.body(axum::body::Body::from("List-Unsubscribe=One-Click")).unwrap()).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text());
    house.webhook_ends("three").await;
    assert_eq!((house.mails().len(), unread(&ada).await), (0, 3), "the list still shows it");
    let ended = choice("anonymous", WebhookEndpointDisabled::NAME, "mail", "now", "off");
    assert_eq!(chosen(&house, user).await, [ended], "whoever has the link need not have signed in");
    let from = "select count(*) from data.audit_entry where action = 'notification.preference.changed' and address is not null and request_id is not null";
    let mut tx = house.test.db.tenant(house.tenant).begin().await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(from).fetch_one(&mut *tx).await.unwrap(), 1);
}

/// NOT-04: RFC 8058 for the daily mail: it ends as a whole, from the next one on, but for what is mandatory and what comes at once.
#[tokio::test]
async fn a_mail_program_ends_the_daily_mail_with_one_post() {
    let house = House::new().await;
    let (user, ada) = house.person("owner").await;
    house.happens(Actor::System, "file-1", &added()).await;
    house.happens(Actor::System, "file-1", &deleted()).await;
    house.clock.advance(chrono::Duration::days(1));
    assert_eq!(house.digest().await, 1);
    let link = house.mails().remove(0).unsubscribe.unwrap();
    let path = format!("{}?{}", link.path(), link.query().unwrap());

    // What waits already is not mailed either.
    house.happens(Actor::System, "file-2", &added()).await;
    let post = http::Request::post(&path).header("host", "localhost:3000").header("content-type", "application/x-www-form-urlencoded");
    let ended = house.app.browser().send(post.body(axum::body::Body::from("List-Unsubscribe=One-Click")).unwrap()).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text());
    house.happens(Actor::System, "file-3", &added()).await;
    house.clock.advance(chrono::Duration::days(1));
    house.digest().await;
    assert_eq!(house.mails().len(), 0);
    house.webhook_ends("one").await;
    assert_eq!((house.mails().len(), unread(&ada).await), (1, 5), "what comes at once goes on, and so does the list");
    house.happens(Actor::System, "file-3", &deleted()).await;
    house.clock.advance(chrono::Duration::days(1));
    house.digest().await;
    let mails = house.mails();
    assert_eq!((mails.len(), mails[0].unsubscribe.as_ref()), (1, None), "what is mandatory has no way out");
    assert_eq!(
        chosen(&house, user).await,
        [choice("anonymous", FileAdded::NAME, "mail", "daily", "off")],
        "what was daily, and nothing else"
    );
    // Nor can a link for one kind be made into one for all.
    let forged = path.replace("kind=daily", "kind=file.added");
    assert_eq!(house.app.browser().call(Method::POST, &forged, "text/html", None, Bytes::new()).await.status, StatusCode::NOT_FOUND);
}

/// NOT-04: a daily mail that cannot be written holds up nobody else's, and waits for the next hour.
#[tokio::test]
async fn a_daily_mail_that_cannot_be_written_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("templates/core/mail/digest.mjml");
    std::fs::create_dir_all(template.parent().unwrap()).unwrap();
    let own = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/core/mail/digest.mjml"));
    // A product's own template, which fails for one organization.
    let broken = own.replace("{% block body %}", "{% block body %}{% if organization == \"broken\" %}{{ organization / 0 }}{% endif %}");
    std::fs::write(&template, broken).unwrap();
    let house = House::with(Pages::builder().folder(Some(folder.path().to_owned())).build().unwrap()).await;
    let (owner, _) = house.person("owner").await;
    let broken = house.test.tenant("broken").await;
    let unlucky = house.test.user().await;
    house.test.member(broken, unlucky, "owner").await;
    for tenant in [broken, house.tenant] {
        let mut tx = house.test.db.tenant(tenant).begin().await.unwrap();
        event_in(&mut tx, Actor::System, "file-1", &added()).await.unwrap();
        tx.commit().await.unwrap();
    }
    house.relay.relay_now().await.unwrap();
    house.clock.advance(chrono::Duration::days(1));
    assert_eq!(house.digest().await, 1);
    assert_eq!(house.mails().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(), [format!("{owner}@example.com")]);
    let mut tx = house.test.db.system("look").begin().await.unwrap();
    let waiting: Vec<UserId> = sqlx::query_scalar("select user_id from notification where digest").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(waiting, [unlucky]);
}

//! What open pages hear, and how long.

mod nodes;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream::BoxStream};
use http::StatusCode;
use saas_core::{Actor, JobsConfig, Lifecycle, event_in, testing::TestClient};
use saas_tenancy::{MemberJoined, Role};
use serde_json::json;
use sqlx::Connection as _;
use tokio::time::timeout;

use crate::app::{App, expect};

/// Within a second, with five times slack.
const SOON: Duration = Duration::from_secs(5);
/// As long as the slowest of those who must hear something took, several times over.
const QUIET: Duration = Duration::from_millis(700);

/// A stream of events, read as a browser would.
pub(crate) struct Stream {
    body: BoxStream<'static, Bytes>,
    unread: String,
    /// The id of the last event.
    last: String,
}

impl Stream {
    /// Opens the stream and waits until it is heard by the database too.
    pub(crate) async fn open(client: &TestClient) -> Self {
        let response: http::Response<Body> = client.open("/live").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        Self::over(response.into_body().into_data_stream().map(Result::unwrap).boxed()).await
    }

    async fn over(body: BoxStream<'static, Bytes>) -> Self {
        let mut stream = Self { body, unread: String::new(), last: String::new() };
        assert_eq!(stream.next().await, Some(("open".to_owned(), String::new())));
        stream
    }

    /// The next event, or none when the stream has ended; comments are skipped.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let field = |name: &str| {
                    let value = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                    value.map(|value| value.trim_start().to_owned())
                };
                let read = field("event").map(|kind| (kind, field("data").unwrap_or_default()));
                self.last = field("id").unwrap_or(std::mem::take(&mut self.last));
                self.unread = rest.to_owned();
                if read.is_some() {
                    return read;
                }
            }
            let chunk = self.body.next().await?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Waits for a change of this topic; others may come before.
    pub(crate) async fn hears(&mut self, topic: &str) {
        let heard = async {
            while let Some((kind, data)) = self.next().await {
                if kind == "changed" && data == topic {
                    return true;
                }
            }
            false
        };
        assert!(timeout(SOON, heard).await.unwrap_or_else(|_| panic!("{topic} is not heard of")), "the stream ended before {topic}");
    }

    pub(crate) async fn hears_nothing(&mut self) {
        let heard = timeout(QUIET, self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    pub(crate) async fn ends(mut self) {
        let end = async { while self.next().await.is_some() {} };
        timeout(SOON, end).await.expect("the stream goes on");
    }
}

/// API-05, MON-03: a change is heard of within a second by who may see it, and by nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_heard_in_the_organization_and_nowhere_else() {
    let app = App::new().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (owner, viewer) = (app.member(acme, Role::Owner).await, app.member(acme, Role::Viewer).await);
    let stranger = app.member(other, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let (mut ours, mut theirs) = (Stream::open(&viewer.browser).await, Stream::open(&stranger.browser).await);
    let found = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    ours.hears("devices").await;
    for (up, second) in [(true, "01"), (false, "02")] {
        let reading = json!({ "readings": [{ "address": "10.0.0.1", "at": format!("2026-03-01T00:00:{second}Z"), "up": up }] });
        expect(&agent.client.post("/api/agent/status", &reading).await, StatusCode::OK);
        ours.hears("devices").await;
        // The same again is no change, so that a quiet network is a quiet page.
        expect(&agent.client.post("/api/agent/status", &reading).await, StatusCode::OK);
    }
    ours.hears_nothing().await;
    theirs.hears_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_hears_no_more() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let (mut stays, goes) = (Stream::open(&owner.browser).await, Stream::open(&member.browser).await);
    expect(&owner.browser.delete(&format!("/api/v1/members/{}", member.id)).await, StatusCode::NO_CONTENT);
    goes.ends().await;
    stays.hears("members").await;
    let again = member.browser.clone().with("x-organization", "acme").open("/live").await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

/// NOT-03: the count beside the bell follows: what somebody is told shows on all their pages, and that they read it too, on nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn the_unread_count_is_live() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let (owner, admin) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await);
    app.program.relay.relay_now().await.unwrap();
    let count = async |client: &TestClient| client.get("/api/v1/notifications/count").await.json()["unread"].as_i64().unwrap();
    expect(&owner.browser.post("/api/v1/notifications/read", &json!({})).await, StatusCode::NO_CONTENT);
    let (before, others) = (count(&owner.browser).await, count(&admin.browser).await);
    let (mut page, mut another) = (Stream::open(&owner.browser).await, Stream::open(&owner.browser).await);
    let mut others_page = Stream::open(&admin.browser).await;
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "somebody", &MemberJoined { role: Role::Viewer.into(), invitation: None }).await.unwrap();
    tx.commit().await.unwrap();
    app.program.relay.relay_now().await.unwrap();
    for stream in [&mut page, &mut another, &mut others_page] {
        stream.hears("notifications").await;
    }
    assert_eq!((count(&owner.browser).await, count(&admin.browser).await), (before + 1, others + 1));
    expect(&owner.browser.post("/api/v1/notifications/read", &json!({})).await, StatusCode::NO_CONTENT);
    page.hears("notifications").await;
    another.hears("notifications").await;
    assert_eq!(count(&owner.browser).await, 0);
    others_page.hears_nothing().await;
}

/// API-05, RBA-02: one organization, one stream each, and a change is heard of by those whose role may hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_heard_by_those_who_hold_its_permission() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let (owner, viewer) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    let (mut hears, mut sees) = (Stream::open(&owner.browser).await, Stream::open(&viewer.browser).await);
    let new = json!({ "url": "https://hooks.example.com/", "description": "", "events": [] });
    expect(&owner.browser.post("/api/v1/webhooks", &new).await, StatusCode::CREATED);
    hears.hears("webhooks").await;
    sees.hears_nothing().await;
    // With the role comes the right, and it goes with it, on the stream that is open.
    for (role, number) in [("admin", 1), ("viewer", 2)] {
        let changed = owner.browser.json(http::Method::PATCH, &format!("/api/v1/members/{}", viewer.id), &json!({ "role": role })).await;
        expect(&changed, StatusCode::NO_CONTENT);
        sees.hears("members").await;
        let new = json!({ "url": format!("https://{number}.example.com/"), "description": "", "events": [] });
        expect(&owner.browser.post("/api/v1/webhooks", &new).await, StatusCode::CREATED);
        if role == "admin" { sees.hears("webhooks").await } else { sees.hears_nothing().await }
    }
}

/// API-04, NOT-05: whoever sends a test sees on the open page how it went.
#[tokio::test(flavor = "multi_thread")]
async fn how_a_test_went_is_heard() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    // Nobody listens there, which is an outcome too.
    let hook = json!({ "url": "http://127.0.0.1:9/", "description": "", "events": [] });
    let chat = json!({ "format": "json", "name": "On-call", "address": "http://127.0.0.1:9/" });
    let mut made = Vec::new();
    for (path, new) in [("/api/v1/webhooks", hook), ("/api/v1/channels", chat)] {
        let answer = owner.browser.post(path, &new).await;
        expect(&answer, StatusCode::CREATED);
        made.push(format!("{path}/{}/test", answer.json()["id"].as_str().unwrap()));
    }
    for path in &made {
        let sent = owner.browser.post(path, &json!({})).await;
        assert!(sent.status.is_success(), "{}", sent.text());
    }
    let mut page = Stream::open(&owner.browser).await;
    page.hears_nothing().await;
    assert_eq!(app.program.webhooks.deliver_now().await.unwrap(), 1);
    page.hears("webhooks").await;
    let lifecycle = Lifecycle::new();
    let running = app.program.jobs.start(JobsConfig::default(), &lifecycle).await.unwrap();
    page.hears("channels").await;
    lifecycle.drain();
    running.drained().await;
}

/// RBA-01: what the organization's own role gives no more is heard no more on the open streams of all who have it; nobody else's miss anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_organizations_own_role_holds_on_streams_that_are_open() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    app.plan(acme, "team").await;
    let owner = app.member(acme, Role::Owner).await;
    let role = |permissions: &[&str]| json!({ "name": "Hooks", "permissions": permissions });
    let made = owner.browser.post("/api/v1/roles", &role(&["webhook.read", "tenancy.member.read"])).await;
    expect(&made, StatusCode::CREATED);
    let path = format!("/api/v1/roles/{}", made.json()["id"].as_str().unwrap());
    let watch = app.person().await;
    app.test.member(acme, watch.id, "Hooks").await;
    let (mut watches, mut stays) = (Stream::open(&watch.browser).await, Stream::open(&owner.browser).await);
    let hook = async |number: u8| {
        let new = json!({ "url": format!("https://{number}.example.com/"), "description": "", "events": [] });
        expect(&owner.browser.post("/api/v1/webhooks", &new).await, StatusCode::CREATED);
    };
    hook(0).await;
    watches.hears("webhooks").await;
    stays.hears("webhooks").await;
    for (number, permissions) in [(1, &["tenancy.member.read"][..]), (2, &["tenancy.member.read", "webhook.read"])] {
        expect(&owner.browser.json(http::Method::PUT, &path, &role(permissions)).await, StatusCode::NO_CONTENT);
        watches.hears("members").await;
        stays.hears("members").await;
        hook(number).await;
        stays.hears("webhooks").await;
        if permissions.contains(&"webhook.read") { watches.hears("webhooks").await } else { watches.hears_nothing().await }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_program_stops() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let streams = [Stream::open(&owner.browser).await, Stream::open(&owner.browser).await];
    app.program.lifecycle.drain();
    for stream in streams {
        stream.ends().await;
    }
}

/// The connection that tells of changes breaks off. What happened until it was back is not known, so pages read everything again.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_connection_to_the_database_everything_is_read_again() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let mut stream = Stream::open(&owner.browser).await;
    let mut superuser = sqlx::PgConnection::connect(app.test.database.superuser_url().expose()).await.unwrap();
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
    let ended: i64 = sqlx::query_scalar(end).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(ended, 1);
    stream.hears("*").await;
    expect(&owner.browser.post("/api/v1/agents", &json!({ "name": "Office" })).await, StatusCode::CREATED);
    stream.hears("agents").await;
}

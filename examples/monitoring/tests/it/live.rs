//! What open pages hear, and how long.

mod nodes;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream::BoxStream};
use http::StatusCode;
use saas_core::testing::TestClient;
use saas_tenancy::Role;
use serde_json::json;
use sqlx::Connection as _;
use tokio::time::timeout;

use crate::app::{App, expect};

/// Within a second, with five times slack.
const SOON: Duration = Duration::from_secs(5);
/// As long as the slowest of those who must hear something took, several times over.
const QUIET: Duration = Duration::from_millis(700);

/// A stream of events, read as a browser would.
struct Stream {
    body: BoxStream<'static, Bytes>,
    unread: String,
    /// The id of the last event.
    last: String,
}

impl Stream {
    /// Opens the stream and waits until it is heard by the database too.
    async fn open(client: &TestClient) -> Self {
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
    async fn hears(&mut self, topic: &str) {
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

    async fn hears_nothing(&mut self) {
        let heard = timeout(QUIET, self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    async fn ends(mut self) {
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

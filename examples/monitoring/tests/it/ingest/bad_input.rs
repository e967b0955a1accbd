use bytes::Bytes;
use http::{Method, StatusCode};
use saas_tenancy::Role;
use serde_json::{Value, json};

use super::found;
use crate::app::{Agent, App, expect_problem, registration};

struct Bad {
    app: App,
    agent: Agent,
    /// A key that nobody has registered with.
    key: String,
}

impl Bad {
    async fn new() -> Self {
        let app = App::new().await;
        let tenant = app.tenant("acme").await;
        app.plan(tenant, "team").await;
        let owner = app.member(tenant, Role::Owner).await;
        let agent = app.agent(&owner).await;
        let (_, key) = app.added(&owner).await;
        Self { app, agent, key }
    }

    /// Sends a body that is wrong, and demands that each of these fields is pointed at.
    async fn refused(&self, path: &str, body: &Value, pointers: &[&str]) {
        let client = if path.ends_with("register") { &self.app.anon().bearer(&self.key) } else { &self.agent.client };
        let answer = client.post(path, body).await;
        let problem = expect_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        let pointed: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointed, pointers, "{problem}");
    }

    async fn nothing_was_stored(&self) {
        assert_eq!(self.app.count("select count(*) from device").await, 0);
        assert_eq!(self.app.count("select coalesce(sum(used), 0)::bigint from quota where meter = 'devices'").await, 0);
        assert_eq!(self.app.count("select count(*) from agent where state = 'waiting'").await, 1);
        assert_eq!(self.app.count("select count(*) from outbox where name like 'monitoring.devices.%'").await, 0);
    }
}

fn device(field: &str, value: impl Into<Value>) -> Value {
    let mut device = json!({ "address": "10.0.0.9", "found_by": ["tcp"] });
    device[field] = value.into();
    json!({ "devices": [{ "address": "10.0.0.8", "found_by": ["tcp"] }, device] })
}

fn reading(field: &str, value: impl Into<Value>) -> Value {
    let mut reading = json!({ "address": "10.0.0.9", "at": "2026-03-01T12:00:00Z", "up": true });
    reading[field] = value.into();
    json!({ "readings": [reading] })
}

#[tokio::test]
async fn a_bad_field_is_pointed_at_and_nothing_is_stored() {
    let bad = Bad::new().await;
    let path = "/api/agent/devices";
    bad.refused(path, &device("hostname", "a\0b"), &["/devices/1/hostname"]).await;
    bad.refused(path, &device("hostname", "a\nb"), &["/devices/1/hostname"]).await;
    bad.refused(path, &device("hostname", ""), &["/devices/1/hostname"]).await;
    bad.refused(path, &device("hostname", "x".repeat(256)), &["/devices/1/hostname"]).await;
    bad.refused(path, &device("hostname", 7), &["/devices/1/hostname"]).await;
    bad.refused(path, &device("found_by", json!([])), &["/devices/1/found_by"]).await;
    bad.refused(path, &device("found_by", json!(vec!["tcp"; 100_000])), &["/devices/1/found_by"]).await;
    bad.refused(path, &device("found_by", json!(["magic"])), &["/devices/1/found_by/0"]).await;
    bad.refused(path, &device("mac", "zz"), &["/devices/1/mac"]).await;
    bad.refused(path, &device("address", "10.0.0.256"), &["/devices/1/address"]).await;
    bad.refused(path, &device("address", "10.0.0.0/8"), &["/devices/1/address"]).await;
    bad.refused(path, &device("tenant_id", "x"), &["/devices/1/tenant_id"]).await;
    bad.refused(path, &json!({ "devices": [{ "address": "10.0.0.9" }] }), &["/devices/0/found_by"]).await;
    bad.refused(path, &json!({}), &["/devices"]).await;
    bad.refused(path, &json!({ "devices": null }), &["/devices"]).await;
    bad.refused(path, &found(1..=5_001), &["/devices"]).await;
    let several = json!({ "devices": [{ "address": "10.0.0.8", "hostname": "", "found_by": [] }] });
    bad.refused(path, &several, &["/devices/0/hostname", "/devices/0/found_by"]).await;

    let path = "/api/agent/status";
    bad.refused(path, &reading("latency_us", u64::MAX), &["/readings/0/latency_us"]).await;
    bad.refused(path, &reading("latency_us", -1), &["/readings/0/latency_us"]).await;
    bad.refused(path, &reading("at", "yesterday"), &["/readings/0/at"]).await;
    bad.refused(path, &reading("at", "-9999-01-01T00:00:00Z"), &["/readings/0/at"]).await;
    bad.refused(path, &reading("up", "yes"), &["/readings/0/up"]).await;
    let many: Vec<_> = (0..5_001).map(|_| reading("up", true)["readings"][0].clone()).collect();
    bad.refused(path, &json!({ "readings": many }), &["/readings"]).await;

    let path = "/api/agent/heartbeat";
    let beat = json!({ "at": "2026-03-01T12:00:00Z", "version": "x".repeat(300), "uptime_seconds": 1, "buffered": 0 });
    bad.refused(path, &beat, &["/version"]).await;

    let path = "/api/agent/register";
    let mut register = registration(uuid::Uuid::nil());
    register["hostname"] = "a\0".into();
    register["os"] = "".into();
    register["networks"] = (0..65).map(|net| format!("10.{net}.0.0/16")).collect();
    bad.refused(path, &register, &["/hostname", "/os", "/networks"]).await;
    register["networks"] = json!(["10.0.0.0/33"]);
    bad.refused(path, &register, &["/networks/0"]).await;
    register["instance"] = "one".into();
    bad.refused(path, &register, &["/instance"]).await;
    bad.nothing_was_stored().await;
}

#[tokio::test]
async fn what_is_no_json_is_too_large_or_of_another_kind_gets_its_own_status() {
    let bad = Bad::new().await;
    let client = &bad.agent.client;
    let send = async |kind: Option<&str>, body: Bytes| client.call(Method::POST, "/api/agent/devices", "*/*", kind, body).await;
    let json = Some("application/json");
    for body in ["", "{", "devices", "{\"devices\": []", "{\"devices\": []} x", "\u{feff}{\"devices\": []}"] {
        expect_problem(&send(json, body.into()).await, StatusCode::BAD_REQUEST, "bad-request");
    }
    expect_problem(&send(json, Bytes::from_static(b"{\"devices\": [\"\xff\"]}")).await, StatusCode::BAD_REQUEST, "bad-request");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    expect_problem(&send(json, format!("{{\"devices\": {deep}}}").into()).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")] {
        let answer = send(kind, found(1..=1).to_string().into()).await;
        expect_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type");
    }
    let spaces = |count| Bytes::from(format!("{{\"devices\": []}}{}", " ".repeat(count)));
    assert_eq!(send(json, spaces(4 << 20)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(json, spaces(2 << 20)).await.status, StatusCode::OK, "devices may take more than other bodies");
    let large = bad.app.anon().bearer(&bad.key).call(Method::POST, "/api/agent/register", "*/*", json, spaces(1 << 20)).await;
    expect_problem(&large, StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    bad.nothing_was_stored().await;
}

/// The name of an agent is shown to people and comes from people.
#[tokio::test]
async fn a_bad_name_for_an_agent_makes_no_agent() {
    let bad = Bad::new().await;
    let owner = bad.app.member(bad.app.tenant("second").await, Role::Owner).await;
    for name in [json!(""), json!("  "), json!("a\0b"), json!("a\tb"), json!("x".repeat(101)), json!(7)] {
        let answer = owner.browser.post("/api/v1/agents", &json!({ "name": name })).await;
        let problem = expect_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/name", "{problem}");
    }
    let page = owner.browser.form("/agents", &[("name", "<b>x</b>\u{7}")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("&lt;b&gt;x") && !page.text().contains("<b>x"), "what was typed is shown again, as text");
    assert_eq!(bad.app.count("select count(*) from agent").await, 2, "those that were there");
}

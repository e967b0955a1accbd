//! What the running program tells those who run it.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use saas_core::testing::EmptyDatabase;
use serde_json::{Value, json};

use crate::{
    app::PASSWORD,
    crash::outside::Outside,
    process::{Server, Settings, folder, wait_until},
};

const SOON: Duration = Duration::from_secs(20);

/// The lines of the log that are one JSON object each.
fn lines(server: &Server) -> Vec<Value> {
    server.said().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The line that says how a request was answered.
async fn answered(server: &Server, route: &str, status: u16) -> Value {
    let mut found = None;
    wait_until(route, SOON, async || {
        found = lines(server)
            .into_iter()
            .rev()
            .find(|line| line["message"] == "answered" && line["span"]["http.route"] == route && line["http.status"] == status);
        found.is_some()
    })
    .await;
    found.unwrap()
}

fn is_uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok())
}

/// OPS-02, T82, OPS-03: the line of a request has its ids as fields, and no line has an address, a password, a key or a body. Metrics are
/// on a listener of their own and name nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_carry_ids_and_nothing_that_is_secret() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let owner = database.owner_url().expose().to_owned();
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings::serving(folder.path()).set("DATABASE_URL", &owner).set("RUST_LOG", "info").set("SAAS_LOG_FORMAT", "json");
    let server = settings.argument("--metrics").argument(&metrics.to_string()).start().await;
    let outside = Outside::at(&server.url, folder.path(), &owner).await;
    assert_eq!(outside.status_of("/api/v1/devices").await, Some(200));
    assert_eq!(outside.status_of("/api/v1/devices?note=query-of-a-request").await, Some(422));
    assert_eq!(outside.post_device("10.77.66.55").await.unwrap().status(), 200);
    let wrong = json!({ "email": "mallory@example.net", "password": "a wrong password 77" });
    outside.expect("/api/v1/auth/sign-in", &wrong, StatusCode::UNAUTHORIZED).await;

    let person = answered(&server, "/api/v1/devices", 200).await;
    for id in ["request.id", "tenant.id", "user.id"] {
        assert!(is_uuid(&person["span"][id]), "{id}: {person}");
    }
    assert_eq!((&person["span"]["http.method"], &person["level"]), (&json!("GET"), &json!("INFO")));
    assert!(person["http.latency_us"].is_u64() && person["timestamp"].is_string(), "{person}");
    let machine = answered(&server, "/api/agent/devices", 200).await;
    for id in ["request.id", "tenant.id", "agent.id"] {
        assert!(is_uuid(&machine["span"][id]), "{id}: {machine}");
    }
    assert_eq!(machine["span"]["tenant.id"], person["span"]["tenant.id"]);
    answered(&server, "/api/v1/auth/sign-in", 401).await;

    let said = server.said();
    let session = outside.cookie().split_once('=').unwrap().1;
    for secret in [
        "ada@example.com",
        "mallory@example.net",
        "Ada",
        "Acme",
        PASSWORD,
        "a wrong password 77",
        session,
        outside.credential.as_str(),
        "10.77.66.55",
        "query-of-a-request",
        database.owner_url().expose(),
    ] {
        assert!(!said.contains(secret), "the log has {secret}");
    }

    let text = Client::new().get(format!("http://{metrics}/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"http_requests_total{method="GET",path="/api/v1/devices",status="200"} 1"#,
        r#"database_connections{login="app",state="open"}"#,
        r#"system_transactions_total{reason="relay events"}"#,
        "live_streams{} 0",
        r#"dependency_state{dependency="mail",state="closed"} 1"#,
        r#"rate_limit_asked_total{rule="account",outcome="allowed"}"#,
        r#"backlog{queue="events"}"#,
        r#"backlog_age_seconds{queue="audit"}"#,
        r#"backlog_age_seconds{queue="webhooks"}"#,
        r#"dead_letters{queue="jobs"} 0"#,
        r#"dead_letters{queue="mail"} 0"#,
        r#"dead_letters{queue="webhooks"} 0"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for name in ["Acme", "acme", "ada", person["span"]["tenant.id"].as_str().unwrap()] {
        assert!(!text.contains(name), "the metrics have {name}");
    }
    assert_eq!(outside.status_of("/metrics").await, Some(404), "people who use the product do not see them");
    server.kill().await;
}

/// API-02, OPS-03: what is allowed is a setting, and one that is none is refused at the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_settings() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let settings = Settings::serving(folder.path()).set("DATABASE_URL", database.owner_url().expose());
    let refused = settings.clone().set("SAAS_LIMIT_SIGN_IN", "many").run().await;
    assert_eq!(refused.status.code(), Some(78));
    assert!(refused.stderr.contains("SAAS_LIMIT_SIGN_IN") && refused.stderr.contains("20/minute"), "{}", refused.stderr);

    let server = settings.set("SAAS_LIMIT_SIGN_IN", "2/hour").start().await;
    let http = Client::new();
    for status in [422, 422, 429] {
        let sign_in = http.post(format!("{}/api/v1/auth/sign-in", server.url)).json(&json!({}));
        assert_eq!(sign_in.send().await.unwrap().status(), status);
    }
    server.kill().await;
}

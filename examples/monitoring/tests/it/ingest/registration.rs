use http::StatusCode;
use saas_tenancy::Role;
use serde_json::json;
use uuid::Uuid;

use super::found;
use crate::app::{App, expect, expect_problem, registration};

/// AUT-11, MON-01: an answer that was lost is asked for again.
#[tokio::test]
async fn registering_again_gives_the_same_agent_another_credential() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let again = app.register(&agent.key, agent.instance).await;
    expect(&again, StatusCode::CREATED);
    assert_eq!(again.json()["agent"], agent.id.to_string());
    let credential = again.json()["credential"].as_str().unwrap().to_owned();
    expect(&app.anon().bearer(&credential).get("/api/agent/status").await, StatusCode::OK);
    expect_problem(&agent.client.get("/api/agent/status").await, StatusCode::UNAUTHORIZED, "unauthenticated");
    assert_eq!(app.count("select count(*) from agent").await, 1);
}

/// AUD-01: what a machine says of itself is in the log with what it said before, when it registers and when it says that it is alive; and only
/// what changed.
#[tokio::test]
async fn what_a_machine_says_otherwise_of_itself_is_in_the_log_with_what_it_said_before() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let says = async |body: serde_json::Value| {
        expect(&app.anon().bearer(&agent.key).post("/api/agent/register", &body).await, StatusCode::CREATED);
    };
    let mut body = registration(agent.instance);
    says(body.clone()).await;
    body["hostname"] = json!("probe-2");
    body["os"] = json!("linux aarch64");
    body["networks"] = json!(["10.0.0.0/24", "10.0.1.0/24"]);
    says(body).await;
    let credential = app.register(&agent.key, agent.instance).await.json()["credential"].as_str().unwrap().to_owned();
    let machine = app.anon().bearer(&credential);
    for version in ["0.1.0", "0.2.0", "0.2.0"] {
        let beat = json!({ "at": "2026-03-01T12:00:00Z", "version": version, "uptime_seconds": 60, "buffered": 0 });
        expect(&machine.post("/api/agent/heartbeat", &beat).await, StatusCode::OK);
    }
    let query = "select resource, actor_kind, data::jsonb from data.audit_entry where action = 'monitoring.agent.changed' order by at, id";
    let noted: Vec<(String, String, serde_json::Value)> = sqlx::query_as(query).fetch_all(&mut app.owner().await).await.unwrap();
    let change = |old: serde_json::Value, new: serde_json::Value| json!({ "old": old, "new": new });
    let (one, two) = (json!(["10.0.0.0/24"]), json!(["10.0.0.0/24", "10.0.1.0/24"]));
    let first = json!({
        "hostname": change(json!(null), json!("probe")), "version": change(json!(null), json!("0.1.0")),
        "os": change(json!(null), json!("linux x86_64")), "networks": change(json!([]), one.clone()),
    });
    let other = |hostname: [&str; 2], os: [&str; 2], networks: [&serde_json::Value; 2]| {
        json!({
            "hostname": change(json!(hostname[0]), json!(hostname[1])), "os": change(json!(os[0]), json!(os[1])),
            "networks": change(networks[0].clone(), networks[1].clone()),
        })
    };
    let expected = [
        first,
        other(["probe", "probe-2"], ["linux x86_64", "linux aarch64"], [&one, &two]),
        other(["probe-2", "probe"], ["linux aarch64", "linux x86_64"], [&two, &one]),
        json!({ "version": change(json!("0.1.0"), json!("0.2.0")) }),
    ];
    let id = agent.id.to_string();
    assert_eq!(noted, expected.map(|data| (id.clone(), "agent".to_owned(), data)));
}

#[tokio::test]
async fn another_machine_with_the_same_key_is_refused_and_changes_nothing() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let body = json!({ "instance": Uuid::now_v7(), "hostname": "thief", "version": "9", "os": "none", "networks": [] });
    let refused = app.anon().bearer(&agent.key).post("/api/agent/register", &body).await;
    let problem = expect_problem(&refused, StatusCode::CONFLICT, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("another machine"), "{problem}");
    assert_eq!(app.count("select count(*) from agent where hostname = 'thief'").await, 0);
    expect(&agent.client.get("/api/agent/status").await, StatusCode::OK);
}

/// Two processes of one machine, started at the same moment, with one state directory or two.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_machines_that_register_at_once_one_gets_the_key() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let (_, key) = app.added(&owner).await;
    let (a, b, c, d) = tokio::join!(
        app.register(&key, Uuid::now_v7()),
        app.register(&key, Uuid::now_v7()),
        app.register(&key, Uuid::now_v7()),
        app.register(&key, Uuid::now_v7()),
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16(), d.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

/// Removing an agent ends its key and its credential at the next request, and gives back what it took of the plan.
#[tokio::test]
async fn a_removed_agent_is_out_at_once_and_makes_room() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    expect(&agent.client.post("/api/agent/devices", &found(1..=30)).await, StatusCode::OK);
    let full = owner.browser.post("/api/v1/agents", &json!({ "name": "Second" })).await;
    let problem = expect_problem(&full, StatusCode::PAYMENT_REQUIRED, "limit-reached");
    assert_eq!((&problem["meter"], &problem["limit"], &problem["used"]), (&json!("agents"), &json!(1), &json!(1)));
    assert_eq!(app.count("select count(*) from agent").await, 1);
    assert_eq!(app.count("select count(*) from auth.agent_key").await, 1, "a refused agent leaves no key behind");

    expect(&owner.browser.delete(&format!("/api/v1/agents/{}", agent.id)).await, StatusCode::NO_CONTENT);
    expect_problem(&agent.client.get("/api/agent/status").await, StatusCode::UNAUTHORIZED, "unauthenticated");
    expect_problem(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    expect_problem(&app.register(&agent.key, agent.instance).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    assert_eq!(app.count("select sum(used)::bigint from quota").await, 0);
    assert_eq!(app.count("select count(*) from device").await, 0);
    expect_problem(&owner.browser.delete(&format!("/api/v1/agents/{}", agent.id)).await, StatusCode::NOT_FOUND, "not-found");

    let second = app.agent(&owner).await;
    expect(&second.client.post("/api/agent/devices", &found(1..=50)).await, StatusCode::OK);
}

#[tokio::test]
async fn nobody_gets_in_with_a_key_that_is_none() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let mut flipped = agent.credential.clone().into_bytes();
    let at = flipped.len() / 2;
    flipped[at] = if flipped[at] == b'a' { b'b' } else { b'a' };
    let flipped = String::from_utf8(flipped).unwrap();
    for bad in ["", "x", "mon_agent_", &agent.key, &flipped, &format!("{} x", agent.credential), &"m".repeat(5_000)] {
        expect_problem(&app.anon().bearer(bad).get("/api/agent/status").await, StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    for bad in [&agent.credential, &flipped] {
        expect_problem(&app.register(bad, agent.instance).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    let basic = app.anon().with("authorization", "Basic YTpi").get("/api/agent/status").await;
    expect_problem(&basic, StatusCode::UNAUTHORIZED, "unauthenticated");
    let both = owner.browser.clone().bearer(&agent.credential).get("/api/agent/status").await;
    expect_problem(&both, StatusCode::BAD_REQUEST, "bad-request");
}

/// T55: the machines of an organization that is switched off are refused, and come back with it, if it does.
#[tokio::test]
async fn an_agent_of_a_suspended_or_deleted_organization_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let refused = async |state| {
        app.set_state(tenant, state).await;
        expect_problem(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::UNAUTHORIZED, "unauthenticated");
        expect_problem(&app.register(&agent.key, agent.instance).await, StatusCode::UNAUTHORIZED, "unauthenticated");
        let named = owner.browser.clone().with("x-organization", "acme");
        expect_problem(&named.get("/api/v1/devices").await, StatusCode::NOT_FOUND, "not-found");
    };
    refused("suspended").await;
    app.set_state(tenant, "active").await;
    expect(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::OK);
    assert_eq!(app.count("select count(*) from device").await, 3);
    refused("deleted").await;
}

use chrono::TimeDelta;
use http::StatusCode;
use monitoring::server::agents_mark_offline;
use saas_core::Clock;
use saas_tenancy::Role;
use serde_json::json;

use crate::app::{Agent, App, Person, expect};

async fn state(owner: &Person) -> String {
    owner.browser.get("/api/v1/agents").await.json()["items"][0]["state"].as_str().unwrap().to_owned()
}

async fn beats(agent: &Agent) {
    let beat = json!({ "at": "2026-03-01T12:00:00Z", "version": "0.2.0", "uptime_seconds": 60, "buffered": 0 });
    let answer = agent.client.post("/api/agent/heartbeat", &beat).await;
    expect(&answer, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "check_seconds": 30, "heartbeat_seconds": 60, "credential_seconds": 2_592_000 }));
}

/// MON-01: an agent that is not heard of for two and a half heartbeats is offline, until it is heard of again.
#[tokio::test]
async fn a_quiet_agent_goes_offline_and_comes_back() {
    let app = App::at(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap())).await;
    let clock = app.program.db.clock().clone();
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let (id, key) = app.added(&owner).await;
    agents_mark_offline(&app.program.db).await.unwrap();
    assert_eq!(state(&owner).await, "waiting", "one that never came is not missed");

    let registered = app.register(&key, uuid::Uuid::now_v7()).await.json();
    let client = app.anon().bearer(registered["credential"].as_str().unwrap());
    let agent = Agent { id, key, instance: uuid::Uuid::nil(), credential: String::new(), client };
    assert_eq!(state(&owner).await, "connected");
    clock.advance(TimeDelta::seconds(150));
    agents_mark_offline(&app.program.db).await.unwrap();
    assert_eq!(state(&owner).await, "connected");
    clock.advance(TimeDelta::seconds(1));
    for _ in 0..2 {
        agents_mark_offline(&app.program.db).await.unwrap();
        assert_eq!(state(&owner).await, "offline");
    }
    assert_eq!(app.count("select count(*) from outbox where name = 'monitoring.agent.went_offline'").await, 1);

    for _ in 0..3 {
        beats(&agent).await;
        assert_eq!(state(&owner).await, "connected");
    }
    assert_eq!(app.count("select count(*) from outbox where name = 'monitoring.agent.connected'").await, 2, "a heartbeat is no event");
    assert_eq!(app.count("select count(*) from agent where version = '0.2.0'").await, 1);
}

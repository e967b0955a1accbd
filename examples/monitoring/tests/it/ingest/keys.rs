use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_core::Clock;
use saas_tenancy::Role;
use serde_json::json;
use uuid::Uuid;

use super::found;
use crate::app::{App, expect, expect_problem};

/// AUT-11: another key for the same agent, while the old one works for a stated time and the agent goes on.
#[tokio::test]
async fn a_key_is_replaced_while_the_old_one_works_a_while_longer() {
    let app = App::at(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap())).await;
    let clock = app.program.db.clock().clone();
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let path = format!("/api/v1/agents/{}/key", agent.id);
    let rotated = owner.browser.post(&path, &json!({ "overlap_hours": 1 })).await;
    expect(&rotated, StatusCode::CREATED);
    let rotated = rotated.json();
    assert_eq!(rotated["previous_until"], "2026-03-01T13:00:00Z");
    let new = rotated["key"].as_str().unwrap().to_owned();
    assert!(rotated["command"].as_str().unwrap().contains(&new));
    let again = app.register(&new, agent.instance).await;
    expect(&again, StatusCode::CREATED);
    assert_eq!(again.json()["agent"], agent.id.to_string(), "the same agent");
    expect(&app.register(&agent.key, agent.instance).await, StatusCode::CREATED);
    clock.advance(TimeDelta::hours(1));
    expect_problem(&app.register(&agent.key, agent.instance).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    let credential = app.register(&new, agent.instance).await.json()["credential"].as_str().unwrap().to_owned();
    expect(&app.anon().bearer(&credential).post("/api/agent/devices", &found(1..=3)).await, StatusCode::OK);

    let too_long = owner.browser.post(&path, &json!({ "overlap_hours": 169 })).await;
    expect_problem(&too_long, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    let page = owner.browser.form(&format!("/agents/{}/key", agent.id), &[("overlap_hours", "24")]).await;
    expect(&page, StatusCode::CREATED);
    assert!(page.text().contains("mon_agent_") && page.text().contains("The old key works until"), "{}", page.text());
    let about = owner.browser.page(&format!("/agents/{}", agent.id)).await.text();
    assert!(about.contains("The old key works until"), "{about}");
}

/// AUT-11: the agent changes its own credential; both work until the new one was used.
#[tokio::test]
async fn an_agent_gets_another_credential_for_its_own() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let renewed = agent.client.post("/api/agent/credential", &json!(null)).await;
    expect(&renewed, StatusCode::OK);
    let renewed = renewed.json()["credential"].as_str().unwrap().to_owned();
    assert_ne!(renewed, agent.credential);
    for client in [agent.client.clone(), app.anon().bearer(&renewed), agent.client.clone()] {
        let report = client.get("/api/agent/status").await;
        expect(&report, StatusCode::OK);
        assert_eq!(report.json()["agent"]["id"], agent.id.to_string());
    }
    let with_key = app.anon().bearer(&agent.key).post("/api/agent/credential", &json!(null)).await;
    expect_problem(&with_key, StatusCode::UNAUTHORIZED, "unauthenticated");
}

/// AUT-11: the list of addresses holds when the key is exchanged and whenever the credential is used. The clients of this test are at
/// 127.0.0.1.
#[tokio::test]
async fn an_agent_comes_from_the_addresses_that_it_may_come_from() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let new = json!({ "name": "Office", "allowed_from": ["198.51.100.0/24", "::ffff:127.0.0.1"] });
    let added = owner.browser.post("/api/v1/agents", &new).await;
    expect(&added, StatusCode::CREATED);
    let added = added.json();
    let (id, key) = (added["id"].as_str().unwrap(), added["key"].as_str().unwrap());
    let registered = app.register(key, Uuid::now_v7()).await;
    expect(&registered, StatusCode::CREATED);
    let client = app.anon().bearer(registered.json()["credential"].as_str().unwrap());
    expect(&client.get("/api/agent/status").await, StatusCode::OK);

    let path = format!("/api/v1/agents/{id}");
    let elsewhere = json!({ "allowed_from": ["198.51.100.0/24"] });
    expect(&owner.browser.json(Method::PATCH, &path, &elsewhere).await, StatusCode::NO_CONTENT);
    expect_problem(&client.get("/api/agent/status").await, StatusCode::UNAUTHORIZED, "unauthenticated");
    expect_problem(&app.register(key, Uuid::now_v7()).await, StatusCode::UNAUTHORIZED, "unauthenticated");
    let bad = owner.browser.json(Method::PATCH, &path, &json!({ "allowed_from": ["office"] })).await;
    let problem = expect_problem(&bad, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    assert!(problem["errors"][0]["pointer"].as_str().unwrap().starts_with("/allowed_from"), "{problem}");

    let page = format!("/agents/{id}/allowed-from");
    let refused = owner.browser.form(&page, &[("allowed_from", "127.0.0.0/8, office")]).await;
    expect(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("value=\"127.0.0.0&#x2f;8, office\"") && refused.text().contains("aria-invalid"), "{}", refused.text());
    expect_problem(&client.get("/api/agent/status").await, StatusCode::UNAUTHORIZED, "unauthenticated");
    let back = owner.browser.form(&page, &[("allowed_from", "127.0.0.0/8 2001:db8::7")]).await;
    assert_eq!(back.location(), Some(format!("/agents/{id}").as_str()));
    expect(&client.get("/api/agent/status").await, StatusCode::OK);
}

/// AUT-11, TEN-02: an agent and its key are of one workspace of the organization, and of no other's.
#[tokio::test]
async fn an_agent_belongs_to_a_workspace_of_its_organization() {
    let app = App::new().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    app.plan(acme, "team").await;
    let owner = app.member(acme, Role::Owner).await;
    let list = owner.browser.page("/agents/new").await.text();
    assert!(!list.contains("name=\"workspace\""), "with one workspace there is nothing to choose");
    app.added(&owner).await;
    let made = owner.browser.post("/api/v1/workspaces", &json!({ "name": "Harbour" })).await;
    expect(&made, StatusCode::CREATED);
    let harbour = made.json()["id"].as_str().unwrap().to_owned();
    assert!(owner.browser.page("/agents/new").await.text().contains("name=\"workspace\""));
    let added = owner.browser.form("/agents", &[("name", "Crane"), ("workspace", &harbour), ("allowed_from", "")]).await;
    expect(&added, StatusCode::CREATED);
    let page = owner.browser.page("/agents").await.text();
    assert!(page.contains("Harbour") && page.contains(">acme<"), "{page}");
    let bound = app
        .count("select count(*) from agent a join auth.agent_key k on (k.tenant_id, k.id, k.workspace_id) = (a.tenant_id, a.key_id, a.workspace_id)")
        .await;
    assert_eq!(bound, 2);

    let foreign = owner.browser.post("/api/v1/agents", &json!({ "name": "Mine", "workspace": other })).await;
    let problem = expect_problem(&foreign, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/workspace");
    let foreign = owner.browser.form("/agents", &[("name", "Mine"), ("workspace", &other.to_string())]).await;
    expect(&foreign, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(foreign.text().contains("value=\"Mine\""), "{}", foreign.text());
}

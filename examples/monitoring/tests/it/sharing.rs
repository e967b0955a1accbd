//! RBA-03 in the product: agents that a member added, or that are shared with somebody.

use http::{Method, StatusCode};
use saas_core::{AgentId, TenantId, UserId};
use saas_tenancy::Role;
use serde_json::json;

use crate::{
    app::{App, Person, expect, expect_problem},
    live::Stream,
};

async fn share(owner: &Person, agent: AgentId, user: UserId, level: &str) {
    let path = format!("/api/v1/agents/{agent}/people/{user}");
    expect(&owner.browser.json(Method::PUT, &path, &json!({ "level": level })).await, StatusCode::NO_CONTENT);
}

async fn limit(person: &Person, agent: AgentId) -> StatusCode {
    let body = json!({ "allowed_from": ["10.0.0.0/8"] });
    person.browser.json(Method::PATCH, &format!("/api/v1/agents/{agent}"), &body).await.status
}

async fn organization(app: &App) -> (TenantId, Person) {
    let acme = app.tenant("acme").await;
    app.plan(acme, "team").await;
    (acme, app.member(acme, Role::Owner).await)
}

/// A member looks after the agents that they added themselves, and sees the others.
#[tokio::test]
async fn a_member_looks_after_the_agents_that_they_added() {
    let app = App::new().await;
    let (acme, owner) = organization(&app).await;
    let (member, viewer) = (app.member(acme, Role::Member).await, app.member(acme, Role::Viewer).await);
    let ((own, _), (other, _)) = (app.added(&member).await, app.added(&owner).await);
    assert_eq!((limit(&member, own).await, limit(&member, other).await), (StatusCode::NO_CONTENT, StatusCode::FORBIDDEN));
    assert_eq!(limit(&owner, own).await, StatusCode::NO_CONTENT);
    let refused = member.browser.delete(&format!("/api/v1/agents/{other}")).await;
    assert_eq!(expect_problem(&refused, StatusCode::FORBIDDEN, "forbidden")["permission"], "monitoring.agent.write");
    assert_eq!(viewer.browser.post("/api/v1/agents", &json!({ "name": "Office" })).await.status, StatusCode::FORBIDDEN);
    let page = member.browser.page("/agents").await.text();
    let may_remove = |id: AgentId| page.contains(&format!("/agents/{id}/revoke"));
    assert!(may_remove(own) && !may_remove(other) && page.contains("Add agent"), "{page}");
    let page = member.browser.page(&format!("/agents/{own}")).await.text();
    assert!(page.contains("Share this agent") && page.contains("allowed-from"), "{page}");
    expect(&member.browser.delete(&format!("/api/v1/agents/{own}")).await, StatusCode::NO_CONTENT);
    // A key of the member's has nothing of their own: it is no person.
    let made = owner.browser.json(Method::PATCH, &format!("/api/v1/members/{}", member.id), &json!({ "role": "admin" })).await;
    expect(&made, StatusCode::NO_CONTENT);
    let (own, _) = app.added(&member).await;
    let key = member.browser.post("/api/v1/api-keys", &json!({ "name": "Key", "scopes": ["monitoring.agent.write"] })).await;
    let key = app.anon().bearer(key.json()["key"].as_str().unwrap());
    let body = json!({ "allowed_from": [] });
    let patch = async || key.json(Method::PATCH, &format!("/api/v1/agents/{own}"), &body).await.status;
    assert_eq!(patch().await, StatusCode::NO_CONTENT, "by the role of its maker");
    let made = owner.browser.json(Method::PATCH, &format!("/api/v1/members/{}", member.id), &json!({ "role": "member" })).await;
    expect(&made, StatusCode::NO_CONTENT);
    assert_eq!((limit(&member, own).await, patch().await), (StatusCode::NO_CONTENT, StatusCode::FORBIDDEN));
}

/// A viewer works on the agent that was shared with them, until it is not shared any more, and on no other.
#[tokio::test]
async fn an_agent_is_shared_with_a_viewer() {
    let app = App::new().await;
    let (acme, owner) = organization(&app).await;
    let viewer = app.member(acme, Role::Viewer).await;
    let ((shared, _), (other, _)) = (app.added(&owner).await, app.added(&owner).await);
    assert_eq!(limit(&viewer, shared).await, StatusCode::FORBIDDEN);
    share(&owner, shared, viewer.id, "edit").await;
    assert_eq!((limit(&viewer, shared).await, limit(&viewer, other).await), (StatusCode::NO_CONTENT, StatusCode::FORBIDDEN));
    let rotated = viewer.browser.post(&format!("/api/v1/agents/{shared}/key"), &json!({ "overlap_hours": 0 })).await;
    expect(&rotated, StatusCode::CREATED);
    let page = viewer.browser.page(&format!("/agents/{shared}")).await.text();
    assert!(page.contains("allowed-from") && !page.contains("Share this agent"), "{page}");
    let why = owner.browser.page(&format!("/members/{}", viewer.id)).await.text();
    assert!(why.contains("Office") && why.contains("May work on it"), "{why}");
    share(&owner, shared, viewer.id, "view").await;
    assert_eq!(limit(&viewer, shared).await, StatusCode::FORBIDDEN, "from the next request on");
    share(&owner, shared, viewer.id, "edit").await;
    expect(&owner.browser.delete(&format!("/api/v1/agents/{shared}/people/{}", viewer.id)).await, StatusCode::NO_CONTENT);
    assert_eq!(limit(&viewer, shared).await, StatusCode::FORBIDDEN);
    // It goes with the agent, whoever removes that.
    share(&owner, shared, viewer.id, "edit").await;
    expect(&viewer.browser.delete(&format!("/api/v1/agents/{shared}")).await, StatusCode::NO_CONTENT);
    assert_eq!(app.count("select count(*) from core.share").await, 0);
}

/// Somebody whose role shows them no agent sees the one that is shared with them, its devices, and hears of them; until it is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_sees_and_hears_of_nothing_but_what_is_shared_with_them() {
    let app = App::new().await;
    let (acme, owner) = organization(&app).await;
    expect(&owner.browser.post("/api/v1/roles", &json!({ "name": "Guest", "permissions": [] })).await, StatusCode::CREATED);
    let guest = app.person().await;
    app.test.member(acme, guest.id, "Guest").await;
    let (shared, other) = (app.agent(&owner).await, app.agent(&owner).await);
    for (agent, address) in [(&shared, "10.0.0.1"), (&other, "10.0.0.2")] {
        let found = json!({ "devices": [{ "address": address, "found_by": ["tcp"] }] });
        expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    }
    let of = async |path: &str| guest.browser.get(path).await.json()["items"].as_array().unwrap().len();
    assert_eq!((of("/api/v1/agents").await, of("/api/v1/devices").await), (0, 0));
    let page = format!("/agents/{}", shared.id);
    expect(&guest.browser.page(&page).await, StatusCode::NOT_FOUND);
    let mut stream = Stream::open(&guest.browser).await;
    let found = |address: &str| json!({ "devices": [{ "address": address, "found_by": ["tcp"] }] });
    expect(&other.client.post("/api/agent/devices", &found("10.0.0.3")).await, StatusCode::OK);
    stream.hears_nothing().await;
    share(&owner, shared.id, guest.id, "view").await;
    assert_eq!((of("/api/v1/agents").await, of("/api/v1/devices").await), (1, 1));
    expect(&guest.browser.page(&page).await, StatusCode::OK);
    expect(&guest.browser.page(&format!("/agents/{}", other.id)).await, StatusCode::NOT_FOUND);
    assert_eq!(limit(&guest, shared.id).await, StatusCode::FORBIDDEN);
    let listed = guest.browser.page("/agents").await.text();
    assert!(listed.contains(&page) && !listed.contains(&other.id.to_string()), "{listed}");
    let mut told = Stream::open(&guest.browser).await;
    expect(&shared.client.post("/api/agent/devices", &found("10.0.0.4")).await, StatusCode::OK);
    told.hears("devices").await;
    expect(&owner.browser.delete(&format!("/api/v1/agents/{}/people/{}", shared.id, guest.id)).await, StatusCode::NO_CONTENT);
    expect(&shared.client.post("/api/agent/devices", &found("10.0.0.5")).await, StatusCode::OK);
    told.hears_nothing().await;
    expect(&guest.browser.page(&page).await, StatusCode::NOT_FOUND);
}

/// A free organization makes no roles of its own, and is shown the way; those of another plan do.
#[tokio::test]
async fn roles_of_ones_own_are_a_feature_of_the_plan() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let role = json!({ "name": "Guest", "permissions": [] });
    let refused = owner.browser.post("/api/v1/roles", &role).await;
    let problem = expect_problem(&refused, StatusCode::PAYMENT_REQUIRED, "feature-not-in-plan");
    assert_eq!((&problem["feature"], &problem["upgrade"]), (&json!("custom-roles"), &json!("/billing")));
    assert!(owner.browser.page("/roles").await.text().contains("Not in your plan"));
    app.plan(acme, "team").await;
    expect(&owner.browser.post("/api/v1/roles", &role).await, StatusCode::CREATED);
}

/// TEN-01: a flag of the product, which an owner switches.
#[tokio::test]
async fn the_list_of_devices_shows_latency_where_that_is_on() {
    let app = App::new().await;
    let (acme, owner) = organization(&app).await;
    let viewer = app.member(acme, Role::Viewer).await;
    let agent = app.agent(&owner).await;
    let found = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    let reading = json!({ "readings": [{ "address": "10.0.0.1", "at": "2026-03-01T00:00:00Z", "up": true, "latency_us": 1500 }] });
    expect(&agent.client.post("/api/agent/status", &reading).await, StatusCode::OK);
    assert!(!viewer.browser.page("/devices").await.text().contains("1.5\u{a0}ms"));
    let on = owner.browser.form("/organization/flags", &[("name", "latency"), ("on", "true")]).await;
    expect(&on, StatusCode::SEE_OTHER);
    let page = viewer.browser.page("/devices").await.text();
    assert!(page.contains("1.5") && page.contains("ms</span>"), "{page}");
}

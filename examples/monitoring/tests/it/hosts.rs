//! Organizations at hosts of their own: each shows one and nothing else (T66, T67).

use http::StatusCode;
use saas_core::{Caller, TenantId, testing::TestClient};
use saas_tenancy::Role;
use url::form_urlencoded;

use crate::app::{App, Person, expect, expect_problem};

const ACME: &str = "acme.localhost:3000";

/// Goes from a host to the main one and back, as a browser does, and is signed in there.
pub(crate) async fn signed_in_at(app: &App, person: &Person, host: &str) -> TestClient {
    let at = app.anon().with("host", host);
    let begun = at.page("/hand-off/begin").await;
    let query = begun.location().unwrap().split_once('?').unwrap().1.to_owned();
    let fields: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let leave = person.browser.form("/hand-off", &fields).await;
    expect(&leave, StatusCode::OK);
    let code = leave.text().split_once("code=").unwrap().1[..43].to_owned();
    expect(&at.form("/hand-off/return", &[("code", &code)]).await, StatusCode::SEE_OTHER);
    at
}

/// Ada, who owns two organizations, each with an agent.
async fn ada(app: &App) -> (Person, [TenantId; 2]) {
    let organizations = [app.tenant("acme").await, app.tenant("other").await];
    let ada = app.member(organizations[0], Role::Owner).await;
    app.test.member(organizations[1], ada.id, "owner").await;
    for (organization, name) in organizations.iter().zip(["canary of acme", "canary of other"]) {
        let named = ada.browser.clone().with("x-organization", &organization.to_string());
        expect(&named.post("/api/v1/agents", &serde_json::json!({ "name": name })).await, StatusCode::CREATED);
    }
    (ada, organizations)
}

/// TEN-05, T66, T67: whatever else a request says, at a host nothing is answered for another organization, and nothing is guessed.
#[tokio::test]
async fn at_a_host_its_organization_is_answered_for_and_no_other() {
    let app = App::new().await;
    let (ada, [acme, other]) = ada(&app).await;
    let at = signed_in_at(&app, &ada, ACME).await;
    let shown = at.page("/agents").await;
    expect(&shown, StatusCode::OK);
    assert!(shown.text().contains("canary of acme") && !shown.text().contains("canary of other"));
    assert!(at.clone().with("x-organization", "acme").get("/api/v1/agents").await.text().contains("canary of acme"));

    let mut asked = 0;
    let routes = app.routes.iter().filter(|route| route.method == http::Method::GET && route.access.caller == Caller::Member);
    for route in routes {
        let path: String = route
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "018f0000-0000-7000-8000-000000000000" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for (name, value) in [("x-organization", other.to_string()), ("x-organization", "other".to_owned())] {
            let mixed = at.clone().with(name, &value).get(&path).await;
            assert_eq!(mixed.status, StatusCode::NOT_FOUND, "{path} with {name} {value}");
            assert!(!mixed.text().contains("canary"), "{path}");
        }
        let linked = at.clone().with("sec-fetch-mode", "navigate").get(&format!("{path}?organization={other}")).await;
        assert_eq!(linked.status, StatusCode::NOT_FOUND, "{path}");
        asked += 1;
    }
    assert!(asked > 30, "{asked}");
    for address in [
        format!("/agents?organization={other}"),
        "/agents?organization=x".to_owned(),
        format!("/agents?organization={acme}&organization={other}"),
    ] {
        expect(&at.form(&address, &[("name", "planted")]).await, StatusCode::NOT_FOUND);
    }
    // The choice of the main host counts nothing here, and the host of one of them nothing at that of the other.
    let chosen =
        at.clone().with("cookie", &format!("__Host-organization={other}; __Host-session={}", at.cookie("__Host-session").unwrap()));
    assert!(chosen.get("/api/v1/agents").await.text().contains("canary of acme"));
    expect_problem(
        &at.clone().with("host", "other.localhost:3000").get("/api/v1/agents").await,
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
    );
    assert!(app.count("select count(*) from agent where name = 'planted'").await == 0);

    // A key is one organization's, at whichever host.
    let named = ada.browser.clone().with("x-organization", "other");
    let made = named.post("/api/v1/api-keys", &serde_json::json!({ "name": "k", "scopes": ["monitoring.device.read"] })).await;
    expect(&made, StatusCode::CREATED);
    let key = app.anon().bearer(made.json()["key"].as_str().unwrap());
    assert!(key.clone().with("host", "other.localhost").get("/api/v1/agents").await.text().contains("canary of other"));
    expect(&key.with("host", ACME).get("/api/v1/agents").await, StatusCode::NOT_FOUND);
}

/// T67: what the organization asks of whoever comes in, it asks here too; and who belongs to it no longer, is a stranger with the next request.
#[tokio::test]
async fn a_second_factor_is_asked_for_at_a_host_too() {
    let app = App::new().await;
    let (ada, [acme, _]) = ada(&app).await;
    let at = signed_in_at(&app, &ada, ACME).await;
    let mut owner = app.owner().await;
    let asks = sqlx::query("update core.tenant set second_factor_required = true where id = $1").bind(uuid::Uuid::from(acme));
    asks.execute(&mut owner).await.unwrap();
    expect_problem(&at.get("/api/v1/agents").await, StatusCode::FORBIDDEN, "second-factor-required");
    assert_eq!(at.page("/agents").await.location(), Some("http://localhost:3000/account/security?next=%2Fagents"));
    app.second_factor_shown(ada.id).await;
    expect(&at.get("/api/v1/agents").await, StatusCode::OK);
    app.member(acme, Role::Owner).await;
    let leaves = "update core.member set left_at = now() where tenant_id = $1 and user_id = $2";
    let leaves = sqlx::query(leaves).bind(uuid::Uuid::from(acme)).bind(uuid::Uuid::from(ada.id));
    leaves.execute(&mut owner).await.unwrap();
    expect_problem(&at.get("/api/v1/agents").await, StatusCode::UNAUTHORIZED, "unauthenticated");
}

/// ASVS 3.5.1: a sibling is another site; topic 10: what is mailed leads to the main host, whatever host it was asked for at.
#[tokio::test]
async fn another_host_writes_nothing_at_this_one_and_letters_lead_to_the_main_host() {
    let app = App::new().await;
    let (ada, _) = ada(&app).await;
    let at = signed_in_at(&app, &ada, ACME).await;
    for (header, value) in [("sec-fetch-site", "same-site"), ("sec-fetch-site", "cross-site")] {
        let planted =
            at.clone().with(header, value).with("origin", "http://other.localhost:3000").form("/agents", &[("name", "planted")]).await;
        expect(&planted, StatusCode::FORBIDDEN);
    }
    assert_eq!(app.count("select count(*) from agent where name = 'planted'").await, 0);
    expect(
        &at.post("/api/v1/invitations", &serde_json::json!({ "emails": ["grace@example.com"], "role": "viewer" })).await,
        StatusCode::OK,
    );
    let letter = app.letter("grace@example.com").await;
    assert!(letter.contains("http://localhost:3000/") && !letter.contains("acme.localhost"), "{letter}");
    // The menu leads to all organizations, and those are on the main host.
    assert!(!at.page("/agents").await.text().contains("switch\""));
    assert_eq!(at.page("/organizations").await.location(), Some("http://localhost:3000/organizations"));
}

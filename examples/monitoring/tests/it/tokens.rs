//! What a program does with a token of a person, in the composed product (AUT-04).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use saas_core::{Clock, TenantId, testing::TestClient};
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::{
    app::{App, Person, expect, expect_problem},
    process::{Settings, folder},
    second_factor,
};

const DEVICES: &str = "/api/v1/devices";

/// An access token of somebody for an organization.
async fn token(person: &Person, tenant: TenantId) -> String {
    let given = person.browser.post("/api/v1/auth/token", &json!({ "organization": tenant })).await;
    expect(&given, StatusCode::OK);
    given.json()["access_token"].as_str().unwrap().to_owned()
}

/// A program that holds it: no cookie, and none of the headers by which browsers show where a request comes from.
fn program(app: &App, token: &str) -> TestClient {
    app.anon().bearer(token)
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// AUT-04, RBA-02: the role decides, as it is now.
#[tokio::test]
async fn a_token_may_do_what_its_person_may_do_there_now() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let admin = app.member(tenant, Role::Admin).await;
    let as_admin = program(&app, &token(&admin, tenant).await);
    let as_viewer = program(&app, &token(&app.member(tenant, Role::Viewer).await, tenant).await);
    let new = json!({ "name": "Office" });
    expect(&as_viewer.get(DEVICES).await, StatusCode::OK);
    expect(&as_viewer.post("/api/v1/agents", &new).await, StatusCode::FORBIDDEN);
    expect(&as_admin.post("/api/v1/agents", &new).await, StatusCode::CREATED);
    let demoted = owner.browser.json(Method::PATCH, &format!("/api/v1/members/{}", admin.id), &json!({ "role": "viewer" })).await;
    expect(&demoted, StatusCode::NO_CONTENT);
    expect(&as_admin.post("/api/v1/agents", &new).await, StatusCode::FORBIDDEN);
    expect(&as_admin.get(DEVICES).await, StatusCode::OK);
    expect(&owner.browser.delete(&format!("/api/v1/members/{}", admin.id)).await, StatusCode::NO_CONTENT);
    expect_problem(&as_admin.get(DEVICES).await, StatusCode::UNAUTHORIZED, "unauthenticated");
}

/// AUD-01: what is done with it is its person's deed, and the rows name them.
#[tokio::test]
async fn what_a_token_does_its_person_did() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let made = program(&app, &token(&owner, tenant).await).post("/api/v1/agents", &json!({ "name": "Office" })).await;
    expect(&made, StatusCode::CREATED);
    let entries = owner.browser.get("/api/v1/audit?action=monitoring.agent.added").await.json()["items"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!((&entries[0]["actor_kind"], &entries[0]["actor_id"]), (&json!("user"), &json!(owner.id)));
}

/// ASVS 8.4.1: it is bound to one organization, also where its person owns another.
#[tokio::test]
async fn a_token_opens_no_other_organization_of_its_person() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let owner = app.member(tenant, Role::Owner).await;
    app.test.member(other, owner.id, "owner").await;
    let holder = program(&app, &token(&owner, tenant).await);
    expect(&holder.clone().with("x-organization", "acme").get(DEVICES).await, StatusCode::OK);
    for named in ["other", &other.to_string(), "never-was"] {
        expect_problem(&holder.clone().with("x-organization", named).get(DEVICES).await, StatusCode::NOT_FOUND, "not-found");
    }
    let cookie = format!("__Host-organization={other}");
    expect(&holder.with("cookie", &cookie).get(DEVICES).await, StatusCode::OK);
}

/// AUT-08: what a program holds is refused from the moment on at which the organization asks for more, and says why; whoever has shown it lets
/// the program in again.
#[tokio::test]
async fn a_token_without_a_second_factor_is_told_that_the_organization_asks_for_one() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    let before = program(&app, &token(&member, tenant).await);
    expect(&before.get(DEVICES).await, StatusCode::OK);
    second_factor::set_up(&owner, &clock).await;
    let rule = json!({ "required": true });
    expect(&owner.browser.json(Method::PUT, "/api/v1/organization/second-factor", &rule).await, StatusCode::NO_CONTENT);
    expect_problem(&before.get(DEVICES).await, StatusCode::FORBIDDEN, "second-factor-required");
    let shown = program(&app, &token(&owner, tenant).await);
    expect(&shown.get(DEVICES).await, StatusCode::OK);
    second_factor::set_up(&member, &clock).await;
    expect(&program(&app, &token(&member, tenant).await).get(DEVICES).await, StatusCode::OK);
}

/// Topic 5, ASVS 7.5.1: nothing that would outlive it, nothing of the account, no pages and no streams.
#[tokio::test]
async fn a_token_makes_no_keys_and_opens_neither_pages_nor_streams() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let holder = program(&app, &token(&owner, tenant).await);
    let new = json!({ "name": "Mine", "scopes": ["monitoring.device.read"] });
    let made = owner.browser.post("/api/v1/api-keys", &new).await;
    expect(&made, StatusCode::CREATED);
    let key = format!("/api/v1/api-keys/{}", made.json()["id"].as_str().unwrap());
    expect(&holder.get("/api/v1/api-keys").await, StatusCode::OK);
    expect(&holder.post("/api/v1/api-keys", &new).await, StatusCode::FORBIDDEN);
    expect(&holder.post(&format!("{key}/rotate"), &json!({ "overlap_hours": 1 })).await, StatusCode::FORBIDDEN);
    expect(&holder.delete(&key).await, StatusCode::FORBIDDEN);
    for path in ["/devices", "/agents", "/api-keys", "/members", "/sessions", "/account", "/live"] {
        assert_eq!(holder.page(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    expect(&holder.post("/api/v1/organizations", &json!({ "name": "Mine" })).await, StatusCode::FORBIDDEN);
    expect(&holder.get("/api/v1/notifications").await, StatusCode::OK);
}

/// AUT-04: `features`, from the plan.
#[tokio::test]
async fn a_token_says_what_the_plan_holds() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let features = claims(&token(&owner, tenant).await)["features"].clone();
    assert_eq!(features, json!(["seats", "agents", "devices", "api-requests", "audit-days"]));
}

/// A write without a cookie and without `Origin`, as programs send it, is let through; with a cookie that came along it is not.
#[tokio::test]
async fn a_program_that_writes_needs_no_proof_of_where_it_is() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let token = token(&app.member(tenant, Role::Owner).await, tenant).await;
    for (cookie, status) in [(None, StatusCode::CREATED), (Some("a=b"), StatusCode::FORBIDDEN)] {
        let mut request = http::Request::post("/api/v1/agents")
            .header("host", "localhost:3000")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let answer = app.anon().send(request.body(axum::body::Body::from(r#"{"name":"Office"}"#)).unwrap()).await;
        expect(&answer, status);
    }
}

/// DX-08: while the program runs.
#[tokio::test]
async fn an_operator_replaces_the_key_that_signs_tokens() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let old = token(&owner, tenant).await;
    let folder = folder();
    let logins = app.test.database.logins();
    let rotate = async |arguments: &[&str]| {
        let settings = Settings::new(folder.path())
            .set("DATABASE_URL", app.test.database.owner_url().expose())
            .set("DATABASE_APP_URL", logins.app.expose())
            .set("DATABASE_SYSTEM_URL", logins.system.expose())
            .set("SAAS_MASTER_KEY", &app.program.master_key.text())
            .argument("keys")
            .argument("rotate-signing");
        let ended = arguments.iter().fold(settings, |settings, argument| settings.argument(argument)).run().await;
        assert!(ended.status.success(), "{ended:?}");
        ended.stdout
    };
    let planned = rotate(&[]).await;
    assert!(planned.contains(" signs from "), "{planned}");
    expect(&program(&app, &old).get(DEVICES).await, StatusCode::OK);
    let new: Value = serde_json::from_str(&rotate(&["--compromised", "--json"]).await).unwrap();
    expect(&program(&app, &old).get(DEVICES).await, StatusCode::UNAUTHORIZED);
    expect(&program(&app, &token(&owner, tenant).await).get(DEVICES).await, StatusCode::OK);
    let keys = app.anon().get("/.well-known/jwks.json").await.json()["keys"].clone();
    assert_eq!((keys.as_array().unwrap().len(), &keys[0]["kid"]), (1, &new["id"]));
}

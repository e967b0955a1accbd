//! AUT-08, topic 9: an organization that asks for a second factor, and what takes somebody who has just shown who they are.

use std::process::Command;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_core::{Clock, testing::TestClient};
use saas_tenancy::Role;
use serde_json::json;

use crate::app::{App, PASSWORD, Person, expect, expect_problem};

const RULE: &str = "/api/v1/organization/second-factor";
const APP: &str = "/api/v1/me/second-factor/app";

/// The code that an app shows now, as somebody else makes it.
fn code(secret: &str, clock: &Clock) -> String {
    let now = clock.now().format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let made = Command::new("oathtool").args(["--totp", "--base32", secret, "--now", &now]).output().expect("oathtool is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Sets up an app, and says its secret.
pub(crate) async fn set_up(person: &Person, clock: &Clock) -> String {
    let begun = person.browser.post(APP, &json!({})).await;
    expect(&begun, StatusCode::CREATED);
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let confirm = json!({ "code": code(&secret, clock) });
    expect(&person.browser.post(&format!("{APP}/confirm"), &confirm).await, StatusCode::CREATED);
    secret
}

async fn devices(browser: &TestClient) -> StatusCode {
    browser.get("/api/v1/devices").await.status
}

/// However somebody got their session: without a second factor it opens nothing of the organization, and everything of their own.
#[tokio::test]
async fn a_member_without_a_second_factor_is_led_to_set_one_up_and_then_comes_in() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let (owner, member) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await);
    let key = json!({ "name": "Deployment", "scopes": ["monitoring.device.read"] });
    let key = member.browser.post("/api/v1/api-keys", &key).await;
    expect(&key, StatusCode::CREATED);
    let program = app.anon().bearer(key.json()["key"].as_str().unwrap());
    set_up(&owner, &clock).await;
    expect(&owner.browser.json(Method::PUT, RULE, &json!({ "required": true })).await, StatusCode::NO_CONTENT);
    assert_eq!(devices(&owner.browser).await, StatusCode::OK);

    for path in ["/api/v1/devices", "/api/v1/members", "/api/v1/api-keys", "/api/v1/audit", RULE] {
        expect_problem(&member.browser.get(path).await, StatusCode::FORBIDDEN, "second-factor-required");
    }
    let another = json!({ "name": "Another", "scopes": ["monitoring.device.read"] });
    let refused = member.browser.post("/api/v1/api-keys", &another).await;
    expect_problem(&refused, StatusCode::FORBIDDEN, "second-factor-required");
    let led = member.browser.page("/devices").await;
    let page = member.browser.page(led.location().unwrap()).await;
    assert!(page.status == StatusCode::OK && page.text().contains("asks for a second factor"), "{}", page.text());
    expect(&member.browser.page("/organizations").await, StatusCode::OK);
    assert_eq!(devices(&program).await, StatusCode::OK, "a program is no person: whoever made its key is asked when they make one");

    let secret = set_up(&member, &clock).await;
    assert_eq!(devices(&member.browser).await, StatusCode::OK, "with the session that they have");
    clock.advance(TimeDelta::seconds(30));
    let again = app.anon();
    let sign_in = json!({ "email": member.email, "password": PASSWORD });
    expect_problem(&again.post("/api/v1/auth/sign-in", &sign_in).await, StatusCode::UNAUTHORIZED, "second-factor-pending");
    assert_eq!(devices(&again).await, StatusCode::UNAUTHORIZED);
    expect(&again.post("/api/v1/auth/sign-in/second", &json!({ "code": code(&secret, &clock) })).await, StatusCode::OK);
    assert_eq!(devices(&again).await, StatusCode::OK);
}

/// ASVS 7.5.1 and 7.5.3: keys are made and rotated by somebody who has just shown who they are.
#[tokio::test]
async fn keys_are_made_and_rotated_soon_after_a_proof_alone() {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let new = json!({ "name": "Deployment", "scopes": ["monitoring.device.read"] });
    let made = owner.browser.post("/api/v1/api-keys", &new).await;
    expect(&made, StatusCode::CREATED);
    let key = made.json()["id"].as_str().unwrap().to_owned();
    clock.advance(TimeDelta::minutes(10));
    let rotate = format!("/api/v1/api-keys/{key}/rotate");
    for (path, body) in [("/api/v1/api-keys", new.clone()), (rotate.as_str(), json!({ "overlap_hours": 1 }))] {
        let problem = expect_problem(&owner.browser.post(path, &body).await, StatusCode::FORBIDDEN, "step-up-required");
        assert_eq!(problem["methods"], json!(["password"]), "{path}");
    }
    assert_eq!(owner.browser.page("/api-keys/new").await.location(), Some("/account/prove?next=%2Fapi-keys%2Fnew"));
    let page = format!("/api-keys/{key}");
    let form = owner.browser.clone().with("referer", &format!("http://localhost:3000{page}"));
    let sent = form.form(&format!("{page}/rotate?organization={tenant}"), &[("overlap_hours", "1")]).await;
    assert_eq!(sent.location(), Some(format!("/account/prove?next=%2Fapi-keys%2F{key}").as_str()));
    let viewer = app.member(tenant, Role::Viewer).await;
    clock.advance(TimeDelta::minutes(10));
    expect_problem(&viewer.browser.post("/api/v1/api-keys", &new).await, StatusCode::FORBIDDEN, "forbidden");

    expect(&owner.browser.get(&format!("/api/v1/api-keys/{key}")).await, StatusCode::OK);
    owner.proves().await;
    expect(&owner.browser.post(&rotate, &json!({ "overlap_hours": 1 })).await, StatusCode::CREATED);
    expect(&owner.browser.post("/api/v1/api-keys", &new).await, StatusCode::CREATED);
    expect(&owner.browser.page("/api-keys/new").await, StatusCode::OK);
}

//! ASVS 7.5.1: what concerns the safety of an account takes somebody who has just shown who they are.

use chrono::TimeDelta;
use saas_core::testing::{Answer, TestClient};
use serde_json::{Value, json};

use crate::{
    app::{App, COOKIE, PASSWORD, pointers, set_cookie},
    second_factor::{ADA, FACTOR, Holder},
};

const PROVE: &str = "/api/v1/auth/prove";
const WRONG: &str = "not the password at all";

async fn prove(browser: &TestClient, shown: Value) -> Answer {
    browser.post(PROVE, &shown).await
}

fn is_asked(answer: &Answer, methods: &[&str]) -> bool {
    answer.status == 403 && answer.json()["type"] == "/problems/step-up-required" && answer.json()["methods"] == json!(methods)
}

/// Ten minutes after the sign-in everything of the kind is refused, for programs and browsers, and nothing else is.
#[tokio::test]
async fn what_concerns_safety_is_refused_ten_minutes_after_the_proof() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let empty = json!({});
    app.later(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert_eq!(ada.post(&format!("{FACTOR}/app"), &empty).await.status, 201);
    app.later(TimeDelta::seconds(1));
    for path in ["/app", "/app/confirm", "/backup-codes", "/off"] {
        let answer = ada.post(&format!("{FACTOR}{path}"), &json!({ "code": "000000" })).await;
        assert!(is_asked(&answer, &["password"]), "{path}: {}", answer.text());
    }
    for path in ["app", "app/confirm", "backup-codes", "off"] {
        let form = ada
            .clone()
            .with("referer", "http://localhost:3000/account/security?a=b")
            .form(&format!("/account/second-factor/{path}"), &[])
            .await;
        assert_eq!((form.status.as_u16(), form.location()), (303, Some("/account/prove?next=%2Faccount%2Fsecurity%3Fa%3Db")), "{path}");
    }
    let elsewhere = ada.clone().with("referer", "https://evil.example/devices").form("/account/second-factor/app", &[]).await;
    assert_eq!(elsewhere.location(), Some("/account/prove?next=%2F"));
    let page = ada.page("/account/second-factor/app").await;
    assert_eq!((page.status.as_u16(), page.location()), (303, Some("/account/prove?next=%2Faccount%2Fsecond-factor%2Fapp")));
    assert_eq!(ada.get(FACTOR).await.status, 200);
    assert_eq!(ada.page("/account/security").await.status, 200);
    assert_eq!(app.browser().post(&format!("{FACTOR}/app"), &empty).await.status, 401);
}

#[tokio::test]
async fn the_password_is_shown_again_and_a_browser_is_led_back() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    app.later(TimeDelta::hours(1));
    let form = ada.page("/account/prove?next=%2Faccount%2Fsecond-factor%2Fapp").await;
    assert!(form.status == 200 && form.text().contains("name=\"password\"") && !form.text().contains("name=\"code\""), "{}", form.text());
    let wrong = ada.form("/account/prove", &[("password", WRONG), ("next", "/open")]).await;
    assert!(
        wrong.status == 422 && wrong.text().contains("This is not your password") && wrong.text().contains("value=\"&#x2f;open\""),
        "{}",
        wrong.text()
    );
    let right = ada.form("/account/prove", &[("password", PASSWORD), ("next", "/open")]).await;
    assert_eq!((right.status.as_u16(), right.location()), (303, Some("/open")));
    assert_eq!(ada.post(&format!("{FACTOR}/app"), &json!({})).await.status, 201);
    let evil = ada.form("/account/prove", &[("password", PASSWORD), ("next", "//evil.example")]).await;
    assert_eq!(evil.location(), Some("/account/security"));
    let methods = ada.get("/api/v1/auth/sessions").await.json()["items"].clone();
    assert!(methods.as_array().unwrap().iter().all(|it| it["methods"] == json!(["password"])), "{methods}");
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.session.proved'").await, 2);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.session.proof_refused'").await, 1);
}

/// Whoever has a second factor shows that: the password alone is what a thief may have.
#[tokio::test]
async fn where_there_is_a_second_factor_it_is_what_counts() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    app.later(TimeDelta::hours(1));
    let renew = format!("{FACTOR}/backup-codes");
    assert!(is_asked(&ada.browser.post(&renew, &json!({})).await, &["totp", "backup_code"]));
    let with_password = prove(&ada.browser, json!({ "password": PASSWORD })).await;
    assert_eq!((with_password.status.as_u16(), pointers(&with_password)), (422, vec!["/code".to_owned()]));
    // Changing the password shows no second factor either.
    let change = json!({ "current_password": PASSWORD, "new_password": "another one of mine 7" });
    assert_eq!(ada.browser.json(http::Method::PUT, "/api/v1/auth/password", &change).await.status, 204);
    assert!(is_asked(&ada.browser.post(&renew, &json!({})).await, &["totp", "backup_code"]));

    let code = ada.code(&app);
    assert_eq!(prove(&ada.browser, json!({ "code": "000000" })).await.status, 422);
    assert_eq!(prove(&ada.browser, json!({ "code": code })).await.status, 204);
    assert_eq!(ada.browser.post(&renew, &json!({})).await.status, 201);
    assert_eq!(prove(&ada.browser, json!({ "code": code })).await.status, 422, "no code works twice");
    app.later(TimeDelta::hours(1));
    let form = ada.browser.page("/account/prove").await.text();
    assert!(form.contains("name=\"code\"") && form.contains("name=\"backup_code\"") && !form.contains("name=\"password\""), "{form}");
    let wrong = ada.browser.form("/account/prove", &[("backup_code", &ada.backup[0])]).await;
    assert!(wrong.status == 422 && wrong.text().contains("<details open>"), "they were renewed: {}", wrong.text());
    for odd in [json!({}), json!({ "password": PASSWORD, "code": "000000" }), json!({ "code": "1", "backup_code": "A" })] {
        assert_eq!(prove(&ada.browser, odd).await.status, 422);
    }
}

/// Topic 6: another token; what was under way with the old one is answered, and ten seconds later it is worth nothing.
#[tokio::test]
async fn the_session_gets_another_token_and_the_old_one_gains_nothing_and_ends() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let copy = app.browser().with("cookie", &format!("{COOKIE}={}", ada.cookie(COOKIE).unwrap()));
    app.later(TimeDelta::hours(1));
    let proved = prove(&ada, json!({ "password": PASSWORD })).await;
    assert!(proved.status == 204 && set_cookie(&proved).is_some_and(|cookie| cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/")));
    assert_eq!(copy.get("/person").await.status, 200);
    assert!(is_asked(&copy.post(&format!("{FACTOR}/app"), &json!({})).await, &["password"]), "it is as old as it was");
    assert_eq!(prove(&copy, json!({ "password": PASSWORD })).await.status, 409, "and is replaced once");
    app.later(TimeDelta::seconds(10));
    assert_eq!(copy.get("/person").await.status, 401);
    assert_eq!(ada.get("/person").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_show_it_at_once_with_one_session_one_gets_the_next() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let copy = app.browser().with("cookie", &format!("{COOKIE}={}", ada.cookie(COOKIE).unwrap()));
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let browser = copy.clone();
            tokio::spawn(async move { prove(&browser, json!({ "password": PASSWORD })).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[204].as_slice(), &[409; 9]].concat());
    assert_eq!(app.count("select count(*) from auth.session where ended_at is null").await, 2);
}

/// Whoever finds a browser open does not guess the password here either: the same five count everywhere.
#[tokio::test]
async fn five_wrong_passwords_are_answered() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    for _ in 0..5 {
        assert_eq!(prove(&ada, json!({ "password": WRONG })).await.status, 422);
    }
    assert_eq!(prove(&ada, json!({ "password": PASSWORD })).await.status, 429);
    let page = ada.form("/account/prove", &[("password", PASSWORD)]).await;
    assert!(page.status == 429 && page.headers["retry-after"] == "900", "{}", page.text());
}

/// Whoever has neither signs in again, and comes back.
#[tokio::test]
async fn whoever_has_nothing_to_enter_signs_in_again() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = null").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let page = ada.page("/account/prove?next=%2Fopen").await.text();
    assert!(page.contains("again=true") && !page.contains("name=\"password\""), "{page}");
    let form = ada.page("/sign-in?again=true&next=%2Fopen").await;
    assert!(form.status == 200 && form.text().contains("value=\"&#x2f;open\""), "{}", form.text());
    assert_eq!(ada.page("/sign-in?next=%2Fopen").await.location(), Some("/open"));
}

use chrono::TimeDelta;
use saas_core::testing::TestClient;
use serde_json::json;

use super::{ADA, COOKIE, ENTRY, FACTOR, Holder, begin, code, events, first, half_way, is_in, is_pending, show, strings, subjects};
use crate::app::{App, PASSWORD, pointers};

/// AUT-08: an app holds once a code has shown that it has the secret; then whoever knows the password alone is not let in.
#[tokio::test]
async fn an_app_is_asked_for_once_its_first_code_was_right() {
    let app = App::new().await;
    app.account(ADA).await;
    let (ada, elsewhere) = (app.signed_in(ADA).await, app.signed_in(ADA).await);
    assert_eq!(ada.get(FACTOR).await.json(), json!({ "since": null, "backup_codes_left": 0 }));
    let begun = ada.post(&format!("{FACTOR}/app"), &json!({})).await;
    let (secret, url) = (begun.json()["secret"].as_str().unwrap().to_owned(), begun.json()["url"].as_str().unwrap().to_owned());
    assert_eq!((begun.status.as_u16(), secret.len()), (201, 32), "160 bits in base32");
    assert!(url.starts_with("otpauth://totp/Monitoring:ada%40example.com?") && url.contains(&secret), "{url}");
    assert_eq!(first(&app.browser(), ADA, PASSWORD, false).await.status, 200, "nothing is asked for yet");

    let confirm = format!("{FACTOR}/app/confirm");
    let wrong = ada.post(&confirm, &json!({ "code": "000000" })).await;
    assert_eq!((wrong.status.as_u16(), pointers(&wrong)), (422, vec!["/code".to_owned()]));
    let before = ada.cookie(COOKIE);
    let done = ada.post(&confirm, &json!({ "code": code(&secret, app.clock.now()) })).await;
    assert_eq!((done.status.as_u16(), strings(&done.json()["backup_codes"]).len()), (201, 10), "{}", done.text());
    assert!(is_in(&ada).await && ada.cookie(COOKIE) != before, "the session goes on under another token");
    assert!(!is_in(&elsewhere).await, "other sessions are over");
    assert_eq!(ada.get(FACTOR).await.json()["backup_codes_left"], 10);
    assert!(ada.get(FACTOR).await.json()["since"].is_string());
    assert_eq!(ada.post(&confirm, &json!({ "code": code(&secret, app.clock.now()) })).await.status, 409, "nothing waits any more");
    assert_eq!(
        (events(&app, "auth.second_factor.on").await, subjects(&app).await.pop().unwrap().as_str()),
        (1, "A second factor was added to your account at Monitoring")
    );

    let browser = app.browser();
    let asked = first(&browser, ADA, PASSWORD, true).await;
    assert!(is_pending(&asked), "{}", asked.text());
    assert_eq!(asked.json()["methods"], json!(["totp", "backup_code"]));
    assert_eq!(asked.json()["expires_at"], "2026-03-01T09:10:00Z");
    let cookie = asked.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-entry=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"), "{cookie}");
    assert!(!is_in(&browser).await, "half is nothing");
    app.later(TimeDelta::seconds(30));
    let me = show(&browser, &code(&secret, app.clock.now())).await;
    assert_eq!((me.status.as_u16(), me.json()["email"].as_str()), (200, Some(ADA)));
    assert!(is_in(&browser).await && browser.cookie(ENTRY).is_none());
    let sessions = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    let this = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&this["methods"], &this["remembered"]), (&json!(["password", "totp"]), &json!(true)));
}

/// AUT-08: without a script, with a picture that is part of the page, and back to where they were going.
#[tokio::test]
async fn a_browser_sets_up_an_app_and_signs_in_with_forms_alone() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    assert!(ada.page("/account/security").await.text().contains("action=\"/account/second-factor/app\""));
    assert_eq!(ada.form("/account/second-factor/app", &[]).await.location(), Some("/account/second-factor/app"));
    let page = ada.page("/account/second-factor/app").await.text();
    assert!(page.contains("<svg width=\"220\"") && page.contains("otpauth:"), "{page}");
    let secret: String = shown_secret(&page);
    let wrong = ada.form("/account/second-factor/app/confirm", &[("code", "12345")]).await;
    assert!(wrong.status == 422 && shown_secret(&wrong.text()) == secret, "{}", wrong.text());
    let right = code(&secret, app.clock.now());
    let done = ada.form("/account/second-factor/app/confirm", &[("code", &format!("{} {}", &right[..3], &right[3..]))]).await;
    let codes = done.text();
    assert!(done.status == 201 && codes.matches("-").count() >= 50, "{codes}");
    assert_eq!(ada.page("/account/second-factor/app").await.location(), Some("/account/security"), "the secret is shown no more");
    let security = ada.page("/account/security").await.text();
    assert!(security.contains("10 left") && !security.contains(&secret[..4]), "{security}");

    app.later(TimeDelta::seconds(30));
    let browser = app.browser();
    let asked = browser.form("/sign-in", &[("email", ADA), ("password", PASSWORD), ("next", "/open?a=b")]).await;
    assert_eq!((asked.status.as_u16(), asked.location()), (303, Some("/sign-in/second?next=%2Fopen%3Fa%3Db")));
    let form = browser.page(asked.location().unwrap()).await;
    assert!(form.status == 200 && form.text().contains("one-time-code") && form.text().contains("name=\"backup_code\""), "{}", form.text());
    let wrong = browser.form("/sign-in/second", &[("code", "000000"), ("next", "/open?a=b")]).await;
    assert!(
        wrong.status == 401 && wrong.text().contains("value=\"&#x2f;open?a=b\"") && wrong.text().contains("This code is wrong"),
        "{}",
        wrong.text()
    );
    let right = code(&secret, app.clock.now());
    let evil = [("code", right.as_str()), ("next", "//evil.example")];
    let entered = browser.form("/sign-in/second", &evil).await;
    assert_eq!((entered.status.as_u16(), entered.location()), (303, Some("/person")), "only to a page of ours");
    assert!(is_in(&browser).await);
    assert_eq!(app.browser().page("/sign-in/second?next=%2Fopen").await.location(), Some("/sign-in?next=%2Fopen"), "nothing waits there");
}

fn shown_secret(page: &str) -> String {
    let value = page.split("id=\"secret\"").nth(1).unwrap().split(['<', '>']).nth(1).unwrap();
    value.chars().filter(|c| c.is_ascii_alphanumeric()).collect()
}

#[tokio::test]
async fn an_app_that_is_set_up_has_ten_minutes_for_its_first_code() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let secret = begin(&ada).await;
    app.later(TimeDelta::minutes(10));
    let ada = app.signed_in(ADA).await;
    let late = ada.post(&format!("{FACTOR}/app/confirm"), &json!({ "code": code(&secret, app.clock.now()) })).await;
    assert_eq!(late.status, 409, "{}", late.text());
    assert_eq!(ada.page("/account/second-factor/app").await.location(), Some("/account/security"));
}

/// A second app takes the place of the first only when it has shown a code.
#[tokio::test]
async fn another_app_takes_the_place_of_the_first_when_its_code_is_right() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let secret = begin(&ada.browser).await;
    let browser = half_way(&app, ADA).await;
    assert_eq!(show(&browser, &code(&secret, app.clock.now())).await.status, 401, "it does not hold yet");
    assert_eq!(show(&browser, &ada.code(&app)).await.status, 200);
    let confirmed = ada.browser.post(&format!("{FACTOR}/app/confirm"), &json!({ "code": code(&secret, app.clock.now()) })).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.text());
    app.later(TimeDelta::seconds(30));
    let browser = half_way(&app, ADA).await;
    assert_eq!(show(&browser, &ada.code(&app)).await.status, 401, "the old one is worth nothing");
    assert_eq!(super::show_backup(&browser, &ada.backup[0]).await.status, 401, "and neither are its backup codes");
    assert_eq!(show(&browser, &code(&secret, app.clock.now())).await.status, 200);
}

/// Of fifty who confirm one app at once, one gets the backup codes.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_confirm_an_app_at_once_one_succeeds() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let body = json!({ "code": code(&begin(&ada).await, app.clock.now()) });
    let copy = app.browser().with("cookie", &format!("{COOKIE}={}", ada.cookie(COOKIE).unwrap()));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (browser, body): (TestClient, _) = (copy.clone(), body.clone());
            tokio::spawn(async move { browser.post(&format!("{FACTOR}/app/confirm"), &body).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(app.count("select count(*) from auth.backup_code").await, 10);
    assert_eq!(app.count("select count(*) from auth.authenticator").await, 1);
}

/// Topic 20: the secret opens in its own row alone, and nobody is let in with what does not open.
#[tokio::test]
async fn a_secret_that_was_moved_to_another_account_opens_nothing() {
    const EVE: &str = "eve@example.com";
    let app = App::new().await;
    let (ada, eve) = (Holder::new(&app, ADA).await, Holder::new(&app, EVE).await);
    let mut tx = app.system().await;
    let sealed: Vec<u8> = sqlx::query_scalar("select secret from auth.authenticator where user_id = $1")
        .bind(uuid::Uuid::from(eve.user))
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert!(!sealed.windows(32).any(|window| window == eve.secret.as_bytes()));
    sqlx::query("update auth.authenticator set secret = $2 where user_id = $1")
        .bind(uuid::Uuid::from(ada.user))
        .bind(&sealed)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let browser = half_way(&app, ADA).await;
    assert_eq!(show(&browser, &eve.code(&app)).await.status, 500);
    assert!(!is_in(&browser).await);
}

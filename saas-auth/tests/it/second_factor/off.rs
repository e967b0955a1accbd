use chrono::TimeDelta;
use saas_core::testing::TestClient;
use serde_json::json;

use super::{ADA, COOKIE, FACTOR, Holder, events, first, is_in, subjects};
use crate::{
    app::{App, PASSWORD, pointers},
    mailbox::{link, token},
};

const WRONG: &str = "not the password at all";

async fn ask(browser: &TestClient, password: &str) -> u16 {
    browser.post(&format!("{FACTOR}/off"), &json!({ "password": password })).await.status.as_u16()
}

/// AUT-08: the password, then the mail; and everybody else is signed out.
#[tokio::test]
async fn turning_it_off_takes_the_password_and_a_mail() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let before = app.mailbox.all().await.len();
    let wrong = ada.browser.post(&format!("{FACTOR}/off"), &json!({ "password": WRONG })).await;
    assert_eq!((wrong.status.as_u16(), pointers(&wrong)), (422, vec!["/password".to_owned()]));
    assert_eq!(ask(&ada.browser, "").await, 422);
    assert_eq!(ask(&ada.browser, PASSWORD).await, 202);
    let mail = app.mailbox.nth(before + 1).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADA, "Turn off the second factor of your account at Monitoring?"));
    assert!(mail.text.contains("10 minutes") && mail.text.contains("let you in no more"), "what goes with it: {}", mail.text);
    assert!(ada.browser.get(FACTOR).await.json()["since"].is_string(), "nothing is off yet");
    assert_eq!(app.browser().page(&link(&mail)).await.status, 303, "a stranger who has the mail is asked to sign in");
    for _ in 0..2 {
        let page = ada.browser.page(&link(&mail)).await;
        assert!(
            page.status == 200 && page.text().contains("off/confirm") && page.text().contains("let you in no more"),
            "opening it changes nothing: {}",
            page.text()
        );
    }

    let elsewhere = super::half_way(&app, ADA).await;
    super::show(&elsewhere, &ada.code(&app)).await;
    assert!(is_in(&elsewhere).await);
    let session = ada.browser.cookie(COOKIE);
    let off = ada.browser.form("/account/second-factor/off/confirm", &[("token", &token(&mail))]).await;
    assert_eq!((off.status.as_u16(), off.location()), (303, Some("/account/security?done=second-factor-off")));
    assert!(is_in(&ada.browser).await && ada.browser.cookie(COOKIE) != session && !is_in(&elsewhere).await);
    assert_eq!(ada.browser.get(FACTOR).await.json(), json!({ "since": null, "backup_codes_left": 0 }));
    let methods = ada.browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    assert!(methods.as_array().unwrap().iter().any(|it| it["current"] == true && it["methods"] == json!(["password"])), "{methods}");
    assert_eq!(first(&app.browser(), ADA, PASSWORD, false).await.status, 200);
    assert_eq!(subjects(&app).await.pop().unwrap(), "A second factor was removed from your account at Monitoring");
    for name in ["auth.second_factor.off_refused", "auth.second_factor.off_requested", "auth.second_factor.off"] {
        assert_eq!(events(&app, name).await, 1, "{name}");
    }
    let again = ada.browser.form("/account/second-factor/off/confirm", &[("token", &token(&mail))]).await;
    assert_eq!(again.status, 410);
}

/// The mailed link is its reader's, holds for ten minutes and for the account as it was.
#[tokio::test]
async fn a_link_to_turn_it_off_is_for_one_account_as_it_was_and_for_ten_minutes() {
    const EVE: &str = "eve@example.com";
    let app = App::new().await;
    let (ada, eve) = (Holder::new(&app, ADA).await, Holder::new(&app, EVE).await);
    let mailed = async || {
        let before = app.mailbox.all().await.len();
        assert_eq!(ask(&ada.browser, PASSWORD).await, 202);
        token(&app.mailbox.nth(before + 1).await)
    };
    let confirm = async |browser: &TestClient, token: &str| {
        browser.post(&format!("{FACTOR}/off/confirm"), &json!({ "token": token })).await.status.as_u16()
    };
    let first = mailed().await;
    assert_eq!(confirm(&eve.browser, &first).await, 409, "it is not Eve's");
    assert_eq!(confirm(&app.browser(), &first).await, 401);
    let reset =
        app.browser().post("/api/v1/auth/reset/password", &json!({ "token": first, "new_password": "another one of mine 7" })).await;
    assert_eq!(reset.status, 422, "it chooses no password");
    let set = async |hash: &str| {
        let mut tx = app.system().await;
        let set = sqlx::query("update auth.account set password_hash = $2 where user_id = $1");
        set.bind(uuid::Uuid::from(ada.user)).bind(hash).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    let own: String = sqlx::query_scalar("select password_hash from auth.account where user_id = $1")
        .bind(uuid::Uuid::from(ada.user))
        .fetch_one(&mut *app.system().await)
        .await
        .unwrap();
    set(&format!("{own}x")).await;
    assert_eq!(confirm(&ada.browser, &first).await, 409, "the account has another password");
    set(&own).await;
    let second = mailed().await;
    app.later(TimeDelta::minutes(10));
    assert_eq!(confirm(&ada.browser, &second).await, 409, "it is too old");
    assert!(ada.browser.get(FACTOR).await.json()["since"].is_string());
}

#[tokio::test]
async fn an_account_without_a_password_turns_it_off_by_mail_alone() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = null").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!ada.browser.page("/account/security").await.text().contains("id=\"password\""));
    let before = app.mailbox.all().await.len();
    let asked = ada.browser.form("/account/second-factor/off", &[]).await;
    assert_eq!(asked.location(), Some("/account/security?done=second-factor-mail"));
    let confirm = json!({ "token": token(&app.mailbox.nth(before + 1).await) });
    assert_eq!(ada.browser.post(&format!("{FACTOR}/off/confirm"), &confirm).await.status, 204);
}

/// However the password is asked for, five wrong ones are answered; and three mails an hour.
#[tokio::test]
async fn neither_the_password_nor_the_mailbox_is_tried_without_end() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    for _ in 0..3 {
        assert_eq!(ask(&ada.browser, PASSWORD).await, 202);
    }
    assert_eq!(ask(&ada.browser, PASSWORD).await, 429);
    let page = ada.browser.form("/account/second-factor/off", &[("password", PASSWORD)]).await;
    assert!(page.status == 429 && page.text().contains("several mails already"), "{}", page.text());
    for _ in 0..5 {
        assert_eq!(ask(&ada.browser, WRONG).await, 422);
    }
    assert_eq!(ask(&ada.browser, PASSWORD).await, 429);
}

use chrono::TimeDelta;
use serde_json::json;

use super::{ADA, FACTOR, Holder, code, events, half_way, is_in, show, show_backup, strings, subjects};
use crate::app::App;

/// ASVS 6.5.1: within the time in which a code would be right, it is worth nothing once it was taken; nor is an earlier one.
#[tokio::test]
async fn no_code_of_the_app_works_twice() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let earlier = ada.code(&app);
    app.later(TimeDelta::seconds(30));
    let now = ada.code(&app);
    let browser = half_way(&app, ADA).await;
    assert_eq!(show(&browser, &now).await.status, 200);
    assert_eq!(show(&browser, &now).await.status, 401, "the sign-in is over");
    let replay = half_way(&app, ADA).await;
    assert_eq!((show(&replay, &now).await.status.as_u16(), show(&replay, &earlier).await.status.as_u16()), (401, 401));
    assert!(!is_in(&replay).await);
    // The app's clock may be ahead by a step.
    let next = code(&ada.secret, app.clock.now() + TimeDelta::seconds(30));
    assert_eq!(show(&replay, &next).await.status, 200);
    app.later(TimeDelta::seconds(30));
    assert_eq!(show(&half_way(&app, ADA).await, &next).await.status, 401, "used up before its time");
}

/// The step of a code that was taken while the clock was put forward is later than all others: its owner would be kept out until then.
#[tokio::test]
async fn a_clock_that_jumps_keeps_nobody_out() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    app.later(TimeDelta::days(400));
    assert_eq!(show(&half_way(&app, ADA).await, &ada.code(&app)).await.status, 200);
    app.later(-TimeDelta::days(400));
    let now = ada.code(&app);
    assert_eq!(show(&half_way(&app, ADA).await, &now).await.status, 200);
    assert_eq!(show(&half_way(&app, ADA).await, &now).await.status, 401, "and still none works twice");
}

/// AUT-08, ASVS 6.5.1 and 6.5.2: each works once, is kept as a hash, and its use is told.
#[tokio::test]
async fn a_backup_code_works_once_and_its_owner_is_told() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let browser = half_way(&app, ADA).await;
    assert_eq!(show_backup(&browser, &ada.backup[3].to_lowercase()).await.status, 200);
    let sessions = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    assert!(sessions.as_array().unwrap().iter().any(|session| session["methods"] == json!(["password", "backup_code"])), "{sessions}");
    assert_eq!(browser.get(FACTOR).await.json()["backup_codes_left"], 9);
    assert_eq!(subjects(&app).await.pop().unwrap(), "A backup code of your account at Monitoring was used");
    assert_eq!(events(&app, "auth.backup_code.used").await, 1);
    let again = half_way(&app, ADA).await;
    assert_eq!(show_backup(&again, &ada.backup[3]).await.status, 401);
    let page = again.form("/sign-in/second", &[("backup_code", &ada.backup[3])]).await;
    assert!(
        page.status == 401 && page.text().contains("<details open>") && page.text().contains("another one from your list"),
        "{}",
        page.text()
    );
    assert_eq!(show_backup(&again, &ada.backup[4]).await.status, 200);
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("select code_hash from auth.backup_code").fetch_all(&mut *app.system().await).await.unwrap();
    assert!(hashes.iter().all(|hash| hash.len() == 32));
}

#[tokio::test]
async fn new_backup_codes_end_the_old_ones_and_the_last_is_asked_for_no_more() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let renewed = ada.browser.post(&format!("{FACTOR}/backup-codes"), &json!({})).await;
    let codes = strings(&renewed.json()["backup_codes"]);
    assert_eq!((renewed.status.as_u16(), codes.len()), (201, 10));
    assert!(codes.iter().all(|code| !ada.backup.contains(code)));
    assert_eq!(subjects(&app).await.pop().unwrap(), "Your account at Monitoring has new backup codes");
    assert_eq!(show_backup(&half_way(&app, ADA).await, &ada.backup[0]).await.status, 401);
    for code in &codes {
        assert_eq!(show_backup(&half_way(&app, ADA).await, code).await.status, 200);
    }
    let browser = app.browser();
    let asked = super::first(&browser, ADA, crate::app::PASSWORD, false).await;
    assert_eq!(asked.json()["methods"], json!(["totp"]));
    assert!(!browser.page("/sign-in/second").await.text().contains("name=\"backup_code\""));
    let page = ada.browser.form("/account/second-factor/backup-codes", &[]).await;
    assert_eq!(page.status, 201);
    assert!(ada.browser.page("/account/security").await.text().contains("10 left"));
}

#[tokio::test]
async fn whoever_has_no_second_factor_has_no_backup_codes() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    assert_eq!(ada.post(&format!("{FACTOR}/backup-codes"), &json!({})).await.status, 409);
    assert_eq!(app.count("select count(*) from auth.backup_code").await, 0);
}

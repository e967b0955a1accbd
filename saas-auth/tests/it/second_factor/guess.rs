use chrono::TimeDelta;
use saas_core::testing::TestClient;
use serde_json::{Value, json};

use super::{ADA, ENTRY, Holder, SECOND, events, half_way, is_in, show, show_backup, subjects};
use crate::app::App;

async fn at_once(browsers: Vec<TestClient>, body: &Value) -> Vec<u16> {
    let tasks: Vec<_> = browsers
        .into_iter()
        .map(|browser| {
            let body = body.clone();
            tokio::spawn(async move { browser.post(SECOND, &body).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    statuses
}

/// ASVS 6.5.1, topic 9: fifty at once, with one sign-in or with fifty, for a code of the app and for a backup code.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_show_one_code_at_once_one_comes_in() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    for nth in 0..4 {
        let body = if nth % 2 == 0 { json!({ "code": ada.code(&app) }) } else { json!({ "backup_code": ada.backup[nth] }) };
        let mut browsers = Vec::new();
        if nth < 2 {
            let entry = half_way(&app, ADA).await.cookie(ENTRY).unwrap();
            browsers.extend((0..50).map(|_| app.browser().with("cookie", &format!("{ENTRY}={entry}"))));
        } else {
            for _ in 0..50 {
                browsers.push(half_way(&app, ADA).await);
            }
        }
        let statuses = at_once(browsers, &body).await;
        assert_eq!(statuses[..2], [200, 401], "{nth}: {statuses:?}");
        app.later(TimeDelta::seconds(30));
    }
    assert_eq!(
        app.count("select count(*) from auth.session where methods && '{totp,backup_code}' and created_at > '2026-03-01T09:00:00Z'").await,
        4
    );
}

/// ASVS 6.6.3: five tries, and the first factor is asked for again.
#[tokio::test]
async fn five_wrong_codes_end_a_sign_in_that_waits() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let browser = half_way(&app, ADA).await;
    for nth in 0..5 {
        let wrong = if nth % 2 == 0 { show(&browser, "000000").await } else { show_backup(&browser, "AAAA").await };
        assert!(wrong.status == 401 && wrong.text().contains("is wrong"), "{nth}: {}", wrong.text());
    }
    let right = show(&browser, &ada.code(&app)).await;
    assert!(right.status == 401 && right.text().contains("Sign in again"), "{}", right.text());
    assert_eq!(show(&half_way(&app, ADA).await, &ada.code(&app)).await.status, 200, "nobody else is caught by that");
}

/// Topic 9: three codes of a million are right, so twenty tries are 6e-5 a day for whoever knows the password, of 1e-4 allowed; and the owner, who then is told, comes in with a backup code.
#[tokio::test]
async fn twenty_wrong_codes_a_day_are_answered_and_a_backup_code_still_opens() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    for _ in 0..4 {
        let thief = half_way(&app, ADA).await;
        for _ in 0..5 {
            assert_eq!(show(&thief, "000000").await.status, 401);
        }
    }
    assert_eq!(subjects(&app).await.pop().unwrap(), "Somebody tries to guess the codes of your account at Monitoring");
    assert_eq!((events(&app, "auth.second_factor.refused").await, events(&app, "auth.second_factor.throttled").await), (20, 1));
    let browser = half_way(&app, ADA).await;
    let refused = show(&browser, &ada.code(&app)).await;
    assert_eq!((refused.status.as_u16(), refused.headers["retry-after"].to_str().unwrap()), (429, "86400"));
    let page = browser.form("/sign-in/second", &[("code", &ada.code(&app))]).await;
    assert!(page.status == 429 && page.text().contains("A backup code still is"), "{}", page.text());
    assert_eq!(show_backup(&browser, &ada.backup[0]).await.status, 200);
    assert!(is_in(&browser).await);
    app.later(TimeDelta::days(1));
    assert_eq!(show(&half_way(&app, ADA).await, &ada.code(&app)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_codes_at_once_twenty_are_answered() {
    let app = App::new().await;
    Holder::new(&app, ADA).await;
    let mut browsers = Vec::new();
    for _ in 0..50 {
        browsers.push(half_way(&app, ADA).await);
    }
    let statuses = at_once(browsers, &json!({ "code": "000000" })).await;
    assert_eq!([401, 429].map(|wanted| statuses.iter().filter(|status| **status == wanted).count()), [20, 30], "{statuses:?}");
}

/// Exactly one code, and nothing that the database could not take.
#[tokio::test]
async fn what_is_no_code_is_refused_like_a_wrong_one() {
    let app = App::new().await;
    Holder::new(&app, ADA).await;
    let browser = half_way(&app, ADA).await;
    assert_eq!(browser.post(SECOND, &json!({})).await.status, 422);
    assert_eq!(browser.post(SECOND, &json!({ "code": "000000", "backup_code": "AAAA" })).await.status, 422);
    for odd in ["", "a\0b", "９９９９９９", &"9".repeat(5000)] {
        let browser = half_way(&app, ADA).await;
        assert_eq!((show(&browser, odd).await.status.as_u16(), show_backup(&browser, odd).await.status.as_u16()), (401, 401), "{odd:?}");
    }
}

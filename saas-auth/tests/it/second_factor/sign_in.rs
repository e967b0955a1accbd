use argon2::{Argon2, Params, PasswordHasher as _};
use chrono::TimeDelta;
use serde_json::json;

use super::{ADA, COOKIE, ENTRY, Holder, SECOND, first, half_way, is_in, is_pending, show};
use crate::{
    app::{App, PASSWORD, sign_in},
    mailbox::token,
};

/// ASVS 6.5.5, 6.6.2 and 6.6.3: what waits holds for ten minutes, for the account as it was, and is no session.
#[tokio::test]
async fn a_sign_in_that_waits_ends_after_ten_minutes_and_is_no_session() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let browser = half_way(&app, ADA).await;
    let token = browser.cookie(ENTRY).unwrap();
    let forged = app.browser().with("cookie", &format!("{COOKIE}={token}"));
    assert!(!is_in(&forged).await, "its token opens nothing");
    for path in ["/api/v1/me/second-factor", "/api/v1/auth/sessions", "/api/v1/me/profile", "/account/security"] {
        assert_eq!(browser.get(path).await.status, 401, "{path}");
    }
    app.later(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    let in_time = app.browser().with("cookie", &format!("{ENTRY}={token}"));
    assert_eq!(in_time.page("/sign-in/second").await.status, 200);
    app.later(TimeDelta::seconds(1));
    assert_eq!(show(&browser, &ada.code(&app)).await.status, 401);
    assert_eq!(browser.page("/sign-in/second").await.location(), Some("/sign-in"));
    let stranger = app.browser().post(SECOND, &json!({ "code": ada.code(&app) })).await;
    assert_eq!((stranger.status.as_u16(), is_pending(&stranger)), (401, false), "a code alone is nothing");
}

#[tokio::test]
async fn a_sign_in_that_waits_ends_with_the_password_the_address_or_the_person() {
    for change in [
        "update auth.account set password_hash = password_hash || 'x'",
        "update auth.account set email = 'new@example.com', email_key = 'new@example.com'",
        "update core.user set state = 'suspended'",
    ] {
        let app = App::new().await;
        let ada = Holder::new(&app, ADA).await;
        let browser = half_way(&app, ADA).await;
        let mut tx = app.system().await;
        sqlx::query(change).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(show(&browser, &ada.code(&app)).await.status, 401, "{change}");
        assert!(!is_in(&browser).await);
    }
}

/// A session that the browser had goes on until the second factor was shown, and ends then.
#[tokio::test]
async fn the_old_session_ends_when_the_new_one_begins() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let old = ada.browser.cookie(COOKIE).unwrap();
    let copy = app.browser().with("cookie", &format!("{COOKIE}={old}"));
    assert!(is_pending(&first(&ada.browser, ADA, PASSWORD, false).await));
    assert!(is_in(&copy).await);
    assert_eq!(show(&ada.browser, &ada.code(&app)).await.status, 200);
    assert!(is_in(&ada.browser).await && !is_in(&copy).await);
}

/// Topics 9 and 10: whoever reads the mail gets no further than whoever knows the password.
#[tokio::test]
async fn no_mailed_link_stands_in_for_the_second_factor() {
    let app = App::with(|builder| builder.sign_in_by_mail(true)).await;
    let ada = Holder::new(&app, ADA).await;
    let before = app.mailbox.all().await.len();
    app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let reset = json!({ "token": token(&app.mailbox.nth(before + 1).await), "new_password": "another one of mine 7" });
    let thief = app.browser();
    assert_eq!(thief.post("/api/v1/auth/reset/password", &reset).await.status, 204);
    assert!(!is_in(&thief).await);
    assert!(is_pending(&sign_in(&thief, ADA, "another one of mine 7", false).await), "the new password is the first factor");
    assert!(!is_in(&thief).await);

    for nth in 0..5 {
        let guess = app.browser().from_address([198, 51, 100, nth].into());
        assert_eq!(sign_in(&guess, ADA, "not the password at all", false).await.status, 401);
    }
    let mails = app.mailbox.all().await.len();
    app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await;
    let linked = json!({ "token": token(&app.mailbox.nth(mails + 1).await) });
    let somewhere = app.browser().from_address([198, 51, 100, 9].into());
    assert!(is_pending(&somewhere.post("/api/v1/auth/sign-in/link", &linked).await), "and so is a mail to sign in with");
    assert_eq!(show(&somewhere, &ada.code(&app)).await.status, 200);
}

/// A password that is hashed anew at this sign-in is still the one that was shown.
#[tokio::test]
async fn a_password_that_is_hashed_anew_ends_no_sign_in_that_waits() {
    let app = App::new().await;
    let ada = Holder::new(&app, ADA).await;
    let light = Argon2::from(Params::new(64, 1, 1, None).unwrap());
    let old = light.hash_password_with_salt(PASSWORD.as_bytes(), b"somesaltsomesalt").unwrap().to_string();
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = $1").bind(old).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let browser = half_way(&app, ADA).await;
    let after: String = sqlx::query_scalar("select password_hash from auth.account").fetch_one(&mut *app.system().await).await.unwrap();
    assert!(after.contains("m=19456"), "{after}");
    assert_eq!(show(&browser, &ada.code(&app)).await.status, 200);
}

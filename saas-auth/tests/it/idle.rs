//! Sessions that nobody uses (AUT-03, ASVS 7.3.1).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, Request};
use saas_auth::SessionIdle;
use saas_core::testing::TestClient;
use serde_json::json;

use crate::app::{App, COOKIE, PASSWORD, set_cookie, sign_in};

const ADA: &str = "ada@example.com";
const SECOND: TimeDelta = TimeDelta::seconds(1);

async fn last_used(app: &App) -> DateTime<Utc> {
    sqlx::query_scalar("select last_seen_at from auth.session where ended_at is null").fetch_one(&mut *app.system().await).await.unwrap()
}

/// Uses the session now, and waits until that is noted.
async fn used(app: &App, browser: &TestClient) {
    assert_eq!(browser.get("/person").await.status, 200);
    let (now, deadline) = (app.clock.now(), tokio::time::Instant::now() + Duration::from_secs(30));
    while last_used(app).await != now {
        assert!(tokio::time::Instant::now() < deadline, "the use is not noted");
        tokio::task::yield_now().await;
    }
}

/// Two hours, or seven days where it is remembered, since it was last used, to the second; what it was used for before does not count again.
#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    for (remember, idle) in [(false, TimeDelta::hours(2)), (true, TimeDelta::days(7))] {
        let app = App::new().await;
        app.account(ADA).await;
        let browser = app.browser();
        sign_in(&browser, ADA, PASSWORD, remember).await;
        for _ in 0..3 {
            app.later(idle - SECOND);
            used(&app, &browser).await;
        }
        let session = browser.get("/api/v1/auth/sessions").await.json()["items"][0].clone();
        let at = |name: &str| session[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert_eq!(at("ends_unused_at"), app.clock.now() + idle);
        assert!(at("expires_at") > at("ends_unused_at"));

        let id = session["id"].as_str().unwrap().parse().unwrap();
        app.later(idle - SECOND);
        assert!(app.auth.session_holds(id).await.unwrap());
        app.later(SECOND);
        assert!(!app.auth.session_holds(id).await.unwrap(), "no stream goes on with it");
        let token = browser.cookie(COOKIE).unwrap();
        let over = browser.get("/person").await;
        assert_eq!(over.status, 401, "remember {remember}");
        assert!(set_cookie(&over).unwrap().contains("Max-Age=0"), "the browser is told to forget it");
        let replay = app.browser().with("cookie", &format!("{COOKIE}={token}"));
        assert_eq!(replay.get("/person").await.status, 401);
        let again = app.signed_in(ADA).await;
        assert_eq!(again.get("/api/v1/auth/sessions").await.json()["items"].as_array().unwrap().len(), 1, "it is in no list");
    }
}

/// However often it is used, it ends after its day all the same.
#[tokio::test]
async fn use_prolongs_no_session_beyond_its_day() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    for _ in 0..23 {
        app.later(TimeDelta::hours(1));
        used(&app, &browser).await;
    }
    let session = browser.get("/api/v1/auth/sessions").await.json()["items"][0].clone();
    assert_eq!(session["ends_unused_at"], session["expires_at"]);
    app.later(TimeDelta::hours(1));
    assert_eq!(browser.get("/person").await.status, 401);
}

/// A page that is left open reads itself again when something changes, and opens its stream anew: nobody is there.
#[tokio::test]
async fn what_an_open_page_asks_by_itself_keeps_no_session() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let cookie = format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap());
    let by_itself = async |name: &str, value: &str| {
        let request = Request::get("http://localhost:3000/person").header("cookie", &cookie).header(name, value);
        app.browser().send(request.body(axum::body::Body::empty()).unwrap()).await.status.as_u16()
    };
    let began = last_used(&app).await;
    for _ in 0..11 {
        app.later(TimeDelta::minutes(10));
        assert_eq!(by_itself("x-fragment", "1").await, 200);
        assert_eq!(by_itself("accept", "text/event-stream").await, 200);
    }
    // Whatever was noted of these would be noted before this is.
    app.later(TimeDelta::minutes(10) - SECOND);
    assert_eq!(last_used(&app).await, began);
    // What somebody types is asked about too, with the same header.
    let typed = browser.clone().with("x-fragment", "1").json(Method::PUT, "/api/v1/me/profile", &json!({ "name": "Ada" })).await;
    assert_eq!(typed.status, 200, "{}", typed.text());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while last_used(&app).await != app.clock.now() {
        assert!(tokio::time::Instant::now() < deadline, "the use is not noted");
        tokio::task::yield_now().await;
    }
    app.later(TimeDelta::hours(2) - SECOND);
    assert_eq!(by_itself("x-fragment", "1").await, 200);
    app.later(SECOND);
    assert_eq!(by_itself("x-fragment", "1").await, 401);
}

/// A setting that changed holds for sessions that there are too.
#[tokio::test]
async fn another_time_holds_at_once() {
    let app = App::new().await;
    app.account(ADA).await;
    let token = app.signed_in(ADA).await.cookie(COOKIE).unwrap();
    let idle = SessionIdle::new(TimeDelta::minutes(30), TimeDelta::days(1)).unwrap();
    let stricter = app.again_with(|builder| builder.session_idle(idle));
    let status = async |client: TestClient| client.with("cookie", &format!("{COOKIE}={token}")).get("/person").await.status.as_u16();
    app.later(TimeDelta::minutes(30));
    assert_eq!(status(stricter.browser()).await, 401);
    assert_eq!(status(app.browser()).await, 200);
}

/// Whoever is leaving can come back with the session in which they signed in, until its time is over.
#[tokio::test]
async fn a_session_of_whoever_is_leaving_ends_unused_too() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    browser.post("/api/v1/me/deletion", &json!({ "password": PASSWORD })).await;
    let body = json!({ "token": crate::mailbox::token(&app.mailbox.nth(2).await) });
    assert_eq!(app.browser().post("/api/v1/me/deletion/confirm", &body).await.status, 200);
    sign_in(&browser, ADA, PASSWORD, false).await;
    app.later(TimeDelta::hours(2));
    assert_eq!(browser.form("/account/leaving/export", &[]).await.location(), Some("/sign-in"));
}

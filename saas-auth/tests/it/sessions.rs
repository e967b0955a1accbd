use std::time::Duration;

use chrono::TimeDelta;
use saas_auth::{PAGES, SessionEnder};
use saas_core::{Email, SessionId, pages::Pages, testing::TestClient};

use crate::app::{App, COOKIE, PASSWORD, set_cookie, sign_in};

const ADA: &str = "ada@example.com";

async fn ids(browser: &TestClient) -> Vec<(String, bool)> {
    let list = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    list.as_array().unwrap().iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it["current"].as_bool().unwrap())).collect()
}

/// AUT-03: after sign-out a copy of the cookie is worth nothing.
#[tokio::test]
async fn signing_out_ends_the_session_in_the_database() {
    let app = App::new().await;
    app.account(ADA).await;
    for path in ["/sign-out", "/api/v1/auth/sign-out"] {
        let browser = app.signed_in(ADA).await;
        let copy = app.browser().with("cookie", &format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap()));
        assert_eq!(copy.get("/person").await.status, 200);
        let answer = browser.form(path, &[]).await;
        assert!(answer.status == 303 || answer.status == 204, "{path}: {}", answer.status);
        assert_eq!(browser.cookie(COOKIE), None);
        assert_eq!(copy.get("/person").await.status, 401, "{path}");
        assert!(browser.form(path, &[]).await.status.as_u16() < 400, "signing out twice is no error");
    }
}

/// AUT-03: one sees where one is signed in, and ends any of it.
#[tokio::test]
async fn a_person_lists_and_ends_their_sessions() {
    let app = App::new().await;
    app.account(ADA).await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let other = app.browser().with("user-agent", firefox);
    sign_in(&other, ADA, PASSWORD, true).await;
    app.later(TimeDelta::minutes(5));
    let browser = app.signed_in(ADA).await;

    let list = browser.get("/api/v1/auth/sessions?sort=-last_seen_at").await.json()["items"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!((&list[0]["current"], &list[1]["current"]), (&true.into(), &false.into()), "the last used comes first");
    assert_eq!(list[1]["address"], "192.0.2.1");
    assert_eq!(list[1]["remembered"], true);
    assert_eq!(list[1]["user_agent"], firefox);
    assert!(!list.to_string().contains("token"), "{list}");

    let page = browser.page("/sessions").await.text();
    for part in ["Firefox on Linux", "Unknown browser", "192.0.2.1", "This browser"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let ended = browser.form(&format!("/sessions/{}/end", list[1]["id"].as_str().unwrap()), &[]).await;
    assert_eq!(ended.location(), Some("/sessions"));
    assert_eq!(other.get("/person").await.status, 401, "ended from the next request on");
    assert_eq!(browser.get("/person").await.status, 200);
    assert_eq!(ids(&browser).await.len(), 1);
}

#[tokio::test]
async fn all_other_sessions_end_together() {
    let app = App::new().await;
    app.account(ADA).await;
    let others = [app.signed_in(ADA).await, app.signed_in(ADA).await];
    let browser = app.signed_in(ADA).await;
    assert_eq!(browser.form("/sessions/end-others", &[]).await.location(), Some("/sessions"));
    for other in others {
        assert_eq!(other.get("/person").await.status, 401);
    }
    assert_eq!(ids(&browser).await.len(), 1);
}

const OPEN: &str = "select count(*) from auth.session where ended_at is null";

/// What this clock calls over may go on by that of another server: it ends with all others, and no event speaks of it.
#[tokio::test]
async fn what_is_over_by_this_clock_ends_with_all_others() {
    let app = App::new().await;
    app.account(ADA).await;
    app.signed_in(ADA).await;
    app.later(TimeDelta::hours(25));
    let browser = app.signed_in(ADA).await;
    assert_eq!(app.count(OPEN).await, 2);
    let ended = browser.form("/sessions/end-others", &[]).await;
    assert!(ended.status.as_u16() < 400, "{}", ended.status);
    assert_eq!((app.count(OPEN).await, browser.get("/person").await.status.as_u16()), (1, 200));
    let told = "select count(*) from data.audit_entry where action = 'auth.sessions.ended'";
    assert_eq!(app.count(told).await, 0);
    app.signed_in(ADA).await;
    browser.form("/sessions/end-others", &[]).await;
    assert_eq!((app.count(OPEN).await, app.count(told).await), (1, 1));
}

/// An operator ends those too that are over, and tells nobody who has not been here for a while.
#[tokio::test]
async fn an_operator_ends_what_is_over_and_tells_whoever_was_here_lately() {
    let app = App::new().await;
    app.account(ADA).await;
    let pages = Pages::builder().product("Monitoring").add(PAGES).build().unwrap();
    let ender = SessionEnder::new(&app.test.db, app.mailbox.outbox.clone(), pages);
    let ada: Email = ADA.parse().unwrap();
    for (later, people) in [(TimeDelta::hours(25), 1), (TimeDelta::hours(49), 0)] {
        app.signed_in(ADA).await;
        app.later(later);
        let before = app.mailbox.all().await.len();
        let ended = ender.of_all("a test").await.unwrap();
        assert_eq!((ended.people, app.count(OPEN).await), (people, 0));
        assert_eq!(app.mailbox.all().await.len() - before, usize::try_from(people).unwrap());
        assert_eq!(ender.of_person(&ada, "again").await.unwrap().unwrap().people, 0);
    }
}

#[tokio::test]
async fn ending_the_session_at_hand_takes_its_cookie() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let (id, _) = ids(&browser).await.remove(0);
    let answer = browser.delete(&format!("/api/v1/auth/sessions/{id}")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(browser.cookie(COOKIE), None);
}

/// Somebody else's session is as unknown as one that never was.
#[tokio::test]
async fn nobody_sees_or_ends_another_persons_session() {
    let app = App::new().await;
    app.account(ADA).await;
    app.account("eve@example.com").await;
    let (ada, eve) = (app.signed_in(ADA).await, app.signed_in("eve@example.com").await);
    let (adas, _) = ids(&ada).await.remove(0);
    assert!(ids(&eve).await.iter().all(|(id, _)| *id != adas));
    let never_was = SessionId::new().to_string();
    let theirs = eve.delete(&format!("/api/v1/auth/sessions/{adas}")).await;
    let nobodys = eve.delete(&format!("/api/v1/auth/sessions/{never_was}")).await;
    assert_eq!((theirs.status.as_u16(), &theirs.body), (404, &nobodys.body));
    assert_eq!(eve.form(&format!("/sessions/{adas}/end"), &[]).await.status, 404);
    assert_eq!(eve.delete("/api/v1/auth/sessions/not-an-id").await.status, 404);
    eve.form("/sessions/end-others", &[]).await;
    assert_eq!(ada.get("/person").await.status, 200);
}

#[tokio::test]
async fn a_stranger_has_no_sessions() {
    let app = App::new().await;
    let never_was = SessionId::new();
    assert_eq!(app.browser().get("/api/v1/auth/sessions").await.status, 401);
    assert_eq!(app.browser().get("/api/v1/auth/me").await.status, 401);
    assert_eq!(app.browser().delete(&format!("/api/v1/auth/sessions/{never_was}")).await.status, 401);
    assert_eq!(app.browser().page("/sessions").await.location(), Some("/sign-in?next=%2Fsessions"));
}

/// Whatever a client calls itself, it signs in, and what is kept fits.
#[tokio::test]
async fn an_odd_user_agent_is_kept_as_far_as_it_is_text() {
    let app = App::new().await;
    app.account(ADA).await;
    let long = "ä".repeat(600);
    let browser = app.browser().with("user-agent", &long);
    assert_eq!(sign_in(&browser, ADA, PASSWORD, false).await.status, 200);
    let kept = browser.get("/api/v1/auth/sessions").await.json()["items"][0]["user_agent"].as_str().unwrap().chars().count();
    assert_eq!(kept, 300);

    let mut request = http::Request::post("/api/v1/auth/sign-in")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(format!(r#"{{"email":"{ADA}","password":"{PASSWORD}"}}"#)))
        .unwrap();
    let odd = http::HeaderValue::from_bytes(b"\xff\xfe agent\x80").unwrap();
    request.headers_mut().insert("user-agent", odd);
    assert_eq!(app.browser().send(request).await.status, 200);
}

/// Design 12.15: the time of use is written off the request and at most once a minute.
#[tokio::test]
async fn the_time_of_use_is_noted_once_a_minute() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let notes = || app.test.db.system_uses().get("session last seen").copied().unwrap_or_default();
    app.later(TimeDelta::seconds(60));
    browser.get("/person").await;
    assert_eq!(notes(), 0, "a minute has not passed");
    app.later(TimeDelta::seconds(1));
    browser.get("/person").await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let now = app.clock.now();
    loop {
        let seen: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("select last_seen_at from auth.session").fetch_one(&mut *app.system().await).await.unwrap();
        if seen == now {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "the use is noted");
        tokio::task::yield_now().await;
    }
    let written = notes();
    for _ in 0..5 {
        browser.get("/person").await;
    }
    assert_eq!(notes(), written, "and not again within the minute");
}

#[tokio::test]
async fn only_a_hash_of_the_token_is_kept() {
    let app = App::new().await;
    app.account(ADA).await;
    let token = app.signed_in(ADA).await.cookie(COOKIE).unwrap();
    let row: String = sqlx::query_scalar("select to_jsonb(s)::text from auth.session s").fetch_one(&mut *app.system().await).await.unwrap();
    assert!(!row.contains(&token));
}

/// Memberships come with the session, as they are at that moment.
#[tokio::test]
async fn a_session_shows_the_living_tenants_that_its_person_belongs_to() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let tenants = [app.test.tenant("acme").await, app.test.tenant("gone").await, app.test.tenant("left").await];
    app.test.tenant("other").await;
    for tenant in tenants {
        app.test.member(tenant, user, "member").await;
    }
    let mut tx = app.system().await;
    sqlx::query("update core.tenant set state = 'suspended' where slug = 'gone'").execute(&mut *tx).await.unwrap();
    sqlx::query("update core.member set left_at = joined_at where tenant_id = $1").bind(tenants[2]).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let me = browser.get("/api/v1/auth/me").await.json();
    let memberships =
        serde_json::json!([{ "id": tenants[0], "slug": "acme", "name": "acme", "role": "member", "second_factor_required": false }]);
    assert_eq!(me["memberships"], memberships);
}

#[tokio::test]
async fn a_cookie_that_is_no_session_is_taken_away() {
    let app = App::new().await;
    for value in ["", "x", &"A".repeat(43), &"A".repeat(4000)] {
        let answer = app.browser().with("cookie", &format!("{COOKIE}={value}")).get("/open").await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "open"));
        let cookie = set_cookie(&answer).unwrap();
        assert!(cookie.starts_with("__Host-session=;") && cookie.contains("Max-Age=0") && cookie.contains("Secure"), "{cookie}");
    }
    assert_eq!(set_cookie(&app.browser().with("cookie", "other=1").get("/open").await), None);
}

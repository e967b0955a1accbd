use std::time::Duration;

use argon2::{Argon2, Params, PasswordHasher as _};
use chrono::TimeDelta;
use serde_json::json;

use crate::app::{App, COOKIE, PASSWORD, plain, pointers, set_cookie, sign_in};

const ADA: &str = "ada@example.com";

/// AUT-03, topic 6: what the cookie may do and how long it lives.
#[tokio::test]
async fn the_cookie_is_protected_and_ends_with_the_browser_unless_remembered() {
    let app = App::new().await;
    app.account(ADA).await;
    let plain = set_cookie(&sign_in(&app.browser(), ADA, PASSWORD, false).await).unwrap();
    let (value, attributes) = plain.split_once("; ").unwrap();
    assert_eq!(value.strip_prefix("__Host-session=").map(str::len), Some(43));
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");

    let kept = set_cookie(&sign_in(&app.browser(), ADA, PASSWORD, true).await).unwrap();
    assert!(kept.ends_with("; Max-Age=2592000"), "{kept}");

    let form = [("email", ADA), ("password", PASSWORD), ("remember", "true")];
    let from_page = set_cookie(&app.browser().form("/sign-in", &form).await).unwrap();
    assert!(from_page.ends_with("; Max-Age=2592000"), "{from_page}");
}

#[tokio::test]
async fn on_an_insecure_network_the_cookie_has_another_name() {
    let app = App::with(|builder| builder.insecure_lan(true)).await;
    app.account(ADA).await;
    let browser = app.browser();
    let cookie = set_cookie(&sign_in(&browser, ADA, PASSWORD, false).await).unwrap();
    assert!(cookie.starts_with("lan-session=") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(browser.get("/person").await.status, 200);
}

/// AUT-03: 24 hours, or 30 days when remembered, to the second.
#[tokio::test]
async fn a_session_lives_a_day_and_a_remembered_one_thirty() {
    let app = App::new().await;
    app.account(ADA).await;
    for (remember, lifetime) in [(false, TimeDelta::hours(24)), (true, TimeDelta::days(30))] {
        let browser = app.browser();
        sign_in(&browser, ADA, PASSWORD, remember).await;
        app.later(lifetime - TimeDelta::seconds(1));
        app.used().await;
        assert_eq!(browser.get("/person").await.status, 200, "remember {remember}");
        app.later(TimeDelta::seconds(1));
        let expired = browser.get("/person").await;
        assert_eq!(expired.status, 401, "remember {remember}");
        assert!(set_cookie(&expired).unwrap().contains("Max-Age=0"), "the browser is told to forget it");
        assert_eq!(browser.cookie(COOKIE), None);
    }
}

/// AUT-03, topic 6: a new id at sign-in, and the old one ends.
#[tokio::test]
async fn signing_in_again_gives_a_new_session_in_place_of_the_old() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let old = browser.cookie(COOKIE).unwrap();
    sign_in(&browser, ADA, PASSWORD, false).await;
    assert_ne!(browser.cookie(COOKIE).unwrap(), old);
    assert_eq!(browser.get("/person").await.status, 200);
    let replay = app.browser().with("cookie", &format!("{COOKIE}={old}")).get("/person").await;
    assert_eq!(replay.status, 401);
    assert_eq!(browser.get("/api/v1/auth/sessions").await.json()["items"].as_array().unwrap().len(), 1);
}

/// Topic 6: a session that somebody planted is never the one that a person signs in with.
#[tokio::test]
async fn a_planted_cookie_is_worth_nothing_after_sign_in() {
    let app = App::new().await;
    app.account(ADA).await;
    app.account("eve@example.com").await;
    let eve = app.signed_in("eve@example.com").await;
    let planted = eve.cookie(COOKIE).unwrap();
    let never_was = "A".repeat(43);
    for value in [planted, never_was] {
        let victim = app.browser().with("cookie", &format!("{COOKIE}={value}"));
        let cookie = set_cookie(&sign_in(&victim, ADA, PASSWORD, false).await).unwrap();
        assert!(!cookie.contains(&value), "{cookie}");
        let attacker = app.browser().with("cookie", &format!("{COOKIE}={value}"));
        assert_eq!(attacker.get("/person").await.status, 401, "the planted session ended or never was");
    }
}

/// Topic 7: the same answer whether the account, the password or the right to sign in is missing.
#[tokio::test]
async fn whoever_cannot_sign_in_gets_the_same_answer() {
    let app = App::new().await;
    app.account(ADA).await;
    let suspended = app.account("eve@example.com").await;
    let mut tx = app.system().await;
    sqlx::query("update core.user set state = 'suspended' where id = $1").bind(suspended).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();

    let mut answers = Vec::new();
    let mut pages = Vec::new();
    for (email, password) in [(ADA, "wrong password here"), ("nobody@example.com", PASSWORD), ("eve@example.com", PASSWORD)] {
        let answer = sign_in(&app.browser(), email, password, false).await;
        assert_eq!((answer.status.as_u16(), set_cookie(&answer)), (401, None), "{email}");
        answers.push(answer.text());
        let elsewhere = app.browser().from_address("192.0.2.2".parse().unwrap());
        let page = elsewhere.form("/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(page.status, 401);
        assert!(page.text().contains("The address or the password is wrong."), "{}", page.text());
        pages.push(plain(&page).replace(email, ""));
    }
    answers.dedup();
    pages.dedup();
    assert_eq!((answers.len(), pages.len()), (1, 1), "{answers:?}");
}

#[tokio::test]
async fn a_suspended_persons_sessions_end_at_once() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let mut tx = app.system().await;
    sqlx::query("update core.user set state = 'suspended' where id = $1").bind(user).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(browser.get("/person").await.status, 401);
}

#[tokio::test]
async fn what_cannot_be_credentials_is_refused_before_any_work() {
    let app = App::new().await;
    let long = "a".repeat(1025);
    for (body, expected) in [
        (json!({}), vec!["/email", "/password"]),
        (json!({ "email": "ada", "password": "x" }), vec!["/email"]),
        (json!({ "email": "ada@example.com\0", "password": "x" }), vec!["/email"]),
        (json!({ "email": ADA, "password": long }), vec!["/password"]),
        (json!({ "email": ADA, "password": "x\0" }), vec!["/password"]),
        (json!({ "email": ADA, "password": "x", "remember": "yes" }), vec!["/remember"]),
        (json!({ "email": ADA, "password": "x", "user": 1 }), vec!["/user"]),
    ] {
        let answer = app.browser().post("/api/v1/auth/sign-in", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, expected.iter().map(ToString::to_string).collect()), "{body}");
    }
    let page = app.browser().form("/sign-in", &[("email", "ada"), ("password", "secret-words")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("Enter an address") && !page.text().contains("secret-words"), "{}", page.text());
}

/// The person ends where they wanted to go, and never on another host.
#[tokio::test]
async fn nobody_is_sent_to_another_host_after_sign_in() {
    let app = App::new().await;
    app.account(ADA).await;
    for (next, expected) in [
        ("/devices?page=2", "/devices?page=2"),
        ("//evil.example", "/person"),
        ("/\\evil.example", "/person"),
        ("https://evil.example", "/person"),
        ("/\t/evil.example", "/person"),
        ("javascript:alert(1)", "/person"),
        ("", "/person"),
    ] {
        let browser = app.browser();
        let answer = browser.form("/sign-in", &[("email", ADA), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!(answer.location(), Some(expected), "{next:?}");
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let again = browser.page(&format!("/sign-in?next={query}")).await;
        assert_eq!(again.location(), Some(expected), "who is signed in goes straight there: {next:?}");
        assert!(!app.browser().page(&format!("/sign-in?next={query}")).await.text().contains("evil"), "{next:?}");
    }
}

/// A stranger who asks for a page signs in first, and is brought back.
#[tokio::test]
async fn a_stranger_who_asks_for_a_page_is_sent_to_sign_in() {
    let app = App::new().await;
    let answer = app.browser().page("/person").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, Some("/sign-in?next=%2Fperson")));
    assert_eq!(app.browser().get("/person").await.status, 401);
}

#[tokio::test]
async fn a_hash_with_old_parameters_is_made_anew_at_sign_in() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let light = Argon2::from(Params::new(64, 1, 1, None).unwrap());
    let old = light.hash_password_with_salt(PASSWORD.as_bytes(), b"somesaltsomesalt").unwrap().to_string();
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = $2 where user_id = $1").bind(user).bind(old).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    app.signed_in(ADA).await;
    let now: String = sqlx::query_scalar("select password_hash from auth.account").fetch_one(&mut *app.system().await).await.unwrap();
    assert!(now.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{now}");
    app.signed_in(ADA).await;
}

/// Topic 21: a flood costs bounded memory, and who does not fit is told when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ins_is_shed_rather_than_queued() {
    let app = App::new().await;
    app.account(ADA).await;
    let attempts: Vec<_> = (0..200)
        .map(|_| {
            let browser = app.browser();
            tokio::spawn(async move { sign_in(&browser, ADA, PASSWORD, false).await })
        })
        .collect();
    let mut served = 0;
    let mut shed = 0;
    for attempt in attempts {
        let answer = tokio::time::timeout(Duration::from_secs(60), attempt).await.expect("nobody waits for ever").unwrap();
        match answer.status.as_u16() {
            200 => served += 1,
            503 => {
                assert_eq!(answer.headers["retry-after"], "2");
                shed += 1;
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert!(served >= 64 && shed > 0, "served {served}, shed {shed}");
    // 200 at once would have taken 3,800 MiB.
    let peak = peak_memory_mib();
    assert!(peak.is_none_or(|mib| mib < 1_000), "{peak:?} MiB");
    assert_eq!(app.signed_in(ADA).await.get("/person").await.status, 200);
}

/// The most memory that this process ever had, where the system says so.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use saas_auth::{BreachedPasswords, BreachedPasswordsError};
use saas_core::{
    Secret,
    testing::{Answer, TestClient},
};
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, pointers, sign_in},
    mailbox::token,
};

const ADA: &str = "ada@example.com";
const NEW: &str = "another one of mine 7";

async fn change(browser: &TestClient, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    browser.json(Method::PUT, "/api/v1/auth/password", &body).await
}

async fn ask_for_data(browser: &TestClient, password: &str) -> Answer {
    browser.post("/api/v1/me/exports", &json!({ "password": password })).await
}

/// AUT-07: others end, this one goes on under another token and id, and the owner is told.
#[tokio::test]
async fn whoever_knows_the_password_changes_it_and_stays_signed_in_here_alone() {
    let app = App::new().await;
    app.account(ADA).await;
    let elsewhere = app.signed_in(ADA).await;
    let browser = app.browser().with("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    sign_in(&browser, ADA, PASSWORD, true).await;
    let id = browser.get("/api/v1/auth/sessions").await.json()["items"][0]["id"].clone();
    let old = browser.cookie(COOKIE).unwrap();
    assert!(browser.page("/account/security").await.text().contains("name=\"current_password\""));

    let done = browser.form("/account/password", &[("current_password", PASSWORD), ("new_password", NEW)]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/account/security?done=password")));
    assert!(browser.page("/account/security?done=password").await.text().contains("Your password was changed"));
    assert_eq!(elsewhere.get("/person").await.status, 401, "every other session has ended");
    let sessions = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 1);
    assert_ne!(sessions[0]["id"], id);
    assert_eq!(sessions[0]["remembered"], true);
    assert_ne!(browser.cookie(COOKIE).unwrap(), old);
    let replay = app.browser().with("cookie", &format!("{COOKIE}={old}"));
    assert_eq!(replay.get("/person").await.status, 401);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
    assert_eq!(sign_in(&app.browser(), ADA, NEW, false).await.status, 200);

    let notice = app.mailbox.nth(2).await;
    assert_eq!((notice.to.as_str(), notice.subject.as_str()), (ADA, "Your password at Monitoring was changed"));
    for part in ["192.0.2.1", "Firefox on Linux", "1 Mar 2026"] {
        assert!(notice.text.contains(part), "{part}: {}", notice.text);
    }
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.password.changed'").await, 1);
}

#[tokio::test]
async fn a_password_is_not_changed_without_the_one_that_there_is_or_to_a_weak_one() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let cookie = browser.cookie(COOKIE);
    let long = "x".repeat(1025);
    for (current, new, expected) in [
        ("", "", vec!["/current_password", "/new_password"]),
        ("not this one", NEW, vec!["/current_password"]),
        (long.as_str(), NEW, vec!["/current_password"]),
        ("x\0", NEW, vec!["/current_password"]),
        (PASSWORD, "short", vec!["/new_password"]),
        (PASSWORD, "password1234", vec!["/new_password"]),
        (PASSWORD, "ada@example.com", vec!["/new_password"]),
    ] {
        let answer = change(&browser, current, new).await;
        assert_eq!(
            (answer.status.as_u16(), pointers(&answer)),
            (422, expected.iter().map(ToString::to_string).collect()),
            "{current:?} {new:?}"
        );
    }
    let page = browser.form("/account/password", &[("current_password", "not this one"), ("new_password", NEW)]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("This is not your password.") && !page.text().contains(NEW), "{}", page.text());
    assert_eq!(browser.cookie(COOKIE), cookie);
    assert_eq!(app.browser().json(Method::PUT, "/api/v1/auth/password", &json!({})).await.status, 401);
    assert_eq!(app.browser().page("/account/security").await.location(), Some("/sign-in?next=%2Faccount%2Fsecurity"));
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200, "it is the same still");
}

/// AUT-01, ASVS 6.2.11: the organizations that somebody belongs to are what an attacker tries, wherever the person chooses a password.
#[tokio::test]
async fn no_password_is_made_of_the_name_of_an_organization() {
    const MADE_OF_IT: &str = "Zwetschgenhof 2026!";
    let app = App::new().await;
    let user = app.account(ADA).await;
    let unconfirmed = {
        app.sign_up("bob@example.com").await;
        let mut tx = app.system().await;
        sqlx::query_scalar("select user_id from auth.account where email = 'bob@example.com'").fetch_one(&mut *tx).await.unwrap()
    };
    let verify = token(&app.mailbox.nth(2).await);
    let browser = app.signed_in(ADA).await;
    app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let reset = token(&app.mailbox.nth(3).await);
    let tries = async || {
        [
            change(&browser, PASSWORD, MADE_OF_IT).await,
            app.browser().post("/api/v1/auth/reset/password", &json!({ "token": reset, "new_password": MADE_OF_IT })).await,
            app.browser().post("/api/v1/auth/verify", &json!({ "token": verify, "new_password": MADE_OF_IT })).await,
        ]
    };
    let tenant = app.test.tenant("zwetschgenhof").await;
    let mut tx = app.system().await;
    sqlx::query("update core.tenant set name = 'Zwetschgenhof GmbH' where id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    for person in [user, unconfirmed] {
        app.test.member(tenant, person, "member").await;
    }
    for state in ["active", "suspended"] {
        let mut tx = app.system().await;
        sqlx::query("update core.tenant set state = $2 where id = $1").bind(tenant).bind(state).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        for answer in tries().await {
            assert_eq!(answer.status, 422, "{}", answer.text());
            assert!(answer.text().contains("easy to guess for somebody who knows your name or address"), "{}", answer.text());
        }
    }
    // Whoever does not belong to it may call it so.
    let mut tx = app.system().await;
    sqlx::query("update core.member set left_at = joined_at where tenant_id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let reached = tries().await.map(|answer| answer.status.as_u16());
    assert_eq!(reached[0], 204, "it is what it was before: {reached:?}");
    assert!(reached[2] < 300, "{reached:?}");
}

/// Passwords that were stolen before; away, it fails.
#[derive(Debug)]
struct Stolen {
    is_away: bool,
}

#[async_trait::async_trait]
impl BreachedPasswords for Stolen {
    async fn contains(&self, password: &Secret) -> Result<bool, BreachedPasswordsError> {
        if self.is_away {
            Err(BreachedPasswordsError("it is away".into()))
        } else {
            Ok(password.expose() == "stolen from somewhere else 5")
        }
    }
}

/// AUT-01, ASVS 6.2.4, 6.2.12: wherever a password is chosen, from the list that the program carries and from whoever else knows.
#[tokio::test]
async fn a_stolen_password_is_refused_wherever_one_is_chosen() {
    let app = App::with(|builder| builder.breached_passwords(Stolen { is_away: false })).await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    app.browser().post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let reset = token(&app.mailbox.nth(2).await);
    app.sign_up("bob@example.com").await;
    let verify = token(&app.mailbox.nth(3).await);
    for stolen in ["WpGyUGVME58XGhiO", "wpgyugvme58xghio", "stolen from somewhere else 5"] {
        let answers = [
            app.browser().post("/api/v1/auth/sign-up", &json!({ "name": "Eve", "email": "eve@example.com", "password": stolen })).await,
            app.browser().post("/api/v1/auth/reset/password", &json!({ "token": reset, "new_password": stolen })).await,
            app.browser().post("/api/v1/auth/verify", &json!({ "token": verify, "new_password": stolen })).await,
            change(&browser, PASSWORD, stolen).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, 422, "{stolen}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["detail"], "is in a list of stolen passwords");
        }
    }
    let page = browser.form("/account/password", &[("current_password", PASSWORD), ("new_password", "WpGyUGVME58XGhiO")]).await;
    assert!(page.text().contains("in a list of stolen passwords"), "{}", page.text());
    assert_eq!(change(&browser, PASSWORD, NEW).await.status, 204);
}

/// Whoever makes a service fail keeps nobody from choosing a password; what the program carries is still asked.
#[tokio::test]
async fn a_list_of_stolen_passwords_that_is_away_stops_nobody() {
    let app = App::with(|builder| builder.breached_passwords(Stolen { is_away: true })).await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    assert_eq!(change(&browser, PASSWORD, "WpGyUGVME58XGhiO").await.status, 422);
    assert_eq!(change(&browser, PASSWORD, NEW).await.status, 204);
}

/// Whoever finds a browser open does not guess the password there: five times are counted, however many are tried at once, and it keeps nobody
/// from signing in.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_guesses_at_the_current_password_five_are_answered() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let guesses: Vec<_> = (0..50)
        .map(|nth| {
            let browser = browser.clone();
            tokio::spawn(async move { change(&browser, &format!("a guess, number {nth}"), NEW).await })
        })
        .collect();
    let (mut wrong, mut refused) = (0, 0);
    for guess in guesses {
        let answer = guess.await.unwrap();
        match answer.status.as_u16() {
            422 => wrong += 1,
            429 => {
                assert_eq!(answer.headers["retry-after"], "900");
                refused += 1;
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((wrong, refused), (5, 45));
    assert_eq!(change(&browser, PASSWORD, NEW).await.status, 429, "not even the right one is looked at");
    let page = browser.form("/account/password", &[("current_password", PASSWORD), ("new_password", NEW)]).await;
    assert_eq!((page.status.as_u16(), &page.headers["retry-after"]), (429, &http::HeaderValue::from_static("900")));
    assert!(page.text().contains("wrong too often"), "{}", page.text());
    assert_eq!(app.signed_in(ADA).await.get("/person").await.status, 200, "signing in is another matter");
    app.later(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    assert_eq!(change(&browser, PASSWORD, NEW).await.status, 429);
    app.later(TimeDelta::seconds(1));
    assert_eq!(change(&browser, PASSWORD, NEW).await.status, 204);
}

/// Whoever finds a browser open does not guess by turns at the password and where their data is asked for: five times are counted for both.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_guesses_at_the_password_wherever_it_is_asked_for_five_are_answered() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let guesses: Vec<_> = (0..50)
        .map(|nth| {
            let (browser, guess) = (browser.clone(), format!("a guess, number {nth}"));
            tokio::spawn(async move {
                match nth % 2 {
                    0 => ask_for_data(&browser, &guess).await,
                    _ => change(&browser, &guess, NEW).await,
                }
            })
        })
        .collect();
    let (mut wrong, mut refused) = (0, 0);
    for guess in guesses {
        let answer = guess.await.unwrap();
        match answer.status.as_u16() {
            422 => wrong += 1,
            429 => {
                assert_eq!(answer.headers["retry-after"], "900");
                refused += 1;
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((wrong, refused), (5, 45));
    assert_eq!(ask_for_data(&browser, PASSWORD).await.status, 429, "not even the right one is looked at");
    let page = browser.form("/account/export", &[("password", PASSWORD)]).await;
    assert_eq!((page.status.as_u16(), &page.headers["retry-after"]), (429, &http::HeaderValue::from_static("900")));
    assert!(page.text().contains("You tried this too often"), "{}", page.text());
    let recorded = "select count(*) from data.outbox where name in ('auth.export.refused', 'auth.password.change_refused')";
    assert_eq!(app.count(recorded).await, 5);
    assert_eq!(app.mailbox.all().await.len(), 1, "nothing was mailed but the first link");
    app.later(TimeDelta::minutes(15));
    assert_eq!(ask_for_data(&browser, PASSWORD).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_changes_at_once_one_succeeds() {
    let app = App::new().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let cookie = format!("{COOKIE}={}", browser.cookie(COOKIE).unwrap());
    let changes: Vec<_> = (0..50)
        .map(|nth| {
            let copy = app.browser().with("cookie", &cookie);
            tokio::spawn(async move { change(&copy, PASSWORD, &format!("the password of number {nth}")).await })
        })
        .collect();
    let mut won = 0;
    for change in changes {
        let answer = change.await.unwrap();
        match answer.status.as_u16() {
            204 => won += 1,
            // Too late: the password is another one, the session is over, or the attempts with the old password are used up.
            401 | 422 | 429 => {}
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(app.count("select count(*) from auth.session where ended_at is null").await, 1);
}

/// Whoever signs in with the old password while it is being changed has no session afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_waits_for_a_change_of_the_password_that_is_under_way() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let mut tx = app.system().await;
    sqlx::query("update auth.account set password_hash = password_hash || 'x' where user_id = $1")
        .bind(user)
        .execute(&mut *tx)
        .await
        .unwrap();
    let browser = app.browser();
    let signing_in = tokio::spawn(async move { sign_in(&browser, ADA, PASSWORD, false).await });
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while app.count(waiting).await == 0 {
        assert!(tokio::time::Instant::now() < deadline && !signing_in.is_finished(), "it waits");
        tokio::task::yield_now().await;
    }
    tx.commit().await.unwrap();
    assert_eq!(signing_in.await.unwrap().status, 401);
    assert_eq!(app.count("select count(*) from auth.session").await, 0);
}

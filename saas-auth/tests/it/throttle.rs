//! AUT-05: what is guessed is bounded, and nobody is locked out by what others guess.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use chrono::TimeDelta;
use saas_auth::AttemptLimit;
use saas_core::testing::{Answer, TestClient};
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, plain, sign_in},
    mailbox::{code, link, token},
};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const NOBODY: &str = "nobody@example.com";
const WRONG: &str = "not the password at all";

/// A browser that has never been here, somewhere of its own.
fn somewhere(app: &App, nth: u8) -> TestClient {
    app.browser().from_address(IpAddr::V4(Ipv4Addr::new(198, 51, 100, nth)))
}

/// Guesses five times, each time from somewhere else: what counts against the account, and against no network.
async fn guess_five_times(app: &App, email: &str) {
    for nth in 0..5 {
        assert_eq!(sign_in(&somewhere(app, nth), email, WRONG, false).await.status, 401, "{nth}");
    }
}

fn is_refused(answer: &Answer, seconds: &str) -> bool {
    answer.status == 429 && answer.headers["retry-after"] == seconds && !answer.headers.contains_key("set-cookie")
}

#[tokio::test]
async fn after_five_wrong_passwords_nothing_is_tried_for_fifteen_minutes() {
    let app = App::new().await;
    app.account(ADA).await;
    guess_five_times(&app, ADA).await;
    let answer = sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await;
    assert!(is_refused(&answer, "900"), "not even the right one: {}", answer.text());
    assert_eq!(answer.json()["reset"], 900);
    let page = somewhere(&app, 9).form("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    assert!(is_refused(&page, "900"));
    assert!(
        page.text().contains("formaction=\"/sign-in/mail\"") && page.text().contains("Too many sign-ins failed. Wait 15 minutes"),
        "{}",
        page.text()
    );

    app.later(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    assert!(is_refused(&sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await, "1"));
    app.later(TimeDelta::seconds(1));
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 200, "what was refused did not count");
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.sign_in.refused'").await, 5);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.sign_in.throttled'").await, 1);
}

/// Five in any 15 minutes, and not five in each quarter of an hour.
#[tokio::test]
async fn only_what_lies_within_fifteen_minutes_counts_together() {
    let app = App::new().await;
    app.account(ADA).await;
    for nth in 0..12 {
        assert_eq!(sign_in(&somewhere(&app, nth), ADA, WRONG, false).await.status, 401, "{nth}");
        app.later(TimeDelta::minutes(4));
    }
    for nth in 0..2 {
        assert_eq!(sign_in(&somewhere(&app, nth), ADA, WRONG, false).await.status, 401, "{nth}");
    }
    assert!(is_refused(&sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await, "900"), "three of the earlier ones are not over");
}

/// Whoever guesses elsewhere does not lock the owner out where they have signed in before.
#[tokio::test]
async fn a_browser_that_has_signed_in_before_is_not_caught_by_what_others_guess() {
    let app = App::new().await;
    app.account(ADA).await;
    app.account(EVE).await;
    let known = app.signed_in(ADA).await;
    known.form("/sign-out", &[]).await;
    assert_eq!(known.cookie(COOKIE), None);
    let eves = app.signed_in(EVE).await;
    eves.form("/sign-out", &[]).await;
    for _ in 0..2 {
        guess_five_times(&app, ADA).await;
        assert_eq!(sign_in(&known, ADA, PASSWORD, false).await.status, 200);
        known.form("/sign-out", &[]).await;
        assert_eq!(sign_in(&eves, ADA, PASSWORD, false).await.status, 429, "it is known to another account alone");
        app.later(TimeDelta::minutes(15));
    }
    let user: uuid::Uuid = sqlx::query_scalar("select user_id from auth.account where email = $1")
        .bind(ADA)
        .fetch_one(&mut *app.system().await)
        .await
        .unwrap();
    let name = format!("__Host-known-{}", user.simple());
    let set = sign_in(&known, ADA, PASSWORD, false).await;
    let cookies: Vec<_> = set.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let cookie = cookies.iter().find(|cookie| cookie.starts_with(&name)).unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=31536000"), "{cookie}");
}

/// A known browser is no way to guess without end: it has five of its own, and then those that everybody has.
#[tokio::test]
async fn what_is_guessed_in_a_known_browser_counts_for_it_alone() {
    let app = App::new().await;
    app.account(ADA).await;
    let known = app.signed_in(ADA).await;
    known.form("/sign-out", &[]).await;
    for nth in 0..5 {
        assert_eq!(sign_in(&known, ADA, WRONG, false).await.status, 401, "{nth}");
    }
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 200, "nobody else is caught by that");
    for nth in 0..5 {
        assert_eq!(sign_in(&known, ADA, WRONG, false).await.status, 401, "{nth}");
    }
    assert!(is_refused(&sign_in(&known, ADA, PASSWORD, false).await, "900"));
}

/// Design 12.24: the right password with a mailed link always passes, and so it does with a code in the browser that asked.
#[tokio::test]
async fn the_right_password_passes_with_a_mailed_link_or_code() {
    let app = App::new().await;
    app.account(ADA).await;
    guess_five_times(&app, ADA).await;
    let victim = somewhere(&app, 9);
    assert!(!victim.page("/sign-in").await.text().contains("/sign-in/mail"), "nobody needs it otherwise");
    assert_eq!(victim.form("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await.status, 429);
    let sent = victim.form("/sign-in/mail", &[("email", ADA)]).await;
    assert!(sent.status == 200 && sent.text().contains(ADA) && sent.text().contains("name=\"password\""), "{}", sent.text());
    let mail = app.mailbox.nth(2).await;
    assert!(mail.text.contains("Too many sign-ins") && mail.text.contains("10 minutes"), "{}", mail.text);
    let page = victim.page(&link(&mail)).await;
    assert!(page.status == 200 && page.text().contains(ADA) && page.text().contains("name=\"password\""), "{}", page.text());
    let (token, code) = (token(&mail), code(&mail));

    let by_link: &[_] = &[("token", token.as_str())];
    let by_code: &[_] = &[("email", ADA), ("code", code.as_str())];
    for (path, form) in [("/sign-in/link", by_link), ("/sign-in/code", by_code)] {
        assert_eq!(victim.form(path, form).await.status, 422, "the mail alone is worth nothing");
        assert_eq!(victim.form(path, &[form, &[("password", WRONG)]].concat()).await.status, 401);
    }
    let done = victim.form("/sign-in/code", &[("email", ADA), ("code", &code), ("password", PASSWORD)]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/person")));
    let session = &victim.get("/api/v1/auth/sessions").await.json()["items"][0];
    assert_eq!(session["methods"], json!(["password"]));
    victim.form("/sign-out", &[]).await;
    assert_eq!(sign_in(&victim, ADA, PASSWORD, false).await.status, 200, "and the browser is known from now on");

    let spent = somewhere(&app, 10).page(&link(&mail)).await;
    assert!(spent.status == 410 && spent.text().contains("does not work"), "{}", spent.text());
    let replay = json!({ "token": token, "password": PASSWORD });
    assert_eq!(somewhere(&app, 10).post("/api/v1/auth/sign-in/link", &replay).await.status, 401);
    assert_eq!(sign_in(&somewhere(&app, 10), ADA, PASSWORD, false).await.status, 429);
}

/// Whoever has read the mail about a forgotten password is not caught either.
#[tokio::test]
async fn whoever_chose_another_password_with_a_mailed_link_signs_in_with_it() {
    let app = App::new().await;
    app.account(ADA).await;
    guess_five_times(&app, ADA).await;
    let victim = somewhere(&app, 9);
    victim.form("/reset", &[("email", ADA)]).await;
    let token = token(&app.mailbox.nth(2).await);
    victim.form("/reset/password", &[("token", &token), ("new_password", "another one of mine 7")]).await;
    assert_eq!(victim.cookie(COOKIE), None);
    assert_eq!(sign_in(&victim, ADA, "another one of mine 7", false).await.status, 200);
    assert_eq!(sign_in(&somewhere(&app, 10), ADA, "another one of mine 7", false).await.status, 429);
}

/// What a mail that was asked for answers with its link and this password.
async fn with_link(app: &App, token: &str, password: &str) -> u16 {
    somewhere(app, 9).post("/api/v1/auth/sign-in/link", &json!({ "token": token, "password": password })).await.status.as_u16()
}

/// ASVS 6.6.3: with a link too five are tried; then it is worth nothing.
#[tokio::test]
async fn a_link_is_no_way_to_guess_without_end() {
    let app = App::new().await;
    app.account(ADA).await;
    app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await;
    let token = token(&app.mailbox.nth(2).await);
    for _ in 0..5 {
        assert_eq!(with_link(&app, &token, WRONG).await, 401);
    }
    assert_eq!((with_link(&app, &token, WRONG).await, with_link(&app, &token, PASSWORD).await), (429, 429));
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 200, "nobody is caught by it elsewhere");
}

#[tokio::test]
async fn a_link_to_sign_in_works_for_ten_minutes_and_not_for_something_else() {
    let app = App::new().await;
    app.account(ADA).await;
    let ask = async |path: &str, count: usize| {
        app.browser().post(path, &json!({ "email": ADA })).await;
        token(&app.mailbox.nth(count).await)
    };
    let (first, of_reset) = (ask("/api/v1/auth/sign-in/mail", 2).await, ask("/api/v1/auth/reset", 3).await);
    app.later(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    for (bad, status) in [(of_reset.as_str(), 401), (&"A".repeat(43), 401), ("", 422), ("x", 422), (&"A".repeat(5000), 422), ("a\0b", 422)]
    {
        assert_eq!(with_link(&app, bad, PASSWORD).await, status, "{bad:?}");
    }
    let reset =
        app.browser().post("/api/v1/auth/reset/password", &json!({ "token": first, "new_password": "another one of mine 7" })).await;
    assert_eq!(reset.status, 422, "it does not choose a password");
    app.later(TimeDelta::seconds(1));
    assert_eq!(with_link(&app, &first, PASSWORD).await, 401, "it is too old");
    let second = ask("/api/v1/auth/sign-in/mail", 4).await;
    assert_eq!(with_link(&app, &second, PASSWORD).await, 200);
}

/// However many guess at once, five are answered.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_passwords_at_once_five_are_answered() {
    let app = App::new().await;
    app.account(ADA).await;
    // The clock goes on meanwhile, so that whoever waits for the counter has begun before those that it finds there.
    let clock = app.clock.clone();
    let ticking = tokio::spawn(async move {
        loop {
            clock.advance(TimeDelta::milliseconds(1));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    for email in [ADA, NOBODY] {
        let statuses = at_once(50, |nth| {
            let browser = somewhere(&app, nth);
            async move { sign_in(&browser, email, WRONG, false).await.status.as_u16() }
        })
        .await;
        assert_eq!(count(&statuses, [401, 429]), [5, 45], "{email}: {statuses:?}");
    }
    let statuses = at_once(50, |nth| {
        let browser = app.browser();
        async move { sign_in(&browser, &format!("somebody{nth}@example.com"), WRONG, false).await.status.as_u16() }
    })
    .await;
    assert_eq!(count(&statuses, [401, 429]), [5, 45], "of one network at many accounts: {statuses:?}");
    ticking.abort();
}

/// Whoever knows the password is never in the way of others who do.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_right_passwords_at_once_all_are_taken() {
    let app = App::new().await;
    app.account(ADA).await;
    let statuses = at_once(50, |_| {
        let browser = app.browser();
        async move { sign_in(&browser, ADA, PASSWORD, false).await.status.as_u16() }
    })
    .await;
    assert_eq!(count(&statuses, [200]), [50], "{statuses:?}");
    assert_eq!(app.count("select count(*) from auth.attempt").await, 0);
}

async fn at_once<F: Future<Output = u16> + Send + 'static>(many: u8, request: impl Fn(u8) -> F) -> Vec<u16> {
    let tasks: Vec<_> = (0..many).map(|nth| tokio::spawn(request(nth))).collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

fn count<const N: usize>(statuses: &[u16], wanted: [u16; N]) -> [usize; N] {
    wanted.map(|wanted| statuses.iter().filter(|status| **status == wanted).count())
}

/// Topic 7: each answer is the same, and the counters are.
#[tokio::test]
async fn an_account_that_there_is_not_is_throttled_like_one_that_there_is() {
    let app = App::new().await;
    app.account(ADA).await;
    let mut all = Vec::new();
    for (email, first) in [(ADA, 0), (NOBODY, 100)] {
        let mut answers = Vec::new();
        for nth in 0..7 {
            let answer = sign_in(&somewhere(&app, first + nth), email, WRONG, false).await;
            let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            answers.push((answer.status.as_u16(), names, answer.text()));
            let page = somewhere(&app, first + 50 + nth).form("/sign-in", &[("email", email), ("password", WRONG)]).await;
            answers.push((page.status.as_u16(), Vec::new(), plain(&page).replace(email, "")));
        }
        assert_eq!(answers.iter().map(|(status, ..)| *status).collect::<Vec<_>>(), [[401; 5].as_slice(), &[429; 9]].concat());
        all.push(answers);
        assert_eq!(app.count("select count(*) from auth.attempt where cardinality(times) = 5").await, i64::from(first) / 100 + 1);
    }
    assert_eq!(all[0], all[1]);

    let before = app.mailbox.all().await.len();
    let mut pages = Vec::new();
    for (nth, email) in [ADA, NOBODY].into_iter().enumerate() {
        let page = app.browser().form("/sign-in/mail", &[("email", email)]).await;
        pages.push(plain(&page).replace(email, ""));
        assert_eq!(app.mailbox.nth(before + nth + 1).await.to, email, "each gets one mail");
        let answer = app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": email })).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "email": email })));
    }
    assert_eq!(pages[0], pages[1]);
}

/// What others guess at one account, or from one network, shows nowhere else.
#[tokio::test]
async fn accounts_and_networks_are_counted_apart() {
    let app = App::new().await;
    app.account(ADA).await;
    app.account(EVE).await;
    guess_five_times(&app, ADA).await;
    assert_eq!(sign_in(&somewhere(&app, 0), EVE, PASSWORD, false).await.status, 200, "another account");
    app.later(TimeDelta::minutes(15));

    let at = |address: &str| app.browser().from_address(address.parse().unwrap());
    for nth in 0..5 {
        let guesser = at(&format!("2001:db8:1:2::{nth}"));
        assert_eq!(sign_in(&guesser, &format!("somebody{nth}@example.com"), WRONG, false).await.status, 401, "{nth}");
    }
    assert_eq!(sign_in(&at("2001:db8:1:2:a:b:c:d"), ADA, PASSWORD, false).await.status, 429, "a network of IPv6 is one");
    assert_eq!(sign_in(&at("2001:db8:1:3::1"), ADA, PASSWORD, false).await.status, 200, "another network");
}

/// The counters are in the database: another node, or the same one after a restart, goes on where this one was.
#[tokio::test]
async fn another_node_counts_on() {
    let app = App::new().await;
    app.account(ADA).await;
    let other = app.again();
    for nth in 0..5 {
        let node = if nth % 2 == 0 { app.browser() } else { other.browser() };
        let client = node.from_address(IpAddr::V4(Ipv4Addr::new(198, 51, 100, nth)));
        assert_eq!(sign_in(&client, ADA, WRONG, false).await.status, 401, "{nth}");
    }
    assert_eq!(sign_in(&other.browser(), ADA, PASSWORD, false).await.status, 429);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 429);
}

/// A clock that is put back does not lock anybody out for longer, and one that jumps ahead only ends it sooner.
#[tokio::test]
async fn a_clock_that_jumps_locks_nobody_out() {
    let app = App::new().await;
    app.account(ADA).await;
    guess_five_times(&app, ADA).await;
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 429);
    app.later(TimeDelta::hours(-2));
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 200);
    guess_five_times(&app, ADA).await;
    assert!(is_refused(&sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await, "900"), "and it counts from there");
    app.later(TimeDelta::days(400));
    assert_eq!(sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await.status, 200);
}

/// Whoever asks for a victim's links leaves one in the mailbox that works until another can be asked for, and a while longer.
#[tokio::test(flavor = "multi_thread")]
async fn one_link_is_mailed_in_five_minutes_however_often_it_is_asked_for() {
    let app = App::new().await;
    app.account(ADA).await;
    let before = app.mailbox.all().await.len();
    for (asked, mails) in [(50, 1), (100, 1), (150, 2)] {
        let statuses = at_once(50, |_| {
            let browser = app.browser();
            async move { browser.post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await.status.as_u16() }
        })
        .await;
        assert_eq!(count(&statuses, [202]), [50]);
        all_are_done(&app, asked).await;
        assert_eq!(app.mailbox.all().await.len(), before + mails);
        app.later(TimeDelta::minutes(5) - TimeDelta::seconds(1));
    }
    let mails = app.mailbox.all().await;
    assert_eq!(app.browser().page(&link(&mails[before + 1])).await.status, 200);
}

/// Waits until all the links that were asked for have been written or refused, which happens after the answer.
async fn all_are_done(app: &App, asked: u64) {
    let busy = "select count(*) from pg_stat_activity where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while app.test.db.system_uses().get("mail a link").copied().unwrap_or_default() < asked || app.count(busy).await > 0 {
        assert!(tokio::time::Instant::now() < deadline, "all of them are done");
        tokio::task::yield_now().await;
    }
}

/// What has no consequences any more is forgotten as others are counted.
#[tokio::test]
async fn old_attempts_are_forgotten() {
    let app = App::new().await;
    for nth in 0..8 {
        sign_in(&somewhere(&app, nth), &format!("somebody{nth}@example.com"), WRONG, false).await;
    }
    assert_eq!(app.count("select count(*) from auth.attempt").await, 16);
    app.later(TimeDelta::minutes(15) + TimeDelta::seconds(1));
    for nth in 100..102 {
        sign_in(&somewhere(&app, nth), &format!("somebody{nth}@example.com"), WRONG, false).await;
    }
    assert_eq!(app.count("select count(*) from auth.attempt").await, 4);
}

/// It is a value, and nothing of who tries what can be read where it is counted.
#[tokio::test]
async fn another_limit_is_another_value() {
    let limit = AttemptLimit::new(2, TimeDelta::minutes(1)).pause(TimeDelta::hours(1));
    let app = App::with(|builder| builder.sign_in_limit(limit)).await;
    app.account(ADA).await;
    for nth in 0..2 {
        assert_eq!(sign_in(&somewhere(&app, nth), ADA, WRONG, false).await.status, 401);
    }
    assert!(is_refused(&sign_in(&somewhere(&app, 9), ADA, PASSWORD, false).await, "3600"));
    let kept: Vec<String> =
        sqlx::query_scalar("select to_jsonb(a)::text from auth.attempt a").fetch_all(&mut *app.system().await).await.unwrap();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|row| !row.contains("ada@") && !row.contains("198.51")), "{kept:?}");
}

/// Without the database nothing is tried.
#[tokio::test]
async fn with_the_database_away_no_password_is_tried() {
    let app = App::new().await;
    app.account(ADA).await;
    let known = app.signed_in(ADA).await;
    app.test.db.close().await;
    for browser in [known, app.browser()] {
        assert_eq!(sign_in(&browser, ADA, PASSWORD, false).await.status, 503);
    }
}

use chrono::TimeDelta;
use serde_json::json;

use crate::{
    app::{App, PASSWORD, plain, pointers, sign_in},
    mailbox::{link, token},
};

const ADA: &str = "ada@example.com";

/// AUT-02, topic 10: a link works once, whoever is quick.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_use_a_link_at_once_one_succeeds() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let token = token(&app.mailbox.nth(1).await);
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let (browser, body) = (app.browser(), json!({ "token": token, "password": PASSWORD }));
            tokio::spawn(async move { browser.post("/api/v1/auth/verify", &body).await })
        })
        .collect();
    let mut won = 0;
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        match answer.status.as_u16() {
            204 => won += 1,
            status => assert_eq!((status, pointers(&answer)), (422, vec!["/token".to_owned()])),
        }
    }
    assert_eq!(won, 1);
}

/// Two links of one account do not wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn two_links_that_are_used_at_once_both_get_an_answer() {
    let app = App::new().await;
    for round in 0..10 {
        let email = format!("ada{round}@example.com");
        app.sign_up(&email).await;
        let first = token(&app.mailbox.nth(2 * round + 1).await);
        app.browser().post("/api/v1/auth/verify/resend", &json!({ "email": email })).await;
        let second = token(&app.mailbox.nth(2 * round + 2).await);
        let [one, two] = [first, second].map(|token| json!({ "token": token, "password": PASSWORD }));
        let (a, b) = (app.browser(), app.browser());
        let (one, two) = tokio::join!(a.post("/api/v1/auth/verify", &one), b.post("/api/v1/auth/verify", &two));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 422], "the first to be used leaves the other nothing to prove");
    }
}

/// Topic 10: a program that scans mail follows links, and must not use them.
#[tokio::test]
async fn opening_a_link_uses_nothing() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let mail = app.mailbox.nth(1).await;
    let first = app.browser().page(&link(&mail)).await;
    for _ in 0..3 {
        assert_eq!(plain(&app.browser().page(&link(&mail)).await), plain(&first));
    }
    assert_eq!(app.count("select count(*) from auth.account where verified_at is not null").await, 0);
    assert_eq!(app.browser().form("/verify", &[("token", &token(&mail)), ("password", PASSWORD)]).await.status, 303);
    let spent = app.browser().page(&link(&mail)).await;
    assert_eq!(spent.status, 410);
    assert!(spent.text().contains("Your address is confirmed") && !spent.text().contains("/verify/resend"), "{}", spent.text());
    assert_eq!(app.browser().form("/verify", &[("token", &token(&mail)), ("password", PASSWORD)]).await.status, 410);
}

#[tokio::test]
async fn a_link_works_for_24_hours() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let mail = app.mailbox.nth(1).await;
    assert!(mail.text.contains("24 hours"), "{}", mail.text);
    app.later(TimeDelta::hours(24));
    let expired = app.browser().page(&link(&mail)).await;
    assert_eq!(expired.status, 410);
    assert!(expired.text().contains(ADA), "the form for another link is filled in: {}", expired.text());
    let body = json!({ "token": token(&mail), "password": PASSWORD });
    assert_eq!(app.browser().post("/api/v1/auth/verify", &body).await.status, 422);

    app.browser().form("/verify/resend", &[("email", ADA)]).await;
    let body = json!({ "token": token(&app.mailbox.nth(2).await), "password": PASSWORD });
    app.later(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(app.browser().post("/api/v1/auth/verify", &body).await.status, 204);
}

#[tokio::test]
async fn what_is_no_token_confirms_nothing() {
    let app = App::new().await;
    let never_was = "A".repeat(43);
    for token in ["", "x", &never_was, "a\0b", &"A".repeat(5000)] {
        let answer = app.browser().post("/api/v1/auth/verify", &json!({ "token": token, "password": PASSWORD })).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/token".to_owned()]), "{token:?}");
        assert_eq!(app.browser().form("/verify", &[("token", token), ("password", PASSWORD)]).await.status, 410, "{token:?}");
    }
    assert_eq!(app.browser().page(&format!("/verify?token={never_was}")).await.status, 410);
    assert_eq!(app.browser().page("/verify").await.status, 200, "without a token there is a form for another link");
}

/// Topic 7: asking again says nothing about who has an account.
#[tokio::test]
async fn asking_for_another_link_gives_the_same_answer_to_all() {
    let app = App::new().await;
    app.account("confirmed@example.com").await;
    app.sign_up(ADA).await;
    let mut pages = Vec::new();
    for email in ["confirmed@example.com", "nobody@example.com", ADA] {
        let answer = app.browser().post("/api/v1/auth/verify/resend", &json!({ "email": email })).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "email": email })));
        let page = app.browser().form("/verify/resend", &[("email", email)]).await;
        assert_eq!(page.status, 200);
        pages.push(plain(&page).replace(email, ""));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    app.mailbox.nth(4).await;
    let to: Vec<_> = app.mailbox.all().await.into_iter().skip(2).map(|mail| mail.to).collect();
    assert_eq!(to, [ADA, ADA], "only who waits for a link gets one");
    for email in ["", "ada", "ada@example.com\0"] {
        let answer = app.browser().post("/api/v1/auth/verify/resend", &json!({ "email": email })).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/email".to_owned()]), "{email:?}");
        assert_eq!(app.browser().form("/verify/resend", &[("email", email)]).await.status, 422, "{email:?}");
    }
}

/// Topic 10: nobody's mailbox is flooded, whatever is asked and by whom.
#[tokio::test]
async fn an_address_gets_five_mails_an_hour() {
    let app = App::new().await;
    let body = json!({ "name": "Ada", "email": ADA, "password": PASSWORD });
    for _ in 0..8 {
        assert_eq!(app.browser().post("/api/v1/auth/sign-up", &body).await.status, 202);
    }
    assert_eq!(app.mailbox.all().await.len(), 5);
    app.later(TimeDelta::hours(1));
    app.browser().post("/api/v1/auth/sign-up", &body).await;
    assert_eq!(app.mailbox.nth(6).await.to, ADA);
}

#[tokio::test]
async fn only_a_hash_of_the_link_is_kept() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let token = token(&app.mailbox.nth(1).await);
    let rows: Vec<String> =
        sqlx::query_scalar("select to_jsonb(t)::text from auth.email_token t").fetch_all(&mut *app.system().await).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(&token));
}

/// AUT-02, topic 8 (pre-hijacking): somebody signs up with the address of another, who opens the link. The link alone makes the account
/// nobody's: its owner sets a password, and whoever signed up has neither theirs nor a session.
#[tokio::test]
async fn whoever_signs_up_with_anothers_address_does_not_get_what_the_other_confirms() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let attacker = app.signed_in(ADA).await;
    let mail = app.mailbox.nth(1).await;
    let victim = app.browser();
    let page = victim.page(&link(&mail)).await.text();
    assert!(page.contains(ADA) && page.contains("name=\"new_password\""), "{page}");
    let token = token(&mail);
    for fields in [
        vec![],
        vec![("password", "")],
        vec![("password", "a guess of the victim's")],
        vec![("password", "a guess of the victim's"), ("new_password", "another one of mine 7")],
    ] {
        let refused = victim.form("/verify", &[&[("token", token.as_str())], &fields[..]].concat()).await;
        assert_eq!(refused.status, 422, "{fields:?}: {}", refused.text());
        assert!(refused.text().contains("aria-invalid") && refused.text().contains(&token), "it is asked for again: {}", refused.text());
        assert_eq!(victim.cookie("__Host-session"), None);
    }
    let weak = victim.form("/verify", &[("token", &token), ("new_password", "password1234")]).await;
    assert_eq!(weak.status, 422);
    assert!(weak.text().contains("<details open>") && weak.text().contains("easy to guess"), "{}", weak.text());
    assert_eq!(attacker.get("/api/v1/auth/me").await.json()["verified"], false, "none of this confirmed anything");

    let mine = "another one of mine 7";
    let confirmed = victim.form("/verify", &[("token", &token), ("new_password", mine)]).await;
    assert_eq!((confirmed.status.as_u16(), confirmed.location()), (303, Some("/welcome")));
    assert_eq!(victim.get("/api/v1/auth/me").await.json()["verified"], true, "whoever set the password is signed in");
    assert_eq!(attacker.get("/api/v1/auth/me").await.status, 401, "the attacker's session is over");
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401, "and so is their password");
    assert_eq!(sign_in(&app.browser(), ADA, mine, false).await.status, 200);
}

/// The same for programs: one of the two passwords, and a link sets another one only while the address is not confirmed.
#[tokio::test]
async fn a_program_shows_the_password_or_sets_another() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let token = token(&app.mailbox.nth(1).await);
    for (body, pointer) in [
        (json!({ "token": token }), "/password"),
        (json!({ "token": token, "password": "not this" }), "/password"),
        (json!({ "token": token, "password": "x".repeat(2_000) }), "/password"),
        (json!({ "token": token, "new_password": "short" }), "/new_password"),
        (json!({ "token": token, "new_password": "" }), "/new_password"),
        (json!({ "token": token, "password": PASSWORD, "new_password": "another one of mine 7" }), "/new_password"),
    ] {
        let answer = app.browser().post("/api/v1/auth/verify", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec![pointer.to_owned()]), "{body}");
    }
    let set = json!({ "token": token, "new_password": "another one of mine 7" });
    assert_eq!(app.browser().post("/api/v1/auth/verify", &set).await.status, 204);
    let again = json!({ "token": token, "new_password": "a third one of mine 8" });
    assert_eq!(app.browser().post("/api/v1/auth/verify", &again).await.status, 422);
    assert_eq!(sign_in(&app.browser(), ADA, "another one of mine 7", false).await.status, 200);
}

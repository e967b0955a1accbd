//! AUT-17: a mail signs its reader in, by a link wherever it is opened or by a code in the browser that asked for it.

use chrono::TimeDelta;
use saas_core::{
    mail::Mail,
    testing::{Answer, TestClient},
};
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, html, plain, pointers, sign_in},
    mailbox::{code, link, token},
    second_factor::Holder,
};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const NOBODY: &str = "nobody@example.com";

async fn app() -> App {
    App::with(|builder| builder.sign_in_by_mail(true)).await
}

/// The mail that a browser asks for, as the next one.
async fn ask(app: &App, browser: &TestClient, email: &str) -> Mail {
    let before = app.mailbox.all().await.len();
    let sent = browser.form("/sign-in/mail", &[("email", email)]).await;
    assert!(sent.status == 200 && sent.text().contains(email) && sent.text().contains("name=\"code\""), "{}", sent.text());
    app.mailbox.nth(before + 1).await
}

async fn by_code(browser: &TestClient, email: &str, code: &str) -> Answer {
    browser.post("/api/v1/auth/sign-in/code", &json!({ "email": email, "code": code })).await
}

async fn by_link(browser: &TestClient, token: &str) -> Answer {
    browser.post("/api/v1/auth/sign-in/link", &json!({ "token": token })).await
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    let (head, last) = code.split_at(code.len() - 1);
    format!("{head}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn a_mail_signs_its_reader_in_by_a_code_here_or_by_a_link_anywhere() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let shown = browser.page("/sign-in").await;
    assert!(shown.text().contains("formaction=\"/sign-in/mail\""), "{}", shown.text());
    let mail = ask(&app, &browser, ADA).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADA, "Sign in at Monitoring"));
    assert!(mail.text.contains("http://localhost:3000/sign-in/link?token=") && mail.text.contains("10 minutes"), "{}", mail.text);
    let code = code(&mail);
    assert!(mail.html.contains(&code), "{}", mail.html);
    let done = browser.form("/sign-in/code", &[("email", ADA), ("code", &code)]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/person")));
    assert_eq!(browser.get("/person").await.status, 200);

    app.later(TimeDelta::minutes(5));
    let mail = ask(&app, &app.browser(), ADA).await;
    let elsewhere = app.browser();
    let page = elsewhere.page(&link(&mail)).await;
    assert!(page.status == 200 && page.text().contains(ADA) && !page.text().contains("type=\"password\""), "{}", page.text());
    let done = elsewhere.form("/sign-in/link", &[("token", &token(&mail)), ("remember", "true"), ("next", "/devices")]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/devices")));
    let sessions = elsewhere.get("/api/v1/auth/sessions").await.json();
    let session = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&session["methods"], &session["remembered"]), (&json!(["email"]), &json!(true)));
}

/// Where somebody was going and whether they stay signed in survives the mail.
#[tokio::test]
async fn the_way_and_the_wish_to_stay_are_handed_on() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let form = [("email", ADA), ("password", "half of"), ("remember", "true"), ("next", "/devices?page=2")];
    let sent = html(&browser.form("/sign-in/mail", &form).await);
    assert!(sent.contains("value=\"/devices?page=2\"") && sent.contains("name=\"remember\"") && !sent.contains("half of"), "{sent}");
    let mail = app.mailbox.nth(2).await;
    assert!(link(&mail).ends_with("&next=%2Fdevices%3Fpage%3D2"), "{}", link(&mail));
    assert!(html(&browser.page(&link(&mail)).await).contains("value=\"/devices?page=2\""));
    let evil = app.browser().page(&format!("/sign-in/link?token={}&next=//evil.example", token(&mail))).await;
    assert!(!evil.text().contains("evil"), "{}", evil.text());
}

/// Topic 10: programs that scan mail follow links.
#[tokio::test]
async fn opening_a_link_signs_nobody_in() {
    let app = app().await;
    app.account(ADA).await;
    let mail = ask(&app, &app.browser(), ADA).await;
    let scanner = app.browser();
    let first = scanner.page(&link(&mail)).await;
    for _ in 0..3 {
        assert_eq!(plain(&scanner.page(&link(&mail)).await), plain(&first));
    }
    assert_eq!(
        (scanner.cookie(COOKIE), app.count("select count(*) from auth.email_token where purpose = 'sign_in' and used_at is null").await),
        (None, 1)
    );
    assert_eq!(by_link(&app.browser(), &token(&mail)).await.status, 200);
    let spent = scanner.page(&link(&mail)).await;
    assert!(spent.status == 410 && spent.text().contains("does not work"), "{}", spent.text());
    assert_eq!(scanner.form("/sign-in/link", &[("token", &token(&mail))]).await.status, 410);
}

/// ASVS 6.6.2: a code works in the browser that asked for it, for the address that it was asked for.
#[tokio::test]
async fn a_code_works_in_the_browser_that_asked_for_it_alone() {
    let app = app().await;
    app.account(ADA).await;
    app.account(EVE).await;
    let (adas, eves) = (app.browser(), app.browser());
    let code = code(&ask(&app, &adas, ADA).await);
    ask(&app, &eves, EVE).await;
    assert_eq!(by_code(&app.browser(), ADA, &code).await.status, 401, "a browser that asked for nothing");
    assert_eq!(by_code(&eves, ADA, &code).await.status, 401, "one that asked for another");
    assert_eq!(by_code(&eves, EVE, &code).await.status, 401);
    assert_eq!(by_code(&adas, EVE, &code).await.status, 401, "for another address");
    let planted = app.browser().with("cookie", &format!("__Host-asking={0}; __Host-asking={0}", adas.cookie("__Host-asking").unwrap()));
    assert_eq!(by_code(&planted, ADA, &code).await.status, 401, "of two cookies neither is believed");
    assert_eq!(by_code(&adas, "Ada@Example.com", &code.replace(' ', "")).await.status, 200);
}

#[tokio::test]
async fn the_browsers_cookie_is_protected_and_lives_as_long_as_the_code() {
    let app = app().await;
    let answer = app.browser().post("/api/v1/auth/sign-in/mail", &json!({ "email": NOBODY })).await;
    let (value, attributes) = answer.headers["set-cookie"].to_str().unwrap().split_once("; ").unwrap();
    assert_eq!(value.strip_prefix("__Host-asking=").map(str::len), Some(43));
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600");
}

/// Perhaps no second mail is sent: the code of the first works on.
#[tokio::test]
async fn a_browser_that_asks_again_can_use_what_it_has() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let code = code(&ask(&app, &browser, ADA).await);
    let cookie = browser.cookie("__Host-asking");
    browser.form("/sign-in/mail", &[("email", ADA)]).await;
    assert_eq!(browser.cookie("__Host-asking"), cookie);
    assert_eq!(by_code(&browser, ADA, &code).await.status, 200);
}

/// ASVS 6.6.3: five wrong codes end it. The link is too long to guess, so nobody keeps its reader from using it.
#[tokio::test]
async fn five_wrong_codes_end_the_code_and_not_the_link() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let mail = ask(&app, &browser, ADA).await;
    let code = code(&mail);
    for _ in 0..5 {
        assert_eq!(by_code(&browser, ADA, &wrong(&code)).await.status, 401);
    }
    let refused = by_code(&browser, ADA, &code).await;
    assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (429, &"600".parse().unwrap()));
    let page = browser.form("/sign-in/code", &[("email", ADA), ("code", &code)]).await;
    assert!(page.status == 429 && page.text().contains("Use the link in the mail"), "{}", page.text());
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.sign_in.refused'").await, 5);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.sign_in.throttled'").await, 1);
    assert_eq!(by_link(&app.browser(), &token(&mail)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_wrong_codes_at_once_five_are_answered() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let wrong = wrong(&code(&ask(&app, &browser, ADA).await));
    let guesses: Vec<_> = (0..50)
        .map(|_| {
            let (browser, wrong) = (browser.clone(), wrong.clone());
            tokio::spawn(async move { by_code(&browser, ADA, &wrong).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap());
    }
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(401), count(429)), (5, 45), "{statuses:?}");
}

/// ASVS 6.5.1: of all who use the link or the code at once, one is signed in.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_use_a_mail_at_once_one_is_signed_in() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let mail = ask(&app, &browser, ADA).await;
    let uses: Vec<_> = (0..50)
        .map(|nth| {
            let (browser, code, token) = (browser.clone(), code(&mail), token(&mail));
            tokio::spawn(async move {
                let answer = if nth % 2 == 0 { by_link(&browser, &token).await } else { by_code(&browser, ADA, &code).await };
                answer.status.as_u16()
            })
        })
        .collect();
    let mut won = 0;
    for one in uses {
        match one.await.unwrap() {
            200 => won += 1,
            status => assert!(status == 401 || status == 429, "{status}"),
        }
    }
    assert_eq!((won, app.count("select count(*) from auth.session").await), (1, 1));
}

/// One use ends all that let the same person in: the other half of the mail, and an older mail.
#[tokio::test]
async fn one_use_ends_the_other_half_and_the_other_mails() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let older = ask(&app, &browser, ADA).await;
    app.later(TimeDelta::minutes(6));
    let mail = ask(&app, &browser, ADA).await;
    assert_eq!(by_code(&browser, ADA, &code(&older)).await.status, 200, "the older one still works");
    for answer in [
        by_link(&app.browser(), &token(&older)).await,
        by_link(&app.browser(), &token(&mail)).await,
        by_code(&browser, ADA, &code(&older)).await,
        by_code(&browser, ADA, &code(&mail)).await,
    ] {
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
}

/// ASVS 6.5.5: ten minutes, to the second.
#[tokio::test]
async fn a_mail_works_for_ten_minutes() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    for (seconds, status) in [(1, 200), (0, 401)] {
        for uses_code in [true, false] {
            let mail = ask(&app, &browser, ADA).await;
            app.later(TimeDelta::minutes(10) - TimeDelta::seconds(seconds));
            let answer = if uses_code { by_code(&browser, ADA, &code(&mail)).await } else { by_link(&browser, &token(&mail)).await };
            assert_eq!(answer.status, status, "code {uses_code}, {seconds} s before the end");
        }
    }
}

/// It holds for the account as it was when it was mailed.
#[tokio::test]
async fn a_mail_is_worth_nothing_once_the_password_is_another_one() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let mail = ask(&app, &browser, ADA).await;
    let ada = app.signed_in(ADA).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "another one of mine 7" });
    assert_eq!(ada.json(http::Method::PUT, "/api/v1/auth/password", &change).await.status, 204);
    assert_eq!(by_link(&browser, &token(&mail)).await.status, 401);
    assert_eq!(by_code(&browser, ADA, &code(&mail)).await.status, 401);
}

/// Topic 8: whoever signed up with another's address is out when the other one comes.
#[tokio::test]
async fn whoever_signed_up_with_anothers_address_is_out_when_its_reader_signs_in() {
    let app = app().await;
    app.sign_up(ADA).await;
    let stranger = sqlx::query_scalar("select user_id from auth.account").fetch_one(&mut *app.system().await).await.unwrap();
    let squatter = Holder::of(&app, stranger, ADA).await.browser;
    let sign_up = app.mailbox.nth(1).await;
    let owner = app.browser();
    let mail = ask(&app, &owner, ADA).await;
    let page = owner.page(&link(&mail)).await;
    assert!(page.text().contains("stops working"), "{}", page.text());
    let done = owner.form("/sign-in/code", &[("email", ADA), ("code", &code(&mail))]).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/welcome")), "the address is confirmed");
    assert_eq!(owner.get("/api/v1/auth/me").await.json()["verified"], true);
    assert_eq!(app.count("select count(*) from auth.authenticator").await, 0, "nor is a second factor asked for that was not theirs");

    assert_eq!(squatter.get("/person").await.status, 401);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401, "the password that was chosen is none");
    let late = app.browser().post("/api/v1/auth/verify", &json!({ "token": token(&sign_up), "password": PASSWORD })).await;
    assert_eq!(late.status, 422, "nor does the link of the sign-up bring it back");
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.account.verified' and data->>'replaced' = 'true'").await, 1);

    app.later(TimeDelta::minutes(5));
    let mail = ask(&app, &app.browser(), ADA).await;
    assert_eq!(by_link(&app.browser(), &token(&mail)).await.status, 200, "an account needs no password");
    assert_eq!(app.mailbox.welcomes().await.len(), 1, "whose it is now is greeted, and not again");
}

/// A confirmed account keeps its password and its sessions.
#[tokio::test]
async fn signing_in_by_mail_leaves_the_password_and_other_sessions_alone() {
    let app = app().await;
    app.account(ADA).await;
    let elsewhere = app.signed_in(ADA).await;
    let browser = app.signed_in(ADA).await;
    let old = browser.cookie(COOKIE).unwrap();
    let mail = ask(&app, &browser, ADA).await;
    assert_eq!(by_link(&browser, &token(&mail)).await.status, 200);
    assert_eq!(elsewhere.get("/person").await.status, 200);
    let replay = app.browser().with("cookie", &format!("{COOKIE}={old}")).get("/person").await;
    assert_eq!(replay.status, 401, "only the session that it took the place of ended");
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200);
}

/// Topic 7: same page, same cookies, same answers to codes, same number of mails.
#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let app = app().await;
    app.account(ADA).await;
    let suspended = app.account(EVE).await;
    let mut tx = app.system().await;
    sqlx::query("update core.user set state = 'suspended' where id = $1").bind(suspended).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let before = app.mailbox.all().await.len();
    let mut all = Vec::new();
    for (nth, email) in [ADA, NOBODY, EVE].into_iter().enumerate() {
        let browser = app.browser();
        let mut told = Vec::new();
        let sent = browser.form("/sign-in/mail", &[("email", email)]).await;
        told.push((sent.status.as_u16(), plain(&sent).replace(email, "")));
        let mail = app.mailbox.nth(before + nth + 1).await;
        assert_eq!((mail.to.as_str(), mail.text.contains("/sign-in/link?")), (email, email == ADA));
        let answer = browser.post("/api/v1/auth/sign-in/mail", &json!({ "email": email })).await;
        told.push((answer.status.as_u16(), answer.text().replace(email, "")));
        for _ in 0..3 {
            let page = browser.form("/sign-in/code", &[("email", email), ("code", "0000 0000")]).await;
            told.push((page.status.as_u16(), plain(&page).replace(email, "")));
            let answer = by_code(&browser, email, "0000 0000").await;
            told.push((answer.status.as_u16(), answer.text()));
        }
        assert_eq!(told.last().unwrap().0, 429);
        all.push(told);
    }
    assert_eq!(app.mailbox.all().await.len(), before + 3);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}

#[tokio::test]
async fn what_cannot_be_a_code_or_a_link_is_refused_at_its_field() {
    let app = app().await;
    let browser = app.browser();
    for (body, expected) in [
        (json!({}), vec!["/email", "/code"]),
        (json!({ "email": ADA, "code": "1234567" }), vec!["/code"]),
        (json!({ "email": "ada", "code": "12345678" }), vec!["/email"]),
        (json!({ "email": ADA, "code": "12345678", "user": 1 }), vec!["/user"]),
    ] {
        let answer = browser.post("/api/v1/auth/sign-in/code", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, expected.iter().map(ToString::to_string).collect()), "{body}");
    }
    let page = browser.form("/sign-in/code", &[("email", ADA), ("code", "x")]).await;
    assert!(page.status == 422 && page.text().contains("Enter the eight digits"), "{}", page.text());
    for email in ["", "ada", "ada@example.com\0"] {
        assert_eq!(browser.post("/api/v1/auth/sign-in/mail", &json!({ "email": email })).await.status, 422, "{email:?}");
        assert_eq!(browser.form("/sign-in/mail", &[("email", email)]).await.status, 422, "{email:?}");
    }
    for bad in ["", "x", &"A".repeat(5000), "a\0b"] {
        let answer = by_link(&browser, bad).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/token".to_owned()]), "{bad:?}");
    }
    assert_eq!(by_link(&browser, &"A".repeat(43)).await.status, 401);
    assert_eq!(browser.page("/sign-in/link").await.status, 410);
}

#[tokio::test]
async fn with_the_database_away_nobody_is_signed_in() {
    let app = app().await;
    app.account(ADA).await;
    let browser = app.browser();
    let mail = ask(&app, &browser, ADA).await;
    app.test.db.close().await;
    assert_eq!(by_link(&browser, &token(&mail)).await.status, 503);
    assert_eq!(by_code(&browser, ADA, &code(&mail)).await.status, 503);
    assert_eq!(browser.cookie(COOKIE), None);
}

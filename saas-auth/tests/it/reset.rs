use axum::body::Body;
use chrono::TimeDelta;
use http::Request;
use saas_core::testing::Answer;
use serde_json::json;

use crate::{
    app::{App, COOKIE, PASSWORD, plain, pointers, sign_in},
    mailbox::{link, token},
};

const ADA: &str = "ada@example.com";
const NEW: &str = "another one of mine 7";

/// An account with a confirmed address, and the token of a mail that lets its owner choose another password.
async fn forgotten(app: &App) -> String {
    app.account(ADA).await;
    ask(app, ADA).await;
    token(&app.mailbox.nth(2).await)
}

async fn ask(app: &App, email: &str) {
    let answer = app.browser().post("/api/v1/auth/reset", &json!({ "email": email })).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "email": email })));
}

async fn reset(app: &App, token: &str, password: &str) -> Answer {
    app.browser().post("/api/v1/auth/reset/password", &json!({ "token": token, "new_password": password })).await
}

/// AUT-07: the way of a person with a browser.
#[tokio::test]
async fn whoever_forgot_the_password_chooses_another_and_signs_in_with_it() {
    let app = App::new().await;
    app.account(ADA).await;
    let elsewhere = [app.signed_in(ADA).await, app.signed_in(ADA).await];
    let browser = app.browser();
    assert!(browser.page("/sign-in").await.text().contains("href=\"/reset\""));
    assert!(browser.page("/reset").await.text().contains("name=\"email\""));
    let sent = browser.form("/reset", &[("email", " Ada@Example.com")]).await;
    assert_eq!(sent.status, 200);
    assert!(sent.text().contains("Check your mail") && sent.text().contains("Ada@example.com"), "{}", sent.text());
    let mail = app.mailbox.nth(2).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (ADA, "Choose a new password for Monitoring"));
    assert!(mail.text.contains("http://localhost:3000/reset?token=") && mail.text.contains("60 minutes"), "{}", mail.text);
    assert_eq!(elsewhere[0].get("/person").await.status, 200, "nothing has changed yet");

    let page = browser.page(&link(&mail)).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("name=\"new_password\"") && page.text().contains(ADA), "{}", page.text());
    let done = browser.form("/reset/password", &[("token", &token(&mail)), ("new_password", NEW)]).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert!(done.text().contains("Your password was changed") && done.text().contains("href=\"/sign-in\""), "{}", done.text());
    assert_eq!(browser.cookie(COOKIE), None, "a mailed link alone signs nobody in");
    for browser in &elsewhere {
        assert_eq!(browser.get("/person").await.status, 401, "every session has ended");
    }
    assert_eq!(sign_in(&browser, ADA, PASSWORD, false).await.status, 401);
    assert_eq!(sign_in(&browser, ADA, NEW, false).await.status, 200);

    let notice = app.mailbox.nth(3).await;
    assert_eq!((notice.to.as_str(), notice.subject.as_str()), (ADA, "Your password at Monitoring was changed"));
    assert!(notice.text.contains("192.0.2.1") && notice.text.contains("http://localhost:3000/account/security"), "{}", notice.text);
}

/// Topic 10: a link works once, whoever is quick.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_use_a_link_at_once_one_chooses_the_password() {
    let app = App::new().await;
    let token = forgotten(&app).await;
    let passwords: Vec<_> = (0..50).map(|nth| format!("the password of number {nth}")).collect();
    let attempts: Vec<_> = passwords
        .iter()
        .map(|password| {
            let (browser, body) = (app.browser(), json!({ "token": token, "new_password": password }));
            tokio::spawn(async move { browser.post("/api/v1/auth/reset/password", &body).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (attempt, password) in attempts.into_iter().zip(&passwords) {
        let answer = attempt.await.unwrap();
        match answer.status.as_u16() {
            204 => winners.push(password),
            status => assert_eq!((status, pointers(&answer)), (422, vec!["/token".to_owned()])),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(sign_in(&app.browser(), ADA, winners[0], false).await.status, 200);
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.password.reset'").await, 1);
}

/// Of several links of one account too: with the first the account is not as it was when the others were sent.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_links_that_are_used_at_once_one_chooses_the_password() {
    let app = App::new().await;
    let first = forgotten(&app).await;
    ask(&app, ADA).await;
    let second = token(&app.mailbox.nth(3).await);
    let (one, two) = tokio::join!(reset(&app, &first, NEW), reset(&app, &second, "yet another one of mine 8"));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422]);
}

/// Topic 10: a program that scans mail follows links, and must not use them.
#[tokio::test]
async fn opening_a_link_changes_nothing() {
    let app = App::new().await;
    app.account(ADA).await;
    ask(&app, ADA).await;
    let mail = app.mailbox.nth(2).await;
    let first = app.browser().page(&link(&mail)).await;
    for _ in 0..3 {
        assert_eq!(plain(&app.browser().page(&link(&mail)).await), plain(&first));
    }
    assert_eq!(first.headers["referrer-policy"], "same-origin", "the link is shown to nobody else");
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200);
    assert_eq!(reset(&app, &token(&mail), NEW).await.status, 204);
    let spent = app.browser().page(&link(&mail)).await;
    assert_eq!(spent.status, 410);
    assert!(spent.text().contains("This link no longer works") && spent.text().contains(ADA), "{}", spent.text());
    assert_eq!(app.browser().form("/reset/password", &[("token", &token(&mail)), ("new_password", NEW)]).await.status, 410);
}

#[tokio::test]
async fn a_link_works_for_as_long_as_the_mail_says() {
    for (lifetime, minutes) in [(None, 60), (Some(TimeDelta::minutes(15)), 15)] {
        let app = App::with(|builder| lifetime.map_or(builder.clone(), |lifetime| builder.reset_lifetime(lifetime))).await;
        let early = forgotten(&app).await;
        assert!(app.mailbox.all().await[1].text.contains(&format!("{minutes} minutes")));
        app.later(TimeDelta::minutes(minutes));
        let answer = reset(&app, &early, NEW).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/token".to_owned()]));
        ask(&app, ADA).await;
        let late = token(&app.mailbox.nth(3).await);
        app.later(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        assert_eq!(reset(&app, &late, NEW).await.status, 204);
    }
}

/// Topic 10: it dies on another password or address, whatever it was that changed it.
#[tokio::test]
async fn a_link_is_worth_nothing_once_the_account_has_another_password_or_address() {
    for by_password in [true, false] {
        let app = App::new().await;
        let token = forgotten(&app).await;
        if by_password {
            let body = json!({ "current_password": PASSWORD, "new_password": "changed in between 9" });
            let browser = app.signed_in(ADA).await;
            assert_eq!(browser.json(http::Method::PUT, "/api/v1/auth/password", &body).await.status, 204);
        } else {
            let mut tx = app.system().await;
            let moved = sqlx::query("update auth.account set email = 'other@example.com', email_key = 'other@example.com'");
            moved.execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        let answer = reset(&app, &token, NEW).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/token".to_owned()]), "by password: {by_password}");
        assert_eq!(app.browser().page(&format!("/reset?token={token}")).await.status, 410, "by password: {by_password}");
    }
}

/// Topic 7: the answer, the page and the number of mails are the same whether or not there is an account.
#[tokio::test]
async fn asking_for_a_link_says_nothing_about_who_has_an_account() {
    let app = App::new().await;
    app.account(ADA).await;
    let suspended = app.account("eve@example.com").await;
    let mut tx = app.system().await;
    sqlx::query("update core.user set state = 'suspended' where id = $1").bind(suspended).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let before = app.mailbox.all().await.len();
    let mut pages = Vec::new();
    let all = [ADA, "eve@example.com", "nobody@example.com"];
    for (nth, email) in all.into_iter().enumerate() {
        let page = app.browser().form("/reset", &[("email", email)]).await;
        assert_eq!(page.status, 200);
        pages.push(plain(&page).replace(email, ""));
        let mail = app.mailbox.nth(before + nth + 1).await;
        assert_eq!(mail.to, email);
        assert_eq!(mail.text.contains("/reset?token="), email == ADA, "{}", mail.text);
        assert_eq!(mail.subject.starts_with("No account at Monitoring"), email != ADA);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    for email in ["", "ada", "ada@example.com\0"] {
        let answer = app.browser().post("/api/v1/auth/reset", &json!({ "email": email })).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/email".to_owned()]), "{email:?}");
        assert_eq!(app.browser().form("/reset", &[("email", email)]).await.status, 422, "{email:?}");
    }
    let requested = "select count(*) from data.outbox where name = 'auth.link.requested'";
    assert_eq!(app.count(requested).await, 3);
}

/// Topic 10: nobody's mailbox is flooded, with an account or without, and whoever asks for a victim's mails does not keep the victim out.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_three_mails_an_hour_and_the_last_of_them_works_until_there_may_be_another() {
    let app = App::new().await;
    app.account(ADA).await;
    let before = app.mailbox.all().await.len();
    for email in [ADA, "nobody@example.com"] {
        let floods: Vec<_> = (0..50)
            .map(|_| {
                let (browser, body) = (app.browser(), json!({ "email": email }));
                tokio::spawn(async move { browser.post("/api/v1/auth/reset", &body).await.status })
            })
            .collect();
        for flood in floods {
            assert_eq!(flood.await.unwrap(), 202);
        }
    }
    let mail = app.mailbox.nth(before + 6).await;
    let times = "select sum(cardinality(times)) from auth.attempt";
    assert_eq!(app.count(times).await, 6);
    app.later(TimeDelta::minutes(60) - TimeDelta::seconds(1));
    assert_eq!(app.count("select count(*) from auth.email_token where purpose = 'reset' and used_at is null").await, 3);
    let mails = app.mailbox.all().await;
    assert_eq!(mails.len(), before + 6, "{mails:?}");
    let last = mails.iter().rfind(|mail| mail.to == ADA).unwrap();
    assert_eq!(app.browser().page(&link(last)).await.status, 200, "the last of them still works");
    app.later(TimeDelta::seconds(1));
    ask(&app, &mail.to).await;
    app.mailbox.nth(before + 7).await;
}

/// Topic 10: links begin with our own address, however the request names us.
#[tokio::test]
async fn no_header_changes_where_a_mailed_link_leads() {
    let app = App::new().await;
    app.account(ADA).await;
    let poisons: [(&str, &[(&str, &str)]); 5] = [
        ("/reset", &[("host", "evil.example")]),
        ("/reset", &[("host", "localhost:3000"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")]),
        ("/reset", &[("host", "localhost:3000"), ("x-host", "evil.example"), ("forwarded", "host=evil.example")]),
        ("/reset", &[("host", "localhost:3000"), ("host", "evil.example")]),
        ("http://evil.example/reset", &[("host", "localhost:3000")]),
    ];
    let mut written = app.mailbox.all().await.len();
    for (uri, headers) in poisons {
        let mut request = Request::post(uri)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "text/html")
            .header("sec-fetch-site", "same-origin");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = app.browser().send(request.body(Body::from("email=ada%40example.com")).unwrap()).await;
        assert!(!answer.text().contains("evil.example"), "{headers:?}: {}", answer.text());
        if answer.status == 200 {
            written += 1;
            let mail = app.mailbox.nth(written).await;
            assert!(mail.text.contains("http://localhost:3000/reset?token="), "{headers:?}: {}", mail.text);
            assert!(!mail.text.contains("evil") && !mail.html.contains("evil"), "{headers:?}");
        } else {
            assert!(answer.status.is_client_error(), "{headers:?}: {}", answer.status);
        }
        app.later(TimeDelta::hours(1));
    }
    assert!(written > 1, "some of them are served");
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let app = App::new().await;
    let reset_token = forgotten(&app).await;
    app.sign_up("bob@example.com").await;
    let of_sign_up = token(&app.mailbox.nth(3).await);
    for text in ["", "x", &"A".repeat(43), "a\0b", &"A".repeat(5000), &of_sign_up] {
        let answer = reset(&app, text, NEW).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/token".to_owned()]), "{text:?}");
        assert_eq!(app.browser().form("/reset/password", &[("token", text), ("new_password", NEW)]).await.status, 410, "{text:?}");
    }
    let verified = app.browser().post("/api/v1/auth/verify", &json!({ "token": reset_token, "password": PASSWORD })).await;
    assert_eq!((verified.status.as_u16(), pointers(&verified)), (422, vec!["/token".to_owned()]), "nor the other way round");
}

/// The policy is that of sign-up, and what it refuses does not use the link.
#[tokio::test]
async fn a_weak_password_is_refused_and_the_link_stays() {
    let app = App::new().await;
    let token = forgotten(&app).await;
    for weak in ["", "short", "password1234", "ada@example.com", "a long enough one\0"] {
        let answer = reset(&app, &token, weak).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/new_password".to_owned()]), "{weak:?}");
    }
    let page = app.browser().form("/reset/password", &[("token", &token), ("new_password", "password1234")]).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("easy to guess") && page.text().contains(&token), "{}", page.text());
    assert!(!page.text().contains("password1234"), "a password is never shown again");
    assert_eq!(reset(&app, &token, NEW).await.status, 204);
}

/// Topic 8 (pre-hijacking): somebody signs up with the address of another, who then says that they forgot the password.
#[tokio::test]
async fn an_earlier_sign_up_by_somebody_else_ends_when_the_owner_chooses_a_password() {
    let app = App::new().await;
    app.sign_up(ADA).await;
    let of_sign_up = token(&app.mailbox.nth(1).await);
    let squatter = app.signed_in(ADA).await;
    ask(&app, ADA).await;
    assert_eq!(reset(&app, &token(&app.mailbox.nth(2).await), NEW).await.status, 204);
    assert_eq!(squatter.get("/person").await.status, 401);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
    let owner = app.browser();
    assert_eq!(sign_in(&owner, ADA, NEW, false).await.status, 200);
    assert_eq!(owner.get("/api/v1/auth/me").await.json()["verified"], true, "whoever reads the mail has the address");
    for password in [json!({ "password": PASSWORD }), json!({ "new_password": "what the squatter wants 3" })] {
        let mut body = password;
        body["token"] = of_sign_up.clone().into();
        assert_eq!(app.browser().post("/api/v1/auth/verify", &body).await.status, 422, "the link of the sign-up is over too");
    }
}

#[tokio::test]
async fn mails_about_a_password_are_in_the_language_of_whoever_asked() {
    let app = App::new().await;
    app.account(ADA).await;
    let german = app.browser().with("accept-language", "de");
    german.post("/api/v1/auth/reset", &json!({ "email": ADA })).await;
    let mail = app.mailbox.nth(2).await;
    assert_eq!(mail.subject, "Neues Passwort für Monitoring");
    german.form("/reset/password", &[("token", &token(&mail)), ("new_password", NEW)]).await;
    assert_eq!(app.mailbox.nth(3).await.subject, "Ihr Passwort bei Monitoring wurde geändert");
    german.post("/api/v1/auth/reset", &json!({ "email": "nobody@example.com" })).await;
    assert_eq!(app.mailbox.nth(4).await.subject, "Kein Konto bei Monitoring mit dieser Adresse");
}

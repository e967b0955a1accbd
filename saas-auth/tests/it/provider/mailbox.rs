use chrono::TimeDelta;
use saas_core::{
    mail::Mail,
    testing::{Answer, TestClient},
};
use serde_json::{Value, json};

use super::{
    ADA, back, begin,
    fake::{CLIENT, Fake, SECRET},
    is_refused, person, sign_in_as, with_fake, with_fakes,
};
use crate::{
    app::{App, plain, set_cookie},
    mailbox::{link, token},
};

const CONFIRM: &str = "/sign-in/with/fake/confirm";

fn unconfirmed(email: &str) -> Value {
    json!({ "sub": email, "email": email, "email_verified": false, "name": "Ada Lovelace" })
}

async fn confirm(browser: &TestClient, mail: &Mail) -> Answer {
    browser.form(CONFIRM, &[("token", &token(mail))]).await
}

/// Somebody comes with an address that nobody has confirmed; the mail to it.
async fn asked(app: &App, fake: &Fake, browser: &TestClient, email: &str) -> Mail {
    let before = app.mailbox.all().await.len();
    let answer = sign_in_as(browser, fake, &unconfirmed(email)).await;
    assert!(answer.status == 200 && answer.text().contains("Check your mail"), "{}", answer.text());
    assert_eq!(set_cookie(&answer), None);
    app.mailbox.nth(before + 1).await
}

/// AUT-06, topic 8: whoever reads the address shows that it is theirs, in the browser in which they came; opened elsewhere the link gives nobody
/// anything, and looking at it uses nothing.
#[tokio::test]
async fn whoever_reads_the_address_confirms_it_in_the_browser_in_which_they_came() {
    let (app, fake) = with_fake().await;
    let (eve, ada) = (app.browser(), app.browser());
    let mail = asked(&app, &fake, &eve, ADA).await;
    assert_eq!(mail.to, ADA);
    for browser in [&ada, &eve] {
        let page = browser.page(&link(&mail)).await;
        assert!(page.status == 200 && page.text().contains("Confirm your address"), "{}", page.text());
    }
    is_refused(&confirm(&ada, &mail).await, 410, "This sign-in is over");
    begin(&ada, "fake").await;
    is_refused(&confirm(&ada, &mail).await, 410, "This sign-in is over");
    assert_eq!(app.count("select count(*) from auth.account").await, 0, "whose address it is opened the link in vain for the other");

    let mail = asked(&app, &fake, &ada, "ada@example.org").await;
    let answer = confirm(&ada, &mail).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, Some("/person?from=there")), "{}", answer.text());
    let me = ada.get("/api/v1/auth/me").await.json();
    assert_eq!((&me["email"], &me["verified"], &me["name"]), (&json!("ada@example.org"), &json!(true), &json!("Ada Lovelace")));
    is_refused(&confirm(&ada, &mail).await, 410, "This sign-in is over");
    assert_eq!(sign_in_as(&app.browser(), &fake, &unconfirmed("ada@example.org")).await.status, 303, "from now on they are known");

    let late = app.browser();
    let mail = asked(&app, &fake, &late, "late@example.com").await;
    app.later(TimeDelta::hours(1));
    is_refused(&confirm(&late, &mail).await, 410, "This sign-in is over");
}

/// Topic 8: fifty at once use one link, and one of them does.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_use_the_link_at_once_one_succeeds() {
    let (app, fake) = with_fake().await;
    let browser = app.browser();
    let mail = asked(&app, &fake, &browser, ADA).await;
    let uses: Vec<_> = (0..50)
        .map(|_| {
            let (browser, mail) = (browser.clone(), mail.clone());
            tokio::spawn(async move { confirm(&browser, &mail).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in uses {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![303], vec![410; 49]].concat());
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
}

/// Topics 7 and 8: what a provider says of an address that it does not vouch for, or that nobody has confirmed there, makes no account; the answer and
/// the number of mails are the same whether or not somebody has one, and whoever has one is told.
#[tokio::test]
async fn an_unconfirmed_address_makes_no_account_and_gives_nobody_away() {
    let (app, fake) = with_fakes(|fake| {
        let careless = saas_auth::Provider::oidc("careless", &fake.issuer, CLIENT, saas_core::Secret::new(SECRET)).label("The Fake");
        vec![fake.provider("fake"), careless]
    })
    .await;
    app.account(ADA).await;
    app.sign_up("late@example.com").await;
    let before = app.mailbox.all().await.len();
    let unsaid = |email: &str| json!({ "sub": email, "email": email });
    let mut pages = Vec::new();
    for email in [ADA, "late@example.com", "nobody@example.com"] {
        for (provider, claims) in
            [("fake", unconfirmed(email)), ("fake", unsaid(email)), ("careless", person(email, email)), ("fake", unconfirmed(email))]
        {
            let browser = app.browser();
            let with = fake.authorize(&begin(&browser, provider).await, &claims);
            let answer = back(&browser, provider, &with).await;
            assert!(answer.status == 200 && set_cookie(&answer).is_none(), "{}", answer.text());
            pages.push(plain(&answer).replace(email, "them"));
        }
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let mails = app.mailbox.all().await.split_off(before);
    for (email, subject) in [
        (ADA, "You already have an account at Monitoring"),
        ("late@example.com", "Confirm your address for Monitoring"),
        ("nobody@example.com", "Confirm your address for Monitoring"),
    ] {
        let theirs: Vec<_> = mails.iter().filter(|mail| mail.to == email).map(|mail| mail.subject.as_str()).collect();
        assert_eq!(theirs, [subject; 3], "{email}: three in an hour");
    }
    for claims in [json!({ "sub": "a" }), json!({ "sub": "b", "email": "no address", "email_verified": true })] {
        is_refused(&sign_in_as(&app.browser(), &fake, &claims).await, 403, "No address came along");
    }
    assert_eq!(app.count("select count(*) from auth.identity").await, 0);
    assert_eq!(app.count("select count(*) from auth.account").await, 2);
}

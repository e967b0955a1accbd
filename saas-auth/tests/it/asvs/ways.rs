//! Every way in, beside the others.

use chrono::TimeDelta;
use saas_core::{Clock, Outbound, OutboundPolicy, testing::TestClient};
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, sign_in},
    mailbox::{code, token},
    passkeys::{enter, new_passkey},
    provider::{self, Fake, back, person},
    second_factor::{ADA, Holder},
};

/// An application that has all of them.
async fn all() -> (App, Fake) {
    let clock = Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let fake = Fake::start(&clock).await;
    let elsewhere = fake.provider("fake");
    let app = App::at(clock, |builder| {
        let outbound = Outbound::new(OutboundPolicy::local()).unwrap();
        builder.providers(vec![elsewhere]).outbound(outbound).sign_in_by_mail(true).passkeys(true)
    })
    .await;
    (app, fake)
}

/// Links whoever is signed in with somebody at the provider.
async fn link(browser: &TestClient, fake: &Fake) {
    let begun = browser.post("/api/v1/me/providers/fake/link", &json!({})).await.json();
    let with = fake.authorize(begun["url"].as_str().unwrap(), &person("ada-there", "elsewhere@example.org"));
    assert_eq!(back(browser, "fake", &with).await.status, 303);
}

/// A browser in which what is one factor was shown, each way that there is.
async fn shown(app: &App, fake: &Fake) -> Vec<(&'static str, TestClient)> {
    let [password, mailed_code, mailed_link, elsewhere] = [(); 4].map(|()| app.browser());
    for (browser, by_code) in [(&mailed_code, true), (&mailed_link, false)] {
        app.later(TimeDelta::minutes(5));
        let before = app.mailbox.all().await.len();
        browser.post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await;
        let mail = app.mailbox.nth(before + 1).await;
        if by_code {
            browser.post("/api/v1/auth/sign-in/code", &json!({ "email": ADA, "code": code(&mail) })).await;
        } else {
            browser.post("/api/v1/auth/sign-in/link", &json!({ "token": token(&mail) })).await;
        }
    }
    sign_in(&password, ADA, PASSWORD, false).await;
    provider::sign_in_as(&elsewhere, fake, &person("ada-there", "elsewhere@example.org")).await;
    vec![("email", mailed_code), ("email", mailed_link), ("password", password), ("provider", elsewhere)]
}

/// How the session at hand began.
async fn methods(browser: &TestClient) -> Value {
    let sessions = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    let current = sessions.as_array().unwrap_or(&Vec::new()).iter().find(|session| session["current"] == true).cloned();
    current.map_or(Value::Null, |session| session["methods"].clone())
}

/// 6.3.4: after each that is one factor; a passkey is both.
#[tokio::test]
async fn whichever_way_somebody_comes_the_second_factor_is_asked_for() {
    let (app, fake) = all().await;
    let holder = Holder::new(&app, ADA).await;
    link(&holder.browser, &fake).await;
    let mut device = new_passkey(&holder.browser, "Key ring").await;
    for (way, browser) in shown(&app, &fake).await {
        assert_eq!(
            (browser.get("/person").await.status.as_u16(), browser.page("/sign-in/second").await.status.as_u16()),
            (401, 200),
            "{way}"
        );
        app.later(TimeDelta::seconds(30));
        let second = browser.post("/api/v1/auth/sign-in/second", &json!({ "code": holder.code(&app) })).await;
        assert_eq!((second.status.as_u16(), methods(&browser).await), (200, json!([way, "totp"])), "{way}");
    }
    let browser = app.browser();
    assert_eq!(enter(&browser, &mut device).await.status, 200);
    assert_eq!(methods(&browser).await, json!(["passkey"]));
}

/// 6.8.4: it is not for a provider to say how somebody has to show who they are here.
#[tokio::test]
async fn what_a_provider_says_of_a_second_factor_counts_for_nothing() {
    let (app, fake) = all().await;
    let holder = Holder::new(&app, ADA).await;
    link(&holder.browser, &fake).await;
    for more in [json!({}), json!({ "acr": "phr", "amr": ["pwd", "otp", "mfa", "hwk"], "auth_time": app.clock.now().timestamp() })] {
        fake.set(|script| script.lie = more);
        let browser = app.browser();
        provider::sign_in_as(&browser, &fake, &person("ada-there", "elsewhere@example.org")).await;
        assert_eq!((browser.get("/person").await.status.as_u16(), browser.page("/sign-in/second").await.status.as_u16()), (401, 200));
    }
}

/// 16.3.1: who came, when, from where and how; and who did not.
#[tokio::test]
async fn each_way_in_is_an_event_that_says_how() {
    let (app, fake) = all().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    link(&ada, &fake).await;
    let mut device = new_passkey(&ada, "Key ring").await;
    let ways = shown(&app, &fake).await;
    assert_eq!(enter(&app.browser(), &mut device).await.status, 200);
    let began = "select data->'methods'->>0 from data.outbox where name = 'auth.session.began' order by at, id";
    let began: Vec<String> = sqlx::query_scalar(began).fetch_all(&mut *app.system().await).await.unwrap();
    let expected: Vec<_> = ["password", "password"].into_iter().chain(ways.iter().map(|(way, _)| *way)).chain(["passkey"]).collect();
    assert_eq!(began, expected);
    let told = "select count(*) from data.audit_entry where action = 'auth.session.began' and actor_id is not null and address is not null";
    assert_eq!(app.count(told).await, 7, "that of the first with the passkey beside it, too");

    sign_in(&app.browser(), ADA, "not the password at all", false).await;
    ada.post("/api/v1/auth/prove", &json!({ "password": "not the password at all" })).await;
    let asker = app.browser();
    app.later(TimeDelta::minutes(5));
    asker.post("/api/v1/auth/sign-in/mail", &json!({ "email": ADA })).await;
    asker.post("/api/v1/auth/sign-in/code", &json!({ "email": ADA, "code": "00000000" })).await;
    let refused = "select count(*) from data.outbox where name = 'auth.sign_in.refused'";
    assert_eq!(app.count(refused).await, 2, "a password and a code");
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.session.proof_refused'").await, 1);
}

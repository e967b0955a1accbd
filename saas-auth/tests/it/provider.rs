//! Signing in with an account elsewhere, against a provider that says what it is told to say.

mod away;
mod fake;
mod kinds;
mod lies;
mod linking;
mod mailbox;

use saas_core::{
    Outbound, OutboundPolicy,
    testing::{Answer, TestClient},
};
use serde_json::{Value, json};

use crate::app::{App, set_cookie};
pub(crate) use fake::Fake;

pub(crate) const ADA: &str = "ada@example.com";

/// An application that knows one provider, which is called `fake`.
pub(crate) async fn with_fake() -> (App, Fake) {
    with_fakes(|fake| vec![fake.provider("fake")]).await
}

pub(crate) async fn with_fakes(providers: impl FnOnce(&Fake) -> Vec<saas_auth::Provider>) -> (App, Fake) {
    let clock = saas_core::Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let fake = Fake::start(&clock).await;
    let providers = providers(&fake);
    let app = App::at(clock, |builder| builder.providers(providers).outbound(Outbound::new(OutboundPolicy::local()).unwrap())).await;
    (app, fake)
}

/// Somebody as the provider describes them.
pub(crate) fn person(subject: &str, email: &str) -> Value {
    json!({ "sub": subject, "email": email, "email_verified": true, "name": "Ada Lovelace" })
}

/// Begins, and gives the address of the provider.
pub(crate) async fn begin(browser: &TestClient, provider: &str) -> String {
    let answer = browser.post(&format!("/api/v1/auth/providers/{provider}"), &json!({ "next": "/person?from=there" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["url"].as_str().unwrap().to_owned()
}

/// Comes back.
pub(crate) async fn back(browser: &TestClient, provider: &str, with: &[(&'static str, String)]) -> Answer {
    let fields: Vec<_> = with.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.form(&format!("/sign-in/with/{provider}/return"), &fields).await
}

/// There and back.
pub(crate) async fn sign_in_as(browser: &TestClient, fake: &Fake, claims: &Value) -> Answer {
    let url = begin(browser, "fake").await;
    back(browser, "fake", &fake.authorize(&url, claims)).await
}

/// Demands that nobody was let in, and that the page says why.
#[track_caller]
pub(crate) fn is_refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert!(answer.text().contains(says), "{says}: {}", answer.text());
    assert_eq!(set_cookie(answer), None);
}

/// Demands that the mailbox is asked before anybody is let in.
#[track_caller]
pub(crate) fn is_asked(answer: &Answer) {
    assert!(answer.status == 200 && answer.text().contains("Check your mail"), "{}", answer.text());
    assert_eq!(set_cookie(answer), None);
}

/// AUT-06, ASVS 10.1.1, 10.2.3: with pages alone, from the button on; nothing of the provider's is kept, and a way that is only looked at is not used.
#[tokio::test]
async fn a_stranger_presses_a_button_and_has_an_account() {
    let (app, fake) = with_fake().await;
    let browser = app.browser();
    for page in ["/sign-in?next=/person", "/sign-up?next=/person"] {
        let text = browser.page(page).await.text();
        assert!(
            text.contains(r#"action="&#x2f;sign-in&#x2f;with&#x2f;fake""#) || text.contains(r#"action="/sign-in/with/fake""#),
            "{text}"
        );
        assert!(text.contains("Continue with The Fake"), "{text}");
    }
    let leave = browser.form("/sign-in/with/fake", &[("next", "/person?a=1")]).await;
    assert_eq!(leave.status, 200);
    let cookie = leave.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["__Host-provider=", "HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=3600"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let text = leave.text();
    let url = text.split("href=\"").find(|part| part.starts_with("http")).unwrap().split('"').next().unwrap();
    let url = url.replace("&amp;", "&").replace("&#x2f;", "/");
    assert!(url.starts_with(&format!("{}/authorize?", fake.issuer)), "{url}");
    let asks: url::Url = url.parse().unwrap();
    assert!(asks.query_pairs().any(|(name, value)| name == "scope" && value == "openid email profile"), "{url}");

    let with = fake.authorize(&url, &person("ada-there", ADA));
    let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&with).finish();
    let (once, twice) = (
        browser.page(&format!("/sign-in/with/fake/return?{query}")).await,
        browser.page(&format!("/sign-in/with/fake/return?{query}")).await,
    );
    assert_eq!((once.status.as_u16(), twice.status.as_u16()), (200, 200));
    assert!(once.text().contains("data-submit") && once.text().contains(&with[1].1), "{}", once.text());
    let answer = back(&browser, "fake", &with).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, Some("/person?a=1")), "{}", answer.text());
    assert_eq!(browser.get("/person").await.text(), "Ada Lovelace");

    let me = browser.get("/api/v1/auth/me").await.json();
    assert_eq!((&me["email"], &me["verified"]), (&json!(ADA), &json!(true)));
    let sessions = browser.get("/api/v1/auth/sessions").await.json();
    assert_eq!(sessions["items"][0]["methods"], json!(["provider"]), "{sessions}");
    assert_eq!(app.count("select count(*) from auth.account where password_hash is null and verified_at is not null").await, 1);
    assert_eq!(app.count("select count(*) from auth.identity where subject = 'ada-there'").await, 1);
    assert_eq!(app.mailbox.all().await.len(), 0, "there is nothing to confirm");
    assert_eq!(app.mailbox.welcomes().await.len(), 1);
    for event in ["auth.account.created", "auth.account.verified", "auth.identity.linked", "auth.session.began"] {
        let mut tx = app.system().await;
        let count: i64 =
            sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(event).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(count, 1, "{event}");
    }
    for table in ["auth.identity", "auth.provider_flow", "auth.session", "data.outbox"] {
        let mut tx = app.system().await;
        let sql = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(row_to_json(it)::text, ''), '') from {table} it"));
        let rows: String = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap();
        assert!(!rows.contains("an-access-token") && !rows.contains(&with[1].1), "{table} keeps what the provider gave out");
    }
}

/// ASVS 6.8.1, 10.5.2: whoever it is says the provider's name for them; an address that changes there, or is somebody else's there now, changes nothing here.
#[tokio::test]
async fn a_person_is_known_again_by_the_providers_name_for_them_and_never_by_an_address() {
    let (app, fake) = with_fake().await;
    let id = async |browser: &TestClient| browser.get("/api/v1/auth/me").await.json()["id"].clone();
    let first = app.browser();
    assert_eq!(sign_in_as(&first, &fake, &person("ada-there", ADA)).await.status, 303);
    let moved = app.browser();
    assert_eq!(sign_in_as(&moved, &fake, &person("ada-there", "countess@example.org")).await.status, 303);
    assert_eq!(id(&moved).await, id(&first).await);
    assert_eq!(moved.get("/api/v1/auth/me").await.json()["email"], ADA, "the address here is hers to change");
    let unconfirmed = app.browser();
    let claims = json!({ "sub": "ada-there", "email": ADA, "email_verified": false });
    assert_eq!(sign_in_as(&unconfirmed, &fake, &claims).await.status, 303, "whose it is matters once");

    let recycled = app.browser();
    is_refused(&sign_in_as(&recycled, &fake, &person("eve-there", ADA)).await, 409, "already have an account");
    assert_eq!(sign_in_as(&recycled, &fake, &person("eve-there", "eve@example.com")).await.status, 303);
    assert_ne!(id(&recycled).await, id(&first).await);
    assert_eq!(app.count("select count(*) from auth.account").await, 2);
}

/// ASVS 10.1.2, 10.2.1: a way back works once, for ten minutes, in its browser and at its provider.
#[tokio::test]
async fn a_way_back_works_once_for_ten_minutes_and_in_the_browser_in_which_it_began() {
    let (app, fake) = with_fakes(|fake| vec![fake.provider("fake"), fake.provider("other")]).await;
    let over = "This sign-in is over";
    let ada = person("ada-there", ADA);

    let (hers, his) = (app.browser(), app.browser());
    let with = fake.authorize(&begin(&hers, "fake").await, &ada);
    is_refused(&back(&his, "fake", &with).await, 410, over);
    begin(&his, "fake").await;
    is_refused(&back(&his, "fake", &with).await, 410, over);
    is_refused(&back(&hers, "other", &with).await, 410, over);
    assert_eq!(fake.asked("/token"), 0, "nobody asks for what is nobody's");
    assert_eq!(back(&hers, "fake", &with).await.status, 303);
    is_refused(&back(&hers, "fake", &with).await, 410, over);

    let late = app.browser();
    let with = fake.authorize(&begin(&late, "fake").await, &ada);
    app.later(chrono::TimeDelta::minutes(10));
    is_refused(&back(&late, "fake", &with).await, 410, over);
    for nonsense in [vec![], vec![("state", "none".to_owned())], vec![("state", "a".repeat(43)), ("code", "x".to_owned())]] {
        is_refused(&back(&late, "fake", &nonsense).await, 410, over);
    }
    assert_eq!(late.form("/sign-in/with/nobody", &[]).await.status, 404);
    assert_eq!(
        app.count("select count(*) from data.outbox where name = 'auth.provider.refused'").await,
        0,
        "what nobody began is no event"
    );

    // Two tabs of one browser do not know of each other.
    let tabs = app.browser();
    let (one, two) = (begin(&tabs, "fake").await, begin(&tabs, "fake").await);
    for url in [one, two] {
        assert_eq!(back(&tabs, "fake", &fake.authorize(&url, &ada)).await.status, 303);
    }
}

/// Topic 8: fifty at once use one way back, and one of them does.
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_returns_at_once_one_signs_in() {
    let (app, fake) = with_fake().await;
    let browser = app.browser();
    let with = fake.authorize(&begin(&browser, "fake").await, &person("ada-there", ADA));
    let returns: Vec<_> = (0..50)
        .map(|_| {
            let (browser, with) = (browser.clone(), with.clone());
            tokio::spawn(async move { back(&browser, "fake", &with).await })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in returns {
        statuses.push(one.await.unwrap().status.as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![303], vec![410; 49]].concat());
    assert_eq!(app.count("select count(*) from auth.session").await, 1);
}

/// Two who come for the first time at once, on two ways: there is one account, and both are in it.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_for_the_first_time_in_many_browsers_at_once_has_one_account() {
    let (app, fake) = with_fake().await;
    let mut ways = Vec::new();
    for _ in 0..8 {
        let browser = app.browser();
        let url = begin(&browser, "fake").await;
        ways.push((browser, fake.authorize(&url, &person("ada-there", ADA))));
    }
    let returns: Vec<_> =
        ways.into_iter().map(|(browser, with)| tokio::spawn(async move { back(&browser, "fake", &with).await })).collect();
    for one in returns {
        let answer = one.await.unwrap();
        assert_eq!(answer.status, 303, "{}", answer.text());
    }
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
    assert_eq!(app.count("select count(*) from core.user").await, 1);
}

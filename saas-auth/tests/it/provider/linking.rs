use chrono::TimeDelta;
use saas_core::testing::{Answer, TestClient};
use serde_json::json;

use super::{ADA, back, begin, fake::Fake, is_refused, person, sign_in_as, with_fake, with_fakes};
use crate::app::{App, PASSWORD, html, sign_in};

const LINK: &str = "/api/v1/me/providers/fake/link";
const IDENTITIES: &str = "/api/v1/me/identities";

/// There and back with the account that is to be linked.
async fn link_as(browser: &TestClient, fake: &Fake, subject: &str) -> Answer {
    let begun = browser.post(LINK, &json!({})).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    let with = fake.authorize(begun.json()["url"].as_str().unwrap(), &person(subject, "elsewhere@example.org"));
    back(browser, "fake", &with).await
}

async fn linked(browser: &TestClient) -> Vec<serde_json::Value> {
    browser.get(IDENTITIES).await.json()["items"].as_array().unwrap().clone()
}

async fn unlink(browser: &TestClient, id: &serde_json::Value) -> Answer {
    browser.post(&format!("{IDENTITIES}/{}/unlink", id.as_str().unwrap()), &json!({})).await
}

async fn mails(app: &App) -> Vec<(String, String)> {
    app.mailbox.all().await.into_iter().map(|mail| (mail.to, mail.subject)).collect()
}

/// AUT-06: whoever is signed in links an account and unlinks it again, by pages; each is an event and a mail.
#[tokio::test]
async fn a_person_links_an_account_elsewhere_signs_in_with_it_and_unlinks_it() {
    let (app, fake) = with_fake().await;
    app.account(ADA).await;
    let (ada, elsewhere) = (app.signed_in(ADA).await, app.signed_in(ADA).await);
    assert!(ada.page("/account/security").await.text().contains("Link The Fake"));
    let leave = ada.form("/account/providers/fake/link", &[]).await;
    assert_eq!(leave.status, 200, "{}", leave.text());
    let done = link_as(&ada, &fake, "ada-there").await;
    assert_eq!((done.status.as_u16(), done.location()), (303, Some("/account/security?done=linked")), "{}", done.text());
    let page = ada.page("/account/security?done=linked").await.text();
    assert!(page.contains("The account is linked") && page.contains("elsewhere@example.org"), "{page}");
    assert_eq!(
        mails(&app).await.pop().unwrap(),
        (ADA.to_owned(), "Your account at Monitoring can be opened with another account".to_owned())
    );
    assert_eq!(elsewhere.get("/person").await.status, 200, "a way more ends nothing");
    assert_eq!(link_as(&ada, &fake, "ada-there").await.status, 303, "once more is nothing new");
    assert_eq!(linked(&ada).await.len(), 1);

    let other = app.browser();
    assert_eq!(sign_in_as(&other, &fake, &person("ada-there", "elsewhere@example.org")).await.status, 303);
    assert_eq!(other.get("/api/v1/auth/me").await.json()["email"], ADA);
    let id = linked(&ada).await[0]["id"].clone();
    let unlinked = ada.form(&format!("/account/identities/{}/unlink", id.as_str().unwrap()), &[]).await;
    assert_eq!((unlinked.status.as_u16(), unlinked.location()), (303, Some("/account/security?done=unlinked")), "{}", unlinked.text());
    assert_eq!(other.get("/person").await.status, 401, "what may have begun with it is over");
    assert_eq!(ada.get("/person").await.status, 200);
    assert_eq!(mails(&app).await.pop().unwrap().1, "An account that opened yours at Monitoring was unlinked");
    is_refused(&sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await, 409, "already have an account");
    assert_eq!(unlink(&ada, &id).await.status, 404);
    for (event, times) in [("auth.identity.linked", 1), ("auth.identity.unlinked", 1)] {
        let mut tx = app.system().await;
        let count: i64 =
            sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(event).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(count, times, "{event}");
    }
}

/// AUT-06, topic 8: the last way to sign in is not unlinked, also not by two who unlink the last two at once.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_way_to_sign_in_stays() {
    let (app, fake) = with_fake().await;
    let ada = app.browser();
    assert_eq!(sign_in_as(&ada, &fake, &person("ada-there", ADA)).await.status, 303);
    let only = linked(&ada).await[0]["id"].clone();
    let refused = unlink(&ada, &only).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].clone()), (409, json!("/problems/conflict")));
    let page = ada.form(&format!("/account/identities/{}/unlink", only.as_str().unwrap()), &[]).await;
    assert!(page.status == 409 && page.text().contains("This is the only way to sign in"), "{}", page.text());
    assert!(page.text().contains("Your account has no password"), "{}", page.text());

    assert_eq!(link_as(&ada, &fake, "ada-again").await.status, 303);
    let both: Vec<_> = linked(&ada).await.iter().map(|one| one["id"].clone()).collect();
    let at_once = both.iter().map(|id| {
        let (ada, id) = (ada.clone(), id.clone());
        tokio::spawn(async move { unlink(&ada, &id).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in at_once.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(linked(&ada).await.len(), 1);
}

/// ASVS 7.5.1: whoever finds a browser open does not let themselves in for good, nor the owner out.
#[tokio::test]
async fn accounts_elsewhere_are_linked_and_unlinked_soon_after_a_proof_alone() {
    let (app, fake) = with_fake().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    assert_eq!(link_as(&ada, &fake, "ada-there").await.status, 303);
    let id = linked(&ada).await[0]["id"].clone();
    app.later(TimeDelta::minutes(10));
    for asked in [ada.post(LINK, &json!({})).await, unlink(&ada, &id).await] {
        assert_eq!((asked.status.as_u16(), asked.json()["type"].clone()), (403, json!("/problems/step-up-required")), "{}", asked.text());
        assert_eq!(asked.json()["methods"], json!(["password"]));
    }
    let there = ada.clone().with("referer", "http://localhost:3000/account/security");
    for path in ["/account/providers/fake/link".to_owned(), format!("/account/identities/{}/unlink", id.as_str().unwrap())] {
        let led = there.form(&path, &[]).await;
        assert_eq!((led.status.as_u16(), led.location()), (303, Some("/account/prove?next=%2Faccount%2Fsecurity")), "{path}");
    }
    assert_eq!(linked(&ada).await.len(), 1);
    assert_eq!(ada.post("/api/v1/auth/prove", &json!({ "password": PASSWORD })).await.status, 204);
    assert_eq!(unlink(&ada, &id).await.status, 204);
}

/// Whoever has no password shows who they are by having signed in just now.
#[tokio::test]
async fn without_a_password_it_takes_a_fresh_sign_in() {
    let (app, fake) = with_fake().await;
    let ada = app.browser();
    assert_eq!(sign_in_as(&ada, &fake, &person("ada-there", ADA)).await.status, 303);
    app.later(TimeDelta::minutes(10));
    let stale = ada.post(LINK, &json!({})).await;
    assert_eq!((stale.status.as_u16(), stale.json()["methods"].clone()), (403, json!([])), "{}", stale.text());
    assert!(html(&ada.page("/account/prove").await).contains("/sign-in?again=true"));
    assert_eq!(sign_in_as(&ada, &fake, &person("ada-there", ADA)).await.status, 303);
    assert_eq!(link_as(&ada, &fake, "ada-again").await.status, 303);
}

/// AUT-06, topic 8: only a provider that hands the address out opens the account that has it; its owner is told.
#[tokio::test]
async fn an_account_with_the_address_is_opened_by_whoever_hands_the_address_out_and_by_nobody_else() {
    let (app, fake) = with_fakes(|fake| vec![fake.provider("fake"), fake.provider("own").authoritative_for("Example.com")]).await;
    app.account(ADA).await;
    let before = app.mailbox.all().await.len();
    let browser = app.browser();
    let refused = sign_in_as(&browser, &fake, &person("ada-there", "Ada@Example.com")).await;
    is_refused(&refused, 409, "You already have an account here");
    assert!(
        refused.text().contains("next=/account/security") || refused.text().contains("next=&#x2f;account&#x2f;security"),
        "{}",
        refused.text()
    );
    for similar in ["ada@example.com.evil.example", "ada@evil-example.com"] {
        let stranger = app.browser();
        let with = fake.authorize(&begin(&stranger, "own").await, &person(similar, similar));
        assert_eq!(back(&stranger, "own", &with).await.status, 303);
        assert_eq!(stranger.get("/api/v1/auth/me").await.json()["email"], similar, "an account of its own");
    }
    let with = fake.authorize(&begin(&browser, "own").await, &person("ada-there", "Ada@Example.com"));
    let answer = back(&browser, "own", &with).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["email"], ADA);
    let told = mails(&app).await.split_off(before);
    assert_eq!(told, [(ADA.to_owned(), "Your account at Monitoring can be opened with another account".to_owned())]);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 200, "the old way stays");
    // From now on it is known, and at the other one too: whose name it is says the issuer.
    assert_eq!(sign_in_as(&app.browser(), &fake, &person("ada-there", "Ada@Example.com")).await.status, 303);
}

/// Topic 8, classic-federated merge and unexpired session: whoever signed up with another's address before has nothing of what the owner gets.
#[tokio::test]
async fn whoever_never_confirmed_an_address_gives_way_to_its_owner() {
    let (app, fake) = with_fake().await;
    app.sign_up(ADA).await;
    let eve = app.signed_in(ADA).await;
    // Trojan identifier: nor could they leave an account of their own in it.
    let trojan = eve.post(LINK, &json!({})).await;
    assert_eq!(trojan.status, 403, "{}", trojan.text());
    let verify = crate::mailbox::token(&app.mailbox.nth(1).await);

    let ada = app.browser();
    assert_eq!(sign_in_as(&ada, &fake, &person("ada-there", ADA)).await.status, 303);
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["verified"], true);
    assert_eq!(eve.get("/person").await.status, 401);
    assert_eq!(sign_in(&app.browser(), ADA, PASSWORD, false).await.status, 401);
    let late = app.browser().post("/api/v1/auth/verify", &json!({ "token": verify, "password": PASSWORD })).await;
    assert_eq!(late.status, 422, "the link that was mailed before leads nowhere");
    assert_eq!(app.count("select count(*) from auth.account").await, 1);
}

/// Topic 8, unexpired change of address: what was begun elsewhere towards the address does not reach the account that has it now.
#[tokio::test]
async fn a_change_of_address_that_somebody_else_began_takes_nothing_from_its_owner() {
    let (app, fake) = with_fake().await;
    app.account("eve@example.com").await;
    let eve = app.signed_in("eve@example.com").await;
    let body = json!({ "email": ADA });
    assert_eq!(eve.json(http::Method::PUT, "/api/v1/me/email", &body).await.status, 202);
    let ada = app.browser();
    assert_eq!(sign_in_as(&ada, &fake, &person("ada-there", ADA)).await.status, 303);
    for mail in app.mailbox.all().await.split_off(1) {
        app.browser().post("/api/v1/me/email/confirm", &json!({ "token": crate::mailbox::token(&mail) })).await;
    }
    assert_eq!(eve.get("/api/v1/auth/me").await.json()["email"], "eve@example.com");
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["email"], ADA);
}

/// Topic 8, link CSRF: whoever is made to finish what another began links nothing, and no account elsewhere opens two here.
#[tokio::test]
async fn nobody_is_made_to_link_anothers_account() {
    let (app, fake) = with_fake().await;
    for email in [ADA, "eve@example.com"] {
        app.account(email).await;
    }
    let (ada, eve) = (app.signed_in(ADA).await, app.signed_in("eve@example.com").await);
    let begun = eve.post(LINK, &json!({})).await;
    let with = fake.authorize(begun.json()["url"].as_str().unwrap(), &person("eve-there", "eve@example.org"));
    is_refused(&back(&ada, "fake", &with).await, 410, "over");
    // In the very browser in which it began, but somebody else is signed in there by now, or nobody.
    sign_in(&eve, ADA, PASSWORD, false).await;
    is_refused(&back(&eve, "fake", &with).await, 409, "Somebody else is signed in");
    let begun = ada.post(LINK, &json!({})).await;
    let with = fake.authorize(begun.json()["url"].as_str().unwrap(), &person("ada-there", ADA));
    ada.form("/sign-out", &[]).await;
    is_refused(&back(&ada, "fake", &with).await, 409, "Somebody else is signed in");
    assert_eq!(app.count("select count(*) from auth.identity").await, 0);

    let (ada, eve) = (app.signed_in(ADA).await, app.signed_in("eve@example.com").await);
    assert_eq!(link_as(&ada, &fake, "ada-there").await.status, 303);
    is_refused(&link_as(&eve, &fake, "ada-there").await, 409, "is in use");
    let id = linked(&ada).await[0]["id"].clone();
    assert_eq!(unlink(&eve, &id).await.status, 404, "nor can it be unlinked by another");
    assert_eq!(linked(&ada).await.len(), 1);
}

/// An account that may not be signed in to is not opened by an account elsewhere.
#[tokio::test]
async fn a_closed_account_stays_closed() {
    let (app, fake) = with_fake().await;
    assert_eq!(sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await.status, 303);
    let mut tx = app.system().await;
    sqlx::query("update core.user set state = 'suspended'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    is_refused(&sign_in_as(&app.browser(), &fake, &person("ada-there", ADA)).await, 403, "This account is closed");
}

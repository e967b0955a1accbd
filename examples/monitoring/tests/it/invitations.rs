//! TEN-06, topic 12: invitations in the composed product, with accounts, plans and whoever is told.

use http::StatusCode;
use saas_core::Clock;
use saas_tenancy::Role;
use serde_json::{Value, json};
use url::Url;

use crate::app::{App, PASSWORD, Person, expect};

async fn invite(by: &Person, email: &str) -> Value {
    let sent = by.browser.post("/api/v1/invitations", &json!({ "emails": [email], "role": "member" })).await;
    expect(&sent, StatusCode::OK);
    sent.json()
}

/// The path and query of the link in a letter that leads there.
fn link(letter: &str, path: &str) -> String {
    let link = letter.split_whitespace().find(|word| word.contains(path)).unwrap_or_else(|| panic!("{letter}"));
    let url: Url = link.parse().unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn parameter(path: &str, name: &str) -> String {
    let url: Url = format!("http://localhost{path}").parse().unwrap();
    url.query_pairs().find(|(found, _)| found == name).unwrap_or_else(|| panic!("{path}")).1.into_owned()
}

async fn accept(person: &Person, letter: &str) -> saas_core::testing::Answer {
    let token = parameter(&link(letter, "/invitation?"), "token");
    person.browser.post("/api/v1/invitations/accept", &json!({ "token": token })).await
}

/// Whoever has no account yet makes one on the way: the link leads through signing up and confirming, and back to itself.
#[tokio::test]
async fn a_new_person_signs_up_by_an_invitation_and_lands_in_the_organization() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let email = "grace@example.com";
    invite(&owner, email).await;
    let invitation = link(&app.letter(email).await, "/invitation?");
    let browser = app.anon();
    let shown = browser.page(&invitation).await.text().replace("&#x2f;", "/");
    assert!(shown.contains("/sign-up?email=grace%40example.com&"), "{shown}");
    assert!(browser.page("/sign-up?email=grace%40example.com").await.text().contains("value=\"grace@example.com\""));

    let account = [("name", "Grace Hopper"), ("email", email), ("password", PASSWORD), ("next", invitation.as_str())];
    expect(&browser.form("/sign-up", &account).await, StatusCode::OK);
    let confirm = link(&app.letter(email).await, "/verify?");
    let (token, next) = (parameter(&confirm, "token"), parameter(&confirm, "next"));
    assert_eq!(next, invitation);
    let early = browser.form("/invitation", &[("token", &parameter(&invitation, "token"))]).await;
    assert_eq!(early.status, StatusCode::UNAUTHORIZED, "the link alone is no account");
    let confirmed = browser.form("/verify", &[("token", &token), ("password", PASSWORD), ("next", &next)]).await;
    assert_eq!(confirmed.location(), Some(invitation.as_str()));
    let joined = browser.form("/invitation", &[("token", &parameter(&invitation, "token"))]).await;
    assert_eq!(joined.location(), Some("/devices"), "{}", joined.text());
    let first = browser.page("/devices").await;
    assert!(first.status == StatusCode::OK && first.text().contains("acme"), "{}", first.text());
    let list = owner.browser.get("/api/v1/members").await.json();
    assert!(list["items"].as_array().unwrap().iter().any(|it| it["email"] == email && it["role"] == "member"), "{list}");
    app.told_of_events().await;
    let told = owner.browser.get("/api/v1/notifications").await.json();
    assert!(told["items"].as_array().unwrap().iter().any(|it| it["kind"] == "tenancy.member.joined"), "{told}");
}

/// Topic 7: an inviter learns nothing of whether somebody has an account, and neither does whoever reads over their shoulder.
#[tokio::test]
async fn an_invitation_says_nothing_of_whether_there_is_an_account() {
    let app = App::at(Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap())).await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let (known, unknown) = (app.person().await.email, "person99@example.com".to_owned());
    let mut seen = Vec::new();
    for email in [known, unknown] {
        let mut answer = invite(&owner, &email).await;
        let id = answer["items"][0]["id"].take();
        let letter = app.letter(&email).await;
        let invitation = link(&letter, "/invitation?");
        let token = parameter(&invitation, "token");
        let page = app.anon().page(&invitation).await;
        let in_links = email.replace('@', "%40");
        let plain = |text: &str| {
            text.replace(&email, "EMAIL").replace(&in_links, "EMAIL").replace(&token, "TOKEN").replace(id.as_str().unwrap(), "ID")
        };
        let main = page.text().split_once("<main").unwrap().1.split_once("</main>").unwrap().0.to_owned();
        let list = owner.browser.get("/api/v1/invitations").await.json();
        let mine = list["items"].as_array().unwrap().iter().find(|it| it["email"] == email.as_str()).unwrap();
        let fields: Vec<_> = mine.as_object().unwrap().keys().cloned().collect();
        seen.push((plain(&answer.to_string()), plain(&letter), plain(&main), fields));
    }
    assert_eq!(seen[0], seen[1]);
}

/// The plan's seats, and who of two gets the last one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_accept_the_last_seat_of_the_plan_one_gets_it() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    for _ in 0..3 {
        app.member(acme, Role::Viewer).await;
    }
    let (one, two) = (app.person().await, app.person().await);
    let mut letters = Vec::new();
    for person in [&one, &two] {
        invite(&owner, &person.email).await;
        letters.push(app.letter(&person.email).await);
    }
    let answers = tokio::join!(accept(&one, &letters[0]), accept(&two, &letters[1]));
    let (late, refused) = match (answers.0.status, answers.1.status) {
        (StatusCode::OK, StatusCode::PAYMENT_REQUIRED) => (1, answers.1.json()),
        (StatusCode::PAYMENT_REQUIRED, StatusCode::OK) => (0, answers.0.json()),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused["type"], "/problems/limit-reached");
    assert_eq!((&refused["meter"], &refused["limit"], &refused["used"]), (&json!("seats"), &json!(5), &json!(5)));
    let late_person = [&one, &two][late];
    // Who leaves makes room, though nobody tells billing; and a larger plan has more.
    let viewers = "select user_id from core.member where role = 'viewer' and left_at is null limit 1";
    let viewer: uuid::Uuid = sqlx::query_scalar(viewers).fetch_one(&mut app.owner().await).await.unwrap();
    app.test.left(acme, viewer.into()).await;
    expect(&accept(late_person, &letters[late]).await, StatusCode::OK);
    let three = app.person().await;
    invite(&owner, &three.email).await;
    let letter = app.letter(&three.email).await;
    expect(&accept(&three, &letter).await, StatusCode::PAYMENT_REQUIRED);
    app.plan(acme, "team").await;
    expect(&accept(&three, &letter).await, StatusCode::OK);
    let used: i64 =
        sqlx::query_scalar("select used from data.quota where meter = 'seats'").fetch_one(&mut app.owner().await).await.unwrap();
    assert_eq!(used, 6, "what is written down is who belongs");
}

/// RBA-01: who has a role that the organization made is told what its permissions let them hear, and nothing else.
#[tokio::test]
async fn a_role_of_ones_own_hears_of_what_it_may_see() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    app.plan(acme, "team").await;
    let owner = app.member(acme, Role::Owner).await;
    let mut people = Vec::new();
    for (name, permissions) in [("Door keeper", vec!["tenancy.member.read"]), ("Stoker", vec!["monitoring.device.read"])] {
        expect(&owner.browser.post("/api/v1/roles", &json!({ "name": name, "permissions": permissions })).await, StatusCode::CREATED);
        let person = app.person().await;
        app.test.member(acme, person.id, name).await;
        people.push(person);
    }
    let bob = app.person().await;
    invite(&owner, &bob.email).await;
    let letter = app.letter(&bob.email).await;
    expect(&accept(&bob, &letter).await, StatusCode::OK);
    app.told_of_events().await;
    let mut told = Vec::new();
    for person in &people {
        let list = person.browser.get("/api/v1/notifications").await.json();
        told.push(list["items"].as_array().unwrap().iter().filter(|it| it["kind"] == "tenancy.member.joined").count());
    }
    assert_eq!(told, [1, 0]);
}

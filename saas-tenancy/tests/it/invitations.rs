//! TEN-06, topic 12: inviting people, as they do it and as somebody would abuse it.

mod limits;
mod rights;
mod tricks;
mod used;

use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{
    TenantId, UserId,
    testing::{Answer, TestClient},
};
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::{app::App, mailbox::token};

/// The address that a person of these tests has.
fn email(user: UserId) -> String {
    format!("{user}@example.com")
}

async fn send(client: &TestClient, emails: &[&str], role: Role) -> Answer {
    client.post("/api/v1/invitations", &json!({ "emails": emails, "role": role })).await
}

/// What became of each address.
fn outcomes(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{list}"));
    items.iter().map(|item| item["outcome"].as_str().unwrap().to_owned()).collect()
}

/// Invites somebody, and gives the token of the mail.
async fn invite(app: &App, client: &TestClient, address: &str, role: Role) -> String {
    let sent = send(client, &[address], role).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    assert_eq!(outcomes(&sent), ["invited"]);
    token(app.mailbox.to(address).await.last().unwrap())
}

/// A page as it is meant: in attributes a slash is escaped.
fn html(answer: &Answer) -> String {
    answer.text().replace("&#x2f;", "/")
}

async fn accept(client: &TestClient, token: &str) -> Answer {
    client.post("/api/v1/invitations/accept", &json!({ "token": token })).await
}

async fn waiting(client: &TestClient) -> Vec<Value> {
    client.get("/api/v1/invitations").await.json()["items"].as_array().unwrap().clone()
}

async fn members(app: &App, tenant: TenantId) -> i64 {
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query_scalar("select count(*) from core.member where left_at is null").fetch_one(&mut *tx).await.unwrap()
}

async fn events(app: &App, name: &str) -> Vec<Value> {
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    sqlx::query_scalar("select data from data.outbox where name = $1 order by at, id").bind(name).fetch_all(&mut *tx).await.unwrap()
}

/// As in a browser: from the page of the members to the first page of the organization.
#[tokio::test]
async fn a_colleague_is_invited_and_joins_as_what_they_were_offered() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let grace = app.person().await;
    let address = email(grace);
    assert!(html(&owner.page("/members").await).contains("href=\"/members/invite\""));
    let form = owner.page("/members/invite").await.text();
    assert!(form.contains("value=\"admin\"") && form.contains("value=\"owner\""), "{form}");
    let done = owner.form("/members/invite", &[("emails", &address), ("role", "viewer")]).await;
    assert!(done.status == StatusCode::OK && done.text().contains(&address), "{}", done.text());
    assert!(owner.page("/members").await.text().contains(&address), "who was asked is seen among the members");

    let mails = app.mailbox.to(&address).await;
    let [mail] = mails.as_slice() else { panic!("{mails:?}") };
    assert!(mail.subject.contains("acme") && mail.text.contains("7"), "{}", mail.text);
    let link = format!("/invitation?token={}", token(mail));
    let seen = app.stranger().page(&link).await;
    let next = "next=/invitation%3Ftoken%3D";
    assert_eq!(seen.status, StatusCode::OK);
    let seen = html(&seen);
    let address = email(grace);
    let sign_up = format!("/sign-up?email={}&amp;{next}", address.replace('@', "%40"));
    assert!(seen.contains(&format!("/sign-in?{next}")) && seen.contains(&sign_up), "{seen}");
    assert_eq!(members(&app, acme).await, 1, "to look changes nothing");

    let client = app.client(grace).await;
    assert!(client.page(&link).await.text().contains("action=\"/invitation\""));
    let joined = client.form("/invitation", &[("token", &token(mail))]).await;
    assert_eq!(joined.location(), Some("/notes"), "{}", joined.text());
    let list = app.client(grace).await.get("/api/v1/members").await.json()["items"].clone();
    let mine = list.as_array().unwrap().iter().find(|it| it["id"] == grace.to_string()).unwrap();
    assert_eq!((mine["role"].as_str(), mine["email"].as_str()), (Some("viewer"), Some(address.as_str())));
    assert_eq!(waiting(&owner).await, Vec::<Value>::new());
    let sent = events(&app, "tenancy.invitation.sent").await;
    assert_eq!(sent, [json!({ "email": address, "role": "viewer" })]);
    let joined = events(&app, "tenancy.member.joined").await;
    assert_eq!(joined.len(), 1);
    assert!(joined[0]["invitation"].is_string(), "{joined:?}");
    let again = app.client(grace).await.page(&link).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn of_a_list_that_was_pasted_each_address_is_answered_for() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let ada = app.member(acme, Role::Owner).await;
    let owner = app.client(ada).await;
    let pasted = format!("Bob <bob@example.com>, nobody\n{}; BOB@example.com eve@example.com", email(ada).to_uppercase());
    let page = owner.form("/members/invite", &[("emails", &pasted), ("role", "member")]).await.text();
    for said in ["bob@example.com", "eve@example.com", "Invited", "Not an address", "A member already"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(">nobody</textarea>"), "what may be corrected stands there again: {page}");
    let addresses: Vec<String> = app.mailbox.all().await.into_iter().map(|mail| mail.to).collect();
    assert_eq!(addresses, ["bob@example.com", "eve@example.com"]);

    let sent = send(&owner, &["eve@example.com", "@", "dan@example.com"], Role::Admin).await;
    assert_eq!(outcomes(&sent), ["invited", "no_address", "invited"]);
    let roles: Vec<_> = waiting(&owner).await.iter().map(|it| (it["email"].clone(), it["role"].clone())).collect();
    assert_eq!(
        roles,
        [
            (json!("bob@example.com"), json!("member")),
            (json!("dan@example.com"), json!("admin")),
            (json!("eve@example.com"), json!("admin")),
        ]
    );
    let many: Vec<String> = (0..51).map(|number| format!("person{number}@example.com")).collect();
    for emails in [Vec::new(), many] {
        let page = owner.form("/members/invite", &[("emails", &emails.join(" ")), ("role", "member")]).await;
        assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text().contains("emails-error"), "{}", page.text());
        let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
        let refused = send(&owner, &emails, Role::Member).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], "/emails");
    }
    assert_eq!(app.mailbox.all().await.len(), 4);
}

#[tokio::test]
async fn what_waits_is_sent_again_or_taken_back() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let [bob, eve] = [app.person().await, app.person().await];
    let first = invite(&app, &owner, &email(bob), Role::Member).await;
    let taken_back = invite(&app, &owner, &email(eve), Role::Member).await;
    let id = |list: &[Value], user| list.iter().find(|it| it["email"] == email(user)).unwrap()["id"].as_str().unwrap().to_owned();
    let list = waiting(&owner).await;
    let (bobs, eves) = (id(&list, bob), id(&list, eve));

    assert_eq!(owner.form(&format!("/members/invitations/{bobs}/send"), &[]).await.location(), Some("/members"));
    assert_eq!(owner.form(&format!("/members/invitations/{eves}/revoke"), &[]).await.location(), Some("/members"));
    assert_eq!(owner.delete(&format!("/api/v1/invitations/{eves}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.post(&format!("/api/v1/invitations/{eves}/send"), &json!({})).await.status, StatusCode::NOT_FOUND);
    for (user, dead) in [(bob, &first), (eve, &taken_back)] {
        assert_eq!(accept(&app.client(user).await, dead).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mails = app.mailbox.to(&email(bob)).await;
    assert_eq!(mails.len(), 2);
    let joined = accept(&app.client(bob).await, &token(&mails[1])).await;
    assert_eq!((joined.status, joined.json()["role"].as_str()), (StatusCode::OK, Some("member")), "{}", joined.text());
    assert_eq!(events(&app, "tenancy.invitation.revoked").await, [json!({ "email": email(eve) })]);
    assert_eq!(waiting(&owner).await.len(), 0);
}

/// Whoever was a member is one again, with what is offered now.
#[tokio::test]
async fn whoever_left_comes_back_by_an_invitation() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let bob = app.member(acme, Role::Admin).await;
    assert_eq!(outcomes(&send(&owner, &[&email(bob)], Role::Viewer).await), ["member"]);
    app.test.left(acme, bob).await;
    let token = invite(&app, &owner, &email(bob), Role::Viewer).await;
    assert_eq!(accept(&app.client(bob).await, &token).await.status, StatusCode::OK);
    let again = app.client(bob).await;
    assert_eq!(again.get("/api/v1/invitations").await.status, StatusCode::FORBIDDEN, "as a viewer, who is offered nothing of it");
    assert!(!html(&again.page("/members").await).contains("/members/invite"));
    assert_eq!(again.page("/members/invite").await.status, StatusCode::FORBIDDEN);
}

/// A year of them would be a directory of people who never came.
#[tokio::test]
async fn what_is_over_is_forgotten_after_thirty_days() {
    let clock = saas_core::Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let bob = app.person().await;
    for address in [&email(bob), "expired@example.com"] {
        invite(&app, &owner, address, Role::Member).await;
    }
    let token = token(&app.mailbox.to(&email(bob)).await[0]);
    assert_eq!(accept(&app.client(bob).await, &token).await.status, StatusCode::OK);
    let sweep = async || app.test.sweep().await.get("tenancy.invitation").copied().unwrap_or(0);
    for (days, swept) in [(29, 0), (2, 1), (5, 0), (2, 1)] {
        clock.advance(TimeDelta::days(days));
        assert_eq!(sweep().await, swept, "after {days} days more");
    }
    assert_eq!(members(&app, acme).await, 2);
}

//! RBA-01, RBA-02: roles that an organization makes, and what they are worth.

use http::{Method, StatusCode};
use saas_core::{
    TenantId, UserId,
    testing::{Answer, TestClient},
};
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::app::App;

const NOTES: &str = "test.note.write";

async fn make(client: &TestClient, name: &str, permissions: &[&str]) -> Answer {
    client.post("/api/v1/roles", &json!({ "name": name, "permissions": permissions })).await
}

/// Makes a role, and says its path.
async fn made(client: &TestClient, name: &str, permissions: &[&str]) -> String {
    let answer = make(client, name, permissions).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    format!("/api/v1/roles/{}", answer.json()["id"].as_str().unwrap())
}

async fn change(client: &TestClient, path: &str, name: &str, permissions: &[&str]) -> Answer {
    client.json(Method::PUT, path, &json!({ "name": name, "permissions": permissions })).await
}

async fn give(client: &TestClient, user: UserId, role: &str) -> StatusCode {
    client.json(Method::PATCH, &format!("/api/v1/members/{user}"), &json!({ "role": role })).await.status
}

/// Somebody with a role that the organization made.
async fn holder(app: &App, tenant: TenantId, role: &str) -> UserId {
    let user = app.test.user().await;
    app.test.member(tenant, user, role).await;
    user
}

/// It gives what it says, to whoever has it, from the next request on: the client is the same session all the while.
#[tokio::test]
async fn a_role_gives_what_it_says_and_a_change_holds_from_the_next_request_on() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let role = made(&owner, "  Night shift ", &["tenancy.member.read"]).await;
    let bea = app.member(acme, Role::Viewer).await;
    assert_eq!(give(&owner, bea, "Night shift").await, StatusCode::NO_CONTENT);
    let client = app.client(bea).await;
    let may = async || (client.get("/api/v1/members").await.status.as_u16(), client.get("/notes").await.status.as_u16());
    assert_eq!(may().await, (200, 403));
    assert_eq!(change(&owner, &role, "Night shift", &[NOTES]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(may().await, (403, 200));
    assert_eq!(change(&owner, &role, "Night shift", &[]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(may().await, (403, 403));
    // Another name is everybody's who has the role.
    assert_eq!(change(&owner, &role, "Watch", &[NOTES]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.client(bea).await.get("/notes").await.status, StatusCode::OK);
    assert_eq!(app.signed_in(bea).await.memberships[0].role, "Watch");
    assert_eq!(may().await, (403, 403), "nothing is called what it was called before");
    let page = app.client(bea).await.page("/organizations").await.text();
    assert!(page.contains("Watch"), "a role without a text of the product is shown by its own name: {page}");
}

/// Nobody makes, changes, gives or takes what is more than they have.
#[tokio::test]
async fn nobody_gets_more_by_a_role_than_they_have() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let own = ["tenancy.member.read", "tenancy.member.write", "tenancy.member.invite", "tenancy.role.write", "tenancy.workspace.read"];
    let clerk = made(&owner, "Clerk", &own).await;
    let more = made(&owner, "Writer", &[NOTES]).await;
    let user = holder(&app, acme, "Clerk").await;
    let client = app.client(user).await;

    assert_eq!(make(&client, "Mine", &[NOTES]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        change(&client, &clerk, "Clerk", &[own[0], own[3], NOTES]).await.status,
        StatusCode::FORBIDDEN,
        "not even of one's own role"
    );
    assert_eq!(change(&client, &more, "Writer", &[]).await.status, StatusCode::FORBIDDEN, "nor is another made less");
    assert_eq!(client.delete(&more).await.status, StatusCode::FORBIDDEN);
    let viewer = app.member(acme, Role::Viewer).await;
    for (role, status) in [("Writer", 403), ("owner", 403), ("admin", 403), ("nobody", 422), ("Clerk", 204), ("viewer", 204)] {
        assert_eq!(give(&client, viewer, role).await.as_u16(), status, "{role}");
    }
    assert_eq!(give(&client, user, "owner").await, StatusCode::FORBIDDEN);
    let admin = app.member(acme, Role::Admin).await;
    assert_eq!(client.delete(&format!("/api/v1/members/{admin}")).await.status, StatusCode::FORBIDDEN, "an admin has more than they");
    let invited = client.post("/api/v1/invitations", &json!({ "emails": ["eve@example.com"], "role": "Writer" })).await;
    assert_eq!(invited.status, StatusCode::FORBIDDEN);
    let invited = client.post("/api/v1/invitations", &json!({ "emails": ["eve@example.com"], "role": "nobody" })).await;
    assert_eq!(invited.status, StatusCode::UNPROCESSABLE_ENTITY);
    for role in [Role::Member, Role::Viewer] {
        let bare = app.client(app.member(acme, role).await).await;
        assert_eq!(make(&bare, "Mine", &[]).await.status, StatusCode::FORBIDDEN, "{role}");
        assert_eq!(bare.page("/roles/new").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn names_are_one_roles_and_roles_that_somebody_has_stay() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let role = made(&owner, "Clerk", &["tenancy.member.read"]).await;
    let long = "x".repeat(51);
    for (name, status) in [("clerk", 409), ("", 422), ("Owner", 422), ("agent", 422), (long.as_str(), 422), ("a\u{7}b", 422)] {
        assert_eq!(make(&owner, name, &[]).await.status.as_u16(), status, "{name:?}");
    }
    assert_eq!(make(&owner, "Odd", &["test.note.nothing"]).await.json()["errors"][0]["pointer"], "/permissions");
    let page = owner.form("/roles", &[("name", "CLERK"), ("permissions", NOTES)]).await;
    assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text().contains("Another role has this name"), "{}", page.text());

    let bea = holder(&app, acme, "Clerk").await;
    assert_eq!(owner.delete(&role).await.status, StatusCode::CONFLICT);
    let page = owner.form(&format!("{}/remove", role.replace("/api/v1", "")), &[]).await;
    assert!(page.status == StatusCode::CONFLICT && page.text().contains("Give them another one first"), "{}", page.text());
    assert_eq!(give(&owner, bea, "viewer").await, StatusCode::NO_CONTENT);
    let invited = owner.post("/api/v1/invitations", &json!({ "emails": ["eve@example.com"], "role": "Clerk" })).await;
    assert_eq!(owner.delete(&role).await.status, StatusCode::CONFLICT, "somebody is invited into it: {}", invited.text());
    let id = invited.json()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(owner.delete(&format!("/api/v1/invitations/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(owner.delete(&role).await.status, StatusCode::NO_CONTENT);
    assert_eq!(owner.delete(&role).await.status, StatusCode::NOT_FOUND);
    // Whatever else wrote that name into a membership gave nothing with it.
    let ghost = app.client(holder(&app, acme, "Clerk").await).await;
    assert_eq!(ghost.get("/api/v1/members").await.status, StatusCode::FORBIDDEN);
}

/// The same name elsewhere is another role.
#[tokio::test]
async fn a_role_of_another_organization_is_none() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let foreign = app.client(app.member(other, Role::Owner).await).await;
    let theirs = made(&foreign, "Writer", &[NOTES]).await;
    let bea = holder(&app, acme, "Writer").await;
    assert_eq!(app.client(bea).await.get("/notes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(change(&owner, &theirs, "Mine", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.delete(&theirs).await.status, StatusCode::NOT_FOUND);
    let names = |matrix: Value| matrix["roles"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(owner.get("/api/v1/roles").await.json()), [json!("owner"), json!("admin"), json!("member"), json!("viewer")]);
    made(&owner, "Writer", &[]).await;
    assert_eq!(app.client(bea).await.get("/notes").await.status, StatusCode::FORBIDDEN, "and its own gives what it says here");
}

/// RBA-02: one place to see the whole matrix, and why somebody may do something.
#[tokio::test]
async fn the_matrix_and_the_reasons_are_what_holds() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    made(&owner, "Writer", &[NOTES]).await;
    let bea = holder(&app, acme, "Writer").await;
    let viewer = app.client(app.member(acme, Role::Viewer).await).await;
    let matrix = viewer.get("/api/v1/roles").await.json();
    for role in matrix["roles"].as_array().unwrap() {
        let name = role["name"].as_str().unwrap();
        let holds = |permission: &str| role["permissions"].as_array().unwrap().contains(&json!(permission));
        let client = app.client(holder(&app, acme, name).await).await;
        assert_eq!(client.get("/notes").await.status == StatusCode::OK, holds(NOTES), "{name}");
        assert_eq!(client.get("/api/v1/members").await.status == StatusCode::OK, holds("tenancy.member.read"), "{name}");
        assert_eq!(client.page("/roles/new").await.status == StatusCode::OK, holds("tenancy.role.write"), "{name}");
    }
    let why = viewer.get(&format!("/api/v1/members/{bea}/permissions")).await.json();
    assert_eq!(why["role"], "Writer");
    let of = |permission: &str| why["items"].as_array().unwrap().iter().find(|it| it["permission"] == permission).unwrap().clone();
    assert_eq!(of(NOTES), json!({ "permission": NOTES, "held": true, "roles": ["owner", "admin", "member", "Writer"] }));
    let write = "tenancy.member.write";
    assert_eq!(of(write), json!({ "permission": write, "held": false, "roles": ["owner", "admin"] }));
    let page = viewer.page(&format!("/members/{bea}")).await.text();
    assert!(page.contains("The role Writer, which your organization made, gives it.") && page.contains("Owner, Administrator"), "{page}");
    assert_eq!(viewer.page(&format!("/members/{}", UserId::new())).await.status, StatusCode::NOT_FOUND);
    let roles = viewer.page("/roles").await.text();
    assert!(roles.contains("Writer") && !roles.contains("/roles/new"), "{roles}");
}

/// A role that may more than whoever looks at it is shown to them with the reason for which they cannot change it.
#[tokio::test]
async fn a_role_that_may_more_than_its_reader_is_shown_and_not_changed() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let writer = made(&owner, "Writer", &[NOTES]).await;
    made(&owner, "Keeper of roles", &["tenancy.role.write", "tenancy.member.read"]).await;
    let keeper = app.client(holder(&app, acme, "Keeper of roles").await).await;
    let page = writer.replace("/api/v1", "");
    let shown = keeper.page(&page).await;
    assert!(shown.status == StatusCode::OK && shown.text().contains("This role may more than you"), "{}", shown.text());
    assert!(!shown.text().contains("Save role") && !shown.text().contains("/remove"), "{}", shown.text());
    let refused = keeper.form(&page, &[("name", "Reader")]).await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.text().contains("This role may more than you"), "{}", refused.text());
    let own = owner.page(&page).await.text();
    assert!(own.contains("Save role") && !own.contains("This role may more than you"), "{own}");
}

/// Somebody is invited into a role that the organization made, and the invitation is worth what the role is when it is accepted.
#[tokio::test]
async fn people_are_invited_into_roles_that_the_organization_made() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let role = made(&owner, "Writer", &[NOTES]).await;
    let clerk = made(&owner, "Clerk", &["tenancy.member.read", "tenancy.member.invite", NOTES]).await;
    let inviter = app.client(holder(&app, acme, "Clerk").await).await;
    let mut people = Vec::new();
    for _ in 0..2 {
        let user = app.person().await;
        let address = format!("{user}@example.com");
        let sent = inviter.post("/api/v1/invitations", &json!({ "emails": [address], "role": "Writer" })).await;
        assert_eq!(sent.json()["items"][0]["outcome"], "invited", "{}", sent.text());
        people.push((app.client(user).await, crate::mailbox::token(app.mailbox.to(&address).await.last().unwrap()), user));
    }
    let accept = async |client: &TestClient, token: &str| client.post("/api/v1/invitations/accept", &json!({ "token": token })).await;
    // The role is called otherwise by now.
    assert_eq!(change(&owner, &role, "Author", &[NOTES]).await.status, StatusCode::NO_CONTENT);
    let (first, token, user) = &people[0];
    assert_eq!(accept(first, token).await.json()["role"], "Author");
    assert_eq!(app.client(*user).await.get("/notes").await.status, StatusCode::OK);
    // The inviter has less than they offered by now.
    assert_eq!(change(&owner, &clerk, "Clerk", &["tenancy.member.invite"]).await.status, StatusCode::NO_CONTENT);
    let (second, token, _) = &people[1];
    assert_eq!(accept(second, token).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

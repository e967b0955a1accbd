use http::{Method, StatusCode};
use saas_core::UserId;
use saas_tenancy::Role;
use serde_json::json;

use crate::app::App;

fn path(user: UserId) -> String {
    format!("/api/v1/members/{user}")
}

/// TEN-07, RBA-04: who may give whom which role, cell by cell.
#[tokio::test]
async fn roles_are_changed_only_by_those_above() {
    let ok = StatusCode::NO_CONTENT;
    let no = StatusCode::FORBIDDEN;
    // caller, concerned, new role, outcome
    let cells = [
        (Role::Owner, Role::Viewer, Role::Admin, ok),
        (Role::Owner, Role::Admin, Role::Owner, ok),
        (Role::Owner, Role::Owner, Role::Member, ok),
        (Role::Admin, Role::Viewer, Role::Admin, ok),
        (Role::Admin, Role::Admin, Role::Viewer, ok),
        (Role::Admin, Role::Member, Role::Owner, no),
        (Role::Admin, Role::Owner, Role::Viewer, no),
        (Role::Member, Role::Viewer, Role::Member, no),
        (Role::Member, Role::Member, Role::Admin, no),
        (Role::Viewer, Role::Viewer, Role::Owner, no),
    ];
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.member(tenant, Role::Owner).await;
    for (caller, concerned, role, outcome) in cells {
        let (caller_id, concerned_id) = (app.member(tenant, caller).await, app.member(tenant, concerned).await);
        let client = app.client(caller_id).await;
        let answer = client.json(Method::PATCH, &path(concerned_id), &json!({ "role": role })).await;
        assert_eq!(answer.status, outcome, "{caller} makes {concerned} {role}");
        let removed = client.delete(&path(app.member(tenant, concerned).await)).await;
        let may_remove = caller >= Role::Admin && (concerned != Role::Owner || caller == Role::Owner);
        assert_eq!(removed.status, if may_remove { ok } else { no }, "{caller} removes {concerned}");
    }
}

/// T72: a member cannot raise their own role.
#[tokio::test]
async fn nobody_raises_their_own_role() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.member(tenant, Role::Owner).await;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let user = app.member(tenant, role).await;
        let answer = app.client(user).await.json(Method::PATCH, &path(user), &json!({ "role": "owner" })).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role}");
    }
}

/// TEN-07: the last owner cannot leave, be demoted or removed.
#[tokio::test]
async fn the_last_owner_stays() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let client = app.client(owner).await;
    let demoted = client.json(Method::PATCH, &path(owner), &json!({ "role": "viewer" })).await;
    assert_eq!(demoted.status, StatusCode::CONFLICT, "{}", demoted.text());
    assert_eq!(client.delete(&path(owner)).await.status, StatusCode::CONFLICT);
    let page = client.form("/members/leave", &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.text().contains("An organization needs an owner"), "{}", page.text());

    app.member(tenant, Role::Owner).await;
    assert_eq!(client.form("/members/leave", &[]).await.location(), Some("/organizations"));
}

/// TEN-07, T72: two owners demote each other at the same moment, and one stays.
#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_demote_each_other_leave_one() {
    let app = App::new().await;
    for round in 0..20 {
        let tenant = app.test.tenant(&format!("round-{round}")).await;
        let (one, two) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Owner).await);
        let (first, second) = (app.client(one).await, app.client(two).await);
        let viewer = json!({ "role": "viewer" });
        let (two_path, one_path) = (path(two), path(one));
        let (a, b) = tokio::join!(first.json(Method::PATCH, &two_path, &viewer), second.json(Method::PATCH, &one_path, &viewer));
        let mut statuses = [a.status, b.status];
        statuses.sort();
        // The one that comes second is no owner any more, and has no right to demote.
        assert_eq!(statuses, [StatusCode::NO_CONTENT, StatusCode::FORBIDDEN], "round {round}");
    }
}

/// T68, T72: what was settled when a request began is looked at again when it acts.
#[tokio::test]
async fn a_right_that_was_lost_meanwhile_is_of_no_use() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.member(tenant, Role::Owner).await;
    let (was_owner, friend) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    // This client stands for a request whose head was read while its sender was still an owner.
    let begun_before = app.client(was_owner).await;
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query("update core.member set left_at = now() where tenant_id = $1 and user_id = $2")
        .bind(tenant)
        .bind(was_owner)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let promoted = begun_before.json(Method::PATCH, &path(friend), &json!({ "role": "owner" })).await;
    assert_eq!(promoted.status, StatusCode::FORBIDDEN);
    assert_eq!(begun_before.delete(&path(friend)).await.status, StatusCode::FORBIDDEN);
}

/// T64: another tenant's person is as unknown as nobody.
#[tokio::test]
async fn a_person_of_another_organization_is_as_unknown_as_nobody() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let owner = app.member(acme, Role::Owner).await;
    let foreign = app.member(other, Role::Owner).await;
    let client = app.client(owner).await;
    let role = json!({ "role": "viewer" });
    let theirs = client.json(Method::PATCH, &path(foreign), &role).await;
    let nobodys = client.json(Method::PATCH, &path(UserId::new()), &role).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.body, nobodys.body);
    assert_eq!(client.delete(&path(foreign)).await.status, StatusCode::NOT_FOUND);
    let garbage = client.delete("/api/v1/members/not-an-id").await;
    assert_eq!((garbage.status, garbage.body), (nobodys.status, nobodys.body));
    let list = app.client(foreign).await.get("/api/v1/members").await.json()["items"].clone();
    assert_eq!(list[0]["role"], "owner", "nothing changed");
}

/// T65: what the body must not say.
#[tokio::test]
async fn a_body_that_names_a_tenant_is_refused() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let body = json!({ "role": "viewer", "tenant_id": tenant });
    let answer = app.client(owner).await.json(Method::PATCH, &path(owner), &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/tenant_id");
}

#[tokio::test]
async fn a_removed_member_is_gone_from_the_list_and_can_come_back() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (owner, member) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let client = app.client(owner).await;
    assert_eq!(client.delete(&path(member)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.delete(&path(member)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/api/v1/members").await.json()["items"].as_array().unwrap().len(), 1);
    let mut tx = app.test.db.tenant(tenant).acting(owner).begin().await.unwrap();
    saas_tenancy::member_add_in(&mut tx, saas_core::Actor::User(owner), member, "Bea", "bea@example.com", Role::Viewer.into())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let list = client.get("/api/v1/members").await.json()["items"].clone();
    assert!(list.as_array().unwrap().iter().any(|row| row["name"] == "Bea" && row["role"] == "viewer"), "{list}");
}

#[tokio::test]
async fn the_page_offers_only_what_the_reader_may_do() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (owner, viewer) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    let remove = format!("/members/{viewer}/remove");
    assert!(app.client(owner).await.page("/members").await.text().contains(&remove));
    let seen = app.client(viewer).await.page("/members").await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(!seen.text().contains(&format!("/members/{owner}/remove")), "a viewer is offered nothing about the owner");
}

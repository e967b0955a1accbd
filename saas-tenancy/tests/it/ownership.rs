//! TEN-07: an organization is handed over to another of its members, in one step.

use http::{Method, StatusCode};
use saas_core::{TenantId, UserId, testing::Answer, testing::TestClient};
use saas_tenancy::Role;
use serde_json::json;

use crate::app::App;

const OWNER: &str = "/api/v1/organization/owner";

async fn hand_over(client: &TestClient, to: UserId) -> Answer {
    client.post(OWNER, &json!({ "member": to })).await
}

async fn role(app: &App, tenant: TenantId, user: UserId) -> Option<String> {
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query_scalar("select role from core.member where tenant_id = $1 and user_id = $2 and left_at is null")
        .bind(tenant)
        .bind(user)
        .fetch_optional(&mut *tx)
        .await
        .unwrap()
}

/// Owners who belong and whose account is to stay.
async fn owners(app: &App, tenant: TenantId) -> Vec<UserId> {
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    sqlx::query_scalar(
        "select member.user_id from core.member join core.user person on person.id = member.user_id
        where member.tenant_id = $1 and member.role = 'owner' and member.left_at is null and person.state = 'active'",
    )
    .bind(tenant)
    .fetch_all(&mut *tx)
    .await
    .unwrap()
}

#[tokio::test]
async fn an_owner_hands_the_organization_over_and_runs_it_on_as_an_administrator() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let (ada, grace) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    let client = app.client_with_proof(ada).await;
    assert_eq!(hand_over(&client, grace).await.status, StatusCode::NO_CONTENT);
    assert_eq!(role(&app, tenant, grace).await.as_deref(), Some("owner"));
    assert_eq!(role(&app, tenant, ada).await.as_deref(), Some("admin"));
    assert_eq!(hand_over(&client, grace).await.status, StatusCode::FORBIDDEN, "what one gave away one cannot give again");

    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    let noted: Vec<(String, serde_json::Value, Option<uuid::Uuid>)> = sqlx::query_as(
        "select action, data::jsonb, actor_id from data.audit_entry where tenant_id = $1 and action = 'tenancy.organization.handed_over'",
    )
    .bind(tenant)
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(noted, [("tenancy.organization.handed_over".to_owned(), json!({ "from": ada, "to": grace }), Some(ada.into()))]);
    let said = async |user: UserId| {
        let mails = app.mailbox.to(&format!("{user}@example.com")).await;
        mails.into_iter().map(|mail| mail.subject).collect::<Vec<_>>()
    };
    assert_eq!(said(ada).await, [format!("viewer {grace} owns acme now")]);
    assert_eq!(said(grace).await, ["You own acme now"]);
}

#[tokio::test]
async fn only_an_owner_who_has_just_shown_who_they_are_hands_it_over_and_only_to_a_member_who_is_none() {
    let app = App::new().await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let (owner, co_owner) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Owner).await);
    let (member, stranger) = (app.member(tenant, Role::Member).await, app.member(other, Role::Owner).await);
    let gone = app.member(tenant, Role::Member).await;
    app.test.left(tenant, gone).await;

    let unproved = hand_over(&app.client(owner).await, member).await;
    assert_eq!((unproved.status.as_u16(), unproved.json()["type"].as_str()), (403, Some("/problems/step-up-required")));
    assert_eq!(hand_over(&app.program(owner, false).await, member).await.status, 403, "nor does a program with a token of theirs");
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        let client = app.client_with_proof(app.member(tenant, role).await).await;
        assert_eq!(hand_over(&client, member).await.status, 403, "{role}");
        assert_eq!(client.page("/organization/owner").await.status, 403, "{role}");
    }
    let client = app.client_with_proof(owner).await;
    for nobody in [stranger, gone, UserId::new()] {
        let refused = hand_over(&client, nobody).await;
        assert_eq!((refused.status.as_u16(), refused.json()["errors"][0]["pointer"].as_str()), (422, Some("/member")));
    }
    for owner_already in [owner, co_owner] {
        assert_eq!(hand_over(&client, owner_already).await.status, 409);
    }
    assert_eq!(role(&app, tenant, owner).await.as_deref(), Some("owner"));
    assert!(app.mailbox.all().await.is_empty());
}

/// Of two at once one happens, and no third state is ever there.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_handovers_at_once_one_happens() {
    let app = App::new().await;
    for round in 0..20 {
        let tenant = app.test.tenant(&format!("round-{round}")).await;
        let ada = app.member(tenant, Role::Owner).await;
        let (grace, edith) = (app.member(tenant, Role::Member).await, app.member(tenant, Role::Member).await);
        let (one, two) = (app.client_with_proof(ada).await, app.client_with_proof(ada).await);
        let (a, b) = tokio::join!(hand_over(&one, grace), hand_over(&two, edith));
        let mut statuses = [a.status, b.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::NO_CONTENT, StatusCode::FORBIDDEN], "round {round}");
        let new = if a.status == StatusCode::NO_CONTENT { grace } else { edith };
        assert_eq!(owners(&app, tenant).await, [new], "round {round}");
        assert_eq!(role(&app, tenant, ada).await.as_deref(), Some("admin"), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_meanwhile_does_not_own_it_and_whoever_owns_it_is_not_removed() {
    let app = App::new().await;
    for round in 0..20 {
        let tenant = app.test.tenant(&format!("round-{round}")).await;
        let (ada, grace) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
        let admin = app.client(app.member(tenant, Role::Admin).await).await;
        let owner = app.client_with_proof(ada).await;
        let path = format!("/api/v1/members/{grace}");
        let (handed, removed) = tokio::join!(hand_over(&owner, grace), admin.delete(&path));
        match (handed.status.as_u16(), removed.status.as_u16()) {
            (204, 403) => assert_eq!(owners(&app, tenant).await, [grace], "round {round}"),
            (422, 204) => assert_eq!(owners(&app, tenant).await, [ada], "round {round}"),
            outcome => panic!("round {round}: {outcome:?}"),
        }
    }
}

/// An account that is about to be deleted, or whose owner decides so at this moment, is no owner to rely on.
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_never_left_to_somebody_who_leaves() {
    let app = App::new().await;
    let leave = async |user: UserId| -> Result<(), saas_core::DbError> {
        let mut tx = app.test.db.system("leave").begin().await?;
        sqlx::query("update core.user set state = 'leaving' where id = $1").bind(user).execute(&mut *tx).await?;
        tx.commit().await
    };
    for round in 0..20 {
        let tenant = app.test.tenant(&format!("round-{round}")).await;
        let (ada, grace) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
        let owner = app.client_with_proof(ada).await;
        let (handed, left) = tokio::join!(hand_over(&owner, grace), leave(grace));
        match (handed.status.as_u16(), left) {
            (204, Err(error)) => assert_eq!(error.constraint(), Some("user_last_owner"), "round {round}"),
            (409, Ok(())) => {}
            (status, left) => panic!("round {round}: {status}, {left:?}"),
        }
        assert_eq!(owners(&app, tenant).await.len(), 1, "round {round}");
    }
}

#[tokio::test]
async fn a_browser_hands_it_over_with_a_form() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let ada = app.member(tenant, Role::Owner).await;
    let client = app.client_with_proof(ada).await;
    let page = "/organization/owner";
    assert!(client.page(page).await.text().contains("nobody else to hand it to"));
    let grace = app.member(tenant, Role::Member).await;
    let shown = client.page(page).await.text();
    assert!(shown.contains(&format!("value=\"{grace}\"")) && !shown.contains(&format!("value=\"{ada}\"")), "{shown}");
    let refused = client.form(page, &[("member", "")]).await;
    assert!(refused.status == 422 && refused.text().contains("Choose a member."), "{}", refused.text());
    assert_eq!(client.form(page, &[("member", &grace.to_string())]).await.location(), Some("/members"));
    assert_eq!(owners(&app, tenant).await, [grace]);
    // What makes an owner can be put into no role of the organization's own.
    let role = json!({ "name": "Half an owner", "permissions": ["tenancy.organization.own"] });
    let client = app.client(grace).await;
    let made = client.json(Method::POST, "/api/v1/roles", &role).await;
    assert_eq!(made.json()["errors"][0]["pointer"], "/permissions");
    assert!(!client.page("/roles/new").await.text().contains("tenancy.organization.own"));
}

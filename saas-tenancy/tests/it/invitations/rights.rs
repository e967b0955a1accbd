//! Who invites whom into what, asked when it is sent and again when it is accepted.

use http::StatusCode;
use saas_core::{TenantId, UserId};
use saas_tenancy::Role;
use serde_json::json;

use super::{accept, email, invite, send, waiting};
use crate::app::App;

/// RBA-04, topic 12: the offered role is never above the inviter's.
#[tokio::test]
async fn nobody_invites_into_a_role_above_their_own() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    app.member(acme, Role::Owner).await;
    for own in Role::ALL.iter().copied() {
        let client = app.client(app.member(acme, own).await).await;
        for offered in Role::ALL.iter().copied() {
            let address = format!("{own}-{offered}@example.com");
            let (api, page) = (send(&client, &[&address], offered).await, ("emails", address.as_str()));
            let page = client.form("/members/invite", &[page, ("role", offered.as_str())]).await;
            let wanted = if own >= Role::Admin && offered <= own { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!((api.status, page.status), (wanted, wanted), "{own} offers {offered}");
        }
    }
    assert_eq!(app.stranger().post("/api/v1/invitations", &json!({ "emails": ["a@example.com"], "role": "viewer" })).await.status, 401);
}

/// Neither sending again nor inviting again gives an admin's word the weight of an owner's.
#[tokio::test]
async fn an_admin_does_not_renew_what_an_owner_offered() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let admin = app.client(app.member(acme, Role::Admin).await).await;
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Owner).await;
    let id = waiting(&admin).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.post(&format!("/api/v1/invitations/{id}/send"), &json!({})).await.status, StatusCode::FORBIDDEN);
    let page = admin.form(&format!("/members/invitations/{id}/send"), &[]).await;
    assert!(page.status == StatusCode::FORBIDDEN && page.text().contains("above their own"), "{}", page.text());
    assert!(!admin.page("/members").await.text().contains(&format!("{id}/send")), "and it is not offered");
    assert_eq!(send(&admin, &[&email(bob)], Role::Owner).await.status, StatusCode::FORBIDDEN);
    assert_eq!(accept(&app.client(bob).await, &token).await.json()["role"], "owner", "what the owner offered stands");
}

async fn system(app: &App, statement: &'static str, tenant: TenantId, user: UserId) {
    let mut tx = app.test.db.system("arrange a test").begin().await.unwrap();
    sqlx::query(statement).bind(tenant).bind(user).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// The inviter's right, and the organization's life, as they are at the acceptance.
#[tokio::test]
async fn an_invitation_is_worth_what_its_sender_may_when_it_is_accepted() {
    let of_member = "where tenant_id = $1 and user_id = $2";
    let demote = |role: &str| format!("update core.member set role = '{role}' {of_member}");
    let changes = [
        ("demoted below the offer", Role::Owner, Role::Owner, demote("admin")),
        ("demoted to who may not invite", Role::Admin, Role::Viewer, demote("member")),
        ("removed", Role::Admin, Role::Member, format!("update core.member set left_at = now() {of_member}")),
        ("gone and back", Role::Admin, Role::Member, format!("update core.member set joined_at = now() + interval '1 s' {of_member}")),
        ("locked out", Role::Admin, Role::Member, "update core.user set state = 'suspended' where $1 = $1 and id = $2".to_owned()),
        ("suspended", Role::Admin, Role::Member, "update core.tenant set state = 'suspended' where id = $1 and $2 = $2".to_owned()),
        ("deleted", Role::Admin, Role::Member, "update core.tenant set state = 'deleted' where id = $1 and $2 = $2".to_owned()),
    ];
    let app = App::new().await;
    for (number, (what, own, offered, change)) in changes.into_iter().enumerate() {
        let tenant = app.test.tenant(&format!("tenant-{number}")).await;
        app.member(tenant, Role::Owner).await;
        let (inviter, bob) = (app.member(tenant, own).await, app.person().await);
        let token = invite(&app, &app.client(inviter).await, &email(bob), offered).await;
        system(&app, Box::leak(change.into_boxed_str()), tenant, inviter).await;
        let client = app.client(bob).await;
        assert_eq!(accept(&client, &token).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
        assert_eq!(client.page(&format!("/invitation?token={token}")).await.status, StatusCode::GONE, "{what}");
        assert!(app.signed_in(bob).await.memberships.is_empty(), "{what}");
    }
}

/// Whoever is demoted while they invite, invites nobody.
#[tokio::test]
async fn a_right_to_invite_that_was_lost_meanwhile_is_of_no_use() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    app.member(acme, Role::Owner).await;
    let admin = app.member(acme, Role::Admin).await;
    // This client stands for a request whose head was read while its sender was still an admin.
    let begun_before = app.client(admin).await;
    let sent = send(&begun_before, &["bob@example.com"], Role::Member).await;
    let id = sent.json()["items"][0]["id"].as_str().unwrap().to_owned();
    system(&app, "update core.member set role = 'viewer' where tenant_id = $1 and user_id = $2", acme, admin).await;
    assert_eq!(send(&begun_before, &["eve@example.com"], Role::Viewer).await.status, StatusCode::FORBIDDEN);
    assert_eq!(begun_before.post(&format!("/api/v1/invitations/{id}/send"), &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(begun_before.delete(&format!("/api/v1/invitations/{id}")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.mailbox.all().await.len(), 1);
}

#[tokio::test]
async fn another_organizations_invitation_is_as_unknown_as_nobodys() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let owner = app.client(app.member(acme, Role::Owner).await).await;
    let foreign = app.client(app.member(other, Role::Owner).await).await;
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Member).await;
    let id = waiting(&owner).await[0]["id"].as_str().unwrap().to_owned();
    let nobodys = saas_tenancy::InvitationId::new();
    for path in [format!("/api/v1/invitations/{id}"), format!("/api/v1/invitations/{nobodys}"), "/api/v1/invitations/x".to_owned()] {
        let (taken_back, sent) = (foreign.delete(&path).await, foreign.post(&format!("{path}/send"), &json!({})).await);
        assert_eq!((taken_back.status, sent.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{path}");
    }
    assert!(waiting(&foreign).await.is_empty());
    // The same address elsewhere is another invitation.
    let elsewhere = invite(&app, &foreign, &email(bob), Role::Viewer).await;
    assert_ne!(token, elsewhere);
    let joined = accept(&app.client(bob).await, &token).await;
    assert_eq!(joined.json()["organization"]["id"], acme.to_string(), "the organization that the link showed");
    assert_eq!(app.signed_in(bob).await.memberships.len(), 1);
}

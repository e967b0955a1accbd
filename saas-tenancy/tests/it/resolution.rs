use http::StatusCode;
use saas_tenancy::Role;

use crate::app::App;

/// RBA-02: 401 nobody, 404 not yours, 403 not permitted.
#[tokio::test]
async fn strangers_others_and_the_unpermitted_get_their_own_answers() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let viewer = app.client(app.member(acme, Role::Viewer).await).await;
    let member = app.client(app.member(acme, Role::Member).await).await;
    let foreign = app.client(app.member(other, Role::Owner).await).await;

    assert_eq!(app.stranger().get("/notes").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(viewer.get("/notes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(member.get("/notes").await.text(), acme.to_string());
    let not_yours = foreign.get("/o/acme/notes").await;
    let nothing = foreign.get("/o/no-such-organization/notes").await;
    assert_eq!(not_yours.status, StatusCode::NOT_FOUND);
    assert_eq!(not_yours.body, nothing.body, "an organization that is not yours looks like none");
}

/// ASVS 3.5.3: a mistake in a handler is no way for another site to change something, for it can have nothing sent but what only asks.
#[tokio::test]
async fn what_only_asks_cannot_change_anything() {
    let app = App::new().await;
    let client = app.client(app.member(app.test.tenant("acme").await, Role::Member).await).await;
    assert_eq!(client.get("/touch").await.status, StatusCode::INTERNAL_SERVER_ERROR, "the database refuses it");
    assert_eq!(client.post("/touch", &serde_json::json!({})).await.status, StatusCode::NO_CONTENT);
}

/// TEN-05.
#[tokio::test]
async fn the_tenant_is_found_by_path_header_or_choice_and_membership_is_always_checked() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let user = app.member(acme, Role::Owner).await;
    let client = app.client(user).await;
    assert_eq!(client.get("/notes").await.text(), acme.to_string(), "the only one");
    assert_eq!(client.get("/o/acme/notes").await.text(), acme.to_string(), "by short name");
    assert_eq!(client.get(&format!("/o/{acme}/notes")).await.text(), acme.to_string(), "by id");
    assert_eq!(client.clone().with("x-organization", "acme").get("/notes").await.text(), acme.to_string());
    for foreign in [other.to_string(), "other".to_owned(), "nobody".to_owned(), "\u{fffd}".repeat(3)] {
        let named = client.clone().with("x-organization", &foreign).get("/notes").await;
        assert_eq!(named.status, StatusCode::NOT_FOUND, "{foreign}");
    }
}

#[tokio::test]
async fn a_strangers_request_for_a_page_leads_to_sign_in_and_back() {
    let app = App::new().await;
    let answer = app.stranger().page("/members?x=1&y=2").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), Some("/sign-in?next=%2Fmembers%3Fx%3D1%26y%3D2"));
}

/// A wish for an organization that one does not belong to is not granted, and not remembered.
#[tokio::test]
async fn a_forged_choice_is_no_choice() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let client = app.client(app.member(acme, Role::Owner).await).await;
    let forged = client.with("cookie", &format!("organization={other}"));
    assert_eq!(forged.get("/notes").await.text(), acme.to_string());
}

//! What somebody writes into a name, and what is asked of a browser.

use http::{Method, StatusCode};
use saas_tenancy::Role;
use serde_json::json;

use super::{email, invite, send};
use crate::app::App;

/// Topic 12: markup in the organization's name is text in the mail and on the page.
#[tokio::test]
async fn a_name_with_markup_is_shown_as_it_was_written() {
    let app = App::new().await;
    let ada = app.person().await;
    let name = "<a href=//evil.example>Acme</a> & \"Co\"";
    let made = app.client(ada).await.post("/api/v1/organizations", &json!({ "name": name })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let owner = app.client(ada).await;
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Member).await;
    let mail = app.mailbox.to(&email(bob)).await.remove(0);
    assert!(mail.subject.contains(name) && mail.text.contains(name), "{}", mail.text);
    let page = app.stranger().page(&format!("/invitation?token={token}")).await.text();
    for shown in [&mail.html, &page] {
        assert!(!shown.contains("<a href=//evil") && shown.contains("&lt;a href="), "{shown}");
    }
    for broken in ["Acme\r\nBcc: eve@example.com", "Acme\u{0}"] {
        let refused = owner.post("/api/v1/organizations", &json!({ "name": broken })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{broken:?}");
    }
}

/// T65, topic 11: the body names no tenant and no inviter, and another site posts nothing.
#[tokio::test]
async fn nothing_can_be_smuggled_into_an_invitation() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let ada = app.member(acme, Role::Owner).await;
    let owner = app.client(ada).await;
    for field in ["tenant_id", "organization", "invited_by", "token"] {
        let body = json!({ "emails": ["bob@example.com"], "role": "member", field: other });
        let refused = owner.post("/api/v1/invitations", &body).await;
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"));
    }
    for address in ["bob@example.com\r\nBcc: eve@example.com", "bob@example.com,eve@example.com", "<bob@example.com>"] {
        assert_eq!(super::outcomes(&send(&owner, &[address], Role::Member).await), ["no_address"], "{address:?}");
    }
    assert_eq!(app.mailbox.all().await.len(), 0);
    let bob = app.person().await;
    let token = invite(&app, &owner, &email(bob), Role::Member).await;
    let elsewhere = app.client(bob).await.with("sec-fetch-site", "cross-site");
    assert_eq!(elsewhere.form("/invitation", &[("token", &token)]).await.status, StatusCode::FORBIDDEN);
    let got = app.client(bob).await.call(Method::GET, "/invitation", "text/html", None, bytes::Bytes::new()).await;
    assert_eq!(got.status, StatusCode::GONE, "without a token there is no invitation");
    assert!(app.signed_in(bob).await.memberships.is_empty());
}

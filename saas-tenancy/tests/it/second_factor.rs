//! AUT-08, topic 9: an organization that asks for a second factor lets nobody in without one.

use http::Method;
use saas_core::TenantId;
use saas_tenancy::Role;
use serde_json::json;

use crate::app::App;

const RULE: &str = "/api/v1/organization/second-factor";

async fn require(app: &App, tenant: TenantId, required: bool) -> u16 {
    let owner = app.member(tenant, Role::Owner).await;
    app.client_with_second_factor(owner).await.json(Method::PUT, RULE, &json!({ "required": required })).await.status.as_u16()
}

async fn events(app: &App) -> i64 {
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    sqlx::query_scalar("select count(*) from data.outbox where name = 'tenancy.second_factor.changed'").fetch_one(&mut *tx).await.unwrap()
}

/// From the next request on, for pages and programs, in that organization and no other.
#[tokio::test]
async fn only_who_has_shown_a_second_factor_comes_into_an_organization_that_asks_for_it() {
    let app = App::new().await;
    let (acme, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    let ada = app.member(acme, Role::Member).await;
    app.test.member(other, ada, "member").await;
    let notes = async |tenant: TenantId, shown: bool| {
        let client = if shown { app.client_with_second_factor(ada).await } else { app.client(ada).await };
        client.with("x-organization", &tenant.to_string()).get("/notes").await
    };
    assert_eq!(notes(acme, false).await.status, 200);
    assert_eq!(require(&app, acme, true).await, 204);
    let refused = notes(acme, false).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].as_str()), (403, Some("/problems/second-factor-required")));
    let page = app.client(ada).await.page(&format!("/o/{acme}/notes")).await;
    let there = format!("/account/security?next=%2Fo%2F{acme}%2Fnotes");
    assert_eq!((page.status.as_u16(), page.location()), (303, Some(there.as_str())), "a browser is led to where one is set up, and back");
    assert_eq!(notes(acme, true).await.status, 200);
    assert_eq!(notes(other, false).await.status, 200);
    let list = app.client(ada).await.get("/api/v1/organizations").await.json();
    let asks: Vec<_> = list["items"].as_array().unwrap().iter().map(|it| (&it["name"], &it["second_factor_required"])).collect();
    assert_eq!(asks, [(&json!("acme"), &json!(true)), (&json!("other"), &json!(false))], "and who asks it can be seen");
    assert_eq!(require(&app, acme, false).await, 204);
    assert_eq!(notes(acme, false).await.status, 200);
    assert_eq!(events(&app).await, 2);
}

/// So does a program that holds a token of somebody: it is told what is missing, and not that it is nobody.
#[tokio::test]
async fn a_program_whose_person_has_shown_none_is_refused_where_one_is_asked_for() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    assert_eq!(app.program(owner, false).await.get(RULE).await.status, 200);
    let refused = app.program(owner, true).await.get(RULE).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].as_str()), (403, Some("/problems/second-factor-required")));
}

#[tokio::test]
async fn owners_and_admins_ask_for_it_who_have_shown_one_themselves() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    for (role, with, without) in [(Role::Owner, 204, 409), (Role::Admin, 204, 409), (Role::Member, 403, 403), (Role::Viewer, 403, 403)] {
        let user = app.member(acme, role).await;
        let ask = json!({ "required": true });
        let bare = app.client(user).await.json(Method::PUT, RULE, &ask).await;
        assert_eq!(bare.status, without, "{role}: nobody locks themselves out: {}", bare.text());
        assert_eq!(app.client_with_second_factor(user).await.json(Method::PUT, RULE, &ask).await.status, with, "{role}");
        let again = app.client_with_second_factor(user).await.json(Method::PUT, RULE, &ask).await;
        assert_eq!(again.status, with, "{role}: doing so again changes nothing");
        let rule = app.client_with_second_factor(user).await.get(RULE).await;
        assert_eq!(rule.json()["required"], with == 204);
        require(&app, acme, false).await;
    }
    assert_eq!(events(&app).await, 4);
    assert_eq!(app.stranger().get(RULE).await.status, 401);
}

#[tokio::test]
async fn a_browser_asks_for_it_with_a_form() {
    let app = App::new().await;
    let acme = app.test.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let (bare, owner) = (app.client(owner).await, app.client_with_second_factor(owner).await);
    let page = "/organization/security";
    assert!(owner.page(page).await.text().contains("value=\"true\""));
    let refused = bare.form(page, &[("required", "true")]).await;
    assert!(refused.status == 409 && refused.text().contains("of your own first"), "{}", refused.text());
    assert_eq!(owner.form(page, &[("required", "true")]).await.location(), Some(page));
    let viewer = app.member(acme, Role::Viewer).await;
    let [owner, viewer] =
        [app.client_with_second_factor(app.member(acme, Role::Owner).await).await, app.client_with_second_factor(viewer).await];
    assert!(owner.page(page).await.text().contains("value=\"false\""));
    assert_eq!(viewer.page(page).await.status, 403);
}

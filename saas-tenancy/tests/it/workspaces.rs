use http::{Method, StatusCode};
use saas_core::TenantId;
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::app::App;

async fn names(app: &App, tenant: TenantId) -> Vec<String> {
    let user = app.member(tenant, Role::Viewer).await;
    let list = app.client(user).await.get("/api/v1/workspaces").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text());
    let list = list.json();
    let mut names: Vec<_> =
        list["items"].as_array().unwrap_or_else(|| panic!("{list}")).iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn path(id: &Value) -> String {
    format!("/api/v1/workspaces/{}", id.as_str().unwrap())
}

/// TEN-02: an organization has a workspace from its first moment.
#[tokio::test]
async fn an_organization_begins_with_a_workspace_of_its_own_name() {
    let app = App::new().await;
    let user = app.person().await;
    let made = app.client(user).await.post("/api/v1/organizations", &json!({ "name": "Acme Logistics" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let tenant = made.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(names(&app, tenant).await, ["Acme Logistics"]);
}

/// TEN-02: made, renamed and listed, each with its event and nobody else's.
#[tokio::test]
async fn a_workspace_is_made_and_renamed_by_those_who_may() {
    let app = App::new().await;
    let (tenant, other) = (app.test.tenant("acme").await, app.test.tenant("other").await);
    for role in [Role::Owner, Role::Admin] {
        let client = app.client(app.member(tenant, role).await).await;
        let made = client.post("/api/v1/workspaces", &json!({ "name": format!("  Site of {role} ") })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let renamed = client.json(Method::PATCH, &path(&made.json()["id"]), &json!({ "name": format!("Harbour of {role}") })).await;
        assert_eq!(renamed.status, StatusCode::NO_CONTENT, "{}", renamed.text());
        let foreign = app.client(app.member(other, Role::Owner).await).await;
        let refused = foreign.json(Method::PATCH, &path(&made.json()["id"]), &json!({ "name": "Mine" })).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }
    for role in [Role::Member, Role::Viewer] {
        let client = app.client(app.member(tenant, role).await).await;
        let refused = client.post("/api/v1/workspaces", &json!({ "name": "Mine" })).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role}");
        assert!(!client.page("/workspaces").await.text().contains("<form class=\"card\""), "{role} is offered nothing that they may not");
    }
    assert_eq!(names(&app, tenant).await, ["Harbour of admin", "Harbour of owner", "acme"]);
    assert_eq!(names(&app, other).await, ["other"]);
}

#[tokio::test]
async fn a_name_that_cannot_be_is_shown_again_with_what_is_wrong() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    let client = app.client(app.member(tenant, Role::Owner).await).await;
    let long = "x".repeat(101);
    for (name, said) in [("", "Give the workspace a name."), (long.as_str(), "too long"), ("ACME", "Another workspace has this name.")] {
        for path in ["/workspaces".to_owned(), format!("/workspaces/{tenant}/name")] {
            // The first one may be called what it is called already.
            if path.ends_with("/name") && name == "ACME" {
                continue;
            }
            let page = client.form(&path, &[("name", name)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {name}: {}", page.text());
            assert!(page.text().contains(said) && page.text().contains(&format!("value=\"{name}\"")), "{path}: {}", page.text());
        }
    }
    let taken = client.post("/api/v1/workspaces", &json!({ "name": "ACME" })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let renamed = client.form(&format!("/workspaces/{tenant}/name"), &[("name", "Acme")]).await;
    assert_eq!(renamed.location(), Some("/workspaces"));
    assert_eq!(names(&app, tenant).await, ["Acme"]);
}

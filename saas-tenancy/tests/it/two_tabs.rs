use http::{Method, StatusCode};
use saas_core::TenantId;
use saas_tenancy::{ActiveOrganization, Role, Roles, Tenancy};
use serde_json::json;

use crate::app::App;

async fn workspaces(app: &App, tenant: TenantId) -> i64 {
    let mut tx = app.test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query_scalar("select count(*) from core.workspace").fetch_one(&mut *tx).await.unwrap()
}

/// TEN-02: a form of a page that was opened before the person switched, in this tab or another, changes nothing of the other organization.
#[tokio::test]
async fn a_form_acts_on_the_organization_that_its_page_was_made_for_or_on_none() {
    let app = App::new().await;
    let user = app.person().await;
    let (one, two) = (app.test.tenant("one").await, app.test.tenant("two").await);
    for tenant in [one, two] {
        app.test.member(tenant, user, "owner").await;
    }
    let client = app.client(user).await;
    client.form("/organizations/switch", &[("organization", &one.to_string())]).await;
    let page = client.page("/workspaces").await.text();
    let form = format!("/workspaces?organization={one}");
    assert!(page.contains(&format!("action=\"{form}\"")), "{page}");
    assert_eq!(client.form(&form, &[("name", "Harbour")]).await.location(), Some("/workspaces"));

    client.form("/organizations/switch", &[("organization", &two.to_string())]).await;
    let unknown = TenantId::new();
    let stale = [
        "",
        "?organization=",
        "?organization=one",
        &format!("?organization={unknown}"),
        &format!("?organization={two}&organization={one}"),
    ];
    for query in stale.into_iter().chain([form.trim_start_matches("/workspaces")]) {
        let refused = client.form(&format!("/workspaces{query}"), &[("name", "Cellar")]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{query}");
        let text = refused.text();
        assert!(text.contains("belongs to another organization") && text.contains("href=\"/organizations\""), "{query}: {text}");
        let without_a_type = client.call(Method::POST, &format!("/members/leave{query}"), "text/html", None, bytes::Bytes::new()).await;
        assert_eq!(without_a_type.status, StatusCode::CONFLICT, "{query}");
    }
    assert_eq!((workspaces(&app, one).await, workspaces(&app, two).await), (2, 1));
    assert_eq!(client.form(&format!("/workspaces?organization={two}"), &[("name", "Cellar")]).await.status, StatusCode::SEE_OTHER);

    let program = client.post("/api/v1/workspaces", &json!({ "name": "Attic" })).await;
    assert_eq!(program.status, StatusCode::CREATED, "what no form can send needs no page: {}", program.text());
    let named = client.clone().with("x-organization", "one").form("/workspaces", &[("name", "Cellar")]).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "a request that names the organization itself needs no page");
    assert_eq!((workspaces(&app, one).await, workspaces(&app, two).await), (3, 3));
}

#[tokio::test]
async fn with_one_organization_alone_nothing_has_to_be_said_and_nothing_wrong() {
    let app = App::new().await;
    let tenant = app.test.tenant("one").await;
    let client = app.client(app.member(tenant, Role::Owner).await).await;
    assert_eq!(client.form("/workspaces", &[("name", "Harbour")]).await.status, StatusCode::SEE_OTHER);
    let left = app.test.tenant("left").await;
    let refused = client.form(&format!("/workspaces?organization={left}"), &[("name", "Cellar")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "a page of an organization that the person has left");
    assert_eq!(workspaces(&app, tenant).await, 2);
}

/// Topic 6: the choice is protected as the session is.
#[tokio::test]
async fn the_cookie_of_the_choice_is_protected() {
    let app = App::new().await;
    let user = app.person().await;
    let (one, two) = (app.test.tenant("one").await, app.test.tenant("two").await);
    for tenant in [one, two] {
        app.test.member(tenant, user, "owner").await;
    }
    let client = app.client(user).await;
    let switched = client.form("/organizations/switch", &[("organization", &one.to_string())]).await;
    let cookie = switched.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with(&format!("__Host-organization={one};")), "{cookie}");
    for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let planted = app.client(user).await;
    for cookie in
        [format!("organization={two}"), format!("lan-organization={two}"), format!("__Host-organization={one}; __Host-organization={two}")]
    {
        let undecided = planted.clone().with("cookie", &cookie).get("/notes").await;
        assert_eq!(undecided.status, StatusCode::CONFLICT, "{cookie}");
    }
    let open = Tenancy::new(&app.test.db, ActiveOrganization, Roles::new(&[])).insecure_lan(true);
    let client = app.client_of(open, user).await;
    let switched = client.form("/organizations/switch", &[("organization", &one.to_string())]).await;
    let cookie = switched.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with(&format!("lan-organization={one};")) && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(client.page("/workspaces").await.status, StatusCode::OK);
}

/// TEN-02: a link in a mail says which organization it leads to, and whoever follows it works there from then on. What a page loads switches nothing.
#[tokio::test]
async fn whoever_follows_a_link_into_another_organization_of_theirs_works_there() {
    let app = App::new().await;
    let user = app.person().await;
    let (one, two, foreign) = (app.test.tenant("one").await, app.test.tenant("two").await, app.test.tenant("foreign").await);
    for tenant in [one, two] {
        app.test.member(tenant, user, "owner").await;
    }
    let client = app.client(user).await;
    client.form("/organizations/switch", &[("organization", &one.to_string())]).await;
    let link = format!("/workspaces?organization={two}");
    let shown = |text: &str, tenant| text.contains(&format!("action=\"/workspaces?organization={tenant}\""));

    assert!(shown(&client.page(&link).await.text(), one), "whoever does not say that somebody goes there switches nothing");
    assert!(shown(&client.clone().with("sec-fetch-mode", "cors").page(&link).await.text(), one));
    let goes = client.clone().with("sec-fetch-mode", "navigate");
    for elsewhere in
        [format!("/workspaces?organization={foreign}"), "/workspaces?organization=two".to_owned(), format!("{link}&organization={one}")]
    {
        assert!(shown(&goes.page(&elsewhere).await.text(), one), "{elsewhere}");
    }
    assert!(shown(&goes.page(&link).await.text(), two));
    assert!(shown(&client.page("/workspaces").await.text(), two), "and from then on");
    assert_eq!(client.form(&link, &[("name", "Harbour")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!((workspaces(&app, one).await, workspaces(&app, two).await), (1, 2));
}

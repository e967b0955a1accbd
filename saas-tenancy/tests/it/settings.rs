//! TEN-01: what an organization is called.

use http::Method;
use saas_core::testing::TestClient;
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/v1/organization";

async fn change(client: &TestClient, change: Value) -> (u16, Value) {
    let answer = client.json(Method::PATCH, PATH, &change).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn owners_and_admins_rename_an_organization_and_its_short_name() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    for (role, status) in [(Role::Owner, 200), (Role::Admin, 200), (Role::Member, 403), (Role::Viewer, 403)] {
        let client = app.client(app.member(tenant, role).await).await;
        assert_eq!(change(&client, json!({ "name": format!(" Acme of the {role} ") })).await.0, status, "{role}");
        assert_eq!(client.page("/organization/settings").await.status, status, "{role}");
    }
    let owner = app.client(app.member(tenant, Role::Owner).await).await;
    let (status, renamed) = change(&owner, json!({ "slug": "acme-2" })).await;
    assert_eq!(
        (status, &renamed),
        (200, &json!({ "id": tenant, "slug": "acme-2", "name": "Acme of the admin" })),
        "what is left out stays"
    );
    assert_eq!(owner.get(PATH).await.json(), renamed);
    change(&owner, json!({ "slug": "acme-2", "name": "Acme of the admin" })).await;

    let member = app.client(app.member(tenant, Role::Member).await).await;
    assert_eq!(member.get("/o/acme-2/notes").await.status, 200);
    assert_eq!(member.get("/o/acme/notes").await.status, 404, "the old short name leads nowhere");
    let mut tx = app.test.db.system("look at what a test did").begin().await.unwrap();
    let events: i64 = sqlx::query_scalar("select count(*) from data.outbox where name = 'tenancy.organization.renamed'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(events, 3, "what changes nothing is no event");
}

#[tokio::test]
async fn each_field_that_will_not_do_is_pointed_at() {
    let app = App::new().await;
    let tenant = app.test.tenant("acme").await;
    app.test.tenant("taken").await;
    let owner = app.client(app.member(tenant, Role::Owner).await).await;
    let (status, both) = change(&owner, json!({ "name": " ", "slug": "No Such" })).await;
    let pointers: Vec<_> = both["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (422, vec!["/name", "/slug"]));
    for slug in ["a", "-a", "a--b", "Acme", "taken"] {
        let (status, refused) = change(&owner, json!({ "slug": slug })).await;
        assert_eq!((status, refused["errors"][0]["pointer"].as_str()), (422, Some("/slug")), "{slug}");
    }
    let page = "/organization/settings";
    let refused = owner.form(page, &[("name", ""), ("slug", "taken")]).await;
    assert!(refused.status == 422 && refused.text().contains("Give the organization a name."), "{}", refused.text());
    let taken = owner.form(page, &[("name", "Acme"), ("slug", "taken")]).await;
    assert!(taken.status == 422 && taken.text().contains("This short name is taken."), "{}", taken.text());
    assert_eq!(owner.form(page, &[("name", "Acme & Co"), ("slug", "acme-co")]).await.location(), Some(page));
    assert!(owner.page(page).await.text().contains("value=\"Acme &amp; Co\""));
}

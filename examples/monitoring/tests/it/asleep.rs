//! An organization that is suspended, or that somebody wants deleted, is none to its people until it comes back.

use http::StatusCode;
use saas_tenancy::Role;
use serde_json::json;

use crate::app::{App, expect, expect_problem};

/// Of each part of the product one page and what programs ask in its place.
const PLACES: [(&str, &str); 4] = [
    ("/devices", "/api/v1/devices"),
    ("/agents", "/api/v1/agents"),
    ("/members", "/api/v1/members"),
    ("/organization/settings", "/api/v1/organization"),
];

/// T55: whether they name it or have been working in it.
#[tokio::test]
async fn people_of_a_suspended_or_leaving_organization_do_not_get_in() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    app.agent(&owner).await;
    let (inside, naming) = (&owner.browser, owner.browser.clone().with("x-organization", "acme"));
    for state in ["suspended", "leaving"] {
        for (page, api) in PLACES {
            expect(&inside.page(page).await, StatusCode::OK);
            expect(&naming.get(api).await, StatusCode::OK);
        }
        app.set_state(tenant, state).await;
        for (page, api) in PLACES {
            expect(&naming.page(page).await, StatusCode::NOT_FOUND);
            expect_problem(&naming.get(api).await, StatusCode::NOT_FOUND, "not-found");
            assert_eq!(inside.page(page).await.location(), Some("/organizations"), "{page} of one that is {state}");
            expect_problem(&inside.get(api).await, StatusCode::CONFLICT, "no-tenant");
        }
        expect_problem(&naming.post("/api/v1/agents", &json!({ "name": "Late" })).await, StatusCode::NOT_FOUND, "not-found");
        assert_eq!(inside.get("/api/v1/organizations").await.json()["items"], json!([]), "{state}");
        app.set_state(tenant, "active").await;
    }
    assert_eq!(app.count("select count(*) from agent").await, 1);
}

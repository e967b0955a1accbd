//! What the product is sold by, as people see it, and what it lets those do who have not paid.

use http::{Method, StatusCode};
use saas_tenancy::Role;
use serde_json::json;
use uuid::Uuid;

use crate::app::{App, expect, expect_problem};

/// MON-04: the amounts, and a word of the product's own for each of them in both languages.
#[tokio::test]
async fn the_page_shows_the_amounts_of_the_product_in_its_own_words() {
    let app = App::new().await;
    for (language, parts) in
        [("en", ["$49", "Agents", "50", "10,000", "1,000 an hour"]), ("de", ["49 $", "Agenten", "50", "10.000", "1.000 in der Stunde"])]
    {
        let page = app.anon().with("accept-language", language).page("/pricing").await;
        expect(&page, StatusCode::OK);
        for part in parts {
            assert!(page.text().contains(part), "{part}: {}", page.text());
        }
        assert!(!page.text().contains("monitoring-plan") && !page.text().contains("monitoring-meter"), "{}", page.text());
    }
    let free = app.anon().get("/api/v1/plans").await.json()["plans"][0].clone();
    assert_eq!((&free["name"], &free["limits"]["agents"], &free["limits"]["devices"]), (&json!("free"), &json!(1), &json!(50)));
}

/// BIL-06: in the composed product a soft lock shows everything, changes nothing, and ends with the payment.
#[tokio::test]
async fn a_soft_lock_shows_everything_and_changes_nothing() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let becomes = async |state: &'static str| {
        let stored = sqlx::query(
            "insert into billing.subscription (tenant_id, id, plan, period, currency, quantity, state, created_at, period_start, period_end, read_at)
            values ($1, 'sub_1', 'team', 'month', 'usd', 1, $2, now(), now(), now() + interval '30 days', now())
            on conflict (tenant_id, id) do update set state = excluded.state",
        );
        stored.bind(Uuid::from(tenant)).bind(state).execute(&mut app.owner().await).await.unwrap();
    };
    let change = async || owner.browser.json(Method::PATCH, &format!("/api/v1/agents/{}", agent.id), &json!({ "allowed_from": [] })).await;
    becomes("active").await;
    expect(&change().await, StatusCode::NO_CONTENT);
    becomes("paused").await;
    for path in ["/api/v1/devices", "/api/v1/agents", "/api/v1/audit"] {
        expect(&owner.browser.get(path).await, StatusCode::OK);
    }
    expect_problem(&change().await, StatusCode::PAYMENT_REQUIRED, "payment-overdue");
    expect(&agent.client.get("/api/agent/status").await, StatusCode::OK);
    becomes("unpaid").await;
    expect_problem(&owner.browser.get("/api/v1/devices").await, StatusCode::PAYMENT_REQUIRED, "payment-overdue");
    becomes("active").await;
    expect(&change().await, StatusCode::NO_CONTENT);
}

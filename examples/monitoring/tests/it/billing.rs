//! An organization buys a plan, sees what it has, and stops paying; and who may not.

mod change;
mod departure;
mod dunning;
mod near;
mod receipts;

use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_billing::{
    Checkout, CustomerId, Interval, Invoice, InvoiceId, InvoiceState, Money, Order, Subscription, SubscriptionId, SubscriptionState,
};
use saas_core::{TenantId, testing::TestClient};
use saas_tenancy::Role;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::app::{App, expect, expect_problem};

const TEAM: [(&str, &str); 2] = [("plan", "team"), ("interval", "month")];

/// The order that somebody's checkout is for.
fn ordered(app: &App, url: &str) -> Order {
    let url = Url::parse(url).unwrap();
    let id = url.path_segments().unwrap().next_back().unwrap().to_owned();
    app.gateway.order(&Checkout { id, url }).unwrap()
}

async fn begins(app: &App, owner: &TestClient) -> Order {
    let begun = owner.post("/api/v1/billing/checkout", &json!({ "plan": "team", "interval": "month" })).await;
    expect(&begun, StatusCode::OK);
    ordered(app, begun.json()["url"].as_str().unwrap())
}

/// At the gateway somebody has paid for what was ordered.
fn paid(app: &App, order: &Order, state: SubscriptionState) -> Subscription {
    let now = app.test.db.clock().now();
    let held = Subscription {
        id: SubscriptionId::new(format!("sub_of_{}", order.customer)),
        plan: order.plan.clone(),
        interval: order.interval,
        currency: order.currency,
        quantity: order.quantity,
        state,
        created_at: now,
        period_start: now,
        period_end: now + TimeDelta::days(30),
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        past_due_since: None,
        failed_attempts: 0,
    };
    app.gateway.subscription_set(&order.customer, held.clone());
    held
}

fn invoice(of: &Subscription, customer: &CustomerId, state: InvoiceState) -> Invoice {
    let paid = if state == InvoiceState::Paid { 4_900 } else { 0 };
    Invoice {
        id: InvoiceId::new(format!("in_of_{customer}")),
        subscription: Some(of.id.clone()),
        number: Some("A-0001".to_owned()),
        state,
        total: Money::of(4_900, of.currency),
        paid,
        due: 4_900 - paid,
        attempts: 1,
        next_attempt_at: None,
        page: Some(Url::parse("https://pay.example/in_1").unwrap()),
        pdf: None,
        created_at: of.created_at,
        paid_at: (paid > 0).then_some(of.created_at),
    }
}

/// Addresses as they are read.
fn plain(text: &str) -> String {
    text.replace("&#x2f;", "/")
}

async fn subscription(client: &TestClient) -> Value {
    let answer = client.get("/api/v1/billing/subscription").await;
    expect(&answer, StatusCode::OK);
    answer.json()
}

async fn audited(app: &App, tenant: TenantId) -> Vec<String> {
    let names = sqlx::query_scalar("select action from data.audit_entry where tenant_id = $1 and action like 'billing.%' order by at, id");
    names.bind(Uuid::from(tenant)).fetch_all(&mut app.owner().await).await.unwrap()
}

/// BIL-02: whoever comes back from paying has the plan at once, whether or not anybody has told us.
#[tokio::test]
async fn an_owner_buys_a_plan_and_has_it_at_once() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    let page = owner.page("/billing").await;
    expect(&page, StatusCode::OK);
    for part in ["Free", "0 of 50", "1 of 5", "$49", "$490", "There are no invoices yet"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let leaving = owner.form("/billing/checkout", &TEAM).await;
    expect(&leaving, StatusCode::OK);
    let text = plain(&leaving.text());
    let url = text.split("href=\"").filter_map(|it| it.split('"').next()).find(|it| it.contains("/checkout/")).unwrap();
    let order = ordered(&app, url);
    assert_eq!((order.plan.as_str(), order.interval, order.quantity, order.trial_days), ("team", Interval::Month, 1, 14));
    assert_eq!(order.paid_url.as_str(), format!("http://localhost:3000/billing/return?organization={tenant}"));
    assert_eq!(subscription(&owner).await["plan"], "free");
    // Nothing was paid: coming back says so.
    let back = owner.form(&format!("/billing/return?organization={tenant}"), &[]).await;
    assert_eq!((back.status, back.location()), (StatusCode::SEE_OTHER, Some("/billing?from=paid")));
    assert!(owner.page("/billing?from=paid").await.text().contains("has not arrived yet"));
    assert!(owner.page("/billing?from=left").await.text().contains("Nothing was bought"));

    let held = paid(&app, &order, SubscriptionState::Active);
    app.gateway.invoice_set(&order.customer, invoice(&held, &order.customer, InvoiceState::Paid));
    assert!(owner.page("/billing/return").await.text().contains("data-submit"));
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    let page = plain(&owner.page("/billing?from=paid").await.text());
    for part in ["Team is active", "0 of 10,000", "A-0001", "$49", "https://pay.example/in_1", "/billing/cancel"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("/billing/checkout"), "nobody buys twice");
    let german = owner.clone().with("accept-language", "de").page("/billing").await.text();
    assert!(german.contains("0 von 10.000") && german.contains("49 $"), "{german}");
    assert_eq!(subscription(&owner).await["subscription"]["state"], "active");
    let invoices = owner.get("/api/v1/billing/invoices").await.json();
    assert_eq!((&invoices["items"][0]["total"], &invoices["items"][0]["currency"]), (&json!(4_900), &json!("usd")));
    let one = owner.get(&format!("/api/v1/billing/invoices/{}", invoices["items"][0]["id"].as_str().unwrap())).await;
    assert_eq!(one.json(), invoices["items"][0]);
    let events = ["billing.checkout.begun", "billing.subscription.changed", "billing.invoice.paid"];
    assert_eq!(audited(&app, tenant).await, events);
}

/// S45, S46: what is not sold, or not theirs to buy, is bought by nobody.
#[tokio::test]
async fn what_is_not_sold_or_not_theirs_to_buy_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let person = app.member(tenant, role).await.browser;
        expect(&person.form("/billing/checkout", &TEAM).await, StatusCode::FORBIDDEN);
        let wish = json!({ "plan": "team", "interval": "month" });
        for (path, body) in [("checkout", wish), ("cancel", json!({})), ("resume", json!({}))] {
            expect_problem(&person.post(&format!("/api/v1/billing/{path}"), &body).await, StatusCode::FORBIDDEN, "forbidden");
        }
        let seen = person.page("/billing").await;
        assert_eq!(seen.status, if role == Role::Admin { StatusCode::OK } else { StatusCode::FORBIDDEN }, "{role:?}");
        assert!(!seen.text().contains("<button class=\"button primary\">Choose"), "{}", seen.text());
    }
    for wish in [
        json!({ "plan": "free", "interval": "month" }),
        json!({ "plan": "gold", "interval": "month" }),
        json!({ "plan": "", "interval": "month" }),
        json!({ "plan": "team", "interval": "week" }),
        json!({ "plan": "team" }),
        json!({ "plan": "team", "interval": "month", "currency": "eur" }),
        json!({ "plan": "team", "interval": "month", "currency": "xxx" }),
        json!({ "plan": "team", "interval": "month", "quantity": 0 }),
        json!({ "plan": "team", "interval": "month", "price": "price_of_somebody_else" }),
    ] {
        expect_problem(&owner.post("/api/v1/billing/checkout", &wish).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    }
    for path in ["cancel", "resume"] {
        expect_problem(&owner.post(&format!("/api/v1/billing/{path}"), &json!({})).await, StatusCode::CONFLICT, "conflict");
    }
    assert_eq!((app.gateway.customers(), audited(&app, tenant).await), (0, Vec::<String>::new()));

    // The gateway is away, and says when to come back.
    app.gateway.away_once(Some(Duration::from_secs(7)));
    let wish = json!({ "plan": "team", "interval": "month" });
    let away = owner.post("/api/v1/billing/checkout", &wish).await;
    expect_problem(&away, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    assert_eq!(away.headers["retry-after"], "7");
    app.gateway.refuse_once();
    expect_problem(&owner.post("/api/v1/billing/checkout", &wish).await, StatusCode::INTERNAL_SERVER_ERROR, "internal");
    assert_eq!(audited(&app, tenant).await, Vec::<String>::new());

    // Whoever pays already buys nothing more, also where nobody has told us of it yet.
    let order = begins(&app, &owner).await;
    paid(&app, &order, SubscriptionState::Active);
    expect_problem(&owner.post("/api/v1/billing/checkout", &wish).await, StatusCode::CONFLICT, "conflict");
    assert_eq!(subscription(&owner).await["plan"], "team");
}

/// S43, S44: an organization neither sees nor moves what another one has.
#[tokio::test]
async fn what_an_organization_bought_is_its_own() {
    let app = App::new().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (owner, stranger) = (app.member(acme, Role::Owner).await.browser, app.member(other, Role::Owner).await.browser);
    let order = begins(&app, &owner).await;
    let held = paid(&app, &order, SubscriptionState::Active);
    app.gateway.invoice_set(&order.customer, invoice(&held, &order.customer, InvoiceState::Paid));
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    let back = stranger.form(&format!("/billing/return?organization={acme}"), &[]).await;
    assert!([StatusCode::NOT_FOUND, StatusCode::CONFLICT].contains(&back.status), "{}", back.status);
    assert_eq!(stranger.get("/api/v1/billing/invoices").await.json()["items"], json!([]));
    let path = format!("/api/v1/billing/invoices/in_of_{}", order.customer);
    expect(&owner.get(&path).await, StatusCode::OK);
    expect_problem(&stranger.get(&path).await, StatusCode::NOT_FOUND, "not-found");
    expect_problem(&stranger.post("/api/v1/billing/cancel", &json!({})).await, StatusCode::CONFLICT, "conflict");
    assert_eq!(subscription(&stranger).await["subscription"], Value::Null);
}

/// BIL-03: it ends with what is paid for, and goes on after all; each is noted, with who wanted it. A trial comes once.
#[tokio::test]
async fn a_subscription_is_cancelled_and_kept_after_all() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    let order = begins(&app, &owner).await;
    let mut held = paid(&app, &order, SubscriptionState::Active);
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    let cancelled = owner.form("/billing/cancel", &[]).await;
    assert_eq!((cancelled.status, cancelled.location()), (StatusCode::SEE_OTHER, Some("/billing")));
    let page = owner.page("/billing").await.text();
    assert!(page.contains("Until then all is as it was") && page.contains("/billing/resume"), "{page}");
    assert!(subscription(&owner).await["subscription"]["cancel_at"].is_string());
    expect(&owner.post("/api/v1/billing/resume", &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(subscription(&owner).await["subscription"]["cancel_at"], Value::Null);
    expect(&owner.post("/api/v1/billing/cancel", &json!({})).await, StatusCode::NO_CONTENT);
    let wanted: Vec<_> = audited(&app, tenant).await.into_iter().filter(|name| name.contains("cancellation")).collect();
    let expected = ["billing.cancellation.wanted", "billing.cancellation.withdrawn", "billing.cancellation.wanted"];
    assert_eq!(wanted, expected);
    // Who wanted it is known also if the program does not live to hear what the gateway says.
    app.gateway.away_once(None);
    expect(&owner.post("/api/v1/billing/resume", &json!({})).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(audited(&app, tenant).await.pop().as_deref(), Some("billing.cancellation.withdrawn"));
    let actors =
        app.count("select count(*) from data.audit_entry where action like 'billing.cancellation.%' and actor_kind <> 'user'").await;
    assert_eq!(actors, 0);

    held.state = SubscriptionState::Canceled;
    held.ended_at = Some(held.created_at);
    app.gateway.subscription_set(&order.customer, held);
    let again = begins(&app, &owner).await;
    assert_eq!((again.customer, again.trial_days), (order.customer, 0));
}

/// BIL-06: whoever may do nothing any more can see what is owed, and pay.
#[tokio::test]
async fn what_is_locked_can_be_paid() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    let order = begins(&app, &owner).await;
    let mut held = paid(&app, &order, SubscriptionState::Active);
    for (state, attempts, said) in [
        (SubscriptionState::PastDue, 1, "The last payment failed"),
        (SubscriptionState::PastDue, 3, "changed again once it is paid"),
        (SubscriptionState::Unpaid, 4, "Nothing can be used until it is"),
    ] {
        (held.state, held.past_due_since, held.failed_attempts) = (state, Some(held.created_at), attempts);
        app.gateway.subscription_set(&order.customer, held.clone());
        app.gateway.invoice_set(&order.customer, invoice(&held, &order.customer, InvoiceState::Open));
        expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
        let page = owner.page("/billing").await;
        expect(&page, StatusCode::OK);
        let text = plain(&page.text());
        assert!(text.contains(said) && text.contains("href=\"https://pay.example/in_1\""), "{text}");
    }
    expect_problem(&owner.get("/api/v1/devices").await, StatusCode::PAYMENT_REQUIRED, "payment-overdue");
    (held.state, held.past_due_since, held.failed_attempts) = (SubscriptionState::Active, None, 0);
    app.gateway.subscription_set(&order.customer, held);
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    expect(&owner.get("/api/v1/devices").await, StatusCode::OK);
}

/// Under a lock nobody is added or changed, by whatever way; and everything can be read.
#[tokio::test]
async fn under_a_lock_the_people_of_an_organization_are_read_and_not_changed() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    let order = begins(&app, &owner).await;
    paid(&app, &order, SubscriptionState::Paused);
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    for path in ["/api/v1/members", "/api/v1/workspaces", "/api/v1/roles", "/members"] {
        expect(&owner.page(path).await, StatusCode::OK);
    }
    let invitation = json!({ "emails": ["grace@example.com"], "role": "viewer" });
    for (method, path, body) in [
        (Method::POST, "/api/v1/invitations", invitation),
        (Method::POST, "/api/v1/workspaces", json!({ "name": "Site" })),
        (Method::POST, "/api/v1/roles", json!({ "name": "Role", "permissions": [] })),
    ] {
        expect_problem(&owner.json(method, path, &body).await, StatusCode::PAYMENT_REQUIRED, "payment-overdue");
    }
}

//! Another plan in the place of the one that is paid for.

use futures_util::future::join_all;
use saas_billing::Gateway as _;

use super::*;

const CHANGE: &str = "/api/v1/billing/change-plan";

/// An owner of an organization that pays for the team plan since half a month ago.
async fn on_team(app: &App, slug: &str) -> (TenantId, TestClient, Order) {
    let tenant = app.tenant(slug).await;
    let owner = app.member(tenant, Role::Owner).await.browser;
    let order = begins(app, &owner).await;
    let mut held = paid(app, &order, SubscriptionState::Active);
    (held.period_start, held.period_end) = (held.period_start - TimeDelta::days(15), held.period_end - TimeDelta::days(15));
    app.gateway.subscription_set(&order.customer, held);
    expect(&owner.form("/billing/return", &[]).await, StatusCode::SEE_OTHER);
    (tenant, owner, order)
}

fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split('"').next().unwrap().replace("&#x3a;", ":").replace("&#x2b;", "+")
}

/// BIL-03: what is shown is what is charged, once, and the plan holds at once; by page and by API.
#[tokio::test]
async fn a_larger_plan_is_shown_charged_and_held_at_once() {
    let app = App::new().await;
    let (tenant, owner, order) = on_team(&app, "acme").await;
    let page = plain(&owner.page("/billing").await.text());
    for part in
        ["Change the plan", "Your plan", "/billing/change?plan=business&amp;interval=month", "/billing/change?plan=team&amp;interval=year"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = plain(&owner.page("/billing/change?plan=business&interval=month").await.text());
    for part in ["Change to Business", "Not used of Team", "Charged now", "each month", "Change now and pay"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let (at, due) = (field(&page, "at"), field(&page, "due"));
    // Half of 199 less half of 49 dollars, give or take the seconds since.
    assert!((7_490..=7_510).contains(&due.parse::<i64>().unwrap()), "{due}");
    let german = owner.clone().with("accept-language", "de").page("/billing/change?plan=business&interval=month").await.text();
    assert!(german.contains("Jetzt abgebucht"), "{german}");
    let form = [("plan", "business"), ("interval", "month"), ("at", at.as_str()), ("due", due.as_str())];
    let changed = owner.form("/billing/change", &form).await;
    assert_eq!((changed.status, changed.location()), (StatusCode::SEE_OTHER, Some("/billing?from=changed")));
    assert!(owner.page("/billing?from=changed").await.text().contains("Business is active"));
    let bills = app.gateway.read(&order.customer).await.unwrap().unwrap().invoices;
    assert_eq!(bills.iter().map(|bill| bill.paid.to_string()).collect::<Vec<_>>(), [due.as_str()]);
    assert_eq!(subscription(&owner).await["plan"], "business");
    // Sent once more, it is done already.
    assert_eq!(owner.form("/billing/change", &form).await.location(), Some("/billing?from=changed"));
    let events: Vec<_> = audited(&app, tenant).await.into_iter().filter(|name| name.contains("change")).collect();
    assert_eq!(events, ["billing.subscription.changed", "billing.plan.change_wanted", "billing.subscription.changed"]);

    // Back, with what is credited said before: it goes into what is paid next.
    let preview = owner.get(&format!("{CHANGE}?plan=team&interval=month")).await;
    expect(&preview, StatusCode::OK);
    assert_eq!((&preview.json()["due"], &preview.json()["exceeded"]), (&json!(0), &json!([])));
    let page = owner.page("/billing/change?plan=team&interval=month").await.text();
    assert!(page.contains("Credited to what is paid next") && page.contains("Change now") && !page.contains("and pay"), "{page}");
    let changed = owner.post(CHANGE, &json!({ "plan": "team", "interval": "month" })).await;
    assert_eq!(changed.json(), json!({ "state": "changed", "pay": null }));
    assert_eq!(subscription(&owner).await["plan"], "team");
}

/// S64: there is more than the smaller plan allows: it is said before, nothing is lost, and nothing more can be added.
#[tokio::test]
async fn what_a_smaller_plan_does_not_allow_is_said_before() {
    let app = App::new().await;
    let (tenant, owner, order) = on_team(&app, "acme").await;
    expect(&owner.post(CHANGE, &json!({ "plan": "business", "interval": "month" })).await, StatusCode::OK);
    let more = "insert into data.quota (tenant_id, meter, used) values ($1, 'devices', 12000)";
    sqlx::query(more).bind(Uuid::from(tenant)).execute(&mut app.superuser().await).await.unwrap();
    let page = plain(&owner.page("/billing/change?plan=team&interval=month").await.text());
    assert!(page.contains("you use 12,000, and Team has 10,000"), "{page}");
    let preview = owner.get(&format!("{CHANGE}?plan=team&interval=month")).await.json();
    assert_eq!(preview["exceeded"], json!([{ "meter": "devices", "used": 12_000, "limit": 10_000 }]));
    expect(&owner.post(CHANGE, &json!({ "plan": "team", "interval": "month" })).await, StatusCode::OK);
    let usage = subscription(&owner).await["usage"].clone();
    let devices = usage.as_array().unwrap().iter().find(|it| it["meter"] == "devices").unwrap().clone();
    assert_eq!((&devices["used"], &devices["limit"]), (&json!(12_000), &json!(10_000)));
    assert_eq!(app.gateway.read(&order.customer).await.unwrap().unwrap().subscriptions[0].plan, "team");
}

/// Twenty at once change once: one event, one invoice, and all are told the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_want_the_same_change_once() {
    let app = App::new().await;
    let (tenant, owner, order) = on_team(&app, "acme").await;
    app.gateway.slow(Duration::from_millis(20));
    let wanted = json!({ "plan": "business", "interval": "month" });
    let answers = join_all((0..8).map(|_| owner.post(CHANGE, &wanted))).await;
    for answer in &answers {
        expect(answer, StatusCode::OK);
        assert_eq!(answer.json()["state"], "changed");
    }
    assert_eq!(app.gateway.read(&order.customer).await.unwrap().unwrap().invoices.len(), 1);
    let wanted = audited(&app, tenant).await.into_iter().filter(|name| name == "billing.plan.change_wanted").count();
    assert_eq!(wanted, 1);
    assert_eq!(app.count("select count(*) from billing.customer where changing_since is not null").await, 0);
}

/// S63: what cannot be charged leaves the old plan, and says where to pay.
#[tokio::test]
async fn a_change_that_cannot_be_charged_waits_for_its_payment() {
    let app = App::new().await;
    let (_, owner, _) = on_team(&app, "acme").await;
    app.gateway.decline_once();
    let answer = owner.post(CHANGE, &json!({ "plan": "business", "interval": "month" })).await;
    assert_eq!(answer.json(), json!({ "state": "unpaid", "pay": "https://pay.example/change" }));
    assert_eq!(subscription(&owner).await["plan"], "team");
    let page = plain(&owner.page("/billing?from=unpaid").await.text());
    assert!(page.contains("could not be charged") && page.contains("href=\"https://pay.example/change\""), "{page}");
}

/// What was shown does not hold any more: nothing is changed, and what holds now is shown. What is not theirs, not sold or not paid is refused.
#[tokio::test]
async fn what_was_not_shown_so_is_not_charged() {
    let app = App::new().await;
    let (tenant, owner, order) = on_team(&app, "acme").await;
    let now = app.test.db.clock().now();
    for (at, due) in [(now - TimeDelta::minutes(90), None), (now + TimeDelta::minutes(5), None), (now - TimeDelta::minutes(1), Some(1))] {
        let wanted = json!({ "plan": "business", "interval": "month", "at": at, "due": due });
        expect_problem(&owner.post(CHANGE, &wanted).await, StatusCode::CONFLICT, "conflict");
    }
    let form = [("plan", "business"), ("interval", "month"), ("due", "1")];
    let stale = owner.form("/billing/change", &form).await;
    assert_eq!(stale.location(), Some("/billing/change?plan=business&interval=month&again=true"));
    assert!(owner.page(stale.location().unwrap()).await.text().contains("Something has changed since"));

    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let person = app.member(tenant, role).await.browser;
        let wanted = json!({ "plan": "business", "interval": "month" });
        expect_problem(&person.post(CHANGE, &wanted).await, StatusCode::FORBIDDEN, "forbidden");
        expect_problem(&person.get(&format!("{CHANGE}?plan=business&interval=month")).await, StatusCode::FORBIDDEN, "forbidden");
    }
    for wanted in [json!({ "plan": "free", "interval": "month" }), json!({ "plan": "gold", "interval": "month" })] {
        expect_problem(&owner.post(CHANGE, &wanted).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    }
    let stranger = app.member(app.tenant("other").await, Role::Owner).await.browser;
    let wanted = json!({ "plan": "business", "interval": "month" });
    expect_problem(&stranger.post(CHANGE, &wanted).await, StatusCode::CONFLICT, "conflict");
    expect_problem(&owner.get(&format!("{CHANGE}?plan=team&interval=month")).await, StatusCode::CONFLICT, "conflict");

    // The gateway is away: what was wanted is known, nothing is changed, and nobody is kept from trying again.
    app.gateway.away_once(None);
    expect_problem(&owner.post(CHANGE, &wanted).await, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    assert_eq!(app.count("select count(*) from billing.customer where changing_since is not null").await, 0);
    expect(&owner.form("/billing/cancel", &[]).await, StatusCode::SEE_OTHER);
    expect_problem(&owner.post(CHANGE, &wanted).await, StatusCode::CONFLICT, "conflict");
    assert!(!owner.page("/billing").await.text().contains("Change the plan"));
    assert_eq!(app.gateway.read(&order.customer).await.unwrap().unwrap().subscriptions[0].plan, "team");
    assert!(!audited(&app, tenant).await.contains(&"billing.plan.change_wanted".to_owned()));
}

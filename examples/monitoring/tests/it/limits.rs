//! How often people and machines may ask, as the product is put together.

use http::StatusCode;
use monitoring::server::plans;
use saas_admin::RequestLimits;
use saas_core::{
    TenantId,
    limit::Allowance,
    testing::{Answer, TestClient},
};
use saas_tenancy::Role;
use serde_json::json;

use crate::app::{App, Person, expect, expect_problem};

fn header(answer: &Answer, name: &str) -> Option<u32> {
    answer.headers.get(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

/// The limit and what remains of it.
fn told(answer: &Answer) -> Option<(u32, u32)> {
    Some((header(answer, "x-ratelimit-limit")?, header(answer, "x-ratelimit-remaining")?))
}

fn at_most(allowance: Allowance) -> u32 {
    match allowance {
        Allowance::AtMost(rate) => rate.limit().get(),
        Allowance::Unlimited => panic!("it has a limit"),
    }
}

/// API-02: nobody guesses passwords, codes or links without end, and each of those routes counts with the others.
#[tokio::test]
async fn what_can_be_guessed_is_limited_by_address() {
    let app = App::new().await;
    let guesser = app.anon().from_address("203.0.113.7".parse().unwrap());
    let limit = at_most(RequestLimits::default().sign_in);
    let guesses = ["/api/v1/auth/sign-in", "/api/v1/auth/verify", "/api/v1/auth/sign-up"];
    for (nth, path) in (0..limit).zip(guesses.iter().cycle()) {
        let answer = guesser.post(path, &json!({})).await;
        assert_eq!(told(&answer), Some((limit, limit - nth - 1)), "{path}: {}", answer.text());
    }
    for path in guesses {
        let problem = expect_problem(&guesser.post(path, &json!({})).await, StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
        assert_eq!((&problem["limit"], &problem["used"]), (&json!(limit), &json!(limit)));
    }
    let page = guesser.form("/sign-in", &[("email", "ada@example.com"), ("password", "x")]).await;
    expect(&page, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text().contains("<h1"), "a person gets a page");
    expect(&guesser.page("/sign-in").await, StatusCode::OK);
    let elsewhere = app.anon().from_address("203.0.113.8".parse().unwrap());
    expect(&elsewhere.post("/api/v1/auth/sign-in", &json!({})).await, StatusCode::UNPROCESSABLE_ENTITY);
}

/// API-02, NOT-01: nobody fills somebody's mailbox, from however many addresses.
#[tokio::test]
async fn mails_to_one_account_are_limited_wherever_they_are_asked_for() {
    let app = App::new().await;
    let limit = at_most(RequestLimits::default().mail);
    let ask = async |nth: u32, email: &str| {
        let client = app.anon().from_address(std::net::Ipv4Addr::from(0xCB00_7100 + nth).into());
        client.post("/api/v1/auth/verify/resend", &json!({ "email": email })).await.status
    };
    for nth in 0..limit {
        assert_eq!(ask(nth, "ada@example.com").await, StatusCode::ACCEPTED);
    }
    assert_eq!(ask(200, " Ada@Example.com").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(201, "bob@example.com").await, StatusCode::ACCEPTED);
}

async fn organization(app: &App, slug: &str) -> (TenantId, Person) {
    let tenant = app.tenant(slug).await;
    let owner = app.member(tenant, Role::Owner).await;
    (tenant, owner)
}

/// API-02, T60: a thousand an hour on the free plan, more on another; what one organization asks does not show in what another is told.
#[tokio::test]
async fn an_organization_has_what_its_plan_allows() {
    let app = App::new().await;
    let (_, free) = organization(&app, "free").await;
    let (team_tenant, team) = organization(&app, "team").await;
    app.plan(team_tenant, "team").await;
    let ask = async |browser: &TestClient| told(&browser.get("/api/v1/devices").await).unwrap();
    assert_eq!(ask(&free.browser).await, (1_000, 999));
    // Everybody's share of the plan is beyond what one person may ask in a minute.
    let person = at_most(RequestLimits::default().account);
    for nth in 1..=30 {
        assert_eq!(ask(&team.browser).await, (person, person - nth));
    }
    assert_eq!(ask(&free.browser).await, (1_000, 998));
    let names: Vec<_> = plans().iter().map(|plan| plan.name()).collect();
    assert!(names.contains(&"free") && names.contains(&"team"), "{names:?}");
}

/// API-02: by key.
#[tokio::test]
async fn a_machine_is_limited_by_its_credential() {
    let app = App::new().await;
    let (_, owner) = organization(&app, "acme").await;
    let agent = app.agent(&owner).await;
    let limit = at_most(RequestLimits::default().agent);
    assert_eq!(told(&agent.client.get("/api/agent/status").await), Some((limit, limit - 1)));
    let moved = agent.client.clone().from_address("203.0.113.9".parse().unwrap());
    assert_eq!(told(&moved.get("/api/agent/status").await), Some((limit, limit - 2)), "wherever it is");
}

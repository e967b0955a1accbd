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

/// Asks until it is refused; how often it was not.
async fn until_refused(client: &TestClient, path: &str) -> u32 {
    for nth in 0..10_000 {
        let answer = client.post(path, &json!({})).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            let problem = expect_problem(&answer, StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
            assert_eq!(problem["limit"], problem["used"]);
            return nth;
        }
        assert!(told(&answer).is_some(), "{path}: {}", answer.text());
    }
    panic!("{path} is never refused")
}

/// API-02: nobody guesses passwords, codes or links without end, and each of those routes counts with the others.
#[tokio::test]
async fn what_can_be_guessed_is_limited_by_address() {
    let app = App::new().await;
    let guesser = app.anon().from_address("203.0.113.7".parse().unwrap());
    let limit = at_most(RequestLimits::default().sign_in);
    assert!(until_refused(&guesser, "/api/v1/auth/sign-in").await >= limit);
    for path in ["/api/v1/auth/verify", "/api/v1/auth/sign-up", "/api/v1/auth/verify/resend"] {
        // As many as came back in the meantime.
        assert!(until_refused(&guesser, path).await < limit / 2, "{path}");
    }
    until_refused(&guesser, "/api/v1/auth/sign-in").await;
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
    // The share of its plan is beyond what one person may ask in a minute, so that is what a person is told.
    let person = at_most(RequestLimits::default().account);
    for _ in 0..50 {
        assert_eq!(ask(&team.browser).await.0, person);
    }
    let (limit, remaining) = ask(&free.browser).await;
    assert!(limit == 1_000 && remaining >= 998, "{remaining}");
    let plans = plans().unwrap();
    let names: Vec<_> = plans.iter().map(|plan| plan.name()).collect();
    assert!(names.contains(&"free") && names.contains(&"team"), "{names:?}");
}

/// API-02: by key.
#[tokio::test]
async fn a_machine_is_limited_by_its_credential() {
    let app = App::new().await;
    let (_, owner) = organization(&app, "acme").await;
    let agent = app.agent(&owner).await;
    let limit = at_most(RequestLimits::default().agent);
    let (told_limit, remaining) = told(&agent.client.get("/api/agent/status").await).unwrap();
    assert!(told_limit == limit && remaining < limit, "{told_limit}, {remaining}");
}

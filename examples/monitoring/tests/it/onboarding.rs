//! MON-05: the seven steps of a new customer, over HTTP.

use http::{Method, StatusCode};
use saas_core::TenantId;
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::{
    app::{App, Person, expect},
    live::Stream,
};

async fn progress(person: &Person) -> Value {
    let answer = person.browser.get("/api/v1/onboarding").await;
    expect(&answer, StatusCode::OK);
    answer.json()
}

/// How many are done, of how many, and which is next.
async fn stands(person: &Person) -> (u64, usize, Option<String>) {
    let progress = progress(person).await;
    let next = progress["next"].as_str().map(ToOwned::to_owned);
    (progress["done"].as_u64().unwrap(), progress["steps"].as_array().unwrap().len(), next)
}

fn at(done: u64, total: usize, next: &str) -> (u64, usize, Option<String>) {
    (done, total, Some(next.to_owned()))
}

async fn set(person: &Person, step: &str, state: &str) {
    let path = format!("/api/v1/onboarding/steps/{step}");
    expect(&person.browser.json(Method::PUT, &path, &json!({ "state": state })).await, StatusCode::NO_CONTENT);
}

/// AUT-02, MON-05: from the mail to the devices. Each step is done by doing it; two may be skipped, the last one is said.
#[tokio::test]
async fn a_new_customer_goes_through_the_seven_steps() {
    let app = App::new().await;
    let ada = app.person().await;
    assert!(ada.browser.page("/organizations/new").await.text().contains("Step 1 of 7"), "the first has a name to be given");
    let made = ada.browser.form("/organizations", &[("name", "Acme")]).await;
    assert_eq!(made.location(), Some("/start"), "{}", made.text());
    assert_eq!(stands(&ada).await, at(1, 7, "plan"));
    assert!(ada.browser.page("/devices").await.text().contains("Next: Choose a plan"));
    set(&ada, "plan", "skipped").await;
    assert_eq!(stands(&ada).await, at(1, 7, "agent"));
    assert!(ada.browser.page("/devices").await.text().contains("href=\"&#x2f;agents&#x2f;new\""), "it leads where the step is done");

    let (_, key) = app.added(&ada).await;
    assert_eq!(stands(&ada).await, at(2, 7, "connection"));
    assert!(ada.browser.page("/start").await.text().contains("Waiting for your agent"));
    let mut stream = Stream::open(&ada.browser).await;
    let registered = app.register(&key, uuid::Uuid::now_v7()).await;
    expect(&registered, StatusCode::CREATED);
    stream.hears("agents").await;
    assert_eq!(stands(&ada).await, at(3, 7, "devices"));
    let machine = app.anon().bearer(registered.json()["credential"].as_str().unwrap());
    let found = json!({ "devices": [{ "address": "10.0.0.2", "found_by": ["icmp"] }] });
    expect(&machine.post("/api/agent/devices", &found).await, StatusCode::OK);
    stream.hears("devices").await;
    assert_eq!(stands(&ada).await, at(4, 7, "team"));

    let invited = ada.browser.post("/api/v1/invitations", &json!({ "emails": ["grace@example.com"], "role": "member" })).await;
    expect(&invited, StatusCode::OK);
    assert_eq!(stands(&ada).await, at(5, 7, "explore"));
    assert!(!ada.browser.page("/devices").await.text().contains("id=\"pointer\""), "nothing is left to do");
    let done = ada.browser.form("/start/steps/explore", &[("state", "done")]).await;
    assert_eq!(done.location(), Some("/devices"));
    assert_eq!(stands(&ada).await, (6, 7, None), "one was skipped");
    assert!(!ada.browser.page("/devices").await.text().contains("id=\"pointer\""), "nothing points to them any more");
}

/// A plan that somebody else gave counts, and an agent that went away is to be added again.
#[tokio::test]
async fn steps_follow_what_there_is() {
    let app = App::new().await;
    let acme = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    assert_eq!(stands(&owner).await, at(1, 7, "plan"));
    app.plan(acme, "team").await;
    assert_eq!(stands(&owner).await, at(2, 7, "agent"));
    let agent = app.agent(&owner).await;
    assert_eq!(stands(&owner).await, at(4, 7, "devices"));
    expect(&owner.browser.delete(&format!("/api/v1/agents/{}", agent.id)).await, StatusCode::NO_CONTENT);
    assert_eq!(stands(&owner).await, at(2, 7, "agent"));
}

/// Each role is told of what it may do; what one has hidden, others still see.
#[tokio::test]
async fn each_role_has_the_steps_that_it_may_take() {
    let app = App::new().await;
    let acme: TenantId = app.tenant("acme").await;
    let owner = app.member(acme, Role::Owner).await;
    let mut seen = Vec::new();
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        let person = app.member(acme, role).await;
        let steps = progress(&person).await["steps"].as_array().unwrap().clone();
        seen.push(steps.into_iter().map(|step| step["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "));
        let pointed = person.browser.page("/devices").await.text().contains("id=\"pointer\"");
        assert_eq!(pointed, role != Role::Viewer, "{role}");
        assert_eq!(person.browser.form("/start/dismiss", &[]).await.location(), Some("/devices"));
        assert!(!person.browser.page("/devices").await.text().contains("id=\"pointer\""), "{role}");
        let skipped = person.browser.form("/start/steps/plan", &[("state", "skipped")]).await;
        expect(&skipped, StatusCode::FORBIDDEN);
    }
    let expected =
        ["organization agent connection devices team explore", "organization agent connection devices explore", "organization explore"];
    assert_eq!(seen, expected);
    assert_eq!(stands(&owner).await, at(2, 7, "plan"), "the team is there, and nobody skipped what is not theirs to skip");
    assert!(owner.browser.page("/devices").await.text().contains("id=\"pointer\""));
}

//! AUT-08, topic 19: those who run the product are named on the command line, and come in with a second factor alone.

use http::StatusCode;
use saas_core::{
    Clock, UserId,
    testing::{Answer, TestClient},
};
use saas_tenancy::Role;
use serde_json::{Value, json};

use crate::{
    app::{App, PASSWORD, expect, expect_problem},
    process::{Ended, Settings, folder},
    second_factor::set_up,
};

const PAGE: &str = "/operators";

async fn command(app: &App, arguments: &[&str]) -> Ended {
    let arguments: Vec<_> = ["operators"].into_iter().chain(arguments.iter().copied()).collect();
    Settings::of(app, folder().path(), &arguments).run().await
}

async fn change(app: &App, what: &[&str], reason: &str) -> Ended {
    let arguments: Vec<_> = what.iter().copied().chain(["--by", "root", "--reason", reason]).collect();
    command(app, &arguments).await
}

#[track_caller]
fn said(ended: &Ended, words: &str) {
    assert!(ended.status.success() && ended.stdout.contains(words), "{ended:?}");
}

#[track_caller]
fn refused(ended: &Ended, code: i32, words: &str) {
    assert!(ended.status.code() == Some(code) && ended.stderr.contains(words), "{ended:?}");
}

/// What a problem says, without what names the request.
fn words(answer: &Answer) -> Value {
    let mut document = answer.json();
    document.as_object_mut().unwrap().retain(|field, _| ["type", "title", "status", "detail"].contains(&field.as_str()));
    document
}

/// Nobody learns from an answer that somebody else is let in.
async fn knows_nothing(caller: &TestClient) {
    let (answer, nowhere) = (caller.get(PAGE).await, caller.get("/nowhere").await);
    expect_problem(&answer, StatusCode::NOT_FOUND, "not-found");
    assert_eq!(words(&answer), words(&nowhere));
    assert_eq!(caller.page(PAGE).await.status, StatusCode::NOT_FOUND);
}

/// However somebody got their session: without a second factor it opens nothing of what is for those who run the product, from the first request to the last.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_product_comes_in_with_a_second_factor_alone_and_for_as_long_as_they_are_named() {
    let clock = Clock::system();
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let (ada, bob) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Owner).await);
    for caller in [&app.anon(), &ada.browser, &bob.browser] {
        knows_nothing(caller).await;
    }

    let grant = async || change(&app, &["grant", &ada.email, "read-only"], "ticket 7: looks after the night").await;
    refused(&grant().await, 1, "no authenticator app");
    // A password is asked for no passkey.
    app.passkey(ada.id).await;
    refused(&grant().await, 1, "no authenticator app");
    knows_nothing(&ada.browser).await;
    assert_eq!(noted(&app, ada.id).await, []);

    set_up(&ada, &clock).await;
    knows_nothing(&ada.browser).await;
    said(&grant().await, "from the next request on");
    let letter = app.letter(&ada.email).await;
    assert!(letter.contains("opens the pages of those who run Monitoring, to look at") && !letter.contains("ticket 7"), "{letter}");
    let page = ada.browser.page(PAGE).await;
    expect(&page, StatusCode::OK);
    for shown in [&ada.email, "Read-only", "by root", "ticket 7: looks after the night", "Second factor"] {
        assert!(page.text().contains(shown), "{shown} is missing: {}", page.text());
    }
    assert!(!page.text().contains(&bob.email) && !page.text().contains("No second factor"));
    let leads_there = async |caller: &TestClient| caller.page("/devices").await.text().contains("href=\"/operators\"");
    assert!(leads_there(&ada.browser).await && !leads_there(&bob.browser).await);
    knows_nothing(&bob.browser).await;
    knows_nothing(&app.anon()).await;

    said(&change(&app, &["revoke", &ada.email], "ticket 8: gone elsewhere").await, "from the next request on");
    knows_nothing(&ada.browser).await;
    assert!(!leads_there(&ada.browser).await);
    assert!(app.letter(&ada.email).await.contains("no longer opens the pages of those who run Monitoring"));
    let granted = json!({ "role": { "old": null, "new": "read_only" }, "by": "root", "reason": "ticket 7: looks after the night" });
    assert_eq!(
        noted(&app, ada.id).await,
        [
            ("auth.operator.granted".to_owned(), granted),
            ("auth.operator.revoked".to_owned(), json!({ "role": "read_only", "by": "root", "reason": "ticket 8: gone elsewhere" })),
        ]
    );
}

/// However somebody came to be one of them: a session that has shown no second factor is led to where one is set up, and opens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_second_factor_opens_nothing_to_whoever_runs_the_product() {
    let app = App::new().await;
    let ada = app.person().await;
    app.operator(ada.id).await;
    expect_problem(&ada.browser.get(PAGE).await, StatusCode::FORBIDDEN, "second-factor-required");
    let led = ada.browser.page(PAGE).await;
    let page = ada.browser.page(led.location().unwrap()).await;
    assert!(page.status == StatusCode::OK && page.text().contains("asks for a second factor"), "{}", page.text());
    app.passkey(ada.id).await;
    assert!(command(&app, &["list"]).await.stdout.contains("no second factor"), "a passkey is none");
}

/// What the program's own log says of who came to run the product.
async fn noted(app: &App, who: UserId) -> Vec<(String, Value)> {
    sqlx::query_as(
        "select action, data::jsonb from data.audit_entry
        where resource = $1 and action like 'auth.operator.%' order by at",
    )
    .bind(who.to_string())
    .fetch_all(&mut app.superuser().await)
    .await
    .unwrap()
}

/// What a program holds opens nothing there, whoever it acts for.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_token_or_machine_of_whoever_runs_the_product_comes_in() {
    let clock = Clock::system();
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let ada = app.member(tenant, Role::Owner).await;
    set_up(&ada, &clock).await;
    said(&change(&app, &["grant", &ada.email, "admin"], "the first one").await, "from the next request on");
    expect(&ada.browser.get(PAGE).await, StatusCode::OK);

    let key = ada.browser.post("/api/v1/api-keys", &json!({ "name": "Deployment", "scopes": ["monitoring.device.read"] })).await;
    expect(&key, StatusCode::CREATED);
    let token = ada.browser.post("/api/v1/auth/token", &json!({ "organization": tenant })).await;
    expect(&token, StatusCode::OK);
    let agent = app.agent(&ada).await;
    let programs = [
        app.anon().bearer(key.json()["key"].as_str().unwrap()),
        app.anon().bearer(token.json()["access_token"].as_str().unwrap()),
        agent.client,
        app.anon().bearer(&agent.key),
    ];
    for program in &programs {
        expect_problem(&program.get(PAGE).await, StatusCode::NOT_FOUND, "not-found");
        assert_eq!(program.page(PAGE).await.status, StatusCode::NOT_FOUND);
    }
}

/// Nothing keeps anybody from turning their second factor off: they run the product no more, whatever else their session has shown or shows again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_turns_the_second_factor_off_is_out_at_once() {
    let clock = Clock::system();
    let app = App::at(clock.clone()).await;
    let ada = app.person().await;
    set_up(&ada, &clock).await;
    said(&change(&app, &["grant", &ada.email, "support"], "the first one").await, "from the next request on");
    expect(&ada.browser.get(PAGE).await, StatusCode::OK);
    expect(&ada.browser.post("/api/v1/me/second-factor/off", &json!({ "password": PASSWORD })).await, StatusCode::ACCEPTED);
    let token = app.mailed_token(&ada.email).await;
    expect(&ada.browser.post("/api/v1/me/second-factor/off/confirm", &json!({ "token": token })).await, StatusCode::NO_CONTENT);
    knows_nothing(&ada.browser).await;
    assert!(app.letter(&ada.email).await.contains("no longer opens the pages of those who run Monitoring"));
    said(&command(&app, &["list"]).await, "nobody runs the product");
    let revoked = json!({ "role": "support", "by": null, "reason": "turned the second factor off" });
    assert_eq!(noted(&app, ada.id).await.last(), Some(&("auth.operator.revoked".to_owned(), revoked)));
    // Whoever has the password sets up another app, and is nobody for that.
    set_up(&ada, &clock).await;
    knows_nothing(&ada.browser).await;
}

/// Nobody is named who could be somebody else, and what cannot be done is said in words.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_what_is_wrong() {
    let clock = Clock::system();
    let app = App::at(clock.clone()).await;
    said(&command(&app, &["list"]).await, "nobody runs the product");
    refused(&change(&app, &["grant", "nobody@example.com", "admin"], "x").await, 1, "there is no account with this address");
    let early = json!({ "name": "Eve", "email": "early@example.com", "password": PASSWORD });
    expect(&app.anon().post("/api/v1/auth/sign-up", &early).await, StatusCode::ACCEPTED);
    refused(&change(&app, &["grant", "early@example.com", "admin"], "x").await, 1, "is not confirmed");
    let ada = app.person().await;
    refused(&change(&app, &["revoke", &ada.email], "x").await, 1, "none of those that run the product");
    said(&command(&app, &["list"]).await, "nobody runs the product");
    assert_eq!(noted(&app, ada.id).await, []);

    refused(&change(&app, &["grant", &ada.email, "owner"], "x").await, 2, "read-only, support, admin");
    refused(&change(&app, &["grant", "ada", "admin"], "x").await, 2, "ada");
    refused(&change(&app, &["grant", &ada.email, "admin"], "").await, 2, "--reason");
    refused(&command(&app, &["grant", &ada.email, "admin", "--by", "root"]).await, 2, "--reason");
    refused(&command(&app, &["revoke", &ada.email, "--by", "", "--reason", "x"]).await, 2, "--by");

    refused(&change(&app, &["grant", &ada.email, "admin"], "x").await, 1, "sets one up first");
    set_up(&ada, &clock).await;
    let grant = |role| ["grant", ada.email.as_str(), role, "--json"];
    for (role, changed) in [("support", true), ("support", false), ("admin", true)] {
        let ended = change(&app, &grant(role), "ticket 9").await;
        assert_eq!(serde_json::from_str::<Value>(&ended.stdout).ok(), Some(json!({ "changed": changed })), "{ended:?}");
    }
    let noted = noted(&app, ada.id).await;
    assert_eq!(noted.len(), 2, "what is so already is not announced");
    assert_eq!(noted[1].1["role"], json!({ "old": "support", "new": "admin" }));
    assert!(app.letter(&ada.email).await.contains("for everything"));
    let listed = command(&app, &["list", "--json"]).await;
    let listed = serde_json::from_str::<Value>(&listed.stdout).unwrap()["operators"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for (field, value) in
        [("email", json!(ada.email)), ("role", json!("admin")), ("granted_by", json!("root")), ("second_factor", json!(true))]
    {
        assert_eq!(listed[0][field], value);
    }
}

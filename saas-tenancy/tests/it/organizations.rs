use chrono::TimeDelta;
use futures_util::future::join_all;
use http::StatusCode;
use saas_core::Clock;
use serde_json::json;

use crate::app::App;

/// TEN-01.
#[tokio::test]
async fn whoever_makes_an_organization_owns_it() {
    let app = App::new().await;
    let ada = app.person().await;
    let made = app.client(ada).await.post("/api/v1/organizations", &json!({ "name": " Müller & Söhne " })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(made.json()["slug"], "mueller-soehne");
    assert_eq!(made.json()["name"], "Müller & Söhne");
    let list = app.client(ada).await.get("/api/v1/organizations").await.json()["items"].clone();
    assert_eq!(
        list,
        json!([{ "id": made.json()["id"], "slug": "mueller-soehne", "name": "Müller & Söhne", "role": "owner", "second_factor_required": false }])
    );
}

/// API-01: the key of a request makes one organization, also when it is forgotten how that was answered.
#[tokio::test]
async fn a_key_makes_one_organization_for_ever() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let ada = app.person().await;
    let client = app.client(ada).await.with("idempotency-key", "k");
    let make = async || client.post("/api/v1/organizations", &json!({ "name": "Acme" })).await;
    let made = make().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!(make().await.json()["id"], made.json()["id"]);
    clock.advance(TimeDelta::hours(25));
    let late = make().await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
    assert!(late.text().contains("was made with this key before"), "{}", late.text());
    let own = app.client(ada).await.get("/api/v1/organizations").await.json()["items"].clone();
    assert_eq!((own.as_array().unwrap().len(), &own[0]["id"]), (1, &made.json()["id"]));
}

/// T56: the same answer whether or not a name is in use.
#[tokio::test]
async fn a_name_that_is_taken_reveals_nobody() {
    let app = App::new().await;
    let people = [app.person().await, app.person().await, app.person().await];
    let clients = join_all(people.map(|user| app.client(user))).await;
    let body = json!({ "name": "Acme" });
    let answers = join_all(clients.iter().map(|client| client.post("/api/v1/organizations", &body))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED));
    let mut slugs: Vec<_> = answers.iter().map(|answer| answer.json()["slug"].as_str().unwrap().to_owned()).collect();
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 3);
    assert!(slugs.iter().all(|slug| slug.starts_with("acme")));
}

#[tokio::test]
async fn bad_input_is_a_problem_that_points_at_it() {
    let app = App::new().await;
    let client = app.client(app.person().await).await;
    for (body, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": "x".repeat(101) }), "/name"),
        (json!({ "name": "a\u{0}b" }), "/name"),
        (json!({}), "/name"),
        (json!({ "name": 7 }), "/name"),
        (json!({ "name": "x", "owner": "me" }), "/owner"),
    ] {
        let answer = client.post("/api/v1/organizations", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!(client.get("/api/v1/organizations").await.json()["items"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn an_unverified_person_makes_no_organization() {
    let app = App::new().await;
    let client = app.unverified().await;
    let answer = client.post("/api/v1/organizations", &json!({ "name": "Acme" })).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = client.form("/organizations", &[("name", "Acme")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("Confirm your address first"), "{}", page.text());
}

#[tokio::test]
async fn a_bad_form_comes_back_as_it_was_filled_in() {
    let app = App::new().await;
    let page = app.client(app.person().await).await.form("/organizations", &[("name", &"<b>".repeat(40))]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("&lt;b&gt;&lt;b&gt;"), "the name is there, and escaped");
    assert!(page.text().contains("at most 100 characters"));
}

/// TEN-02: a person belongs to several organizations and switches between them.
#[tokio::test]
async fn switching_leads_to_the_other_organization() {
    let app = App::new().await;
    let user = app.person().await;
    let (one, two) = (app.test.tenant("one").await, app.test.tenant("two").await);
    let foreign = app.test.tenant("foreign").await;
    app.test.member(one, user, "owner").await;
    app.test.member(two, user, "member").await;
    let client = app.client(user).await;

    let undecided = client.get("/notes").await;
    assert_eq!(undecided.status, StatusCode::CONFLICT);
    assert_eq!(undecided.json()["type"], "/problems/no-tenant");
    assert_eq!(client.page("/notes").await.location(), Some("/organizations"), "a browser is led to the choice");

    for tenant in [one, two] {
        let switched = client.form("/organizations/switch", &[("organization", &tenant.to_string())]).await;
        assert_eq!((switched.status, switched.location()), (StatusCode::SEE_OTHER, Some("/notes")));
        assert_eq!(client.get("/notes").await.text(), tenant.to_string());
    }
    let refused = client.form("/organizations/switch", &[("organization", &foreign.to_string())]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/notes").await.text(), two.to_string(), "a refused switch changes nothing");
}

/// TEN-02: the list of organizations and the head above it tell which one the person works in, and offer the others.
#[tokio::test]
async fn pages_that_belong_to_no_organization_show_the_one_that_is_worked_in() {
    let app = App::new().await;
    let user = app.person().await;
    let (one, two) = (app.test.tenant("one").await, app.test.tenant("two").await);
    app.test.member(one, user, "owner").await;
    app.test.member(two, user, "member").await;
    let client = app.client(user).await;
    let offered = |page: &str| [one, two].map(|tenant| page.contains(&tenant.to_string()));

    let page = client.page("/organizations").await.text();
    let (head, list) = page.split_once("<main").unwrap();
    assert!(head.contains("Choose an organization") && offered(list) == [true, true], "{page}");
    client.form("/organizations/switch", &[("organization", &two.to_string())]).await;
    let page = client.page("/organizations").await.text();
    let (head, list) = page.split_once("<main").unwrap();
    assert!(head.contains("<span>two</span>") && offered(list) == [true, false] && list.contains("Active"), "{page}");
    assert_eq!(client.page("/organizations/new").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_belongs_nowhere_is_led_to_a_first_organization() {
    let app = App::new().await;
    let client = app.client(app.person().await).await;
    assert_eq!(client.page("/organizations").await.location(), Some("/organizations/new"));
    assert_eq!(client.page("/organizations/new").await.status, StatusCode::OK);
}

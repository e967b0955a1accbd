use http::{Method, StatusCode};
use saas_tenancy::Role;
use serde_json::json;

use super::{HOUR, Key, READ, at_noon, works};
use crate::app::{App, expect, expect_problem};

/// AUT-10: a key is shown once, and what is kept of it opens nothing.
#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    assert!(key.text.starts_with("mon_key_") && key.works().await);
    let about = key.about(&owner).await;
    assert!(key.text.starts_with(about["prefix"].as_str().unwrap()), "{about}");
    let secret = key.text.rsplit_once('_').unwrap().1;
    for page in ["/api-keys".to_owned(), format!("/api-keys/{}", key.id)] {
        let page = owner.browser.page(&page).await;
        expect(&page, StatusCode::OK);
        assert!(page.text().contains("Deployment") && !page.text().contains(secret));
    }
    let list = owner.browser.get("/api/v1/api-keys").await.text();
    assert!(list.contains(&key.id) && !list.contains(secret));
    let everywhere = "select count(*) from auth.api_key k where k::text like '%' || $1 || '%'";
    let written: i64 = sqlx::query_scalar(everywhere).bind(secret).fetch_one(&mut app.owner().await).await.unwrap();
    assert_eq!(written, 0);
    let told = "select count(*) from outbox o, audit_entry a where o::text like '%' || $1 || '%' or a::text like '%' || $1 || '%'";
    let told: i64 = sqlx::query_scalar(told).bind(secret).fetch_one(&mut app.owner().await).await.unwrap();
    assert_eq!(told, 0);
}

/// AUT-10: unknown, forged, expired, revoked and used from elsewhere look alike.
#[tokio::test]
async fn a_key_ends_when_its_time_is_over_or_it_is_revoked() {
    let (app, clock) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let new = json!({ "name": "Trial", "scopes": READ, "expires_at": "2026-03-01T13:00:00Z" });
    let (trial, revoked, other) =
        (Key::with(&app, &owner, &new).await, Key::made(&app, &owner, READ).await, Key::made(&app, &owner, READ).await);
    assert!(trial.works().await && revoked.works().await);
    clock.advance(HOUR - chrono::TimeDelta::seconds(1));
    assert!(trial.works().await);
    clock.advance(chrono::TimeDelta::seconds(1));
    expect(&owner.browser.delete(&revoked.path()).await, StatusCode::NO_CONTENT);
    // What is right but for its checksum, and what is right but unknown.
    let end = other.text.len() - 1;
    let forged = format!("{}{}", &other.text[..end], if other.text.ends_with('x') { 'y' } else { 'x' });
    for program in [&trial.program, &revoked.program, &app.anon().bearer(&forged), &app.anon().bearer("mon_key_")] {
        assert!(!works(program).await);
    }
    assert!(other.works().await);
    assert_eq!(
        [trial.about(&owner).await["state"].clone(), revoked.about(&owner).await["state"].clone()],
        [json!("expired"), json!("revoked")]
    );
    owner.proves().await;
    for (key, path) in [(&trial, "/rotate"), (&revoked, "/rotate")] {
        let answer = owner.browser.post(&format!("{}{path}", key.path()), &json!({ "overlap_hours": 1 })).await;
        expect_problem(&answer, StatusCode::CONFLICT, "conflict");
    }
    expect(&owner.browser.delete(&revoked.path()).await, StatusCode::NO_CONTENT);
    assert_eq!(app.count("select count(*) from outbox where name = 'auth.api_key.revoked'").await, 1, "again is no news");
}

/// AUT-10: rotation with a stated overlap.
#[tokio::test]
async fn a_rotated_keys_old_secret_works_until_the_overlap_is_over() {
    let (app, clock) = at_noon().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let second = app.anon().bearer(&key.rotated(&owner, 1).await);
    assert_eq!(key.about(&owner).await["previous_until"], "2026-03-01T13:00:00Z");
    assert!(key.works().await && works(&second).await);
    clock.advance(HOUR);
    assert!(!key.works().await && works(&second).await);
    assert_eq!(key.about(&owner).await["previous_until"], json!(null));
    owner.proves().await;
    let third = app.anon().bearer(&key.rotated(&owner, 0).await);
    assert!(!works(&second).await && works(&third).await, "without an overlap it ends at once");
    let too_long = owner.browser.post(&format!("{}/rotate", key.path()), &json!({ "overlap_hours": 169 })).await;
    expect_problem(&too_long, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    assert!(works(&third).await);
}

/// AUT-10: an optional list of addresses.
#[tokio::test]
async fn a_key_is_used_from_the_addresses_that_it_may_be_used_from() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let new = json!({ "name": "Office", "scopes": READ, "allowed_from": ["198.51.100.7", "2001:db8::/32"] });
    let key = Key::with(&app, &owner, &new).await;
    let from = |address: &str| key.program.clone().from_address(address.parse().unwrap());
    for (address, allowed) in [("198.51.100.7", true), ("2001:db8:1::9", true), ("198.51.100.8", false), ("127.0.0.1", false)] {
        assert_eq!(works(&from(address)).await, allowed, "{address}");
    }
    assert_eq!(key.about(&owner).await["allowed_from"], json!(["198.51.100.7", "2001:db8::/32"]));
    let change =
        async |allowed_from: &[&str]| owner.browser.json(Method::PATCH, &key.path(), &json!({ "allowed_from": allowed_from })).await;
    expect(&change(&["127.0.0.0/8"]).await, StatusCode::NO_CONTENT);
    assert!(works(&from("127.0.0.1")).await && !works(&from("198.51.100.7")).await);
    let bad = expect_problem(&change(&["office"]).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    assert!(bad["errors"][0]["pointer"].as_str().unwrap().starts_with("/allowed_from"), "{bad}");
    let many: Vec<_> = (0..33).map(|nth| format!("10.0.0.{nth}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    expect_problem(&change(&many).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    expect(&change(&[]).await, StatusCode::NO_CONTENT);
    assert!(works(&from("198.51.100.7")).await);
}

/// AUD-01: what is done with a key is the key's deed, and what is done to a key its maker's.
#[tokio::test]
async fn the_log_names_the_key_that_did_it() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, &["monitoring.agent.write"]).await;
    // No browser adds a key by itself, so wherever the request comes from it is meant.
    let program = key.program.clone().with("sec-fetch-site", "cross-site");
    expect(&program.post("/api/v1/agents", &json!({ "name": "Office" })).await, StatusCode::CREATED);
    let of = async |query: &str| owner.browser.get(&format!("/api/v1/audit?{query}")).await.json()["items"].clone();
    let added = of("action=monitoring.agent.added").await;
    assert_eq!((&added[0]["actor_kind"], &added[0]["actor_id"]), (&json!("key"), &json!(key.id)), "{added}");
    assert_eq!(app.count("select count(*) from agent where created_by is null").await, 1);
    let made = of(&format!("resource={}", key.id)).await;
    assert_eq!((&made[0]["action"], &made[0]["actor_id"]), (&json!("auth.api_key.created"), &json!(owner.id)), "{made}");
    let by_key = of(&format!("actor={}", key.id)).await;
    assert!(by_key.as_array().unwrap().iter().all(|entry| entry["actor_kind"] == "key"), "{by_key}");
}

/// API-01: an idempotency key belongs to one API key.
#[tokio::test]
async fn each_key_has_its_own_idempotency_keys() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let scopes = &["monitoring.agent.write"];
    let (one, two) = (Key::made(&app, &owner, scopes).await, Key::made(&app, &owner, scopes).await);
    let add = async |key: &Key| {
        let program = key.program.clone().with("idempotency-key", "first");
        let answer = program.post("/api/v1/agents", &json!({ "name": "Office" })).await;
        expect(&answer, StatusCode::CREATED);
        answer.json()["id"].clone()
    };
    let (first, again, other) = (add(&one).await, add(&one).await, add(&two).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

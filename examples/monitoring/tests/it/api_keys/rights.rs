use std::collections::BTreeSet;

use http::{Method, StatusCode};
use saas_core::Caller;
use saas_tenancy::Role;
use serde_json::json;

use super::{DEVICES, Key, READ, SCOPES, works};
use crate::app::{App, expect, expect_problem};

/// RBA-05: each scope opens the routes that take it and no other, of all that only read and need no id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_opens_what_takes_it_and_nothing_else() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let (mut wrong, mut opened) = (Vec::new(), BTreeSet::new());
    for scope in SCOPES {
        let key = Key::made(&app, &owner, &[scope]).await;
        for route in app.routes.iter().filter(|route| route.method == Method::GET && !route.path.contains('{')) {
            if route.access.caller == Caller::Public {
                continue;
            }
            let is_api = route.path.starts_with("/api/") && route.access.caller == Caller::Member;
            let is_meant = is_api && route.access.permissions == BTreeSet::from([*scope]);
            let path = if route.path.ends_with("audit/export") { format!("{}?format=csv", route.path) } else { route.path.clone() };
            let status = key.program.get(&path).await.status;
            let refusal = if route.access.caller == Caller::Operator { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
            if (status == StatusCode::OK) != is_meant || (!is_meant && status != refusal) {
                wrong.push(format!("{scope} at {}: {status}", route.path));
            }
            opened.extend(is_meant.then_some(*scope));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(opened.len() >= 5, "{opened:?}");
}

/// RBA-05, API-01: of all routes of the API, a key with every scope is let into those that the document says, and into no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_names_what_a_key_with_every_scope_may_call() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let key = Key::made(&app, &owner, SCOPES).await;
    let (mut wrong, mut let_in) = (Vec::new(), 0);
    for route in app.routes.iter().filter(|route| route.path.starts_with("/api/") && route.access.caller == Caller::Member) {
        let operation = &app.document.json()["paths"][&route.path][route.method.as_str().to_lowercase()];
        let is_named = operation["security"].as_array().unwrap().iter().any(|scheme| scheme.get("key").is_some());
        let path = route.path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part }).collect::<Vec<_>>().join("/");
        let status = key.program.json(route.method.clone(), &path, &json!({})).await.status;
        if (status == StatusCode::FORBIDDEN) == is_named || status == StatusCode::UNAUTHORIZED {
            wrong.push(format!("{} {}: {status}", route.method, route.path));
        }
        let_in += u32::from(is_named);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(let_in > 20, "{let_in}");
}

/// The id of nothing.
const NOBODY: &str = "0197a1b2-0000-7000-8000-000000000000";

/// RBA-05, topic 5: a key makes, reads and changes no keys, changes nothing of how people sign in, and opens no session.
#[tokio::test]
async fn a_key_with_every_scope_is_still_no_person() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let key = Key::made(&app, &owner, SCOPES).await;
    let other = app.member(tenant, Role::Viewer).await;
    expect(&key.program.get(DEVICES).await, StatusCode::OK);
    let new = json!({ "name": "Mine", "scopes": READ });
    for (method, path, body) in [
        (Method::GET, "/api/v1/api-keys".to_owned(), json!(null)),
        (Method::POST, "/api/v1/api-keys".to_owned(), new),
        (Method::GET, key.path(), json!(null)),
        (Method::PATCH, key.path(), json!({ "allowed_from": [] })),
        (Method::DELETE, key.path(), json!(null)),
        (Method::POST, format!("{}/rotate", key.path()), json!({ "overlap_hours": 1 })),
        (Method::GET, "/api/v1/auth/me".to_owned(), json!(null)),
        (Method::GET, "/api/v1/auth/sessions".to_owned(), json!(null)),
        (Method::POST, "/api/v1/organizations".to_owned(), json!({ "name": "Mine" })),
        (Method::PATCH, format!("/api/v1/members/{}", other.id), json!({ "role": "owner" })),
        (Method::DELETE, format!("/api/v1/members/{}", other.id), json!(null)),
        (Method::DELETE, format!("/api/v1/members/{}", owner.id), json!(null)),
        (Method::GET, "/api/v1/notifications".to_owned(), json!(null)),
        (Method::GET, "/live".to_owned(), json!(null)),
    ] {
        let answer = key.program.json(method.clone(), &path, &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.text());
    }
    for path in ["/devices", "/agents", "/api-keys", "/members", "/sessions", "/organizations"] {
        let page = key.program.page(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {}", page.text());
        assert!(!page.headers.contains_key("set-cookie"), "{path}");
    }
    let signed_out = key.program.post("/api/v1/auth/sign-out", &json!({})).await;
    expect(&signed_out, StatusCode::NO_CONTENT);
    expect(&owner.browser.get("/api/v1/auth/me").await, StatusCode::OK);
    assert!(key.works().await);
}

/// RBA-05: what may be given, and by whom.
#[tokio::test]
async fn nobody_makes_a_key_that_may_more_than_keys_or_they_may() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let admin = app.member(tenant, Role::Admin).await;
    for scopes in [
        &[][..],
        &["tenancy.member.write"],
        &["auth.api_key.read"],
        &["auth.api_key.write"],
        &["monitoring.agent.report"],
        &["monitoring.device.read", "nonsense"],
        &["*"],
        &["monitoring.device"],
    ] {
        let refused = admin.browser.post("/api/v1/api-keys", &json!({ "name": "Broad", "scopes": scopes })).await;
        let problem = expect_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/scopes", "{scopes:?}: {problem}");
    }
    for (field, value) in [("name", json!(" ")), ("name", json!("a".repeat(101))), ("expires_at", json!("2020-01-01T00:00:00Z"))] {
        let mut new = json!({ "name": "Deployment", "scopes": READ });
        new[field] = value;
        let problem = expect_problem(&admin.browser.post("/api/v1/api-keys", &new).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
    }
    // Nobody says whose key it is to be (CVE-2025-61928).
    let foreign = json!({ "name": "Theirs", "scopes": READ, "created_by": admin.id });
    expect_problem(&admin.browser.post("/api/v1/api-keys", &foreign).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    for role in [Role::Member, Role::Viewer] {
        let person = app.member(tenant, role).await;
        let refused = person.browser.post("/api/v1/api-keys", &json!({ "name": "Mine", "scopes": READ })).await;
        expect_problem(&refused, StatusCode::FORBIDDEN, "forbidden");
        expect_problem(&person.browser.get("/api/v1/api-keys").await, StatusCode::FORBIDDEN, "forbidden");
    }
    assert_eq!(app.count("select count(*) from auth.api_key").await, 0);
}

/// RBA-05, TEN-07: rights are asked at each request, of the key and of its maker as they are now.
#[tokio::test]
async fn a_key_loses_what_its_makers_role_loses_and_ends_with_the_membership() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let (owner, admin) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await);
    let key = Key::made(&app, &admin, &["monitoring.device.read", "monitoring.agent.write"]).await;
    let narrow = Key::made(&app, &admin, READ).await;
    let add = async |key: &Key| key.program.post("/api/v1/agents", &json!({ "name": "Office" })).await;
    let member = format!("/api/v1/members/{}", admin.id);
    let role =
        async |role: &str| expect(&owner.browser.json(Method::PATCH, &member, &json!({ "role": role })).await, StatusCode::NO_CONTENT);

    expect(&add(&key).await, StatusCode::CREATED);
    expect_problem(&add(&narrow).await, StatusCode::FORBIDDEN, "forbidden");
    role("viewer").await;
    expect_problem(&add(&key).await, StatusCode::FORBIDDEN, "forbidden");
    assert!(key.works().await, "a viewer may still look");
    role("owner").await;
    expect(&add(&key).await, StatusCode::CREATED);
    expect_problem(&add(&narrow).await, StatusCode::FORBIDDEN, "forbidden");

    expect(&owner.browser.delete(&member).await, StatusCode::NO_CONTENT);
    assert!(!key.works().await && !narrow.works().await);
    assert_eq!(key.about(&owner).await["state"], "orphaned");
    let rotated = owner.browser.post(&format!("{}/rotate", key.path()), &json!({ "overlap_hours": 0 })).await;
    expect_problem(&rotated, StatusCode::CONFLICT, "conflict");
    // Whoever comes back has no keys from before.
    let mut back = app.owner().await;
    sqlx::query("update core.member set left_at = null, joined_at = now() where user_id = $1")
        .bind(admin.id)
        .execute(&mut back)
        .await
        .unwrap();
    expect(&admin.browser.get(DEVICES).await, StatusCode::OK);
    assert!(!key.works().await && !narrow.works().await);
    assert!(Key::made(&app, &admin, READ).await.works().await);
}

/// AUT-10: neither a person nor an organization that is suspended has programs that work.
#[tokio::test]
async fn a_key_rests_while_its_maker_or_organization_does() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    app.set_state(tenant, "suspended").await;
    assert!(!key.works().await);
    app.set_state(tenant, "active").await;
    assert!(key.works().await);
    let person = "update core.user set state = $2 where id = $1";
    for (state, works) in [("suspended", false), ("active", true)] {
        sqlx::query(person).bind(owner.id).bind(state).execute(&mut app.owner().await).await.unwrap();
        assert_eq!(key.works().await, works, "{state}");
    }
}

/// TEN-05, T02: the key says which organization is meant; what else the request says must agree, and another's keys are unknown.
#[tokio::test]
async fn a_key_belongs_to_one_organization() {
    let app = App::new().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let owner = app.member(acme, Role::Owner).await;
    // The maker belongs to both; the key does not.
    app.test.member(other, owner.id, "owner").await;
    let ours = owner.browser.clone().with("x-organization", "acme");
    let made = ours.post("/api/v1/api-keys", &json!({ "name": "Deployment", "scopes": ["tenancy.workspace.read"] })).await;
    expect(&made, StatusCode::CREATED);
    let (id, program) = (made.json()["id"].clone(), app.anon().bearer(made.json()["key"].as_str().unwrap()));
    let list = "/api/v1/workspaces";
    for client in
        [program.clone(), program.clone().with("x-organization", "acme"), program.clone().with("x-organization", &acme.to_string())]
    {
        let workspaces = client.get(list).await;
        expect(&workspaces, StatusCode::OK);
        assert_eq!(workspaces.json()["items"][0]["id"], acme.to_string());
    }
    for named in ["other".to_owned(), other.to_string(), "nobody".to_owned()] {
        expect_problem(&program.clone().with("x-organization", &named).get(list).await, StatusCode::NOT_FOUND, "not-found");
    }
    let theirs = owner.browser.clone().with("x-organization", "other");
    let path = format!("/api/v1/api-keys/{}", id.as_str().unwrap());
    assert_eq!(theirs.get("/api/v1/api-keys").await.json()["items"], json!([]));
    for answer in [
        theirs.get(&path).await,
        theirs.delete(&path).await,
        theirs.json(Method::PATCH, &path, &json!({ "allowed_from": [] })).await,
        theirs.post(&format!("{path}/rotate"), &json!({ "overlap_hours": 0 })).await,
    ] {
        expect_problem(&answer, StatusCode::NOT_FOUND, "not-found");
    }
    expect(&program.get(list).await, StatusCode::OK);
    let both = owner.browser.clone().bearer(made.json()["key"].as_str().unwrap());
    expect_problem(&both.get(DEVICES).await, StatusCode::BAD_REQUEST, "bad-request");
    assert!(!works(&app.anon().bearer("mon_key_nothing")).await);
}

/// RBA-01: a role that the organization made is worth the same to a key as to its maker, from the next request on.
#[tokio::test]
async fn a_key_follows_the_role_that_its_organization_made() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let owner = app.member(tenant, Role::Owner).await;
    let role = |permissions: &[&str]| json!({ "name": "Integrator", "permissions": permissions });
    let made = owner.browser.post("/api/v1/roles", &role(&["monitoring.device.read", "auth.api_key.read", "auth.api_key.write"])).await;
    expect(&made, StatusCode::CREATED);
    let path = format!("/api/v1/roles/{}", made.json()["id"].as_str().unwrap());
    let maker = app.person().await;
    app.test.member(tenant, maker.id, "Integrator").await;
    let key = Key::made(&app, &maker, READ).await;
    expect(&key.program.get(DEVICES).await, StatusCode::OK);
    expect(&owner.browser.json(Method::PUT, &path, &role(&["auth.api_key.read"])).await, StatusCode::NO_CONTENT);
    expect(&key.program.get(DEVICES).await, StatusCode::FORBIDDEN);
    expect(&owner.browser.json(Method::PUT, &path, &role(&["monitoring.device.read"])).await, StatusCode::NO_CONTENT);
    expect(&key.program.get(DEVICES).await, StatusCode::OK);
}

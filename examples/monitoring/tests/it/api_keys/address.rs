use http::{Method, StatusCode};
use saas_tenancy::Role;
use serde_json::json;

use super::{HOUR, Key, READ, at_noon};
use crate::app::{App, expect, expect_problem};

/// How a key gets into an address, by whatever name.
fn addresses(key: &str) -> Vec<String> {
    let escaped: String = key.bytes().map(|byte| format!("%{byte:02x}")).collect();
    vec![
        format!("/api/v1/devices?key={key}"),
        format!("/api/v1/devices?access_token={key}&limit=10"),
        format!("/api/v1/devices?limit=10&x%5Ba%5D=Bearer+{key}"),
        format!("/api/v1/devices?{key}"),
        format!("/api/v1/devices?{key}=1"),
        format!("/api/v1/devices?q=({key})"),
        format!("/api/v1/devices?t={}", key.replace('_', "%5F")),
        format!("/api/v1/devices?t={escaped}"),
        format!("/api/v1/files/{key}"),
        format!("/api/v1/files/x{escaped}x"),
        format!("/sign-in?next=%2Fdevices%3Fkey%3D{key}"),
    ]
}

/// AUT-10: refused by a clear problem, whoever sends it and whatever else they send.
#[tokio::test]
async fn a_key_in_an_address_is_refused_whatever_it_is_called() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let key = Key::made(&app, &owner, READ).await;
    let (_, agent_key) = app.added(&owner).await;
    for text in [&key.text, &agent_key] {
        for address in addresses(text) {
            for client in [&app.anon(), &key.program, &owner.browser] {
                let problem = expect_problem(&client.get(&address).await, StatusCode::BAD_REQUEST, "key-in-address");
                assert!(problem["detail"].as_str().unwrap().contains("Authorization"), "{problem}");
                assert!(!problem.to_string().contains(text.as_str()));
            }
        }
    }
    let sent = key.program.json(Method::POST, &format!("/api/v1/agents?token={}", key.text), &json!({ "name": "Office" })).await;
    expect_problem(&sent, StatusCode::BAD_REQUEST, "key-in-address");
    let page = app.anon().page(&format!("/devices?key={}", key.text)).await;
    expect(&page, StatusCode::BAD_REQUEST);
    assert!(page.text().contains("A key does not belong in an address") && !page.text().contains(&key.text), "{}", page.text());
    // In the header it works on, and what only looks like a key is none.
    assert!(key.works().await);
    let forged = &key.text[..key.text.len() - 1];
    expect(&key.program.get(&format!("/api/v1/agents?after={forged}")).await, StatusCode::UNPROCESSABLE_ENTITY);
}

/// AUT-10: its organization is told, once an hour: an event, and a notification and a mail to those who look after keys.
#[tokio::test]
async fn those_who_look_after_keys_are_told_of_one_in_an_address() {
    let (app, clock) = at_noon().await;
    let tenant = app.tenant("acme").await;
    let (owner, admin, member) =
        (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Admin).await, app.member(tenant, Role::Member).await);
    let bystander = app.member(app.tenant("other").await, Role::Owner).await;
    let key = Key::made(&app, &admin, READ).await;
    let exposed = "select count(*) from outbox where name = 'auth.api_key.exposed'";
    for address in addresses(&key.text) {
        expect(&app.anon().get(&address).await, StatusCode::BAD_REQUEST);
    }
    assert_eq!(app.count(exposed).await, 1);
    assert_eq!(key.about(&owner).await["exposed_at"], "2026-03-01T12:00:00Z");
    assert!(owner.browser.page("/api-keys").await.text().contains("Seen in an address"));
    app.told_of_events().await;
    for (person, is_told) in [(&owner, true), (&admin, true), (&member, false), (&bystander, false)] {
        let notices = person.browser.get("/api/v1/notifications").await.json()["items"].clone();
        let told = notices.as_array().unwrap().iter().any(|notice| notice["kind"] == "auth.api_key.exposed" && notice["subject"] == key.id);
        assert_eq!(told, is_told, "{}: {notices}", person.email);
        let mails = app.mailbox.list().await.unwrap();
        // Where the organization reaches them.
        let address = format!("{}@example.com", person.id);
        let mailed = mails.iter().any(|kept| kept.mail.to == address && kept.mail.subject.contains("Deployment"));
        let letters: Vec<_> = mails.iter().map(|kept| (&kept.mail.to, &kept.mail.subject)).collect();
        assert_eq!(mailed, is_told, "{address}: {letters:?}");
        assert!(mails.iter().all(|kept| !kept.mail.text.contains(&key.text)));
    }
    clock.advance(HOUR + chrono::TimeDelta::seconds(1));
    expect(&app.anon().get(&addresses(&key.text)[0]).await, StatusCode::BAD_REQUEST);
    assert_eq!(app.count(exposed).await, 2);
    // Another secret, and all is well; the old one is nobody's key.
    owner.proves().await;
    key.rotated(&owner, 0).await;
    expect(&app.anon().get(&addresses(&key.text)[0]).await, StatusCode::BAD_REQUEST);
    assert_eq!((app.count(exposed).await, &key.about(&owner).await["exposed_at"]), (2, &json!(null)));
}

/// Topic 5: whoever finds a key ends it, and its organization is told; of what works the answer says nothing.
#[tokio::test]
async fn a_key_that_a_scanner_found_is_revoked_and_its_organization_told() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let (key, other) = (Key::made(&app, &owner, READ).await, Key::made(&app, &owner, READ).await);
    let report = async |tokens: &[&str]| {
        let found: Vec<_> = tokens
            .iter()
            .map(|token| json!({ "token": token, "type": "mon_key", "url": "https://git.example/x#L1", "source": "content" }))
            .collect();
        app.anon().post("/api/v1/auth/leaked-keys", &json!(found)).await
    };
    let unknown = report(&["mon_key_x", "", "ghp_something"]).await;
    expect(&unknown, StatusCode::NO_CONTENT);
    assert!(key.works().await);
    for _ in 0..2 {
        expect(&report(&["nothing", &key.text]).await, StatusCode::NO_CONTENT);
    }
    assert!(!key.works().await && other.works().await);
    assert_eq!(key.about(&owner).await["state"], "revoked");
    app.told_of_events().await;
    let notices = owner.browser.get("/api/v1/notifications").await.json()["items"].clone();
    let told = notices.as_array().unwrap().iter().filter(|notice| notice["kind"] == "auth.api_key.leaked").count();
    assert_eq!(told, 1, "{notices}");
    let many = vec!["x"; 101];
    expect_problem(&report(&many).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
}

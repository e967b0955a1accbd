use http::StatusCode;
use saas_tenancy::Role;
use serde_json::json;

use super::{Key, READ, works};
use crate::app::{App, expect};

/// AUT-10: made, shown once, rotated and revoked in a browser without a script.
#[tokio::test]
async fn people_look_after_keys_on_pages() {
    let app = App::new().await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let empty = owner.browser.page("/api-keys").await;
    expect(&empty, StatusCode::OK);
    assert!(empty.text().contains("No keys yet"), "{}", empty.text());
    assert_eq!(empty.text().matches(r#"href="/api-docs""#).count(), 2, "what keys are for, here and below each page");
    let form = owner.browser.page("/api-keys/new").await.text();
    assert!(form.contains("See agents and devices") && form.contains("value=\"monitoring.device.read\""), "{form}");
    assert!(!form.contains("auth.api_key.write") && !form.contains("tenancy.member.write"));

    let refused = owner.browser.form("/api-keys", &[("name", ""), ("days", "30"), ("allowed_from", "127.0.0.1")]).await;
    expect(&refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("Choose at least one thing") && refused.text().contains("value=\"127.0.0.1\""), "{}", refused.text());
    let nameless = owner.browser.form("/api-keys", &[("name", " "), ("scopes", READ[0]), ("days", "30"), ("allowed_from", "")]).await;
    expect(&nameless, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nameless.text().contains("aria-invalid") && nameless.text().contains("checked"), "{}", nameless.text());

    let fields = [("name", "Deployment"), ("scopes", READ[0]), ("scopes", "file.read"), ("days", "30"), ("allowed_from", "")];
    let made = owner.browser.form("/api-keys", &fields).await;
    expect(&made, StatusCode::CREATED);
    let key = key_on(&made.text());
    assert!(works(&app.anon().bearer(&key)).await);
    let list = owner.browser.get("/api/v1/api-keys").await.json()["items"].clone();
    assert_eq!(list[0]["scopes"], json!([READ[0], "file.read"]));
    let days = list[0]["expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap() - app.program.db.clock().now();
    assert_eq!(days.num_days(), 29, "{days}");
    let page = format!("/api-keys/{}", list[0]["id"].as_str().unwrap());

    let about = owner.browser.page(&page).await.text();
    assert!(about.contains("See and download files") && about.contains("Active") && !about.contains(&key), "{about}");
    let german = owner.browser.clone().with("accept-language", "de").page(&page).await.text();
    assert!(german.contains("API-Schlüssel") && german.contains("Dateien sehen und herunterladen"), "{german}");

    let elsewhere = owner.browser.form(&format!("{page}/allowed-from"), &[("allowed_from", "198.51.100.0/24")]).await;
    assert_eq!(elsewhere.location(), Some(page.as_str()));
    assert!(!works(&app.anon().bearer(&key)).await);
    let bad = owner.browser.form(&format!("{page}/allowed-from"), &[("allowed_from", "office")]).await;
    expect(&bad, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text().contains("value=\"office\""));
    owner.browser.form(&format!("{page}/allowed-from"), &[("allowed_from", "")]).await;

    let rotated = owner.browser.form(&format!("{page}/rotate"), &[("overlap_hours", "0")]).await;
    expect(&rotated, StatusCode::CREATED);
    let new = key_on(&rotated.text());
    assert!(!works(&app.anon().bearer(&key)).await && works(&app.anon().bearer(&new)).await);
    let revoked = owner.browser.form(&format!("{page}/revoke"), &[]).await;
    assert_eq!(revoked.location(), Some(page.as_str()));
    assert!(!works(&app.anon().bearer(&new)).await);
    let about = owner.browser.page(&page).await.text();
    assert!(about.contains("Revoked") && !about.contains("/rotate"), "{about}");
}

/// What only would be refused is not offered.
#[tokio::test]
async fn the_menu_offers_keys_to_those_who_look_after_them() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    Key::made(&app, &owner, READ).await;
    for (role, offered) in [(Role::Owner, true), (Role::Admin, true), (Role::Member, false), (Role::Viewer, false)] {
        let person = app.member(tenant, role).await;
        assert_eq!(person.browser.page("/devices").await.text().contains("href=\"&#x2f;api-keys\""), offered, "{role}");
        assert_eq!(person.browser.page("/api-keys").await.status == StatusCode::OK, offered, "{role}");
    }
}

/// The key that a page shows.
fn key_on(page: &str) -> String {
    let (_, rest) = page.split_once(">mon_key_").unwrap_or_else(|| panic!("no key in {page}"));
    format!("mon_key_{}", rest.split('<').next().unwrap())
}

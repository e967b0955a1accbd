use http::Method;
use saas_core::UserId;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, pointers};

const ADA: &str = "ada@example.com";
const PROFILE: &str = "/api/v1/me/profile";

fn profile(name: &str, locale: Option<&str>, time_zone: Option<&str>, theme: &str) -> Value {
    json!({ "name": name, "locale": locale, "time_zone": time_zone, "theme": theme })
}

/// AUT-14: whatever is chosen is what comes back, by program and by form, until it is chosen otherwise.
#[tokio::test]
async fn a_profile_is_kept_as_it_was_chosen() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    assert_eq!(ada.get(PROFILE).await.json(), profile("Ada", None, None, "system"));

    let chosen = profile("Ada Lovelace", Some("de"), Some("Europe/Berlin"), "dark");
    let answer = ada.json(Method::PUT, PROFILE, &profile("  Ada Lovelace ", Some("de"), Some("Europe/Berlin"), "dark")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, chosen.clone()));
    assert_eq!(ada.get(PROFILE).await.json(), chosen);
    assert_eq!(ada.get("/api/v1/auth/me").await.json()["name"], "Ada Lovelace");

    let fields = [("name", "Countess"), ("locale", "en"), ("time_zone", "Asia/Kolkata"), ("theme", "light")];
    let saved = ada.form("/account", &fields).await;
    assert_eq!((saved.status.as_u16(), saved.location()), (303, Some("/account?done=profile")));
    assert_eq!(ada.get(PROFILE).await.json(), profile("Countess", Some("en"), Some("Asia/Kolkata"), "light"));
    assert!(ada.page("/account?done=profile").await.text().contains("Your profile is saved."));

    let empty = [("name", "Countess"), ("locale", ""), ("time_zone", ""), ("theme", "system")];
    ada.form("/account", &empty).await;
    assert_eq!(ada.get(PROFILE).await.json(), profile("Countess", None, None, "system"), "the empty choice is none");
    let changes = app.count("select count(*) from data.outbox where name = 'auth.profile.changed'").await;
    ada.form("/account", &empty).await;
    assert_eq!(app.count("select count(*) from data.outbox where name = 'auth.profile.changed'").await, changes, "nothing was changed");
}

/// AUT-14: each field for itself, to programs with a pointer and to browsers with the form filled in again.
#[tokio::test]
async fn what_cannot_be_chosen_is_refused_at_its_field() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    let long = "a".repeat(101);
    for (field, values) in [
        ("name", vec!["", "   ", "a\0b", "a\nb", &long]),
        ("locale", vec!["fr", "de-AT", "DEU", "../de", "de\0"]),
        ("time_zone", vec!["Berlin", "europe/berlin", "+01:00", "Europe/Berlin\0", "Middle-earth/Shire"]),
        ("theme", vec!["pink", "DARK", "dark\" onload=\"x"]),
    ] {
        for value in values {
            let mut body = profile("Ada", None, None, "system");
            body[field] = value.into();
            let answer = ada.json(Method::PUT, PROFILE, &body).await;
            assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec![format!("/{field}")]), "{field} {value:?}");

            let fields = ["name", "locale", "time_zone", "theme"].map(|name| (name, if name == field { value } else { "" }));
            let fields = fields.map(|(name, value)| match (name, value) {
                ("name", "") if field != "name" => (name, "Not yet saved"),
                ("theme", "") if field != "theme" => (name, "dark"),
                other => other,
            });
            let page = ada.form("/account", &fields).await;
            assert_eq!(page.status, 422, "{field} {value:?}");
            let text = page.text();
            assert!(text.contains(&format!("id=\"{field}-error\"")), "{field} {value:?}: {text}");
            assert!(field == "name" || text.contains("value=\"Not yet saved\""), "it is filled in again: {text}");
        }
    }
    for body in [json!({}), json!({ "name": "Ada", "admin": true }), json!({ "name": null })] {
        assert_eq!(ada.json(Method::PUT, PROFILE, &body).await.status, 422, "{body}");
    }
    // To the parser, null in the place of one of several names is no JSON.
    assert_eq!(ada.json(Method::PUT, PROFILE, &json!({ "name": "Ada", "theme": null })).await.status, 400);
    assert_eq!(ada.get(PROFILE).await.json(), profile("Ada", None, None, "system"), "nothing of it was kept");
}

/// AUT-14: the script hears of a field while it is filled in, and nothing changes by that.
#[tokio::test]
async fn a_field_is_checked_as_one_types() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await.with("x-fragment", "1");
    let check = async |fields: &[(&str, &str)]| {
        let answer = ada.form("/account/check", fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    assert!(check(&[("name", "")]).await.contains("id=\"name-error\""));
    assert!(check(&[("email", "ada@")]).await.contains("id=\"email-error\""));
    let several = check(&[("name", &"a".repeat(101)), ("time_zone", "Nowhere"), ("locale", "xx")]).await;
    assert!(["name-error", "time_zone-error", "locale-error"].iter().all(|id| several.contains(id)), "{several}");
    assert_eq!(check(&[("name", "Ada"), ("email", ADA), ("time_zone", "Europe/Paris"), ("locale", "")]).await.trim(), "");
    assert_eq!(check(&[]).await.trim(), "");
    assert_eq!(app.browser().with("x-fragment", "1").form("/account/check", &[("name", "")]).await.status, 401);
    assert_eq!(ada.get(PROFILE).await.json(), profile("Ada", None, None, "system"));
}

/// AUT-14: the chosen language wins over the browser's; theme and time zone stand in the page itself, before any script runs.
#[tokio::test]
async fn a_page_speaks_and_looks_as_its_reader_chose() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await.with("accept-language", "en");
    let page = ada.page("/sessions").await.text();
    assert!(page.contains("<html lang=\"en\">") && page.contains("content=\"light dark\""), "{page}");
    assert!(page.contains("1 Mar 2026, 09:00 UTC"), "{page}");

    ada.json(Method::PUT, PROFILE, &profile("Ada", Some("de"), Some("Asia/Kolkata"), "dark")).await;
    let page = ada.page("/sessions").await.text();
    assert!(page.contains("<html lang=\"de\" data-theme=\"dark\" data-time-zone=\"Asia&#x2f;Kolkata\">"), "{page}");
    assert!(page.contains("<meta name=\"color-scheme\" content=\"dark\">"), "{page}");
    assert!(page.contains("1. März 2026, 14:30 IST"), "{page}");

    // A page about a problem is made outside of the layer that knows who asks.
    let missing = ada.page(&format!("/avatars/{}/64", UserId::new())).await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("<html lang=\"de\" data-theme=\"dark\""), "{}", missing.text());
    // Where nothing is, nobody asks who it is.
    assert!(ada.page("/nowhere").await.text().contains("<html lang=\"en\">"));

    ada.form("/sign-out", &[]).await;
    assert!(ada.page("/sign-in").await.text().contains("<html lang=\"en\">"), "a stranger's language is the browser's");
}

/// AUT-14: a mail is in the language of its reader, whoever causes it and in whichever language.
#[tokio::test]
async fn a_mail_speaks_the_language_that_its_reader_chose() {
    let app = App::new().await;
    app.account(ADA).await;
    let ada = app.signed_in(ADA).await;
    ada.json(Method::PUT, PROFILE, &profile("Ada", Some("de"), None, "system")).await;
    let stranger = app.browser().with("accept-language", "en");
    let body = json!({ "name": "Eve", "email": ADA, "password": PASSWORD });
    assert_eq!(stranger.post("/api/v1/auth/sign-up", &body).await.status, 202);
    assert_eq!(app.mailbox.nth(2).await.subject, "Sie haben schon ein Konto bei Monitoring");
}

/// AUT-14: organizations show the name as it is now; one that was left keeps what it knew.
#[tokio::test]
async fn a_new_name_is_seen_by_those_who_work_with_the_person() {
    let app = App::new().await;
    let user = app.account(ADA).await;
    let (here, left) = (app.test.tenant("here").await, app.test.tenant("left").await);
    for tenant in [here, left] {
        app.test.member(tenant, user, "viewer").await;
    }
    app.test.left(left, user).await;
    let ada = app.signed_in(ADA).await;
    ada.json(Method::PUT, PROFILE, &profile("Countess", None, None, "system")).await;
    let names: Vec<(String, String)> = sqlx::query_as("select name, email from core.member order by tenant_id = $1 desc")
        .bind(here)
        .fetch_all(&mut *app.system().await)
        .await
        .unwrap();
    assert_eq!(names[0], ("Countess".to_owned(), ADA.to_owned()));
    assert_eq!(names[1].0, format!("viewer {user}"));
}

/// A profile is one's own: it has no address that could name another's.
#[tokio::test]
async fn a_stranger_has_no_profile() {
    let app = App::new().await;
    let stranger = app.browser();
    assert_eq!(stranger.get(PROFILE).await.status, 401);
    assert_eq!(stranger.json(Method::PUT, PROFILE, &profile("Eve", None, None, "dark")).await.status, 401);
    assert_eq!(stranger.page("/account").await.location(), Some("/sign-in?next=%2Faccount"));
    assert_eq!(stranger.form("/account", &[("name", "Eve")]).await.status, 401);
}

//! The life of a passkey, and where there are none.

use chrono::TimeDelta;
use http::Method;
use saas_core::testing::TestClient;
use serde_json::json;

use super::{
    ADA, CHALLENGE, Device, PASSKEYS, SIGN_IN, ada, asked, asked_to_make, device::text, enter, events, last_mail, list, new_passkey,
    register, remove, show, with_passkeys,
};
use crate::{
    app::{App, COOKIE, PASSWORD, html, pointers, sign_in},
    second_factor::Holder,
};

/// The session at hand, in the list of them.
async fn session(browser: &TestClient) -> serde_json::Value {
    let sessions = browser.get("/api/v1/auth/sessions").await.json()["items"].clone();
    sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap().clone()
}

/// AUT-09: one is made, named, shown without an address, renamed and removed; each is an event, and what opens or closes the account a mail.
#[tokio::test]
async fn a_passkey_opens_the_account_without_an_address_until_it_is_removed() {
    let app = with_passkeys().await;
    let user = app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let options = asked_to_make(&browser).await;
    assert_eq!((&options["rp"]["id"], &options["rp"]["name"]), (&json!("localhost"), &json!("Monitoring")));
    assert_eq!((&options["user"]["name"], &options["user"]["id"]), (&json!(ADA), &json!(text(uuid::Uuid::from(user).as_bytes()))));
    let wanted = &options["authenticatorSelection"];
    assert_eq!((&wanted["userVerification"], &wanted["requireResidentKey"]), (&json!("required"), &json!(true)));
    assert_eq!(wanted["residentKey"], json!(null), "or it would be that which counts");
    let (mut device, credential) = Device::make(&options);
    assert_eq!(register(&browser, " Key ring ", &credential).await.status, 201);
    assert_eq!(last_mail(&app).await, (ADA.to_owned(), "A passkey was added to your account at Monitoring".to_owned()));
    let second = new_passkey(&browser, "Phone").await;
    let there = asked_to_make(&browser).await["excludeCredentials"].clone();
    let there: Vec<_> = there.as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert!(there.len() == 2 && there.contains(&json!(text(&second.id))), "no device gets two: {there:?}");
    let mine = list(&browser).await;
    let names: Vec<_> = mine.iter().map(|one| one["name"].clone()).collect();
    assert_eq!((names, &mine[0]["last_used_at"]), (vec![json!("Key ring"), json!("Phone")], &json!(null)));

    app.later(TimeDelta::hours(1));
    let (other, stranger) = (app.browser(), app.browser());
    let options = asked(&other).await;
    assert_eq!(
        (&options["rpId"], &options["userVerification"], &options["allowCredentials"]),
        (&json!("localhost"), &json!("required"), &json!([]))
    );
    let entered = show(&other, &device.answer(&options)).await;
    assert_eq!((entered.status.as_u16(), entered.json()["email"].clone()), (200, json!(ADA)), "{}", entered.text());
    let now = session(&other).await;
    assert_eq!((&now["methods"], &now["remembered"]), (&json!(["passkey"]), &json!(false)));
    assert_eq!(list(&browser).await[0]["last_used_at"], json!(app.clock.now()));
    let remembered = json!({ "credential": device.answer(&asked(&stranger).await), "remember": true });
    assert_eq!(stranger.post(SIGN_IN, &remembered).await.status, 200);
    assert_eq!(session(&stranger).await["remembered"], true);

    let (id, path) = (&mine[0]["id"], format!("{PASSKEYS}/{}", mine[0]["id"].as_str().unwrap()));
    assert_eq!(browser.json(Method::PATCH, &path, &json!({ "name": "Safe" })).await.status, 204);
    assert_eq!(list(&browser).await[0]["name"], "Safe");
    let nameless = browser.json(Method::PATCH, &path, &json!({ "name": " " })).await;
    assert_eq!((nameless.status.as_u16(), pointers(&nameless)), (422, vec!["/name".to_owned()]));
    assert_eq!(remove(&browser, id).await.status, 403, "the proof was an hour ago");
    assert_eq!(remove(&other, id).await.status, 204, "whoever came with a passkey has just shown who they are");
    assert_eq!(last_mail(&app).await, (ADA.to_owned(), "A passkey was removed from your account at Monitoring".to_owned()));
    assert_eq!((other.get("/person").await.status.as_u16(), stranger.get("/person").await.status.as_u16()), (200, 401));
    assert_eq!(remove(&other, id).await.status, 404);
    assert_eq!(enter(&app.browser(), &mut device).await.status, 401);
    for (event, times) in [("added", 2), ("renamed", 1), ("removed", 1)] {
        assert_eq!(events(&app, &format!("auth.passkey.{event}")).await, times, "{event}");
    }
    assert_eq!(events(&app, "auth.sign_in.refused").await, 1);
}

/// AUT-09: it is both factors, so nothing else is asked for; a password alone still is not enough.
#[tokio::test]
async fn whoever_has_a_second_factor_needs_no_code_with_a_passkey() {
    let app = with_passkeys().await;
    let holder = Holder::new(&app, ADA).await;
    let mut device = new_passkey(&holder.browser, "Key ring").await;
    let browser = app.browser();
    let half = sign_in(&browser, ADA, PASSWORD, false).await;
    assert_eq!((half.status.as_u16(), half.json()["methods"].clone()), (401, json!(["totp", "backup_code", "passkey"])));
    let page = browser.page("/sign-in/second").await.text();
    assert!(page.contains("data-passkey=\"get\"") && page.contains("/assets/passkey."), "{page}");
    assert_eq!(enter(&browser, &mut device).await.status, 200);
    assert_eq!(session(&browser).await["methods"], json!(["passkey"]));
    app.later(TimeDelta::minutes(10));
    let asked = browser.post(&format!("{PASSKEYS}/challenge"), &json!({})).await;
    assert_eq!((asked.status.as_u16(), asked.json()["methods"].clone()), (403, json!(["totp", "backup_code", "passkey"])));
    assert!(browser.page("/account/prove?next=%2Fopen").await.text().contains("data-passkey=\"get\""));
    assert_eq!(enter(&browser, &mut device).await.status, 200, "which is another sign-in");
    assert_eq!(browser.post(&format!("{PASSKEYS}/challenge"), &json!({})).await.status, 200);
}

/// AUT-08: an organization asked for a second factor, and here one is led on to it.
#[tokio::test]
async fn whoever_sets_up_what_was_asked_for_is_led_on_to_what_they_wanted() {
    let app = with_passkeys().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let asked = html(&browser.page("/account/security?next=%2Fopen").await);
    for part in ["asks for a second factor", "href=\"#second-factor\"", "href=\"#passkeys\"", "name=\"next\" value=\"/open\""] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    assert!(!browser.page("/account/security?next=https%3A%2F%2Fevil.example").await.text().contains("evil.example"));
    let begun = browser.form("/account/second-factor/app", &[("next", "/open")]).await;
    assert_eq!(begun.location(), Some("/account/second-factor/app?next=%2Fopen"));
    let app_page = html(&browser.page("/account/second-factor/app?next=%2Fopen").await);
    assert!(app_page.contains("name=\"next\" value=\"/open\"") && app_page.contains("<textarea"), "{app_page}");
    assert!(html(&browser.page("/account/passkeys/new?next=%2Fopen").await).contains("name=\"next\" value=\"/open\""));
    let (_, credential) = Device::make(&asked_to_make(&browser).await);
    let form = [("name", "Key ring"), ("credential", &credential.to_string()), ("next", "/open")];
    assert_eq!(browser.form("/account/passkeys", &form).await.location(), Some("/open"));
    assert!(!browser.page("/account/security?next=%2Fopen").await.text().contains("asks for a second factor"));
}

/// AUT-09: what opens an account from now on, or no more, takes somebody who has just shown who they are.
#[tokio::test]
async fn passkeys_are_made_and_removed_soon_after_a_proof_alone() {
    let app = with_passkeys().await;
    let (browser, _) = ada(&app).await;
    let id = list(&browser).await[0]["id"].as_str().unwrap().to_owned();
    let (_, made) = Device::make(&asked_to_make(&browser).await);
    app.later(TimeDelta::minutes(10));
    assert_eq!(register(&browser, "Late", &made).await.status, 403);
    assert_eq!(browser.post(&format!("{PASSKEYS}/challenge"), &json!({})).await.json()["methods"], json!(["password", "passkey"]));
    let new = browser.page("/account/passkeys/new").await;
    assert_eq!((new.status.as_u16(), new.location()), (303, Some("/account/prove?next=%2Faccount%2Fpasskeys%2Fnew")));
    for path in ["/account/passkeys".to_owned(), format!("/account/passkeys/{id}/remove")] {
        let form = browser.form(&path, &[]).await;
        assert_eq!((form.status.as_u16(), form.location()), (303, Some("/account/prove?next=%2F")), "{path}");
    }
    assert_eq!(list(&browser).await.len(), 1);
    for (method, path) in
        [(Method::GET, PASSKEYS.to_owned()), (Method::POST, PASSKEYS.to_owned()), (Method::DELETE, format!("{PASSKEYS}/{id}"))]
    {
        assert_eq!(app.browser().json(method, &path, &json!({})).await.status, 401, "{path}");
    }
}

/// By the forms that the script sends.
#[tokio::test]
async fn a_browser_adds_a_passkey_and_signs_in_with_forms() {
    let app = with_passkeys().await;
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let security = html(&browser.page("/account/security").await);
    assert!(security.contains("href=\"/account/passkeys/new\""), "{security}");
    let firefox = browser.clone().with("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let new = firefox.page("/account/passkeys/new").await.text();
    assert!(new.contains("value=\"Firefox on Linux\"") && new.contains("Passkeys need JavaScript"), "{new}");
    let (mut device, credential) = Device::make(&asked_to_make(&browser).await);
    let credential = credential.to_string();
    let send = async |name: &str, credential: &str| browser.form("/account/passkeys", &[("name", name), ("credential", credential)]).await;
    let without = send("Key ring", "").await;
    assert!(without.status == 422 && without.text().contains("was not accepted"), "{}", without.text());
    let nameless = send("", &credential).await;
    assert!(nameless.status == 422 && nameless.text().contains("id=\"name-error\""), "{}", nameless.text());
    assert_eq!(session(&browser).await["methods"], json!(["password"]));
    assert_eq!(send("<Key> ring", &credential).await.location(), Some("/account/security?done=passkey-added"));
    assert_eq!(
        session(&browser).await["methods"],
        json!(["password", "passkey"]),
        "it was shown just now, which counts as a second factor"
    );
    let late = send("Again", &credential).await;
    assert!(late.status == 409 && late.text().contains("took too long"), "{}", late.text());
    let shown = browser.page("/account/security?done=passkey-added").await.text();
    assert!(shown.contains("The passkey was added") && shown.contains("&lt;Key&gt; ring") && shown.contains("never used"), "{shown}");
    let id = list(&browser).await[0]["id"].as_str().unwrap().to_owned();
    let renamed = browser.form(&format!("/account/passkeys/{id}/rename"), &[("name", "Safe")]).await;
    assert_eq!(renamed.location(), Some("/account/security?done=passkey-renamed"));
    let nameless = browser.form(&format!("/account/passkeys/{id}/rename"), &[("name", "")]).await;
    assert_eq!(nameless.status, 422, "{}", nameless.text());

    let other = app.browser();
    assert!(other.page("/sign-in").await.text().contains("data-challenge=\"/api/v1/auth/passkeys/challenge\""));
    let answer = device.answer(&asked(&other).await).to_string();
    let form = async |next: &str| other.form("/sign-in/passkey", &[("credential", &answer), ("next", next)]).await;
    let entered = form("/open?a=b").await;
    assert_eq!((entered.status.as_u16(), entered.location()), (303, Some("/open?a=b")), "{}", entered.text());
    assert!(other.cookie(COOKIE).is_some());
    let again = form("//evil.example").await;
    assert!(again.status == 401 && again.text().contains("took too long") && !again.text().contains("evil.example"), "{}", again.text());
    let garbage = app.browser().form("/sign-in/passkey", &[]).await;
    assert!(garbage.status == 422 && garbage.text().contains("opens no account here"), "{}", garbage.text());
    let cookie = other.cookie(COOKIE);
    let removed = other.form(&format!("/account/passkeys/{id}/remove"), &[]).await;
    assert_eq!(removed.location(), Some("/account/security?done=passkey-removed"));
    assert_eq!(session(&other).await["methods"], json!([]), "what was shown of what is gone counts no more");
    assert!(cookie.is_some() && other.cookie(COOKIE) != cookie);
}

/// Each account has as many as a browser can be told of.
#[tokio::test]
async fn there_is_an_end_to_passkeys() {
    let app = with_passkeys().await;
    let (browser, _) = ada(&app).await;
    let mut tx = app.system().await;
    let more = "insert into auth.passkey (id, user_id, credential_id, credential, name, created_at)
        select gen_random_uuid(), user_id, sha256(number::text::bytea), '{}', 'x', now() from auth.account, generate_series(1, 18) number";
    sqlx::query(more).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let (one, two) = (browser.clone(), app.signed_in(ADA).await);
    let (first, second) = (Device::make(&asked_to_make(&one).await).1, Device::make(&asked_to_make(&two).await).1);
    assert_eq!(register(&one, "The last", &first).await.status, 201);
    assert_eq!(register(&two, "One too many", &second).await.status, 409);
    assert_eq!(browser.post(&format!("{PASSKEYS}/challenge"), &json!({})).await.status, 409);
}

/// Nothing is offered unless the product says so, and where browsers have none.
#[tokio::test]
async fn where_there_are_none_nothing_speaks_of_them() {
    let plain = App::new().await;
    plain.account(ADA).await;
    let browser = plain.signed_in(ADA).await;
    assert!(!browser.page("/account/security").await.text().contains("passkey"));
    assert!(!plain.browser().page("/sign-in").await.text().contains("passkey"));
    for path in [CHALLENGE, SIGN_IN, PASSKEYS, "/sign-in/passkey"] {
        assert_eq!(browser.post(path, &json!({})).await.status, 404, "{path}");
    }
    let with = |url: &str| {
        let built = plain.builder_at(&plain.keys, url).passkeys(true).build().unwrap();
        built.routes::<()>().list().filter(|route| route.path.contains("passkey")).count()
    };
    assert_eq!((with("http://127.0.0.1:3000"), with("http://[::1]:3000"), with("https://app.example.com")), (0, 0, 12));
}

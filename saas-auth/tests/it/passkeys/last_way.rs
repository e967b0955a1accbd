//! Nobody takes the last way in from themselves.

use http::Method;
use saas_core::testing::{Answer, TestClient};
use serde_json::json;

use super::{ADA, PASSKEYS, ada, enter, list, new_passkey, remove, with_passkeys};
use crate::app::App;

async fn execute(app: &App, statement: &'static str) {
    let mut tx = app.system().await;
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Somebody without a password, where they have signed in with a passkey.
async fn without_a_password(app: &App) -> TestClient {
    let (_, mut device) = ada(app).await;
    execute(app, "update auth.account set password_hash = null").await;
    let browser = app.browser();
    assert_eq!(enter(&browser, &mut device).await.status, 200);
    browser
}

#[tokio::test]
async fn the_last_passkey_stays_where_nothing_else_opens_the_account() {
    let app = with_passkeys().await;
    let browser = without_a_password(&app).await;
    let only = list(&browser).await[0]["id"].clone();
    let refused = remove(&browser, &only).await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].clone()), (409, json!("/problems/conflict")));
    let page = browser.form(&format!("/account/passkeys/{}/remove", only.as_str().unwrap()), &[]).await;
    assert!(page.status == 409 && page.text().contains("This is the only way to sign in"), "{}", page.text());
    assert_eq!(list(&browser).await.len(), 1);

    // One of which there is a copy opens nothing, so it is no way in, and may go.
    execute(&app, "update auth.passkey set copied_at = now()").await;
    assert_eq!(remove(&browser, &only).await.status, 204);
}

/// An account elsewhere and a passkey, and a browser in which somebody takes both away at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_take_the_last_two_ways_one_is_refused() {
    let app = with_passkeys().await;
    let browser = without_a_password(&app).await;
    let link = "insert into auth.identity (id, user_id, provider, issuer, subject, created_at)
        select gen_random_uuid(), user_id, 'fake', 'https://id.example', 'ada', now() from auth.account";
    execute(&app, link).await;
    let identity = browser.get("/api/v1/me/identities").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let passkey = list(&browser).await[0]["id"].as_str().unwrap().to_owned();
    let take = |method: Method, path: String| {
        let browser = browser.clone();
        tokio::spawn(async move { browser.json(method, &path, &json!({})).await })
    };
    let one = take(Method::POST, format!("/api/v1/me/identities/{identity}/unlink"));
    let other = take(Method::DELETE, format!("{PASSKEYS}/{passkey}"));
    let answers: [Answer; 2] = [one.await.unwrap(), other.await.unwrap()];
    let mut statuses = answers.map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(browser.get("/api/v1/auth/me").await.json()["email"], ADA);
}

/// Two passkeys of somebody who has nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_passkeys_that_are_removed_at_once_one_stays() {
    let app = with_passkeys().await;
    let browser = without_a_password(&app).await;
    new_passkey(&browser, "Phone").await;
    let ids: Vec<_> = list(&browser).await.iter().map(|one| one["id"].clone()).collect();
    let attempts = ids.into_iter().map(|id| {
        let browser = browser.clone();
        tokio::spawn(async move { remove(&browser, &id).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        statuses.push(attempt.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses, list(&browser).await.len()), (vec![204, 409], 1));
}

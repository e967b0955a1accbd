//! AUT-09: passkeys, and what a device, a page or a thief might send in their place.

mod answers;
mod copies;
mod device;
mod last_way;
mod lives;
mod strangers;

use http::Method;
use saas_core::testing::{Answer, TestClient};
use serde_json::{Value, json};

use crate::app::{App, COOKIE};
use device::Device;

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSKEYS: &str = "/api/v1/me/passkeys";
const SIGN_IN: &str = "/api/v1/auth/sign-in/passkey";
const CHALLENGE: &str = "/api/v1/auth/passkeys/challenge";

async fn with_passkeys() -> App {
    App::with(|builder| builder.passkeys(true)).await
}

/// What a browser is asked that is to make a passkey.
async fn asked_to_make(browser: &TestClient) -> Value {
    options(&browser.post(&format!("{PASSKEYS}/challenge"), &json!({})).await)
}

/// What a browser is asked whose person wants to sign in.
async fn asked(browser: &TestClient) -> Value {
    options(&browser.post(CHALLENGE, &json!({})).await)
}

#[track_caller]
fn options(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["options"].clone()
}

async fn register(browser: &TestClient, name: &str, credential: &Value) -> Answer {
    browser.post(PASSKEYS, &json!({ "name": name, "credential": credential })).await
}

/// A device with a passkey of whoever is signed in.
pub(crate) async fn new_passkey(browser: &TestClient, name: &str) -> Device {
    let (device, credential) = Device::make(&asked_to_make(browser).await);
    let made = register(browser, name, &credential).await;
    assert_eq!(made.status, 201, "{}", made.text());
    device
}

/// Somebody with an account, where they are signed in, and a device with a passkey.
async fn ada(app: &App) -> (TestClient, Device) {
    app.account(ADA).await;
    let browser = app.signed_in(ADA).await;
    let device = new_passkey(&browser, "Key ring").await;
    (browser, device)
}

async fn show(browser: &TestClient, credential: &Value) -> Answer {
    browser.post(SIGN_IN, &json!({ "credential": credential })).await
}

/// Signs in with a passkey, as a browser does that knows nothing of the account.
pub(crate) async fn enter(browser: &TestClient, device: &mut Device) -> Answer {
    let answer = device.answer(&asked(browser).await);
    show(browser, &answer).await
}

#[track_caller]
fn is_refused(answer: &Answer, browser: &TestClient) {
    assert_eq!((answer.status.as_u16(), answer.json()["type"].clone()), (401, json!("/problems/unauthenticated")), "{}", answer.text());
    assert_eq!(browser.cookie(COOKIE), None);
}

async fn list(browser: &TestClient) -> Vec<Value> {
    browser.get(PASSKEYS).await.json()["items"].as_array().unwrap().clone()
}

async fn remove(browser: &TestClient, id: &Value) -> Answer {
    browser.json(Method::DELETE, &format!("{PASSKEYS}/{}", id.as_str().unwrap()), &json!({})).await
}

async fn events(app: &App, name: &str) -> i64 {
    sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(name).fetch_one(&mut *app.system().await).await.unwrap()
}

async fn last_mail(app: &App) -> (String, String) {
    app.mailbox.all().await.pop().map(|mail| (mail.to, mail.subject)).unwrap()
}

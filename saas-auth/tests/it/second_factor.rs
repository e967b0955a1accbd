//! AUT-08: a second factor, and nothing that gets around it.

mod codes;
mod guess;
mod off;
mod set_up;
mod sign_in;

use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    UserId,
    testing::{Answer, TestClient},
};
use serde_json::{Value, json};

use crate::app::{App, COOKIE, PASSWORD, sign_in as first};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const FACTOR: &str = "/api/v1/me/second-factor";
const SECOND: &str = "/api/v1/auth/sign-in/second";
const ENTRY: &str = "__Host-entry";

/// The code that an app shows, as somebody else makes it (oathtool, which `tests/install` brings).
pub(crate) fn code(secret: &str, at: DateTime<Utc>) -> String {
    let now = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let made = Command::new("oathtool").args(["--totp", "--base32", secret, "--now", &now]).output().expect("oathtool is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Somebody with a second factor.
pub(crate) struct Holder {
    pub(crate) user: UserId,
    pub(crate) secret: String,
    pub(crate) backup: Vec<String>,
    /// Where they set it up.
    pub(crate) browser: TestClient,
}

impl Holder {
    pub(crate) async fn new(app: &App, email: &str) -> Self {
        let user = app.account(email).await;
        Self::of(app, user, email).await
    }

    /// The same for somebody who has an account, confirmed or not.
    pub(crate) async fn of(app: &App, user: UserId, email: &str) -> Self {
        let browser = app.signed_in(email).await;
        let secret = begin(&browser).await;
        let answer = browser.post(&format!("{FACTOR}/app/confirm"), &json!({ "code": code(&secret, app.clock.now()) })).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let backup = strings(&answer.json()["backup_codes"]);
        // The code that was just used is used up.
        app.later(TimeDelta::seconds(30));
        Self { user, secret, backup, browser }
    }

    /// What the app shows now.
    pub(crate) fn code(&self, app: &App) -> String {
        code(&self.secret, app.clock.now())
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Begins to set up an app, and gives its secret.
async fn begin(browser: &TestClient) -> String {
    let answer = browser.post(&format!("{FACTOR}/app"), &json!({})).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["secret"].as_str().unwrap().to_owned()
}

/// A browser in which the password was shown, and the second factor not yet.
async fn half_way(app: &App, email: &str) -> TestClient {
    let browser = app.browser();
    let answer = first(&browser, email, PASSWORD, false).await;
    assert!(is_pending(&answer), "{}", answer.text());
    browser
}

async fn show(browser: &TestClient, code: &str) -> Answer {
    browser.post(SECOND, &json!({ "code": code })).await
}

async fn show_backup(browser: &TestClient, code: &str) -> Answer {
    browser.post(SECOND, &json!({ "backup_code": code })).await
}

fn is_pending(answer: &Answer) -> bool {
    answer.status == 401 && answer.json()["type"] == "/problems/second-factor-pending" && crate::app::set_cookie(answer).is_none()
}

async fn is_in(browser: &TestClient) -> bool {
    browser.get("/person").await.status == 200
}

async fn events(app: &App, name: &str) -> i64 {
    sqlx::query_scalar("select count(*) from data.outbox where name = $1").bind(name).fetch_one(&mut *app.system().await).await.unwrap()
}

async fn subjects(app: &App) -> Vec<String> {
    app.mailbox.all().await.into_iter().map(|mail| mail.subject).collect()
}

//! API keys, as the people of an organization make them and their programs use them (AUT-10, RBA-05).

mod address;
mod life;
mod pages;
mod rights;
mod together;

use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{Clock, testing::TestClient};
use serde_json::{Value, json};

use crate::app::{App, Person, expect, expect_problem};

/// A key, and a program that has it.
struct Key {
    id: String,
    text: String,
    program: TestClient,
}

impl Key {
    /// Makes a key with these scopes.
    async fn made(app: &App, by: &Person, scopes: &[&str]) -> Self {
        Self::with(app, by, &json!({ "name": "Deployment", "scopes": scopes })).await
    }

    async fn with(app: &App, by: &Person, new: &Value) -> Self {
        let made = by.browser.post("/api/v1/api-keys", new).await;
        expect(&made, StatusCode::CREATED);
        let made = made.json();
        let text = made["key"].as_str().unwrap().to_owned();
        Self { id: made["id"].as_str().unwrap().to_owned(), program: app.anon().bearer(&text), text }
    }

    fn path(&self) -> String {
        format!("/api/v1/api-keys/{}", self.id)
    }

    async fn rotated(&self, by: &Person, hours: u16) -> String {
        let rotated = by.browser.post(&format!("{}/rotate", self.path()), &json!({ "overlap_hours": hours })).await;
        expect(&rotated, StatusCode::CREATED);
        rotated.json()["key"].as_str().unwrap().to_owned()
    }

    /// What the API says of it.
    async fn about(&self, by: &Person) -> Value {
        let about = by.browser.get(&self.path()).await;
        expect(&about, StatusCode::OK);
        about.json()
    }

    async fn works(&self) -> bool {
        works(&self.program).await
    }
}

/// Whether a program with the scope to see devices is let in; where it is not, it is told what everybody is told who has no key that works.
async fn works(program: &TestClient) -> bool {
    let answer = program.get(DEVICES).await;
    if answer.status == StatusCode::OK {
        return true;
    }
    let problem = expect_problem(&answer, StatusCode::UNAUTHORIZED, "unauthenticated");
    assert_eq!(problem, json!({ "type": "/problems/unauthenticated", "title": "Sign in first", "status": 401 }));
    false
}

const DEVICES: &str = "/api/v1/devices";
const READ: &[&str] = &["monitoring.device.read"];

/// All that a key may be given.
pub(crate) const SCOPES: &[&str] = &[
    "monitoring.device.read",
    "monitoring.agent.write",
    "file.read",
    "file.write",
    "webhook.read",
    "webhook.write",
    "tenancy.member.read",
    "tenancy.workspace.read",
    "tenancy.workspace.write",
    "audit.read",
];

/// An application whose time stands still.
async fn at_noon() -> (App, Clock) {
    let app = App::at(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap())).await;
    let clock = app.program.db.clock().clone();
    (app, clock)
}

const HOUR: TimeDelta = TimeDelta::hours(1);

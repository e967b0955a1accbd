use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::Clock;
use saas_tenancy::Role;
use serde_json::{Value, json};

use super::{address, found};
use crate::app::{Agent, App, expect};

fn start() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// An agent with devices of these numbers, at noon.
async fn watching(count: u32) -> (App, Agent) {
    let app = App::at(Clock::fixed(start())).await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let agent = app.agent(&app.member(tenant, Role::Owner).await).await;
    expect(&agent.client.post("/api/agent/devices", &found(1..=count)).await, StatusCode::OK);
    (app, agent)
}

/// A reading so many seconds after noon.
fn reading(number: u32, seconds: i64, up: bool) -> Value {
    json!({ "address": address(number), "at": start() + TimeDelta::seconds(seconds), "up": up, "latency_us": up.then_some(300) })
}

impl Agent {
    /// Sends readings; how many were applied, stale and unknown.
    async fn sends(&self, readings: &[Value]) -> (u64, u64, u64) {
        let answer = self.client.post("/api/agent/status", &json!({ "readings": readings })).await;
        expect(&answer, StatusCode::OK);
        let count = |name: &str| answer.json()[name].as_u64().unwrap();
        (count("applied"), count("stale"), count("unknown"))
    }

    /// What the server knows of a device: its state, and how many seconds after noon it was checked.
    async fn known(&self, number: u32) -> (String, Option<i64>) {
        let report = self.client.get("/api/agent/status").await.json();
        let device = report["devices"].as_array().unwrap().iter().find(|device| device["address"] == json!(address(number))).unwrap();
        let at = device["checked_at"].as_str().map(|at| (at.parse::<DateTime<Utc>>().unwrap() - start()).num_seconds());
        (device["state"].as_str().unwrap().to_owned(), at)
    }
}

const CHANGES: &str = "select count(*) from outbox where name = 'monitoring.devices.states_changed'";

/// Design 12.9: readings are telemetry; a change of state, and only that, is an event.
#[tokio::test]
async fn only_a_change_of_state_is_an_event() {
    let (app, agent) = watching(3).await;
    assert_eq!(agent.sends(&[reading(1, 0, true), reading(2, 0, true), reading(3, 0, false)]).await, (3, 0, 0));
    assert_eq!(app.count(CHANGES).await, 1);
    for beat in 1..=5 {
        assert_eq!(agent.sends(&[reading(1, beat, true), reading(2, beat, true), reading(3, beat, false)]).await, (3, 0, 0));
    }
    assert_eq!(app.count(CHANGES).await, 1, "nothing changed");
    assert_eq!(agent.sends(&[reading(1, 9, false), reading(2, 9, true)]).await, (2, 0, 0));
    assert_eq!(app.count(CHANGES).await, 2);
    let data: Value =
        sqlx::query_scalar("select data from outbox where name = 'monitoring.devices.states_changed' order by id desc limit 1")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();
    assert_eq!((data["up"].as_array().unwrap().len(), data["down"].as_array().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn readings_that_come_twice_late_or_out_of_order_change_nothing() {
    let (app, agent) = watching(2).await;
    assert_eq!(agent.sends(&[reading(1, 10, true)]).await, (1, 0, 0));
    assert_eq!(agent.sends(&[reading(1, 10, true)]).await, (0, 1, 0), "twice");
    assert_eq!(agent.sends(&[reading(1, 10, false)]).await, (0, 1, 0), "the first one counts");
    assert_eq!(agent.sends(&[reading(1, 5, false)]).await, (0, 1, 0), "late");
    assert_eq!(agent.known(1).await, ("up".to_owned(), Some(10)));
    assert_eq!(app.count(CHANGES).await, 1);
    let (newer, older) = (reading(2, 20, false), reading(2, 15, true));
    assert_eq!(agent.sends(&[newer, older]).await, (1, 1, 0), "of several in one request the newest counts");
    assert_eq!(agent.known(2).await, ("down".to_owned(), Some(20)));
}

/// A clock that is ahead would make every later reading look old.
#[tokio::test]
async fn a_reading_from_the_future_counts_as_one_of_now() {
    let (app, agent) = watching(1).await;
    let year = 365 * 24 * 3600;
    assert_eq!(agent.sends(&[reading(1, year, false)]).await, (1, 0, 0));
    assert_eq!(agent.known(1).await, ("down".to_owned(), Some(0)));
    app.program.db.clock().advance(TimeDelta::seconds(30));
    assert_eq!(agent.sends(&[reading(1, 30, true)]).await, (1, 0, 0), "a right clock is heard again at once");
    assert_eq!(agent.known(1).await, ("up".to_owned(), Some(30)));
    let end_of_time = json!({ "address": address(1), "at": "+262142-01-01T00:00:00Z", "up": true });
    assert_eq!(agent.sends(&[end_of_time]).await, (0, 1, 0));
}

#[tokio::test]
async fn five_thousand_readings_in_one_request_are_taken() {
    let (app, agent) = watching(5_000).await;
    let readings: Vec<_> = (1..=5_000).map(|number| reading(number, 1, number % 2 == 0)).collect();
    assert_eq!(agent.sends(&readings).await, (5_000, 0, 0));
    assert_eq!(agent.sends(&readings).await, (0, 5_000, 0));
    assert_eq!(app.count("select count(*) from device where state = 'up'").await, 2_500);
    assert_eq!(app.count(CHANGES).await, 1, "one event, however many changed");
}

#[tokio::test]
async fn what_is_no_device_of_the_agent_is_counted_and_left() {
    let (app, agent) = watching(1).await;
    let elsewhere = json!({ "address": "fe80::1", "at": start(), "up": true });
    assert_eq!(agent.sends(&[reading(1, 1, true), reading(77, 1, true), elsewhere]).await, (1, 0, 2));
    assert_eq!(app.count("select count(*) from device").await, 1);
    assert_eq!(agent.sends(&[]).await, (0, 0, 0));
}

/// Requests of one agent overlap when one times out and is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn whichever_request_comes_first_the_newest_reading_wins_and_is_the_last_that_is_announced() {
    let (app, agent) = watching(20).await;
    let client = &agent.client;
    for round in 0..5 {
        let requests = (1..=12_i64).map(|seconds| {
            let up = seconds % 3 == round % 3;
            let readings: Vec<_> = (1..=20).map(|number| reading(number, round * 100 + seconds, up)).collect();
            async move { client.post("/api/agent/status", &json!({ "readings": readings })).await }
        });
        for answer in futures_util::future::join_all(requests).await {
            expect(&answer, StatusCode::OK);
        }
        let differing = "select count(*) from device d where checked_at <> $1 or state <> (
            select case when data -> 'up' ? d.id::text then 'up' else 'down' end from outbox
            where name = 'monitoring.devices.states_changed' and (data -> 'up' ? d.id::text or data -> 'down' ? d.id::text)
            order by id desc limit 1)";
        let newest = start() + TimeDelta::seconds(round * 100 + 12);
        let count: i64 = sqlx::query_scalar(differing).bind(newest).fetch_one(&mut app.owner().await).await.unwrap();
        assert_eq!(count, 0, "round {round}");
    }
}

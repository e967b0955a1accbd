use http::StatusCode;
use saas_tenancy::Role;
use serde_json::{Value, json};

use super::{address, found};
use crate::app::{Agent, App, expect, expect_problem};

async fn agent(app: &App) -> Agent {
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    app.agent(&owner).await
}

fn counts(answer: &Value) -> (u64, u64, u64) {
    let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("no {name} in {answer}"));
    (count("added"), count("known"), count("refused"))
}

/// MON-01: a sweep that is sent twice makes no second device, and says what it knew.
#[tokio::test]
async fn a_device_is_one_however_often_it_is_found() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let first = agent.client.post("/api/agent/devices", &found(1..=3)).await;
    assert_eq!(counts(&first.json()), (3, 0, 0));
    let again = agent.client.post("/api/agent/devices", &found(2..=5)).await;
    assert_eq!(counts(&again.json()), (2, 2, 0));
    let twice = json!({ "devices": [{ "address": "10.0.0.9", "found_by": ["tcp"] }, { "address": "10.0.0.9", "found_by": ["icmp"] }] });
    assert_eq!(counts(&agent.client.post("/api/agent/devices", &twice).await.json()), (1, 0, 0));
    assert_eq!(counts(&agent.client.post("/api/agent/devices", &found([])).await.json()), (0, 0, 0));
    assert_eq!(app.count("select count(*) from device").await, 6);
    assert_eq!(app.count("select used from quota where meter = 'devices'").await, 6);
}

#[tokio::test]
async fn a_later_sweep_completes_what_is_known_and_forgets_nothing() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let sweep = |device: Value| json!({ "devices": [device] });
    let named = sweep(json!({ "address": "10.0.0.1", "hostname": "printer", "found_by": ["tcp"] }));
    let bare = sweep(json!({ "address": "10.0.0.1", "mac": "0:1b:2:ff:a:9", "found_by": ["icmp", "arp"] }));
    for body in [&named, &bare] {
        expect(&agent.client.post("/api/agent/devices", body).await, StatusCode::OK);
    }
    let row: (String, String, Vec<String>) =
        sqlx::query_as("select hostname, mac, found_by from device").fetch_one(&mut app.owner().await).await.unwrap();
    assert_eq!(row, ("printer".to_owned(), "00:1b:02:ff:0a:09".to_owned(), vec!["icmp".to_owned(), "arp".to_owned()]));
}

/// MON-04: what fits is kept, the rest is refused with the limit and its use, and once nothing fits it is 402.
#[tokio::test]
async fn the_free_plan_keeps_fifty_devices_and_says_why_no_more() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let partly = agent.client.post("/api/agent/devices", &found(1..=60)).await;
    expect(&partly, StatusCode::OK);
    let partly = partly.json();
    assert_eq!(counts(&partly), (50, 0, 10));
    let problem = &partly["problem"];
    assert_eq!((&problem["status"], &problem["type"]), (&json!(402), &json!("/problems/limit-reached")), "{partly}");
    assert_eq!(app.count("select count(*) from device where address <= '10.0.0.50'").await, 50, "the first ones are kept");

    let nothing = agent.client.post("/api/agent/devices", &found(51..=60)).await;
    let problem = expect_problem(&nothing, StatusCode::PAYMENT_REQUIRED, "limit-reached");
    assert_eq!((&problem["meter"], &problem["limit"], &problem["used"]), (&json!("devices"), &json!(50), &json!(50)));
    assert!(problem["detail"].as_str().unwrap().contains("free plan is reached: 50 of 50 devices"), "{problem}");

    let known = agent.client.post("/api/agent/devices", &found(50..=51)).await;
    expect(&known, StatusCode::OK);
    assert_eq!(counts(&known.json()), (0, 1, 1), "a known one is still taken when another has no room");
}

/// MET-03: twenty requests at once, and not one device too many.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sweeps_never_exceed_the_plan() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let posts: Vec<_> = (0..20)
        .map(|post| {
            let client = agent.client.clone();
            tokio::spawn(async move { client.post("/api/agent/devices", &found(post * 5..post * 5 + 8)).await })
        })
        .collect();
    let (mut added, mut refusals) = (0, 0);
    for post in posts {
        let answer = post.await.unwrap();
        match answer.status {
            StatusCode::OK => added += counts(&answer.json()).0,
            StatusCode::PAYMENT_REQUIRED => refusals += 1,
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!(added, 50);
    assert!(refusals > 0);
    assert_eq!(app.count("select count(*) from device").await, 50);
    assert_eq!(app.count("select used from quota where meter = 'devices'").await, 50);
}

/// TEN-04: two organizations watch networks with the same addresses, as everybody's are.
#[tokio::test]
async fn the_same_address_elsewhere_is_another_device() {
    let app = App::new().await;
    let (acme, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (a, b) = (app.agent(&app.member(acme, Role::Owner).await).await, app.agent(&app.member(other, Role::Owner).await).await);
    expect(&a.client.post("/api/agent/devices", &found(1..=2)).await, StatusCode::OK);
    let reading = json!({ "readings": [{ "address": address(1), "at": "2026-03-01T00:00:00Z", "up": false }] });
    let unknown = b.client.post("/api/agent/status", &reading).await.json();
    assert_eq!((&unknown["applied"], &unknown["unknown"]), (&json!(0), &json!(1)));
    expect(&b.client.post("/api/agent/devices", &found(1..=1)).await, StatusCode::OK);
    expect(&b.client.post("/api/agent/status", &reading).await, StatusCode::OK);
    let seen = a.client.get("/api/agent/status").await.json();
    let states: Vec<_> = seen["devices"].as_array().unwrap().iter().map(|device| device["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["unknown", "unknown"]);
    let named = b.client.clone().with("x-organization", "acme");
    expect_problem(&named.post("/api/agent/devices", &found(7..=7)).await, StatusCode::NOT_FOUND, "not-found");
}

/// What was recorded under this name, in the order in which it happened.
async fn recorded(app: &App, name: &str) -> Vec<Value> {
    let query = "select data::jsonb from data.audit_entry where action = $1 order by at, id";
    sqlx::query_scalar(query).bind(name).fetch_all(&mut app.owner().await).await.unwrap()
}

/// AUD-01: which devices a later sweep knew otherwise, and how they were known before; not what is as it was, nor in which way it was found.
#[tokio::test]
async fn what_a_later_sweep_knows_otherwise_is_in_the_log_with_how_it_was() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let sweep = async |devices: Value| {
        expect(&agent.client.post("/api/agent/devices", &json!({ "devices": devices })).await, StatusCode::OK);
    };
    sweep(json!([{ "address": "10.0.0.1", "hostname": "printer", "found_by": ["tcp"] }, { "address": "10.0.0.2", "found_by": ["tcp"] }]))
        .await;
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("select id from device order by address").fetch_all(&mut app.owner().await).await.unwrap();
    let found = recorded(&app, "monitoring.devices.found").await;
    let named = json!([{ "device": ids[0], "address": "10.0.0.1" }, { "device": ids[1], "address": "10.0.0.2" }]);
    assert_eq!(found, [json!({ "count": 2, "devices": named })]);

    let (first, second) = ("00:1b:02:ff:0a:09", "00:1b:02:ff:0a:10");
    let both =
        |mac: &str| json!([{ "address": "10.0.0.1", "mac": mac, "found_by": ["arp"] }, { "address": "10.0.0.2", "found_by": ["icmp"] }]);
    sweep(both(first)).await;
    sweep(both(first)).await;
    sweep(both(second)).await;
    sweep(json!([{ "address": "10.0.0.1", "hostname": "scanner", "found_by": ["tcp"] }, { "address": "10.0.0.2", "hostname": "nas", "found_by": ["tcp"] }])).await;
    let changed = recorded(&app, "monitoring.devices.changed").await;
    let expected = [
        json!({ "count": 1, "devices": [{ "device": ids[0], "address": "10.0.0.1", "mac": { "old": null, "new": first } }] }),
        json!({ "count": 1, "devices": [{ "device": ids[0], "address": "10.0.0.1", "mac": { "old": first, "new": second } }] }),
        json!({ "count": 2, "devices": [
            { "device": ids[0], "address": "10.0.0.1", "hostname": { "old": "printer", "new": "scanner" } },
            { "device": ids[1], "address": "10.0.0.2", "hostname": { "old": null, "new": "nas" } },
        ] }),
    ];
    assert_eq!(changed, expected);
}

/// AUD-01: an event stays small whatever a sweep brings, and says how many there were.
#[tokio::test]
async fn of_many_devices_the_first_are_named_and_all_are_counted() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    app.plan(tenant, "team").await;
    let agent = app.agent(&app.member(tenant, Role::Owner).await).await;
    let devices = |hostname: Option<&str>| {
        let devices: Vec<_> = (1..=300).map(|at| json!({ "address": address(at), "hostname": hostname, "found_by": ["tcp"] })).collect();
        json!({ "devices": devices })
    };
    for hostname in [None, Some("renumbered")] {
        expect(&agent.client.post("/api/agent/devices", &devices(hostname)).await, StatusCode::OK);
    }
    for name in ["monitoring.devices.found", "monitoring.devices.changed"] {
        let events = recorded(&app, name).await;
        let [event] = events.as_slice() else { panic!("{name}: {events:?}") };
        let named = event["devices"].as_array().unwrap();
        assert_eq!((&event["count"], named.len()), (&json!(300), 256), "{name}");
        assert_eq!((&named[0]["address"], &named[255]["address"]), (&json!("10.0.0.1"), &json!("10.0.1.0")), "{name}");
    }
}

#[tokio::test]
async fn only_what_is_new_is_announced() {
    let app = App::new().await;
    let agent = agent(&app).await;
    let events = "select count(*) from outbox where name = 'monitoring.devices.found'";
    expect(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::OK);
    assert_eq!(app.count(events).await, 1);
    expect(&agent.client.post("/api/agent/devices", &found(1..=3)).await, StatusCode::OK);
    assert_eq!(app.count(events).await, 1);
}

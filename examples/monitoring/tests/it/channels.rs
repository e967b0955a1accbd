//! From a device that goes down, or an agent that falls silent, to a chat, a webhook's queue, the list and the mailbox.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::post};
use chrono::TimeDelta;
use http::StatusCode;
use monitoring::server::agents_mark_offline;
use saas_core::{Clock, JobsConfig, Lifecycle};
use saas_tenancy::Role;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    app::{App, Person, expect},
    live::Stream,
};

/// Another system that takes what it is sent, as a chat or an endpoint for webhooks does.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Value>>>);

impl Receiver {
    /// It and its address.
    async fn new() -> (Self, String) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/services/T0/B0/x", listener.local_addr().unwrap());
        let take = |State(receiver): State<Self>, body: String| async move {
            receiver.0.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            "ok"
        };
        let app = Router::new().route("/services/T0/B0/x", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, address)
    }

    fn got(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// What a chat would show.
    fn heard(&self) -> Vec<String> {
        self.got().iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.heard().len() < count {
            assert!(Instant::now() < deadline, "{:?}", self.heard());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// NOT-05, MON-02: as it runs, with the jobs of the product.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_goes_down_reaches_the_organizations_chat_once_and_no_others() {
    let app = App::new().await;
    let (slack, address) = Receiver::new().await;
    let (foreign, foreign_address) = Receiver::new().await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let rename = "update core.tenant set name = 'R&D <!here>' where slug = 'acme'";
    sqlx::query(rename).execute(&mut app.owner().await).await.unwrap();
    let (owner, stranger) = (app.member(tenant, Role::Owner).await, app.member(other, Role::Owner).await);
    for (person, address) in [(&owner, &address), (&stranger, &foreign_address)] {
        let new = json!({
            "format": "slack", "name": "#on-call", "address": address,
            "kinds": ["monitoring.devices.states_changed", "monitoring.agent.went_offline"],
        });
        expect(&person.browser.post("/api/v1/channels", &new).await, StatusCode::CREATED);
    }
    let agent = app.agent(&owner).await;
    let devices = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &devices).await, StatusCode::OK);
    app.program.relay.relay_now().await.unwrap();

    let lifecycle = Lifecycle::new();
    let quick = JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() };
    let running = app.program.jobs.start(quick, &lifecycle).await.unwrap();
    let now = app.program.db.clock().now();
    for second in 0..3 {
        let reading = json!({ "readings": [{ "address": "10.0.0.1", "at": now + TimeDelta::seconds(second), "up": false }] });
        expect(&agent.client.post("/api/agent/status", &reading).await, StatusCode::OK);
        app.program.relay.relay_now().await.unwrap();
    }
    slack.wait_for(1).await;
    lifecycle.drain();
    running.drained().await;
    let link = format!("<http://localhost:3000/devices?state=down&amp;organization={tenant}|See what happened>");
    assert_eq!(slack.heard(), [format!("R&amp;D &lt;!here&gt;: 10.0.0.1 went down. {link}")]);
    assert_eq!(foreign.heard(), [] as [String; 0]);
    assert_eq!(app.count("select count(*) from chat_message where state <> 'delivered'").await, 0);
    assert_eq!(owner.browser.get("/api/v1/notifications/count").await.json()["unread"], 1);
}

/// NOT-05, MON-01: the same for an agent, whose name people chose.
#[tokio::test]
async fn an_agent_that_falls_silent_is_told_of_in_each_way_that_was_chosen() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let hooks = owner.browser.post("/api/v1/webhooks", &json!({ "url": "http://127.0.0.1:9/", "events": ["monitoring.*"] })).await;
    expect(&hooks, StatusCode::CREATED);
    let new = json!({ "format": "slack", "name": "#on-call", "address": "http://127.0.0.1:9/" });
    expect(&owner.browser.post("/api/v1/channels", &new).await, StatusCode::CREATED);
    app.agent(&owner).await;
    sqlx::query("update agent set name = '<Büro & Lager>'").execute(&mut app.owner().await).await.unwrap();
    app.program.relay.relay_now().await.unwrap();
    clock.advance(TimeDelta::minutes(5));
    agents_mark_offline(&app.program.db).await.unwrap();
    app.program.relay.relay_now().await.unwrap();

    let body: String = sqlx::query_scalar("select body from chat_message").fetch_one(&mut app.owner().await).await.unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("acme: Agent “&lt;Büro &amp; Lager&gt;” is offline. <http://localhost:3000/agents/"), "{text}");
    let webhook = "select count(*) from webhook_message where event = 'monitoring.agent.went_offline'";
    assert_eq!(app.count(webhook).await, 1);
    assert_eq!(app.count("select count(*) from notification where kind = 'monitoring.agent.went_offline'").await, 1);
    assert_eq!(app.count("select count(*) from core.mail where template = 'core/mail/notice'").await, 1);
}

/// Issue 3, NOT-03, NOT-04: of a device that goes down and of an agent that falls silent a webhook, a notice, a mail and a live update follow, each
/// once; who does not want the mail has the notice alone, and another organization has nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_is_a_webhook_a_notice_a_mail_and_a_live_update() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (owner, quiet) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let stranger = app.member(other, Role::Owner).await;
    let alarms = ["monitoring.devices.states_changed", "monitoring.agent.went_offline"];
    let (hook, address) = Receiver::new().await;
    let (foreign, foreign_address) = Receiver::new().await;
    for (person, address) in [(&owner, &address), (&stranger, &foreign_address)] {
        let new = json!({ "url": address, "description": "", "events": alarms });
        expect(&person.browser.post("/api/v1/webhooks", &new).await, StatusCode::CREATED);
    }
    for kind in alarms {
        let off = json!({ "kind": kind, "mail": "off" });
        let chosen = quiet.browser.json(http::Method::PUT, "/api/v1/notifications/preferences", &off).await;
        expect(&chosen, StatusCode::NO_CONTENT);
    }
    let agent = app.agent(&owner).await;
    let devices = json!({ "devices": [{ "address": "10.0.0.1", "found_by": ["tcp"] }] });
    expect(&agent.client.post("/api/agent/devices", &devices).await, StatusCode::OK);
    app.told_of_events().await;

    for (round, topic) in ["devices", "agents"].into_iter().enumerate() {
        let mut page = Stream::open(&quiet.browser).await;
        if topic == "devices" {
            let down = json!({ "readings": [{ "address": "10.0.0.1", "at": clock.now(), "up": false }] });
            expect(&agent.client.post("/api/agent/status", &down).await, StatusCode::OK);
        } else {
            clock.advance(TimeDelta::minutes(5));
            agents_mark_offline(&app.program.db).await.unwrap();
        }
        page.hears(topic).await;
        app.told_of_events().await;
        app.program.webhooks.deliver_now().await.unwrap();

        let told = hook.got();
        assert_eq!((told.len(), &told[round]["type"]), (round + 1, &json!(alarms[round])), "{told:?}");
        for person in [&owner, &quiet] {
            assert_eq!(person.browser.get("/api/v1/notifications/count").await.json()["unread"], round + 1);
        }
        let letters = app.mailbox.list().await.unwrap();
        let alarming = |person: &Person| {
            let to = format!("{}@example.com", person.id);
            let is_one = |subject: &str| subject.contains("went down") || subject.contains("is offline");
            letters.iter().filter(|kept| kept.mail.to == to && is_one(&kept.mail.subject)).count()
        };
        assert_eq!((alarming(&owner), alarming(&quiet)), (round + 1, 0));
    }
    assert_eq!(foreign.got(), [] as [Value; 0]);
    assert_eq!(stranger.browser.get("/api/v1/notifications/count").await.json()["unread"], 0);
}

/// W4: an endpoint that fails for five days is disabled, and who may mend it is told by mail.
#[tokio::test]
async fn that_an_endpoint_was_disabled_is_mailed() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let tenant = app.tenant("acme").await;
    let (owner, viewer) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Viewer).await);
    // Nobody listens there.
    let new = json!({ "url": "http://127.0.0.1:9/", "description": "", "events": [] });
    expect(&owner.browser.post("/api/v1/webhooks", &new).await, StatusCode::CREATED);
    let agent = app.agent(&owner).await;
    for half_day in 1..=11 {
        let found = json!({ "devices": [{ "address": format!("10.0.0.{half_day}"), "found_by": ["tcp"] }] });
        expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
        app.told_of_events().await;
        app.program.webhooks.deliver_now().await.unwrap();
        clock.advance(TimeDelta::hours(12));
    }
    app.told_of_events().await;
    let letters = app.mailbox.list().await.unwrap();
    let told = |person: &Person| {
        let to = format!("{}@example.com", person.id);
        letters.iter().filter(|kept| kept.mail.to == to && kept.mail.subject.contains("127.0.0.1")).count()
    };
    assert_eq!((told(&owner), told(&viewer)), (1, 0), "{:?}", letters.iter().map(|kept| &kept.mail.subject).collect::<Vec<_>>());
}

/// NOT-04: what flaps is mailed of once in a while, and another device of the same network is other news.
#[tokio::test]
async fn each_device_that_goes_down_is_mailed_of() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let app = App::at(clock.clone()).await;
    let owner = app.member(app.tenant("acme").await, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let found = json!({ "devices": [
        { "address": "10.0.0.1", "hostname": "printer", "found_by": ["tcp"] },
        { "address": "10.0.0.2", "found_by": ["tcp"] },
        { "address": "10.0.0.3", "hostname": "till", "found_by": ["tcp"] },
    ] });
    expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    let see = async |addresses: &[&str], up: bool| {
        clock.advance(TimeDelta::seconds(30));
        let reading = |address: &&str| json!({ "address": address, "at": clock.now(), "up": up });
        let readings = json!({ "readings": addresses.iter().map(reading).collect::<Vec<_>>() });
        expect(&agent.client.post("/api/agent/status", &readings).await, StatusCode::OK);
        app.told_of_events().await;
    };
    see(&["10.0.0.1"], false).await;
    see(&["10.0.0.1"], true).await;
    see(&["10.0.0.1"], false).await;
    see(&["10.0.0.2", "10.0.0.3"], false).await;
    let to = format!("{}@example.com", owner.id);
    let subjects: Vec<String> =
        app.mailbox.list().await.unwrap().into_iter().filter(|kept| kept.mail.to == to).map(|kept| kept.mail.subject).collect();
    let told = |words: &str| subjects.iter().filter(|subject| subject.contains(words)).count();
    assert_eq!((told("printer went down."), told("10.0.0.2 and others went down, 2 devices in all.")), (1, 1), "{subjects:?}");
}

/// A push service that takes everything.
#[derive(Clone, Default)]
struct PushService(Arc<Mutex<Vec<String>>>);

impl PushService {
    /// It and its address.
    async fn new() -> (Self, String) {
        let service = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let take = |State(service): State<Self>, uri: http::Uri| async move {
            service.0.lock().unwrap().push(uri.path().to_owned());
            StatusCode::CREATED
        };
        let app = Router::new().fallback(take).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (service, address)
    }

    fn got(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// NOT-05, MON-02: as it runs: an alarm reaches the browsers of those who are signed in, until they sign out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_goes_down_reaches_browsers_until_their_people_sign_out() {
    let app = App::new().await;
    let (service, address) = PushService::new().await;
    let (tenant, other) = (app.tenant("acme").await, app.tenant("other").await);
    let (owner, colleague) = (app.member(tenant, Role::Owner).await, app.member(tenant, Role::Member).await);
    let stranger = app.member(other, Role::Owner).await;
    let browsers = "/api/v1/notifications/browsers";
    for (person, path) in [(&owner, "owner"), (&colleague, "colleague"), (&stranger, "stranger")] {
        let server_key = person.browser.get(browsers).await.json()["server_key"].clone();
        let keys = json!({
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        });
        let new = json!({ "endpoint": format!("{address}/{path}"), "keys": keys, "server_key": server_key });
        expect(&person.browser.post(browsers, &new).await, StatusCode::CREATED);
    }
    let agent = app.agent(&owner).await;
    let found = json!({ "devices": [
        { "address": "10.0.0.1", "found_by": ["tcp"] }, { "address": "10.0.0.2", "found_by": ["tcp"] },
    ] });
    expect(&agent.client.post("/api/agent/devices", &found).await, StatusCode::OK);
    app.program.relay.relay_now().await.unwrap();

    let lifecycle = Lifecycle::new();
    let quick = JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() };
    let running = app.program.jobs.start(quick, &lifecycle).await.unwrap();
    let goes_down = async |address: &str, count: usize| {
        let reading = json!({ "readings": [{ "address": address, "at": app.program.db.clock().now(), "up": false }] });
        expect(&agent.client.post("/api/agent/status", &reading).await, StatusCode::OK);
        app.program.relay.relay_now().await.unwrap();
        app.until("the messages end", async || {
            let ended = app.count("select count(*) from push_message where state <> 'waiting'").await;
            ended == i64::try_from(count).unwrap()
        })
        .await;
        let mut got = service.got();
        got.sort();
        got
    };
    assert_eq!(goes_down("10.0.0.1", 2).await, ["/colleague", "/owner"]);
    expect(&colleague.browser.post("/api/v1/auth/sign-out", &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(goes_down("10.0.0.2", 4).await, ["/colleague", "/owner", "/owner"]);
    lifecycle.drain();
    running.drained().await;
    assert_eq!(app.count("select count(*) from core.push_browser").await, 2, "whoever signed out has none any more");
}

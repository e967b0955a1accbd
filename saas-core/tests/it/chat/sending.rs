use std::time::Duration;

use chrono::TimeDelta;
use saas_core::{
    Clock, Jobs, JobsConfig, Lifecycle, Outbound, OutboundPolicy,
    chat::ChatOutcome,
    mail::{Brand, brand_set_in},
    pages::Locale,
};
use serde_json::json;

use super::scene::{Burned, Scene, Whispered, text};
use crate::webhooks::receiver::{Receiver, Reply};

/// NOT-05: one event, one message in each channel of its tenant, with nothing in it that a chat would heed.
#[tokio::test]
async fn what_happens_reaches_each_channel_of_its_tenant_once_and_escaped() {
    let (scene, slack, json, foreign) = (Scene::new().await, Receiver::new().await, Receiver::new().await, Receiver::new().await);
    scene.channel(&slack, "slack").await;
    scene.channel(&json, "json").await;
    let stranger = scene.person(scene.other, "owner").await;
    scene.channel_of(&stranger, &foreign.url(), "slack").await;
    let event = scene.ends("<!channel> & @all").await;
    assert_eq!(scene.relay.relay_now().await.unwrap(), 0);
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered, ChatOutcome::Delivered]);
    assert!(scene.deliver().await.is_empty());
    assert_eq!((slack.count(), json.count(), foreign.count()), (1, 1, 0));
    let page = format!("http://localhost:3000/things/7?tab=log&organization={}", scene.tenant);
    let sentence = "The webhook to &lt;!channel&gt; &amp; @\u{200b}all was switched off.";
    assert_eq!(text(&slack.got()[0]), format!("acme: {sentence} <{}|See what happened>", page.replace('&', "&amp;")));
    assert_eq!(slack.got()[0].header("content-type"), "application/json");
    let plain = json!({
        "id": event, "kind": "test.thing.ended", "at": "2026-03-01T12:00:00.000000Z", "organization": "acme", "subject": "7",
        "text": "The webhook to <!channel> & @all was switched off.", "url": page,
    });
    assert_eq!(json.got()[0].json(), plain);
}

/// NOT-05: a channel hears of the kinds that were chosen for it, in its tenant's language.
#[tokio::test]
async fn a_channel_hears_what_was_chosen_for_it_in_its_tenants_language() {
    let (scene, some, all) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    brand_set_in(&mut tx, &Brand { locale: Some(Locale::De), ..Brand::default() }).await.unwrap();
    tx.commit().await.unwrap();
    scene.channel(&some, "slack").await;
    let new = json!({ "format": "slack", "name": "Everything", "address": all.url() });
    let added = scene.owner.post("/api/v1/channels", &new).await.json();
    scene.ends("a.example").await;
    scene.happens(scene.tenant, &Whispered { name: "a secret".to_owned() }).await;
    scene.deliver().await;
    assert_eq!((some.count(), all.count()), (1, 2));
    assert_eq!(
        text(&some.got()[0]),
        format!(
            "acme: Der Webhook an a.example wurde abgeschaltet. <http://localhost:3000/things/7?tab=log&amp;organization={}|Ansehen, was geschehen ist>",
            scene.tenant
        )
    );

    let test = scene.owner.post(&format!("/api/v1/channels/{}/test", added["id"].as_str().unwrap()), &json!({})).await;
    assert_eq!(test.status, http::StatusCode::ACCEPTED);
    scene.deliver().await;
    assert!(text(&all.got()[2]).starts_with("acme: Das ist ein Test."), "{}", text(&all.got()[2]));
}

/// NOT-05: a rule for each channel: of which kinds it hears, and how much they must matter.
#[tokio::test]
async fn a_channel_hears_what_matters_as_much_as_was_chosen_for_it() {
    let (scene, urgent, some, all) = (Scene::new().await, Receiver::new().await, Receiver::new().await, Receiver::new().await);
    for (receiver, kinds, severity) in
        [(&urgent, json!([]), json!("critical")), (&some, json!(["test.thing.ended"]), json!("critical")), (&all, json!([]), json!("info"))]
    {
        let new = json!({ "format": "slack", "name": "x", "address": receiver.url(), "kinds": kinds, "severity": severity });
        let added = scene.owner.post("/api/v1/channels", &new).await;
        assert_eq!((added.status, &added.json()["severity"]), (http::StatusCode::CREATED, &severity), "{}", added.text());
    }
    let heard = async || {
        scene.ends("a.example").await;
        scene.happens(scene.tenant, &Burned { host: "b.example".to_owned() }).await;
        scene.deliver().await;
        (urgent.count(), some.count(), all.count())
    };
    assert_eq!(heard().await, (1, 0, 2));
    assert!(text(&urgent.got()[0]).contains("b.example"));
    let channels = scene.owner.get("/api/v1/channels").await.json()["items"].as_array().unwrap().clone();
    let change = async |number: usize, new: serde_json::Value| {
        let path = format!("/api/v1/channels/{}", channels[number]["id"].as_str().unwrap());
        scene.owner.json(http::Method::PATCH, &path, &new).await
    };
    assert_eq!(change(0, json!({ "severity": "notice" })).await.json()["severity"], "notice");
    assert_eq!(change(1, json!({ "severity": "info" })).await.json()["severity"], "info");
    assert_eq!(change(2, json!({ "name": "y" })).await.json()["severity"], "info", "what is not said stays");
    assert_eq!(heard().await, (2, 1, 4));
    let refused = change(0, json!({ "severity": "deafening" })).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (http::StatusCode::UNPROCESSABLE_ENTITY, &json!("/severity")));
    let changed = scene.recorded("chat.channel.changed").await;
    assert_eq!(changed[0]["data"]["severity"], json!({ "old": "critical", "new": "notice" }));
}

/// NOT-05: killed between the sending and the note of it, a message is sent again under its id; once noted, never.
#[tokio::test]
async fn a_message_whose_sender_was_killed_is_sent_again_under_the_same_id() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "json").await;
    receiver.next(Reply::status(200).after(Duration::from_secs(600)));
    let event = scene.ends("a.example").await;
    tokio::select! {
        outcomes = scene.deliver() => panic!("{outcomes:?}"),
        () = receiver.wait_for(1) => {}
    }
    assert_eq!(scene.deliver().await, [ChatOutcome::Delivered]);
    let got = receiver.got();
    assert_eq!((got.len(), &got[0].json()["id"]), (2, &json!(event)));
    assert_eq!(got[0].body, got[1].body);
    let message = &scene.messages(&id).await[0];
    assert_eq!((&message["state"], &message["attempts"]), (&json!("delivered"), &json!(2)));
    let db = scene.test.db.tenant(scene.tenant);
    let again = scene.chat.attempt(scene.tenant, &db, id.parse().unwrap(), uuid::Uuid::from(event).into()).await;
    assert_eq!(again.unwrap(), ChatOutcome::Over);
}

/// NOT-05: as it runs: the relay writes the message and its job, and the job sends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_sent_as_jobs_and_one_that_fails_comes_again_by_itself() {
    let scene = Scene::with(Clock::system(), Outbound::new(OutboundPolicy::local()).unwrap()).await;
    let (lifecycle, jobs) = (Lifecycle::new(), Jobs::new(&scene.test.db));
    scene.chat.work_for(&jobs);
    let running = jobs.start(JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() }, &lifecycle).await.unwrap();
    let receiver = Receiver::new().await;
    let id = scene.channel(&receiver, "slack").await;
    // A minute at most for the second attempt, ten seconds after the first.
    receiver.next(Reply::status(503));
    scene.ends("a.example").await;
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while scene.messages(&id).await[0]["state"] != "delivered" {
        assert!(std::time::Instant::now() < deadline, "{:?}", scene.messages(&id).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].body, got[1].body);
    assert!(got[1].at - got[0].at >= Duration::from_secs(9), "{:?}", got[1].at - got[0].at);
    lifecycle.drain();
    running.drained().await;
}

/// NOT-05: while it is paused nothing is sent, and what waited is not sent later.
#[tokio::test]
async fn a_paused_channel_hears_nothing_and_nothing_later() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let id = scene.channel(&receiver, "slack").await;
    scene.ends("waits").await;
    let path = format!("/api/v1/channels/{id}");
    let paused = scene.owner.json(http::Method::PATCH, &path, &json!({ "state": "paused" })).await.json();
    assert_eq!((&paused["state"], &paused["last"]["state"]), (&json!("paused"), &json!("dropped")));
    scene.ends("happens meanwhile").await;
    assert!(scene.deliver().await.is_empty());
    let resumed = scene.owner.json(http::Method::PATCH, &path, &json!({ "state": "active" })).await.json();
    assert_eq!(resumed["state"], "active");
    scene.pass(TimeDelta::days(1));
    scene.ends("later").await;
    scene.deliver().await;
    assert_eq!(receiver.got().iter().map(text).filter(|text| text.contains("later")).count(), 1);
    assert_eq!(receiver.count(), 1);
}

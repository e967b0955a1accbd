use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use saas_core::{Actor, Clock, EventId, Jobs, JobsConfig, Lifecycle, Outbound, OutboundPolicy, PushOutcome};
use serde_json::json;

use super::{
    reader::read,
    scene::{Ended, Owed, Person, Rested, Scene, Whispered},
};
use crate::webhooks::receiver::{Receiver, Reply};

async fn prefers(person: &Person, kind: &str, push: &str) {
    let chosen = person.client.json(Method::PUT, "/api/v1/notifications/preferences", &json!({ "kind": kind, "push": push })).await;
    assert_eq!(chosen.status, StatusCode::NO_CONTENT, "{}", chosen.text());
}

/// NOT-05: RFC 8030, 8291, 8292: libraries of others read what we send, and believe who sent it.
#[tokio::test]
async fn a_message_can_be_read_in_its_browser_and_says_what_the_list_does() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    service.always(Reply::status(201));
    let event = scene.ends("a.example").await;
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
    assert!(scene.deliver().await.is_empty());
    assert_eq!(scene.relay.relay_now().await.unwrap(), 0);

    let got = service.got();
    assert_eq!((got.len(), got[0].path.as_str()), (1, "/ada"));
    let audience = format!("http://127.0.0.1:{}", service.port());
    let message = &read(&got, &audience).await[0];
    let said = json!({
        "id": event, "title": "acme", "text": "The webhook to a.example was switched off.", "link": format!("/things/a.example?tab=log&organization={}", scene.tenant), "lang": "en",
    });
    assert_eq!((&message["scheme"], &message["said"]), (&json!("vapid"), &said));
    let key = &ada.client.get("/api/v1/notifications/browsers").await.json()["server_key"];
    assert_eq!(&message["key"], key, "signed by whom the browser was asked by");
    let (claims, now) = (&message["claims"], scene.clock.now().timestamp());
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(audience), &json!("http://localhost:3000/")));
    let good_for = claims["exp"].as_i64().unwrap() - now;
    assert!(good_for > 0 && good_for <= 24 * 60 * 60, "{good_for}");

    let header = |name| got[0].header(name);
    assert_eq!((header("content-encoding"), header("urgency"), header("ttl")), ("aes128gcm", "high", "21600"));
    let topic = header("topic");
    assert!(topic.len() <= 32 && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{topic}");
    assert!(got[0].body.len() <= 4096);
}

/// NOT-05: each browser of each who wants it; nobody else's, and not of whoever did it.
#[tokio::test]
async fn those_who_may_hear_of_it_are_told_in_each_of_their_browsers_and_others_never() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let elsewhere = scene.signs_in(scene.tenant, ada.user, "owner");
    let vera = scene.person(scene.tenant, "reader").await;
    let stranger = scene.person(scene.other, "owner").await;
    let quiet = scene.person(scene.tenant, "owner").await;
    for (person, path) in [(&ada, "ada/1"), (&elsewhere, "ada/2"), (&vera, "vera"), (&stranger, "stranger")] {
        scene.allows(person, &service, path).await;
    }
    let told = || {
        let mut paths: Vec<_> = service.got().into_iter().map(|got| got.path).collect();
        paths.sort();
        paths
    };
    scene.ends("a.example").await;
    scene.deliver().await;
    assert_eq!(told(), ["/ada/1", "/ada/2", "/vera"]);
    scene.happens(scene.tenant, "7", &Whispered { name: "a secret".to_owned() }).await;
    scene.deliver().await;
    assert_eq!(told(), ["/ada/1", "/ada/1", "/ada/2", "/ada/2", "/vera"]);
    scene.done(scene.tenant, Actor::User(vera.user), "8", &Ended { host: "hers".to_owned() }).await;
    scene.done(scene.tenant, Actor::User(ada.user), "9", &Ended { host: "his".to_owned() }).await;
    scene.deliver().await;
    assert_eq!(told().iter().filter(|path| *path == "/vera").count(), 2, "of one's own deeds one is not told");
    assert_eq!(told().iter().filter(|path| *path == "/ada/1").count(), 3);
    scene.happens(scene.other, "7", &Ended { host: "b.example".to_owned() }).await;
    scene.deliver().await;
    assert_eq!(told().iter().filter(|path| *path == "/stranger").count(), 1);
    assert_eq!(scene.browsers(&quiet).await, [] as [serde_json::Value; 0]);
}

/// NOT-04, NOT-05: what is mailed at once is told in browsers, unless somebody prefers otherwise; what is mandatory stays.
#[tokio::test]
async fn a_person_is_told_in_browsers_what_they_prefer() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    let happen = async |number: usize| {
        scene.pass(TimeDelta::minutes(11));
        let host = format!("{number}.example");
        scene.happens(scene.tenant, "1", &Ended { host: host.clone() }).await;
        scene.happens(scene.tenant, "2", &Rested { host: host.clone() }).await;
        scene.happens(scene.tenant, "3", &Owed { host }).await;
        scene.deliver().await;
        let mut kinds: Vec<String> = Vec::new();
        for message in
            scene.messages().await.into_iter().rev().take_while(|it| it["body"].as_str().unwrap().contains(&format!("{number}.example")))
        {
            kinds.push(message["kind"].as_str().unwrap().to_owned());
        }
        kinds.sort();
        kinds
    };
    assert_eq!(happen(1).await, ["test.thing.ended", "test.thing.owed"]);
    prefers(&ada, "test.thing.ended", "off").await;
    prefers(&ada, "test.thing.rested", "now").await;
    assert_eq!(happen(2).await, ["test.thing.owed", "test.thing.rested"]);
    for (kind, push, pointer) in [("test.thing.owed", "off", "/kind"), ("test.thing.ended", "daily", "/push")] {
        let body = json!({ "kind": kind, "push": push });
        let refused = ada.client.json(Method::PUT, "/api/v1/notifications/preferences", &body).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)));
    }
    // On the page, a box that is not ticked is not sent.
    let form = [("list:test.thing.ended", "now"), ("push:test.thing.ended", "now")];
    assert_eq!(ada.client.form("/notifications/preferences", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(happen(3).await, ["test.thing.ended", "test.thing.owed"]);
    let page = ada.client.page("/notifications/preferences").await.text();
    assert!(page.contains(r#"name="push:test.thing.ended" value="now" checked"#), "{page}");
}

/// NOT-05: what flaps is one message in ten minutes, as by mail.
#[tokio::test]
async fn what_happens_again_and_again_is_told_once_in_a_while() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    for _ in 0..3 {
        scene.ends("a.example").await;
        scene.pass(TimeDelta::seconds(30));
    }
    scene.ends("b.example").await;
    scene.deliver().await;
    assert_eq!(service.count(), 2);
    scene.pass(TimeDelta::minutes(10));
    scene.ends("a.example").await;
    scene.deliver().await;
    assert_eq!(service.count(), 3);
}

/// NOT-05: killed between the sending and the note of it, a message is sent again under its id; once noted, never.
#[tokio::test]
async fn a_push_message_whose_sender_was_killed_is_sent_again_under_the_same_id() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let browser = scene.allows(&ada, &service, "ada").await;
    service.next(Reply::status(201).after(Duration::from_secs(600)));
    let event = scene.ends("a.example").await;
    tokio::select! {
        outcomes = scene.deliver() => panic!("{outcomes:?}"),
        () = service.wait_for(1) => {}
    }
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
    let got = service.got();
    assert_eq!((got.len(), got[0].header("topic")), (2, got[1].header("topic")), "the push service puts it in the place of the first");
    let read = read(&got, &format!("http://127.0.0.1:{}", service.port())).await;
    assert_eq!(read[0]["said"], read[1]["said"]);
    assert_eq!(read[0]["said"]["id"], json!(event), "and so does the browser");
    assert_eq!(scene.messages().await[0]["attempts"], 2);
    let again = scene.push.attempt(scene.tenant, browser.parse().unwrap(), event).await;
    assert_eq!(again.unwrap(), PushOutcome::Over);
}

/// NOT-05: as it runs: the relay writes the message and its job, and the job sends it; one that fails comes again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn push_messages_are_sent_as_jobs() {
    let scene = Scene::with(Clock::system(), Outbound::new(OutboundPolicy::local()).unwrap()).await;
    let (lifecycle, jobs, service) = (Lifecycle::new(), Jobs::new(&scene.test.db), Receiver::new().await);
    scene.push.work_for(&jobs);
    let running = jobs.start(JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() }, &lifecycle).await.unwrap();
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    service.next(Reply::status(503));
    let event: EventId = scene.ends("a.example").await;
    service.wait_for(2).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while scene.messages().await[0]["state"] != "delivered" {
        assert!(std::time::Instant::now() < deadline, "{:?}", scene.messages().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let got = service.got();
    assert!(got[1].at - got[0].at >= Duration::from_secs(9), "{:?}", got[1].at - got[0].at);
    let at: DateTime<Utc> = scene.messages().await[0]["at"].as_str().unwrap().parse().unwrap();
    assert!(scene.clock.now() - at < TimeDelta::minutes(2));
    assert_eq!(scene.messages().await[0]["id"], json!(event));
    lifecycle.drain();
    running.drained().await;
}

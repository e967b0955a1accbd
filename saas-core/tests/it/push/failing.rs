use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use http::StatusCode;
use saas_core::{Clock, Outbound, OutboundPolicy, Push, PushOutcome};
use serde_json::json;

use super::{
    reader::{AUTH, P256DH},
    scene::Scene,
};
use crate::webhooks::{
    inside::Turning,
    receiver::{Receiver, Reply},
};

fn within(pause: TimeDelta, seconds: i64) -> bool {
    pause >= TimeDelta::seconds(seconds) && pause <= TimeDelta::milliseconds(seconds * 1100)
}

/// NOT-05: a push service that is down or does not answer gets the message once when it is back.
#[tokio::test]
async fn a_push_service_that_is_down_is_tried_again_and_gets_the_message_once() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    scene.ends("a.example").await;
    for (reply, status, error, seconds) in [
        (Reply::status(500), json!(500), json!(null), 10),
        (Reply::status(503), json!(503), json!(null), 60),
        (Reply::status(201).after(std::time::Duration::from_secs(600)), json!(null), json!("timeout"), 300),
    ] {
        service.next(reply);
        assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
        let message = &scene.messages().await[0];
        assert_eq!((&message["status"], &message["error"]), (&status, &error));
        let (pause, tried) = (scene.pause().await, service.count());
        assert!(within(pause, seconds), "{status}: {pause}");
        scene.pass(pause - TimeDelta::milliseconds(1));
        assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
        assert_eq!(service.count(), tried, "it was not due");
        scene.pass(TimeDelta::milliseconds(1));
    }
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
    let topics: std::collections::BTreeSet<_> = service.got().iter().map(|got| got.header("topic").to_owned()).collect();
    assert_eq!((service.count(), topics.len(), scene.browsers(&ada).await.len()), (4, 1, 1));
    let ttl: i64 = service.got()[3].header("ttl").parse().unwrap();
    assert!((6 * 60 * 60 - 410..=6 * 60 * 60 - 370).contains(&ttl), "what is left of it: {ttl}");
}

/// NOT-05: a push service asks for a pause, and the whole browser keeps it.
#[tokio::test]
async fn a_push_service_that_asks_for_a_pause_gets_it_from_all_messages() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    service.next(Reply::status(429).header("retry-after", "120"));
    scene.ends("first").await;
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
    assert_eq!(scene.pause().await, TimeDelta::seconds(120));
    scene.ends("second").await;
    scene.pass(TimeDelta::seconds(119));
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_), PushOutcome::Waits(_)]));
    assert_eq!(service.count(), 1);
    scene.pass(TimeDelta::seconds(1));
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered, PushOutcome::Delivered]);
}

/// NOT-05: a push service that does not answer holds up its turn, so it is not asked again at once, whatever comes meanwhile.
#[tokio::test]
async fn a_push_service_that_does_not_answer_is_left_alone_for_minutes() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    service.next(Reply::status(201).after(std::time::Duration::from_secs(600)));
    scene.ends("first").await;
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
    scene.ends("second").await;
    scene.pass(TimeDelta::minutes(5) - TimeDelta::milliseconds(1));
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_), PushOutcome::Waits(_)]));
    assert_eq!(service.count(), 1);
    scene.pass(TimeDelta::milliseconds(1));
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered, PushOutcome::Delivered]);
}

/// NOT-05: a message that has waited for too long does not end the pause of its browser.
#[tokio::test]
async fn a_pause_is_kept_when_a_message_is_given_up_meanwhile() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    scene.ends("first").await;
    scene.ends("second").await;
    service.next(Reply::status(429).header("retry-after", "43200"));
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_), PushOutcome::Waits(_)]));
    scene.pass(TimeDelta::hours(6));
    assert_eq!(scene.deliver().await, [PushOutcome::Failed, PushOutcome::Failed]);
    scene.ends("third").await;
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
    assert_eq!(service.count(), 1);
}

/// NOT-05: a browser that is gone is forgotten, and nothing more is tried.
#[tokio::test]
async fn a_browser_that_is_gone_is_forgotten() {
    for status in [404, 410] {
        let (scene, service) = (Scene::new().await, Receiver::new().await);
        let ada = scene.person(scene.tenant, "owner").await;
        scene.allows(&ada, &service, "ada").await;
        scene.ends("first").await;
        scene.ends("second").await;
        service.next(Reply::status(status));
        assert_eq!(scene.deliver().await, [PushOutcome::Failed, PushOutcome::Over], "{status}");
        scene.ends("third").await;
        assert!(scene.deliver().await.is_empty());
        assert_eq!((service.count(), scene.browsers(&ada).await.len()), (1, 0));
        assert_eq!(scene.recorded().await, ["push.browser.added", "push.browser.removed gone"]);
    }
}

/// NOT-05: any other answer ends the message, a redirect too, and is not tried again; what waited for six hours is no news.
#[tokio::test]
async fn what_is_refused_or_has_waited_for_too_long_is_given_up() {
    let (scene, service, elsewhere) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    for (number, (status, location)) in
        [(301, elsewhere.url()), (307, elsewhere.url()), (400, String::new()), (413, String::new())].into_iter().enumerate()
    {
        service.next(Reply::status(status).header("location", location));
        scene.ends(&number.to_string()).await;
        assert_eq!(scene.deliver().await, [PushOutcome::Failed], "{status}");
    }
    assert_eq!((service.count(), elsewhere.count(), scene.browsers(&ada).await.len()), (4, 0, 1), "nothing is followed");
    service.next(Reply::status(503).header("retry-after", "86400"));
    scene.ends("late").await;
    scene.deliver().await;
    scene.pass(TimeDelta::hours(6));
    assert_eq!((scene.deliver().await, service.count()), (vec![PushOutcome::Failed], 5));
    let message = scene.messages().await.pop().unwrap();
    assert_eq!((&message["error"], &message["attempts"]), (&json!("expired"), &json!(1)));
}

/// Topic 3, NOT-05: a name that turned private after the browser was allowed is not called.
#[tokio::test]
async fn a_push_service_that_turned_inside_is_not_called() {
    let (names, service) = (Turning::default(), Receiver::new().await);
    let outbound = Outbound::with_resolver(OutboundPolicy::public().plain_http().any_port(), names.clone()).unwrap();
    let scene = Scene::with(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap()), outbound).await;
    let ada = scene.person(scene.tenant, "owner").await;
    let mut answer = scene.answer(&ada, &service, "ada").await;
    answer["endpoint"] = json!(format!("http://push.example.com:{}/ada", service.port()));
    let added = ada.client.post("/api/v1/notifications/browsers", &answer).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    names.0.store(true, Ordering::SeqCst);
    scene.ends("a.example").await;
    assert!(matches!(scene.deliver().await[..], [PushOutcome::Waits(_)]));
    assert_eq!((service.count(), &scene.messages().await[0]["error"]), (0, &json!("unreachable")));
}

/// Topic 3, NOT-05: an inner address, plain http and what is no subscription are refused, and the refusal says nothing about what is there.
#[tokio::test]
async fn what_is_no_push_service_outside_is_refused() {
    let scene = Scene::with(Clock::system(), Outbound::new(OutboundPolicy::public()).unwrap()).await;
    let ada = scene.person(scene.tenant, "owner").await;
    let server_key = ada.client.get("/api/v1/notifications/browsers").await.json()["server_key"].clone();
    let fine = json!({ "endpoint": "https://push.example.com/a", "keys": { "p256dh": P256DH, "auth": AUTH }, "server_key": server_key });
    let mut answers = Vec::new();
    for endpoint in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/",
        "https://10.1.2.3/",
        "http://push.example.com/",
        "ftp://push.example.com/",
        "https://push.example.com:22/",
        "https://a:b@push.example.com/",
        "x",
        "",
    ] {
        let mut wrong = fine.clone();
        wrong["endpoint"] = json!(endpoint);
        let refused = ada.client.post("/api/v1/notifications/browsers", &wrong).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/endpoint")),
            "{endpoint}"
        );
        answers.push(refused.json()["errors"].clone());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    for (path, value, pointer) in [
        ("/keys/p256dh", "", "/keys"),
        ("/keys/p256dh", &P256DH[..80], "/keys"),
        ("/keys/p256dh", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw8", "/keys"),
        ("/keys/auth", "AAAA", "/keys"),
        ("/server_key", P256DH, "/server_key"),
        ("/server_key", "", "/server_key"),
    ] {
        let mut wrong = fine.clone();
        *wrong.pointer_mut(path).unwrap() = json!(value);
        let refused = ada.client.post("/api/v1/notifications/browsers", &wrong).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)),
            "{path}"
        );
    }
    let added = ada.client.post("/api/v1/notifications/browsers", &fine).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
}

/// NOT-05: a message whose senders are killed each time has an end all the same: after the seventh it is not sent again.
#[tokio::test]
async fn a_message_that_ends_whoever_sends_it_has_an_end() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    scene.allows(&ada, &service, "ada").await;
    scene.ends("a.example").await;
    for attempt in 1..=7 {
        service.next(Reply::status(201).after(std::time::Duration::from_secs(600)));
        tokio::select! {
            outcomes = scene.deliver() => panic!("{attempt}: {outcomes:?}"),
            () = service.wait_for(attempt) => {}
        }
    }
    assert_eq!(scene.deliver().await, [PushOutcome::Failed]);
    let message = &scene.messages().await[0];
    assert_eq!((service.count(), &message["attempts"], &message["error"]), (7, &json!(7), &json!("internal")));
}

/// NOT-05: where nobody can say whether the session is over, nothing is sent, and it does not count as an attempt.
#[tokio::test]
async fn that_nobody_knows_whether_a_session_is_over_is_no_attempt() {
    let (scene, service) = (Scene::new().await, Receiver::new().await);
    let ada = scene.person(scene.tenant, "owner").await;
    let browser = scene.allows(&ada, &service, "ada").await;
    let event = scene.ends("a.example").await;
    let (outbound, address) = (Outbound::new(OutboundPolicy::local()).unwrap(), "http://localhost:3000".parse().unwrap());
    let push = Push::new(&scene.test.db, &scene.keys, outbound, &address, |_| async { Err(sqlx::Error::PoolTimedOut.into()) });
    push.attempt(scene.tenant, browser.parse().unwrap(), event).await.unwrap_err();
    assert_eq!((service.count(), &scene.messages().await[0]["attempts"]), (0, &json!(0)));
    assert_eq!(scene.deliver().await, [PushOutcome::Delivered]);
}

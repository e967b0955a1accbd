use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use saas_core::{Clock, Outbound, OutboundPolicy, webhook::WebhookSettings};
use serde_json::json;

use super::{
    receiver::{Receiver, Reply},
    scene::{START, Scene, header_of},
};

fn within(pause: TimeDelta, seconds: i64) -> bool {
    pause >= TimeDelta::seconds(seconds) && pause <= TimeDelta::milliseconds(seconds * 1100)
}

/// Topic 1: eight attempts under one id, then it is given up; W11: replayed it has that id still, and all its attempts again.
#[tokio::test]
async fn a_failure_is_tried_again_on_the_schedule_and_then_given_up() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    receiver.always(Reply::status(500));
    let event = scene.happen(1).await[0];
    for seconds in [5, 300, 1800, 7200, 18_000, 36_000, 36_000] {
        assert_eq!(scene.deliver().await, 1);
        let pause = scene.pause(&id).await;
        assert!(within(pause, seconds), "{seconds}: {pause}");
        scene.pass(pause - TimeDelta::milliseconds(1));
        assert_eq!(scene.deliver().await, 0);
        scene.pass(TimeDelta::milliseconds(1));
    }
    assert_eq!(scene.deliver().await, 1);
    scene.pass(TimeDelta::days(1));
    assert_eq!(scene.deliver().await, 0);
    let delivery = &scene.deliveries(&id).await[0];
    assert_eq!((&delivery["state"], &delivery["attempts"], &delivery["due_at"]), (&json!("failed"), &json!(8), &json!(null)));

    receiver.next(Reply::status(500));
    receiver.next(Reply::status(204));
    let path = format!("/api/v1/webhooks/{id}/deliveries/{event}/replay");
    assert_eq!(scene.owner.post(&path, &json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(scene.deliver().await, 1);
    assert!(within(scene.pause(&id).await, 5));
    scene.pass(TimeDelta::seconds(6));
    assert_eq!(scene.deliver().await, 1);
    let delivery = &scene.deliveries(&id).await[0];
    assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(10)));
    assert!(receiver.got().iter().all(|got| got.header("webhook-id") == header_of(event)));
    let log = scene.log(&id, &event.to_string()).await;
    assert_eq!(log.iter().map(|it| it["number"].as_i64().unwrap()).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
    assert_eq!((&log[8]["status"], &log[9]["status"]), (&json!(500), &json!(204)));
    assert_eq!(scene.recorded("webhook.delivery.replayed").await[0]["data"]["message"], event.to_string());
}

/// Topic 1: 2xx is success and nothing else is; a redirect leads nowhere.
#[tokio::test]
async fn only_an_answer_from_200_to_299_is_success() {
    let (scene, receiver, elsewhere) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    for (status, state) in
        [(200, "delivered"), (202, "delivered"), (299, "delivered"), (301, "waiting"), (302, "waiting"), (304, "waiting"), (404, "waiting")]
    {
        scene.forget().await;
        scene.owner_runs("update data.webhook_endpoint set failing_since = null").await;
        receiver.next(Reply::status(status).header("location", elsewhere.url()));
        scene.happen(1).await;
        assert_eq!(scene.deliver().await, 1);
        assert_eq!(scene.deliveries(&id).await[0]["state"], state, "{status}");
    }
    assert_eq!(elsewhere.count(), 0);
}

/// W8
#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    let in_ten_minutes = "Sun, 01 Mar 2026 12:10:00 GMT";
    for (status, after, seconds) in
        [(429, "120", 120), (503, in_ten_minutes, 600), (502, "90", 90), (504, "2", 5), (500, "120", 5), (429, "never", 5)]
    {
        scene.forget().await;
        scene.owner_runs("update data.webhook_endpoint set rests_until = null").await;
        receiver.next(Reply::status(status).header("retry-after", after));
        scene.happen(1).await;
        scene.deliver().await;
        let pause = scene.pause(&id).await;
        assert!(within(pause, seconds), "{status} {after}: {pause}");
    }
    assert_eq!(scene.clock.now(), START.parse::<chrono::DateTime<chrono::Utc>>().unwrap());
}

/// W8, topic 1: it gets time for all that waits for it, not for the one message that it answered; and none of it holds at another address.
#[tokio::test]
async fn a_receiver_that_asks_for_time_is_sent_nothing_else_meanwhile() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    let asks = || receiver.next(Reply::status(429).header("retry-after", "120"));
    asks();
    scene.happen(1).await;
    assert_eq!(scene.deliver().await, 1);
    scene.happen(1).await;
    scene.pass(TimeDelta::seconds(119));
    assert_eq!(scene.deliver().await, 0);
    scene.pass(TimeDelta::seconds(14));
    assert_eq!((scene.deliver().await, receiver.count()), (2, 3));

    asks();
    scene.happen(1).await;
    assert_eq!(scene.deliver().await, 1);
    scene.happen(1).await;
    assert_eq!(scene.deliver().await, 0);
    let elsewhere = Receiver::new().await;
    let changed = scene.owner.json(Method::PATCH, &format!("/api/v1/webhooks/{id}"), &json!({ "url": elsewhere.url() })).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!((scene.deliver().await, elsewhere.count()), (1, 1));
}

/// W10: of an answer 64 KiB are read and the beginning is kept, without what looks like a secret; it is an answer all the same.
#[tokio::test]
async fn a_huge_answer_is_cut_off_and_kept_without_its_secrets() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, secret) = scene.endpoint(&receiver).await;
    let mut body = format!("{{\"error\":\"stuck\",\"password\":\"hunter2\",\"you\":\"{secret}\"}}\n").into_bytes();
    body.extend(std::iter::repeat_n(b'z', 10 * 1024 * 1024));
    receiver.next(Reply::status(400).body(body.clone()));
    let failed = scene.happen(1).await[0];
    scene.deliver().await;
    let kept = scene.log(&id, &failed.to_string()).await[0]["response"].as_str().unwrap().to_owned();
    assert!(kept.starts_with(r#"{"error":"stuck","password":"[redacted]","you":"[redacted]"}"#), "{}", &kept[..200]);
    assert!(kept.len() <= 64 * 1024 && kept.contains("zzz"));

    receiver.next(Reply::status(200).body(body));
    let fine = scene.happen(1).await[0];
    scene.deliver().await;
    let delivery = scene.deliveries(&id).await.into_iter().find(|it| it["id"] == fine.to_string()).unwrap();
    assert_eq!(delivery["state"], "delivered");
}

/// Issue 3: endpoints that are down or too slow.
#[tokio::test]
async fn an_endpoint_that_is_down_or_silent_is_tried_again() {
    let outbound = Outbound::new(OutboundPolicy::local()).unwrap().within(Duration::from_millis(300));
    let clock = Clock::fixed(START.parse().unwrap());
    let scene = Scene::with(clock, WebhookSettings::default(), outbound).await;
    let silent = Receiver::new().await;
    silent.always(Reply::status(200).after(super::scene::SOON));
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (url, error) in [(silent.url(), "timeout"), (format!("http://127.0.0.1:{closed}/"), "unreachable")] {
        let (id, _) = scene.endpoint_of(&scene.owner, &url, &["test.*"]).await;
        let event = scene.happen(1).await[0];
        scene.deliver().await;
        assert_eq!(scene.log(&id, &event.to_string()).await[0]["error"], error);
        assert!(within(scene.pause(&id).await, 5));
        assert_eq!(scene.owner.delete(&format!("/api/v1/webhooks/{id}")).await.status, StatusCode::NO_CONTENT);
    }
}

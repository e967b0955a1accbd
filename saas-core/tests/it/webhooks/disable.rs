use std::time::Duration;

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::json;

use super::{
    receiver::{Receiver, Reply},
    scene::Scene,
};

/// Half a day of events and of attempts to tell of them.
async fn half_a_day(scene: &Scene) {
    scene.happen(1).await;
    for _ in 0..4 {
        scene.deliver().await;
        scene.pass(TimeDelta::hours(3));
    }
}

/// W4: 500 for five days, and the endpoint is disabled with a notice; nothing more is sent until somebody resumes it.
#[tokio::test]
async fn an_endpoint_that_only_fails_for_five_days_is_disabled_with_a_notice() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    receiver.always(Reply::status(500));
    for day in 0..5 {
        half_a_day(&scene).await;
        half_a_day(&scene).await;
        assert_eq!(scene.read(&id).await["state"], "active", "day {day}");
    }
    scene.happen(1).await;
    scene.deliver().await;
    assert_eq!(scene.read(&id).await["state"], "failing");
    let notices = scene.recorded("webhook.endpoint.disabled").await;
    assert_eq!(notices.len(), 1);
    assert_eq!((&notices[0]["subject"], &notices[0]["data"]["because"]), (&json!(id), &json!("failing")));
    assert!(scene.deliveries(&id).await.iter().all(|it| it["state"] == "failed"));

    let before = receiver.count();
    scene.happen(3).await;
    scene.pass(TimeDelta::days(1));
    scene.deliver().await;
    assert_eq!(receiver.count(), before);
    let test = scene.owner.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).await;
    assert_eq!(test.status, StatusCode::CONFLICT);

    receiver.always(Reply::status(200));
    let resumed = scene.owner.json(Method::PATCH, &format!("/api/v1/webhooks/{id}"), &json!({ "state": "active" })).await;
    assert_eq!((&resumed.json()["state"], &resumed.json()["failing_since"]), (&json!("active"), &json!(null)));
    scene.relay.relay_now().await.unwrap();
    scene.forget().await;
    scene.happen(1).await;
    scene.deliver().await;
    assert_eq!(receiver.count(), before + 1);
}

/// W5
#[tokio::test]
async fn one_success_and_the_five_days_begin_anew() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    receiver.always(Reply::status(500));
    for _ in 0..9 {
        half_a_day(&scene).await;
    }
    assert!(scene.read(&id).await["failing_since"].is_string());
    receiver.next(Reply::status(200));
    half_a_day(&scene).await;
    for _ in 0..9 {
        half_a_day(&scene).await;
    }
    assert_eq!(scene.read(&id).await["state"], "active");
    receiver.always(Reply::status(200));
    half_a_day(&scene).await;
    assert_eq!(scene.read(&id).await["failing_since"], json!(null));
}

/// W4: what failed under an address that was corrected says nothing of the new one, nor does an answer from there that comes late.
#[tokio::test]
async fn an_endpoint_with_another_address_has_no_past() {
    let (scene, receiver, other) = (Scene::new().await, Receiver::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    receiver.always(Reply::status(500));
    for _ in 0..9 {
        half_a_day(&scene).await;
    }
    assert!(scene.read(&id).await["failing_since"].is_string());
    receiver.always(Reply::status(410).after(Duration::from_millis(500)));
    scene.happen(1).await;
    let before = receiver.count();
    let (_, moved) = tokio::join!(scene.deliver(), async {
        receiver.wait_for(before + 1).await;
        scene.owner.json(Method::PATCH, &format!("/api/v1/webhooks/{id}"), &json!({ "url": other.url() })).await
    });
    assert_eq!((moved.status, &moved.json()["failing_since"]), (StatusCode::OK, &json!(null)));
    let endpoint = scene.read(&id).await;
    assert_eq!((&endpoint["state"], &endpoint["failing_since"]), (&json!("active"), &json!(null)));
    other.always(Reply::status(500));
    scene.pass(TimeDelta::hours(23));
    half_a_day(&scene).await;
    assert_eq!(scene.read(&id).await["state"], "active");
}

/// W7
#[tokio::test]
async fn an_endpoint_that_says_it_is_gone_is_told_nothing_more() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint(&receiver).await;
    receiver.next(Reply::status(500));
    scene.happen(1).await;
    scene.deliver().await;
    receiver.next(Reply::status(410));
    scene.happen(1).await;
    scene.deliver().await;
    assert_eq!(scene.read(&id).await["state"], "gone");
    let notices = scene.recorded("webhook.endpoint.disabled").await;
    assert_eq!(notices[0]["data"], json!({ "host": "127.0.0.1", "because": "gone", "undelivered": 2 }));
    scene.pass(TimeDelta::days(2));
    scene.happen(1).await;
    assert_eq!((scene.deliver().await, receiver.count()), (0, 2));
}

/// While it is paused nothing is sent, and what waited goes on waiting.
#[tokio::test]
async fn a_paused_endpoint_keeps_what_waits_for_it() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, _) = scene.endpoint_of(&scene.owner, &receiver.url(), &["test.*"]).await;
    scene.happen(1).await;
    let path = format!("/api/v1/webhooks/{id}");
    assert_eq!(scene.owner.json(Method::PATCH, &path, &json!({ "state": "paused" })).await.status, StatusCode::OK);
    scene.happen(1).await;
    assert_eq!(scene.deliver().await, 0);
    assert_eq!(scene.owner.json(Method::PATCH, &path, &json!({ "state": "active" })).await.status, StatusCode::OK);
    assert_eq!((scene.deliver().await, receiver.count()), (1, 1));
}

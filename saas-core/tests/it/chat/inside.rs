use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use saas_core::{Clock, Outbound, OutboundPolicy};
use serde_json::json;

use super::scene::Scene;
use crate::webhooks::{inside::Turning, receiver::Receiver};

/// As strict as production, but for a certificate and the port.
async fn strict(names: Turning) -> Scene {
    let outbound = Outbound::with_resolver(OutboundPolicy::public().plain_http().any_port(), names).unwrap();
    Scene::with(Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap()), outbound).await
}

/// Topic 3, NOT-05: a name that turned private after it was registered is not called.
#[tokio::test]
async fn a_name_that_turned_inside_is_not_called_by_a_chat() {
    let names = Turning::default();
    let (scene, receiver) = (strict(names.clone()).await, Receiver::new().await);
    let id = scene.channel_of(&scene.owner, &format!("http://hooks.example.com:{}/", receiver.port()), "slack").await;
    names.0.store(true, Ordering::SeqCst);
    scene.ends("a.example").await;
    scene.deliver().await;
    assert_eq!(receiver.count(), 0);
    let message = &scene.messages(&id).await[0];
    assert_eq!((&message["error"], &message["status"]), (&json!("unreachable"), &json!(null)));
}

/// Topic 3, NOT-05: an inner address cannot be registered, and the refusal says nothing about it.
#[tokio::test]
async fn an_inner_address_cannot_be_a_channels() {
    let scene = strict(Turning::default()).await;
    let id = scene.channel_of(&scene.owner, "http://hooks.example.com/", "slack").await;
    let mut answers = Vec::new();
    for address in
        ["http://127.0.0.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/", "ftp://example.com/", "x"]
    {
        let new = json!({ "format": "slack", "name": "Inner", "address": address });
        let added = scene.owner.post("/api/v1/channels", &new).await;
        let changed = scene.owner.json(Method::PATCH, &format!("/api/v1/channels/{id}"), &json!({ "address": address })).await;
        assert_eq!((added.status, changed.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY), "{address}");
        assert_eq!(added.json()["errors"][0]["pointer"], "/address");
        answers.extend([added.json(), changed.json()]);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

/// NOT-05: in production https alone.
#[tokio::test]
async fn plain_http_is_refused_where_the_policy_does() {
    let outbound = Outbound::new(OutboundPolicy::public()).unwrap();
    let scene = Scene::with(Clock::system(), outbound).await;
    for (address, status) in
        [("http://hooks.example.com/", StatusCode::UNPROCESSABLE_ENTITY), ("https://hooks.example.com/", StatusCode::CREATED)]
    {
        let new = json!({ "format": "slack", "name": "Outside", "address": address });
        assert_eq!(scene.owner.post("/api/v1/channels", &new).await.status, status, "{address}");
    }
}

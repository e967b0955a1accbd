use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use serde_json::json;
use sha2::Sha256;

use super::{
    receiver::{Got, Receiver, Reply},
    scene::{Scene, header_of},
};

/// Which of the signatures of a request a secret made, by an implementation that shares nothing with ours.
pub(super) fn signed_by(got: &Got, secret: &str) -> Vec<usize> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(got.header("webhook-id").as_bytes());
    mac.update(b".");
    mac.update(got.header("webhook-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&got.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    got.header("webhook-signature").split(' ').enumerate().filter(|(_, it)| *it == expected).map(|(at, _)| at).collect()
}

/// W2, API-04: what arrives is to the byte what was signed and what is kept, at each attempt and when it is replayed.
#[tokio::test]
async fn what_arrives_is_to_the_byte_what_was_signed() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, secret) = scene.endpoint(&receiver).await;
    receiver.next(Reply::status(500));
    let event = scene.happen(1).await[0];
    assert_eq!(scene.deliver().await, 1);
    scene.pass(TimeDelta::seconds(10));
    assert_eq!(scene.deliver().await, 1);
    scene.pass(TimeDelta::days(2));
    let replayed = scene.owner.post(&format!("/api/v1/webhooks/{id}/deliveries/{event}/replay"), &json!({})).await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "{}", replayed.text());
    assert_eq!(scene.deliver().await, 1);

    let got = receiver.got();
    assert_eq!(got.len(), 3);
    let kept = crate::planted::truth(&scene.test, "select body from data.webhook_message where event = 'test.thing.done'").await;
    for request in &got {
        assert_eq!(request.body, got[0].body);
        assert_eq!(request.body, kept[0].as_bytes());
        assert_eq!(request.header("webhook-id"), header_of(event));
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(signed_by(request, &secret), [0]);
        assert!(request.body.len() < 20_000);
    }
    // The time is the attempt's.
    let times: Vec<i64> = got.iter().map(|request| request.header("webhook-timestamp").parse().unwrap()).collect();
    assert_eq!((times[1] - times[0], times[2] - times[1]), (10, 2 * 24 * 60 * 60));

    let payload = got[0].json();
    assert_eq!(payload["type"], "test.thing.done");
    assert_eq!(payload["data"], json!({ "number": 0, "note": "na\u{ef}ve \u{1f600} \"quoted\"" }));
    assert_eq!((&payload["subject"], &payload["version"]), (&json!("0"), &json!(1)));
    let at: DateTime<Utc> = payload["timestamp"].as_str().unwrap().parse().unwrap();
    assert_eq!(payload["sequence"], at.timestamp_micros());
}

/// W2: a body is never longer than receivers take.
#[tokio::test]
async fn an_event_that_is_too_long_is_told_without_its_data() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    scene.endpoint(&receiver).await;
    let mut tx = scene.test.db.tenant(scene.tenant).begin().await.unwrap();
    let long = super::scene::Done { number: 1, note: "x".repeat(30_000) };
    saas_core::event_in(&mut tx, saas_core::Actor::System, "thing", &long).await.unwrap();
    tx.commit().await.unwrap();
    scene.relay.relay_now().await.unwrap();
    scene.deliver().await;
    assert_eq!(receiver.got()[0].json()["data"], json!({ "omitted": "too long" }));
    assert_eq!(receiver.got()[0].json()["subject"], "thing");
}

/// W6: while a secret is being changed, a receiver that knows the old one and a receiver that knows the new one both accept everything.
#[tokio::test]
async fn a_secret_is_changed_without_a_failure() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (id, mut known) = scene.endpoint(&receiver).await;
    for round in 0..14 {
        let rotated = scene.owner.post(&format!("/api/v1/webhooks/{id}/rotate"), &json!({})).await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.text());
        let new = rotated.json()["secret"].as_str().unwrap().to_owned();
        assert_ne!(new, known);
        scene.happen(1).await;
        scene.deliver().await;
        let got = receiver.got().pop().unwrap();
        assert_eq!((signed_by(&got, &new), signed_by(&got, &known)), (vec![0], vec![1]), "round {round}");
        // No more than ten that expire sign at once.
        assert!(got.header("webhook-signature").split(' ').count() <= 11);
        let shown = scene.owner.post(&format!("/api/v1/webhooks/{id}/reveal"), &json!({})).await;
        assert_eq!(shown.json()["secret"], new);
        known = new;
    }
    scene.pass(TimeDelta::hours(24));
    scene.happen(1).await;
    scene.deliver().await;
    let got = receiver.got().pop().unwrap();
    assert_eq!((got.header("webhook-signature").split(' ').count(), signed_by(&got, &known)), (1, vec![0]));
    assert_eq!((scene.recorded("webhook.secret.rotated").await.len(), scene.recorded("webhook.secret.revealed").await.len()), (14, 14));
}

/// W12 (secrets encrypted at rest), T77 (secret per endpoint)
#[tokio::test]
async fn a_secret_is_its_endpoint_s_own_and_sealed_where_it_is_stored() {
    let (scene, receiver) = (Scene::new().await, Receiver::new().await);
    let (first, one) = scene.endpoint(&receiver).await;
    let (second, other) = scene.endpoint(&receiver).await;
    assert_ne!(one, other);
    let stored = crate::planted::truth(&scene.test, "select encode(sealed, 'base64') from data.webhook_secret").await.concat();
    for secret in [&one, &other] {
        assert!(!stored.contains(&secret["whsec_".len()..][..20]));
    }

    // Put in the place of the other's, it opens nothing, and nothing is sent in its name.
    scene
        .owner_runs(&format!(
            "update data.webhook_secret set sealed = (select sealed from data.webhook_secret where endpoint_id = '{second}') \
             where endpoint_id = '{first}'"
        ))
        .await;
    let event = scene.happen(1).await[0];
    scene.deliver().await;
    assert_eq!(receiver.count(), 1);
    assert_eq!(signed_by(&receiver.got()[0], &other), [0]);
    assert_eq!(scene.log(&first, &event.to_string()).await[0]["error"], "internal");
    assert_eq!(scene.owner.post(&format!("/api/v1/webhooks/{first}/reveal"), &json!({})).await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use http::{Method, StatusCode};
use saas_core::{Clock, Outbound, OutboundPolicy, ResolveName, webhook::WebhookSettings};
use serde_json::json;

use super::{
    receiver::Receiver,
    scene::{START, Scene},
};

/// A name that is public until somebody turns it inside.
#[derive(Clone, Default)]
pub(crate) struct Turning(pub(crate) Arc<AtomicBool>);

#[async_trait]
impl ResolveName for Turning {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let text = if self.0.load(Ordering::SeqCst) { "127.0.0.1" } else { "8.8.8.8" };
        text.parse().map(|address| vec![address]).map_err(io::Error::other)
    }
}

/// As strict as production, but for a certificate and the port.
async fn strict(names: Turning) -> Scene {
    let policy = OutboundPolicy::public().plain_http().any_port();
    let outbound = Outbound::with_resolver(policy, names).unwrap();
    Scene::with(Clock::fixed(START.parse().unwrap()), WebhookSettings::default(), outbound).await
}

/// Topic 3, API-04: a name that turned private after it was registered is not called, and the log does not say why.
#[tokio::test]
async fn a_name_that_turned_inside_is_not_called() {
    let names = Turning::default();
    let (scene, receiver) = (strict(names.clone()).await, Receiver::new().await);
    let (id, _) = scene.endpoint_of(&scene.owner, &format!("http://hooks.example.com:{}/", receiver.port()), &[]).await;
    names.0.store(true, Ordering::SeqCst);
    let event = scene.happen(1).await[0];
    scene.deliver().await;
    assert_eq!(receiver.count(), 0);
    let attempt = &scene.log(&id, &event.to_string()).await[0];
    assert_eq!((&attempt["error"], &attempt["status"], &attempt["response"]), (&json!("unreachable"), &json!(null), &json!("")));
}

/// Topic 3: nobody learns what is in our network from what may be registered.
#[tokio::test]
async fn an_inner_address_cannot_be_registered() {
    let scene = strict(Turning::default()).await;
    let (id, _) = scene.endpoint_of(&scene.owner, "http://hooks.example.com/", &[]).await;
    let mut answers = Vec::new();
    for url in
        ["http://127.0.0.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/", "ftp://example.com/", "x"]
    {
        let added = scene.owner.post("/api/v1/webhooks", &json!({ "url": url })).await;
        let changed = scene.owner.json(Method::PATCH, &format!("/api/v1/webhooks/{id}"), &json!({ "url": url })).await;
        assert_eq!((added.status, changed.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY), "{url}");
        assert_eq!(added.json()["errors"][0]["pointer"], "/url");
        answers.extend([added.json(), changed.json()]);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // One that was registered under an older policy is refused when it is called.
    scene.owner_runs("update data.webhook_endpoint set url = 'http://127.0.0.1/'").await;
    let event = scene.happen(1).await[0];
    scene.deliver().await;
    assert_eq!(scene.log(&id, &event.to_string()).await[0]["error"], "unreachable");
}

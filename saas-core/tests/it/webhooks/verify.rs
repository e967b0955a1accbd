use std::process::Stdio;

use saas_core::{Clock, webhook::WebhookSettings};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    receiver::{Got, Receiver},
    scene::Scene,
};

/// The library of the authors of Standard Webhooks, which knows nothing of us.
const VERIFY: &str = r"
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
try:
    print(json.dumps(Webhook(given['secret']).verify(given['body'], given['headers'])))
except WebhookVerificationError as error:
    print(json.dumps('refused'))
";

async fn verified(got: &Got, secret: &str, body: &str) -> serde_json::Value {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/python/bin/python3");
    let mut child = Command::new(python)
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{python}: {error}; tests/install makes it"));
    let headers: serde_json::Map<String, serde_json::Value> =
        got.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().into())).collect();
    let given = json!({ "secret": secret, "headers": headers, "body": body });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// W1, API-04
#[tokio::test]
async fn the_official_library_accepts_what_we_send_and_nothing_else() {
    let scene = Scene::at(Clock::system(), WebhookSettings::default()).await;
    let receiver = Receiver::new().await;
    let (id, old) = scene.endpoint(&receiver).await;
    let rotated = scene.owner.post(&format!("/api/v1/webhooks/{id}/rotate"), &json!({})).await.json();
    scene.happen(1).await;
    scene.deliver().await;
    let got = receiver.got().into_iter().find(|got| got.json()["type"] == "test.thing.done").unwrap();
    let body = std::str::from_utf8(&got.body).unwrap();
    for secret in [old.as_str(), rotated["secret"].as_str().unwrap()] {
        assert_eq!(verified(&got, secret, body).await, got.json());
    }
    assert_eq!(verified(&got, &old, &body.replace("na\u{ef}ve", "naive")).await, "refused");
    assert_eq!(verified(&got, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body).await, "refused");
}

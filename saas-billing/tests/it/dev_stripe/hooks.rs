use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State, routing::post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use saas_billing::{Inbox, MIGRATIONS, Mode, PAGES};
use saas_core::{
    Clock, finish,
    pages::Pages,
    testing::{TestApp, TestDb},
};
use tokio::{net::TcpListener, sync::mpsc};

use super::client::{Client, id};

/// An endpoint that refuses the first time, and keeps what it is sent.
#[derive(Clone)]
struct Endpoint {
    calls: Arc<AtomicUsize>,
    taken: mpsc::UnboundedSender<(String, Bytes)>,
}

async fn hear(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if endpoint.calls.fetch_add(1, Ordering::SeqCst) == 0 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    endpoint.taken.send((headers["stripe-signature"].to_str().unwrap().to_owned(), body)).unwrap();
    StatusCode::OK
}

/// What is delivered is signed as our own inbox wants it, and brought again where nobody took it.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_signed_and_brought_until_somebody_takes_them() {
    let client = Client::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let (taken, mut heard) = mpsc::unbounded_channel();
    let endpoint = Endpoint { calls: Arc::default(), taken };
    let router = Router::new().route("/", post(hear)).with_state(endpoint.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let secret = client.stripe.hook(&address);
    client.post("/v1/customers", &[("name", "Acme")]).await;
    let (signature, body) = heard.recv().await.unwrap();
    assert_eq!(endpoint.calls.load(Ordering::SeqCst), 2);
    let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&event["type"], &event["livemode"]), (&"customer.created".into(), &false.into()));

    let test = TestDb::at(&[MIGRATIONS], Clock::system(), 5).await.unwrap();
    let inbox = Inbox::new(&test.db, [secret], Mode::Test).unwrap();
    let app = TestApp::new(finish(inbox.routes(), TestApp::web(&test, &Pages::builder().add(PAGES).build().unwrap())));
    let request = http::Request::post("/api/billing/webhook").header("host", "localhost:3000").header("stripe-signature", signature);
    assert_eq!(app.browser().send(request.body(body.into()).unwrap()).await.status, StatusCode::OK);
}

/// The secret of an endpoint is told once, and each has its own.
#[tokio::test]
async fn the_secret_of_an_endpoint_is_told_once() {
    let client = Client::new().await;
    let form = [("url", "http://127.0.0.1:9/"), ("enabled_events[]", "invoice.paid")];
    let (one, other) = (client.post("/v1/webhook_endpoints", &form).await, client.post("/v1/webhook_endpoints", &form).await);
    assert!(one["secret"].as_str().unwrap().starts_with("whsec_") && one["secret"] != other["secret"]);
    let later = client.get(&format!("/v1/webhook_endpoints/{}", id(&one))).await;
    assert!(later.get("secret").is_none() && later["status"] == "enabled", "{later}");
    assert_eq!(client.refused(reqwest::Method::POST, "/v1/webhook_endpoints", &form[..1]).await.0, 400);
}

//! Ways around a limit that lead nowhere.

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use saas_core::{
    Routes, finish,
    limit::{MemoryStore, Rate, RateLimits, Rule},
    pages::Pages,
    serve,
    testing::{TestApp, TestClient, TestDb},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::layer::{App, sign_in};

async fn app() -> App {
    App::new(MemoryStore::new(), |_, limits| sign_in(limits)).await
}

async fn attempt(client: &TestClient) -> StatusCode {
    client.post("/sign-in", &json!({})).await.status
}

/// RL: X-Forwarded-For, Forwarded, X-Real-IP; chains; ten hops; garbage.
#[tokio::test]
async fn headers_that_a_client_writes_give_it_no_other_address() {
    let app = app().await;
    let client = app.at("192.0.2.1");
    attempt(&client).await;
    attempt(&client).await;
    let ten_hops = (1..=10).map(|hop| format!("203.0.113.{hop}")).collect::<Vec<_>>().join(", ");
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-for", "203.0.113.1, 198.51.100.1, 127.0.0.1"),
        ("x-forwarded-for", ten_hops.as_str()),
        ("x-forwarded-for", "::1"),
        ("x-forwarded-for", "garbage, , 203.0.113.1:80, [2001:db8::1]:9"),
        ("x-forwarded-for", ""),
        ("forwarded", "for=203.0.113.1;proto=https"),
        ("x-real-ip", "203.0.113.1"),
        ("x-client-ip", "203.0.113.1"),
        ("true-client-ip", "203.0.113.1"),
        ("cf-connecting-ip", "203.0.113.1"),
        ("x-forwarded-host", "elsewhere.example"),
    ] {
        assert_eq!(attempt(&client.clone().with(name, value)).await, StatusCode::TOO_MANY_REQUESTS, "{name}: {value}");
    }
}

/// RL: behind a trusted proxy, the right-most address that is no proxy counts, and what stands left of it is the client's invention.
#[tokio::test]
async fn behind_a_proxy_the_address_that_it_saw_counts() {
    let proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let app = App::behind(MemoryStore::new(), proxies, |_, limits| sign_in(limits)).await;
    let proxy = app.at("10.0.0.1");
    let mut statuses = Vec::new();
    for invented in ["198.51.100.1", "198.51.100.2", "198.51.100.3", "10.9.9.9", "garbage"] {
        statuses.push(attempt(&proxy.clone().with("x-forwarded-for", &format!("{invented}, 203.0.113.1, 10.0.0.2"))).await);
    }
    let refused = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(statuses, [StatusCode::OK, StatusCode::OK, refused, refused, refused]);
    assert_eq!(attempt(&proxy.clone().with("x-forwarded-for", "203.0.113.2")).await, StatusCode::OK, "others behind it are others");
}

/// RL: IPv6 rotation.
#[tokio::test]
async fn another_address_of_the_same_network_is_the_same_client() {
    let app = app().await;
    for (address, status) in [
        ("2001:db8:1:2::1", StatusCode::OK),
        ("2001:db8:1:2:dead:beef::", StatusCode::OK),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", StatusCode::TOO_MANY_REQUESTS),
        ("2001:db8:1:3::1", StatusCode::OK),
        ("192.0.2.9", StatusCode::OK),
        ("::ffff:192.0.2.9", StatusCode::OK),
        ("192.0.2.9", StatusCode::TOO_MANY_REQUESTS),
    ] {
        assert_eq!(attempt(&app.at(address)).await, status, "{address}");
    }
}

/// RL: `//sign-in`, case, trailing slash, encoded.
#[tokio::test]
async fn no_way_of_writing_a_path_leads_around_its_limit() {
    let app = app().await;
    let client = app.at("192.0.2.1");
    attempt(&client).await;
    attempt(&client).await;
    for path in [
        "//sign-in",
        "/Sign-In",
        "/SIGN-IN",
        "/sign-in/",
        "/sign-in//",
        "/./sign-in",
        "/x/../sign-in",
        "/%73ign-in",
        "/sign%2Din",
        "/sign-in%00",
        "/sign-in%20",
        "/sign-in;x=y",
        "/sign-in.json",
        "/sign-in?",
        "/sign-in?x=y",
        "/%2Fsign-in",
        "/sign-in%2F",
        "http://localhost:3000/sign-in",
        "http://elsewhere.example//sign-in",
    ] {
        let status = client.post(path, &json!({})).await.status;
        assert!(status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::NOT_FOUND, "{path}: {status}");
    }
}

/// RL: method override.
#[tokio::test]
async fn a_method_is_what_the_request_says_it_is() {
    let app = app().await;
    let client = app.at("192.0.2.1");
    attempt(&client).await;
    attempt(&client).await;
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        assert_eq!(attempt(&client.clone().with(name, "GET")).await, StatusCode::TOO_MANY_REQUESTS, "{name}");
        // A read that claims to be a write stays a read: it reaches no handler that writes.
        assert_eq!(client.clone().with(name, "POST").get("/sign-in").await.status, StatusCode::OK);
    }
    assert_eq!(client.form("/sign-in", &[("_method", "GET")]).await.status, StatusCode::TOO_MANY_REQUESTS);
    for method in [Method::PUT, Method::from_bytes(b"POSTX").unwrap(), Method::from_bytes(b"post").unwrap()] {
        let status = client.call(method.clone(), "/sign-in", "*/*", None, Bytes::new()).await.status;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

/// RL: a thousand requests on one connection, none of which waits for an answer. They would be beside each other in HTTP/2, which is not
/// spoken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_a_thousand_requests_on_one_connection_is_counted() {
    let test = TestDb::new(&[]).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let lifecycle = web.lifecycle.clone();
    let routes = sign_in(&RateLimits::new(MemoryStore::new(), &web.metrics));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, finish(routes, web), lifecycle.clone()));

    let request =
        |more| format!("POST /sign-in HTTP/1.1\r\nhost: localhost:3000\r\nsec-fetch-site: same-origin\r\ncontent-length: 0\r\n{more}\r\n");
    let requests = request("").repeat(999) + &request("connection: close\r\n");
    let mut client = TcpStream::connect(address).await.unwrap();
    let (mut answers, (mut read, mut write)) = (String::new(), client.split());
    let (written, answered) = tokio::join!(write.write_all(requests.as_bytes()), read.read_to_string(&mut answers));
    written.unwrap();
    answered.unwrap();
    assert_eq!(["HTTP/1.1 200 ", "HTTP/1.1 429 "].map(|status| answers.matches(status).count()), [2, 998]);

    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut answer = Vec::new();
    // It may close before it has read everything.
    drop(client.read_to_end(&mut answer).await);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&answer));
    lifecycle.drain();
    server.await.unwrap().unwrap();
}

fn resend(limits: &RateLimits) -> Routes {
    let rules = [Rule::by_address("mail-address", Rate::per_hour(4)), Rule::by_email("mail-account", Rate::per_hour(2))];
    Routes::new().post("/resend", echo).layer(limits.layer(rules))
}

async fn echo(body: Bytes) -> String {
    String::from_utf8_lossy(&body).into_owned()
}

/// RL: many accounts from one address, one account from many addresses, however the account is written and sent.
#[tokio::test]
async fn neither_more_accounts_nor_more_addresses_allow_more() {
    let app = App::new(MemoryStore::new(), |_, limits| resend(limits)).await;
    for (nth, status) in [200, 200, 200, 200, 429].into_iter().enumerate() {
        let answer = app.at("192.0.2.1").post("/resend", &json!({ "email": format!("person{nth}@example.com") })).await;
        assert_eq!(answer.status.as_u16(), status, "account {nth}");
    }
    let one = app.at("192.0.2.2").post("/resend", &json!({ "email": "ada@example.com" })).await;
    assert_eq!(one.json(), json!({ "email": "ada@example.com" }), "the handler gets the body as it was");
    let two = app.at("192.0.2.3").form("/resend", &[("x", "y"), ("email", " ADA@Example.com")]).await;
    assert_eq!(two.text(), "x=y&email=+ADA%40Example.com");
    for nth in 4..10 {
        let client = app.at(&format!("192.0.2.{nth}"));
        assert_eq!(client.post("/resend", &json!({ "email": "Ada@Example.COM", "next": 1 })).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let too_large = format!("{{\"email\":\"{}\"}}", "x".repeat(70_000));
    let request = Request::post("/resend").header("content-type", "application/json").body(Body::from(too_large)).unwrap();
    assert_eq!(app.at("192.0.2.20").send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    for (nth, odd) in ["", "[]", "null", "{\"email\":1}", "{\"email\""].into_iter().enumerate() {
        let request = Request::post("/resend").header("content-type", "application/json").body(Body::from(odd)).unwrap();
        let status = app.at(&format!("192.0.2.{}", 30 + nth)).send(request).await.status;
        assert_eq!(status, StatusCode::OK, "what names no account is its handler's to refuse: {odd}");
    }
}

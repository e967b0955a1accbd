//! Numbers about the program.

use std::time::Duration;

use http::{Method, StatusCode};
use saas_core::{
    Lifecycle, Metrics, Path, Routes, finish,
    pages::Pages,
    serve_metrics,
    testing::{TestApp, TestDb},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

async fn show(Path(name): Path<String>) -> String {
    name
}

/// OPS-02, T82: requests are counted by route; what stands in their paths is not told.
#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_what_they_name() {
    let test = TestDb::new(&[]).await.unwrap();
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let metrics = web.metrics.clone();
    let client = TestApp::new(finish(Routes::new().get("/o/{organization}/devices", show), web)).browser();
    for tenant in ["acme", "globex", "initech"] {
        assert_eq!(client.get(&format!("/o/{tenant}/devices?token=swordfish")).await.status, StatusCode::OK);
    }
    client.get("/no/such/acme").await;
    client.call(Method::from_bytes(b"SWORDFISH").unwrap(), "/o/acme/devices", "*/*", None, bytes::Bytes::new()).await;
    let text = metrics.text();
    for line in [
        r#"http_requests_total{method="GET",path="/o/{organization}/devices",status="200"} 3"#,
        r#"http_requests_total{method="GET",path="",status="404"} 1"#,
        r#"http_request_seconds_count{method="GET",path="/o/{organization}/devices"} 3"#,
        r#"method="other""#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for secret in ["acme", "globex", "initech", "swordfish", "SWORDFISH"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

/// OPS-02.
#[tokio::test]
async fn a_program_adds_counters_and_numbers_of_its_own() {
    let metrics = Metrics::new();
    let mails = metrics.counters("mails", "Mails that were handed over", ["outcome"]);
    mails.of(["sent"]).inc_by(2);
    mails.of(["refused"]).inc();
    metrics.watch("pool_connections", "Connections to the database", ["pool", "state"], || {
        vec![(["app", "idle"], 3.0), (["app", "used"], 1.0)]
    });
    metrics.watch("live_streams", "Open streams", [], || vec![([], 7.0)]);
    // The second of a name is not shown, and disturbs nobody.
    metrics.counters("mails", "Others", []).of([]).inc();
    let text = metrics.text();
    for line in [
        "# TYPE mails counter",
        r#"mails_total{outcome="sent"} 2"#,
        r#"mails_total{outcome="refused"} 1"#,
        "# TYPE pool_connections gauge",
        r#"pool_connections{pool="app",state="idle"} 3.0"#,
        "live_streams{} 7.0",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(text.matches("# TYPE mails counter").count(), 1);
}

/// OPS-02: on a listener of its own, which answers nothing else.
#[tokio::test]
async fn metrics_have_a_listener_of_their_own() {
    let (metrics, lifecycle) = (Metrics::new(), Lifecycle::new());
    metrics.counters("mails", "Mails", []).of([]).inc();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve_metrics(listener, metrics, lifecycle.clone()));
    let ask = async |path: &str| {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = ask("/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("application/openmetrics-text; version=1.0.0") && answer.contains("mails_total{} 1"), "{answer}");
    assert!(ask("/").await.starts_with("HTTP/1.1 404"));
    lifecycle.drain();
    tokio::time::timeout(Duration::from_secs(20), server).await.unwrap().unwrap().unwrap();
}

//! Numbers about the program.

use std::time::Duration;

use http::{Method, StatusCode};
use saas_core::{
    Clock, Dependencies, Lifecycle, LogFormat, Metrics, Path, Routes, finish,
    pages::Pages,
    serve_metrics,
    testing::{TestApp, TestDb},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::program::Program;

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
    metrics.watch_counters("runs", "Runs", ["job"], || vec![(["sweep"], 5.0)]);
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
        "# TYPE runs counter",
        r#"runs_total{job="sweep"} 5.0"#,
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

/// OPS-02: a span for each request goes to a collector, with the ids that are in its log lines.
#[tokio::test]
async fn spans_are_sent_to_a_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let mut program = Program::start("metrics::a_program_that_traces", |command| {
        command.env(COLLECTOR, collector);
    });
    let request = program.reported();
    let (mut connection, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut sent = Vec::new();
    while !contains(&sent, b"/the-route/{of_it}") {
        let mut piece = vec![0; 65536];
        let read = tokio::time::timeout(PATIENCE, connection.read(&mut piece)).await.unwrap().unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&sent));
        sent.extend_from_slice(&piece[..read]);
    }
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1"), "{}", String::from_utf8_lossy(&sent));
    for text in ["application/x-protobuf", "the-service", "tenant.id", TENANT, "request.id", &request] {
        assert!(contains(&sent, text.as_bytes()), "{text}: {}", String::from_utf8_lossy(&sent));
    }
    assert!(!contains(&sent, b"swordfish"), "what stands in a path is not told");
    drop(program);
}

/// As the layer of tenants does.
async fn in_tenant() -> &'static str {
    tracing::Span::current().record("tenant.id", tracing::field::display(TENANT));
    TENANT
}

const TENANT: &str = "0192f0c4-7d8e-7a10-9d2b-5a1d0a3f7a11";
const COLLECTOR: &str = "SAAS_TEST_COLLECTOR";
const PATIENCE: Duration = Duration::from_secs(60);

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|it| it == text)
}

/// A program of its own, because what writes logs is one for each.
#[test]
fn a_program_that_traces() {
    let Some(collector) = std::env::var_os(COLLECTOR) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let collector = collector.to_str().unwrap().parse().unwrap();
        let dependencies = Dependencies::new(Clock::system(), &Metrics::new());
        let traces = saas_core::init_telemetry(LogFormat::Json, "warn", "the-service", &collector, &dependencies).unwrap();
        let test = TestDb::new(&[]).await.unwrap();
        let routes = Routes::new().get("/the-route/{of_it}", in_tenant);
        let client = TestApp::new(finish(routes, TestApp::web(&test, &Pages::builder().build().unwrap()))).browser();
        let answer = client.get("/the-route/swordfish").await;
        assert_eq!(answer.status, StatusCode::OK);
        Program::report(answer.headers["x-request-id"].to_str().unwrap());
        traces.shutdown().await;
    });
}

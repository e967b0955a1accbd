//! Stripe that is away or says nothing: all else goes on, everybody can see it, and it comes back by itself (OPS-04).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State};
use http::{Method, StatusCode};
use saas_billing::{CustomerId, DevStripe, Gateway as _, GatewayError, IdempotencyKey, Mirror, PAGES, StripeGateway};
use saas_core::{
    Clock, Jobs, JobsConfig, Lifecycle, Problem, Routes, Secret, TenantId, Web, finish,
    pages::Pages,
    testing::{TestApp, TestClient, TestDb},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use url::Url;

use crate::shop::{Shop, event};

/// How long Stripe may take in these tests.
const PATIENT: Duration = Duration::from_millis(300);
/// Longer than a breaker that was open for seconds stays so.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    /// Connections end at once.
    Cut,
    /// Connections are taken, and nothing is heard on them.
    Silent,
}

/// The network between a program and Stripe.
struct Way {
    url: Url,
    weather: watch::Sender<Weather>,
    connections: Arc<AtomicUsize>,
}

impl Way {
    async fn to(stripe: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (weather, connections) = (watch::Sender::new(Weather::Fair), Arc::new(AtomicUsize::new(0)));
        let (seen, count, port) = (weather.subscribe(), connections.clone(), stripe.port().unwrap());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass(client, port, seen.clone()));
            }
        });
        Self { url, weather, connections }
    }

    fn gateway(&self, web: &Web) -> StripeGateway {
        StripeGateway::within(&Secret::new(DevStripe::KEY), &self.url, PATIENT).unwrap().shown_in(&web.dependencies)
    }
}

async fn pass(mut client: TcpStream, port: u16, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow_and_update() == Weather::Fair {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = weather.changed() => {}
        }
    }
    if *weather.borrow_and_update() == Weather::Silent {
        // Until the weather changes, or the test ends.
        drop(weather.changed().await);
    }
}

/// What anybody sees: one page that needs Stripe, one that does not, and the status.
struct Seen {
    client: TestClient,
    web: Web,
}

impl Seen {
    fn new(test: &TestDb, gateway: impl FnOnce(&Web) -> StripeGateway) -> (Self, StripeGateway) {
        let web = TestApp::web(test, &Pages::builder().add(PAGES).build().unwrap());
        let gateway = gateway(&web);
        let routes = Routes::new().get("/buy", buy).get("/devices", async || "all").with_state(gateway.clone());
        (Self { client: TestApp::new(finish(routes, web.clone())).browser(), web }, gateway)
    }

    async fn is_interrupted(&self) -> bool {
        let report = self.client.get("/api/v1/status").await.json();
        let payments = report["services"].as_array().unwrap().iter().find(|it| it["name"] == "payments").unwrap().clone();
        payments["state"] == "interrupted"
    }

    async fn comes_back(&self) {
        let began = Instant::now();
        while self.is_interrupted().await {
            assert!(began.elapsed() < LONG, "it does not come back by itself");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn counts(&self, line: &str) {
        let text = self.web.metrics.text();
        assert!(text.contains(line), "{line}: {text}");
    }
}

async fn buy(State(gateway): State<StripeGateway>) -> Result<&'static str, Problem> {
    gateway.read(&CustomerId::new("cus_1")).await?;
    Ok("bought")
}

/// OPS-04: cut off, or slow without end. What does not need it is answered, whoever needs it hears so at once and when to come back, and
/// when it is back nobody has to do anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_stripe_is_away_all_else_goes_on_and_it_comes_back_by_itself() {
    for weather in [Weather::Cut, Weather::Silent] {
        let test = TestDb::new(&[]).await.unwrap();
        let stripe = DevStripe::start(Clock::system()).await.unwrap();
        let way = Way::to(stripe.url()).await;
        let (seen, _) = Seen::new(&test, |web| way.gateway(web));
        assert_eq!((seen.client.get("/buy").await.status, seen.is_interrupted().await), (StatusCode::OK, false));

        way.weather.send_replace(weather);
        for _ in 0..3 {
            assert_eq!(seen.client.get("/buy").await.status, StatusCode::SERVICE_UNAVAILABLE);
        }
        seen.counts(r#"dependency_state{dependency="payments",state="closed"} 0"#);
        seen.counts(r#"dependency_openings_total{dependency="payments"} 1"#);
        let (before, began) = (way.connections.load(Ordering::SeqCst), Instant::now());
        for _ in 0..20 {
            let refused = seen.client.get("/buy").await;
            assert_eq!((refused.status, refused.json()["type"].clone()), (StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable".into()));
            assert!(refused.headers.contains_key("retry-after"));
            assert!(!refused.text().contains("127.0.0.1") && !refused.text().contains("payments"), "{}", refused.text());
            assert_eq!(seen.client.get("/devices").await.status, StatusCode::OK);
        }
        assert!(began.elapsed() < 20 * PATIENT, "nobody waits for it in vain: {:?}", began.elapsed());
        // Its own question may be under way.
        assert!(way.connections.load(Ordering::SeqCst) <= before + 2, "nobody hammers on it");
        let page = seen.client.page("/buy").await.text();
        assert!(page.contains("Nothing is lost") && page.contains("What works"), "{page}");
        let status = seen.client.page("/status").await.text();
        assert!(status.contains("Plans cannot be bought or changed for the moment"), "{status}");

        way.weather.send_replace(Weather::Fair);
        seen.comes_back().await;
        seen.counts(r#"dependency_state{dependency="payments",state="closed"} 1"#);
        assert_eq!(seen.client.get("/buy").await.status, StatusCode::OK);
    }
}

/// OPS-04: what Stripe tells us waits while it cannot be looked up, as long as that takes, and is worked on then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_stripe_loses_no_attempts_and_is_done_when_it_is_back() {
    let shop = Shop::new().await;
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let way = Way::to(stripe.url()).await;
    let (seen, gateway) = Seen::new(&shop.test, |web| way.gateway(web));
    let mirror = Mirror::new(gateway);
    let system = shop.test.db.system("a test makes a customer");
    let customer = mirror.customer_of(&system, shop.test.tenant("acme").await).await.unwrap();
    way.weather.send_replace(Weather::Cut);
    for nth in 0..5 {
        assert_eq!(shop.hears(&event(&format!("evt_{nth}"), "customer.subscription.updated", &customer)).await, StatusCode::OK);
    }
    let (jobs, lifecycle) = (Jobs::new(&shop.test.db), Lifecycle::new());
    mirror.work_for(&jobs);
    let config = JobsConfig { concurrency: 2, poll: Duration::from_millis(50), ..JobsConfig::default() };
    let running = jobs.start(config, &lifecycle).await.unwrap();
    let becomes = async |query: &'static str, wanted: i64| {
        let began = Instant::now();
        while shop.count(query).await != wanted {
            assert!(began.elapsed() < LONG, "{query}");
            sleep(Duration::from_millis(20)).await;
        }
    };
    // Each was taken up again and again, and nearly always put off.
    becomes("select count(*) from core.job where run >= 4 and error like '%was not asked%'", 5).await;
    assert!(seen.is_interrupted().await);
    let tried = shop.count("select max(attempt)::bigint from core.job").await;
    assert!(tried <= 2, "three failures in a row opened it, and none of them was tried {tried} times");
    assert_eq!(shop.count("select count(*) from billing.gateway_event where state = 'waiting'").await, 5);

    way.weather.send_replace(Weather::Fair);
    becomes("select count(*) from billing.gateway_event where state = 'done'", 5).await;
    seen.comes_back().await;
    lifecycle.drain();
    running.drained().await;
}

/// Whatever is at this address, as Stripe.
async fn stands_in(server: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
    url
}

/// OPS-04: reads are answered, and each write fails. It is away until it takes a write again, and nothing that it answers meanwhile makes it come and go.
#[tokio::test]
async fn a_stripe_that_can_be_read_and_takes_nothing_is_away() {
    let test = TestDb::new(&[]).await.unwrap();
    let (takes, writes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_taking, counted) = (takes.clone(), writes.clone());
    let server = Router::new().fallback(async move |method: Method| {
        if method == Method::GET {
            return (StatusCode::OK, "{}");
        }
        counted.fetch_add(1, Ordering::SeqCst);
        (if is_taking.load(Ordering::SeqCst) { StatusCode::NOT_FOUND } else { StatusCode::INTERNAL_SERVER_ERROR }, "{}")
    });
    let url = stands_in(server).await;
    let gateway = |web: &Web| StripeGateway::new(&Secret::new("sk_test_1"), &url).unwrap().shown_in(&web.dependencies);
    let (seen, gateway) = Seen::new(&test, gateway);
    let write = async || gateway.customer_create(TenantId::new(), &IdempotencyKey::of("customer", "acme")).await.unwrap_err();
    for _ in 0..3 {
        assert!(matches!(write().await, GatewayError::Away { .. }));
        drop(gateway.read(&CustomerId::new("cus_1")).await);
    }
    assert!(matches!(write().await, GatewayError::Interrupted(_)));
    let began = Instant::now();
    // The second of its own questions is asked some time after the first was answered.
    while writes.load(Ordering::SeqCst) < 5 {
        assert!(began.elapsed() < LONG && seen.is_interrupted().await, "it is away for as long as it takes nothing");
        sleep(Duration::from_millis(50)).await;
    }
    takes.store(true, Ordering::SeqCst);
    seen.comes_back().await;
    seen.counts(r#"dependency_openings_total{dependency="payments"} 1"#);
    assert!(matches!(write().await, GatewayError::Refused(_)));
}

/// OPS-04: callers that wait for less than Stripe may take, and are gone before it has failed.
#[tokio::test]
async fn a_silence_is_noticed_though_nobody_waits_for_its_end() {
    let test = TestDb::new(&[]).await.unwrap();
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let way = Way::to(stripe.url()).await;
    let (seen, gateway) = Seen::new(&test, |web| way.gateway(web));
    way.weather.send_replace(Weather::Silent);
    for _ in 0..3 {
        assert!(timeout(PATIENT / 6, gateway.read(&CustomerId::new("cus_1"))).await.is_err());
    }
    let began = Instant::now();
    while !seen.is_interrupted().await {
        assert!(began.elapsed() < LONG, "it is noticed by nobody");
        sleep(Duration::from_millis(20)).await;
    }
}

/// OPS-04: what Stripe says no to, or not now, it says itself; that it fails is its own failure.
#[tokio::test]
async fn a_refusal_is_an_answer_and_a_failure_of_stripe_is_none() {
    let test = TestDb::new(&[]).await.unwrap();
    for (status, opens) in [(400, false), (401, false), (402, false), (404, false), (409, false), (429, false), (500, true), (503, true)] {
        let status = StatusCode::from_u16(status).unwrap();
        let url = stands_in(Router::new().fallback(async move || (status, "{}"))).await;
        let gateway = |web: &Web| StripeGateway::new(&Secret::new("sk_test_1"), &url).unwrap().shown_in(&web.dependencies);
        let (seen, gateway) = Seen::new(&test, gateway);
        for _ in 0..10 {
            let key = IdempotencyKey::of("customer", "acme");
            gateway.customer_create(TenantId::new(), &key).await.unwrap_err();
        }
        assert_eq!(seen.is_interrupted().await, opens, "{status}");
        let asked = gateway.customer_create(TenantId::new(), &IdempotencyKey::of("customer", "acme")).await;
        assert_eq!(matches!(asked, Err(GatewayError::Interrupted(_))), opens, "{status}: {asked:?}");
    }
}

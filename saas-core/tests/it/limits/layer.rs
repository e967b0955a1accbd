//! What clients meet.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use axum::extract::Request;
use http::{Method, StatusCode};
use saas_core::{
    Actor, AgentId, AgentPrincipal, Flags, KeyId, KeyPrincipal, Membership, Metrics, Principal, Routes, SessionId, SignedIn, Standing,
    TenantId, UserId, Web, finish,
    limit::{Allowance, Ask, Count, MemoryStore, Rate, RateLimitStore, RateLimits, Rule, StoreError, TenantAllowance},
    pages::Pages,
    testing::{Answer, TestApp, TestClient, TestDb},
};
use serde_json::json;

pub(super) struct App {
    pub(super) test: TestDb,
    pub(super) app: TestApp,
    pub(super) metrics: Metrics,
}

impl App {
    pub(super) async fn new(store: impl RateLimitStore, routes: impl FnOnce(&TestDb, &RateLimits) -> Routes) -> Self {
        Self::behind(store, Vec::new(), routes).await
    }

    /// Behind proxies that are believed.
    pub(super) async fn behind(
        store: impl RateLimitStore,
        trusted_proxies: Vec<ipnet::IpNet>,
        routes: impl FnOnce(&TestDb, &RateLimits) -> Routes,
    ) -> Self {
        let test = TestDb::new(&[]).await.unwrap();
        let web = Web { trusted_proxies, ..TestApp::web(&test, &Pages::builder().build().unwrap()) };
        let metrics = web.metrics.clone();
        let routes = routes(&test, &RateLimits::new(store, &metrics));
        Self { app: TestApp::new(finish(routes, web)), test, metrics }
    }

    pub(super) fn at(&self, address: &str) -> TestClient {
        self.app.browser().from_address(address.parse().unwrap())
    }
}

pub(super) async fn ok() -> &'static str {
    "ok"
}

/// Two sign-ins an hour for each network; reads are not counted.
pub(super) fn sign_in(limits: &RateLimits) -> Routes {
    let rule = Rule::by_address("sign-in", Rate::per_hour(2)).on(|method, path| method == Method::POST && path == "/sign-in");
    Routes::new().get("/sign-in", ok).post("/sign-in", ok).layer(limits.layer([rule.closed()]))
}

fn header(answer: &Answer, name: &str) -> Option<u64> {
    answer.headers.get(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

fn told(answer: &Answer) -> Option<(u64, u64)> {
    Some((header(answer, "x-ratelimit-limit")?, header(answer, "x-ratelimit-remaining")?))
}

/// API-02, MET-04.
#[tokio::test]
async fn a_client_is_told_what_is_left_and_when_to_come_back() {
    let app = App::new(MemoryStore::new(), |_, limits| sign_in(limits)).await;
    let client = app.at("192.0.2.7");
    for left in [1, 0] {
        let answer = client.post("/sign-in", &json!({})).await;
        assert_eq!((answer.status, told(&answer)), (StatusCode::OK, Some((2, left))));
        assert!((3600..=3660).contains(&header(&answer, "x-ratelimit-reset").unwrap()));
    }
    let refused = client.post("/sign-in", &json!({})).await;
    assert_eq!((refused.status, told(&refused)), (StatusCode::TOO_MANY_REQUESTS, Some((2, 0))));
    let wait = header(&refused, "retry-after").unwrap();
    assert!((3599..=3660).contains(&wait), "until the first counts no longer: {wait}");
    let problem = refused.json();
    assert_eq!(problem["type"], "/problems/too-many-requests");
    assert_eq!((&problem["limit"], &problem["used"], &problem["window"]), (&json!(2), &json!(2), &json!(3600)));
    assert!(problem["reset"].as_u64().unwrap() >= wait, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("try again in"), "{problem}");

    let page = client.form("/sign-in", &[]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text().contains("<h1") && page.headers.contains_key("retry-after"), "a browser gets a page");
    let read = client.get("/sign-in").await;
    assert_eq!((read.status, told(&read)), (StatusCode::OK, None), "other routes are not counted");
    assert_eq!(app.at("192.0.2.8").post("/sign-in", &json!({})).await.status, StatusCode::OK);
}

/// Puts the tenant on a request that a header names, as a layer that resolves tenants does.
fn in_a_tenant(test: &TestDb, routes: Routes) -> Routes {
    let db = test.db.clone();
    routes.layer(axum::middleware::from_fn(move |mut request: Request, next: axum::middleware::Next| {
        let tenant: Option<TenantId> = request.headers().get("x-tenant").map(|id| id.to_str().unwrap().parse().unwrap());
        if let Some(tenant) = tenant {
            let actor = Actor::User(UserId::new());
            let [slug, name, role] = ["", "", "owner"].map(Arc::from);
            request.extensions_mut().insert(Standing { tenant, slug, name, actor, role, permissions: Arc::default(), revision: None });
            request.extensions_mut().insert(db.tenant(tenant));
        }
        next.run(request)
    }))
}

fn person() -> Principal {
    Principal::User(Arc::new(SignedIn::new(UserId::new(), SessionId::new())))
}

/// A member's place in a tenant.
fn place(tenant: TenantId) -> Membership {
    Membership {
        id: tenant,
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
        role: "owner".to_owned(),
        second_factor_required: false,
        revision: None,
        flags: Flags::default(),
    }
}

/// T60, API-02: by tenant, with what its plan allows; from one address, and one person in both.
#[tokio::test]
async fn what_one_tenant_asks_changes_nothing_for_another() {
    let (free, paid) = (TenantId::new(), TenantId::new());
    let app = App::new(MemoryStore::new(), |test, limits| {
        let plans =
            TenantAllowance::new(
                move |db| async move { Ok(Allowance::from(Rate::per_hour(if db.tenant() == Some(free) { 5 } else { 50 }))) },
            );
        let rules = [Rule::by_address("all", Rate::per_hour(40)).unannounced(), Rule::by_tenant("api", plans)];
        in_a_tenant(test, Routes::new().get("/devices", ok).layer(limits.layer(rules)))
    })
    .await;
    let client = app.app.acting(person());
    let ask = async |tenant: TenantId| client.clone().with("x-tenant", &tenant.to_string()).get("/devices").await;
    assert_eq!(told(&ask(free).await), Some((5, 4)));
    for left in (30..50).rev() {
        assert_eq!(told(&ask(paid).await), Some((50, left)));
    }
    assert_eq!(told(&ask(free).await), Some((5, 3)), "as if nobody else were there");
    for _ in 0..3 {
        assert_eq!(ask(free).await.status, StatusCode::OK);
    }
    let refused = ask(free).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.json()["detail"].as_str().unwrap().contains("larger plan"), "{}", refused.text());
    assert_eq!(told(&ask(paid).await), Some((50, 29)));
}

/// API-02: by account and by key, of which each counts for itself; strangers are counted by address alone.
#[tokio::test]
async fn people_programs_and_machines_are_counted_by_who_they_are() {
    let app = App::new(MemoryStore::new(), |_, limits| {
        Routes::new().get("/me", ok).layer(limits.layer([Rule::by_caller("caller", Rate::per_hour(2))]))
    })
    .await;
    let (tenant, agent) = (TenantId::new(), AgentId::new());
    let program = || Principal::Key(Arc::new(KeyPrincipal::new(KeyId::new(), place(tenant), Vec::new())));
    let machine = || Principal::Agent(AgentPrincipal::new(agent, tenant));
    for caller in [person(), person(), program(), program(), machine(), Principal::Agent(AgentPrincipal::new(agent, TenantId::new()))] {
        for (status, address) in [(StatusCode::OK, 1), (StatusCode::OK, 2), (StatusCode::TOO_MANY_REQUESTS, 3)] {
            let client = app.app.acting(caller.clone()).from_address(IpAddr::from([192, 0, 2, address]));
            assert_eq!(client.get("/me").await.status, status, "{caller:?}");
        }
    }
    assert_eq!(app.app.acting(machine()).get("/me").await.status, StatusCode::TOO_MANY_REQUESTS);
    for _ in 0..5 {
        let answer = app.app.acting(Principal::Anonymous).get("/me").await;
        assert_eq!((answer.status, told(&answer)), (StatusCode::OK, None));
    }
}

#[tokio::test]
async fn what_is_unlimited_is_not_counted() {
    let app = App::new(MemoryStore::new(), |_, limits| {
        Routes::new().get("/", ok).layer(limits.layer([Rule::by_address("all", Allowance::Unlimited)]))
    })
    .await;
    let answer = app.at("192.0.2.1").get("/").await;
    assert_eq!((answer.status, told(&answer)), (StatusCode::OK, None));
}

/// A store that can be taken away.
#[derive(Debug)]
struct Losable {
    store: MemoryStore,
    is_lost: Arc<AtomicBool>,
}

#[async_trait]
impl RateLimitStore for Losable {
    async fn take(&self, asks: &[Ask]) -> Result<Vec<Option<Count>>, StoreError> {
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(StoreError::Away("lost".into()));
        }
        self.store.take(asks).await
    }
}

/// API-02, OPS-04: closed where passwords are guessed, open on reads, and said so.
#[tokio::test]
async fn without_the_store_sign_in_is_refused_and_reading_goes_on() {
    let is_lost = Arc::new(AtomicBool::new(false));
    let app = App::new(Losable { store: MemoryStore::new(), is_lost: Arc::clone(&is_lost) }, |_, limits| {
        let reads = Routes::new().get("/devices", ok).layer(limits.layer([Rule::by_address("reads", Rate::per_hour(100))]));
        sign_in(limits).merge(reads)
    })
    .await;
    let client = app.at("192.0.2.1");
    assert_eq!(told(&client.get("/devices").await), Some((100, 99)));

    is_lost.store(true, Ordering::Relaxed);
    let read = client.get("/devices").await;
    assert_eq!((read.status, told(&read)), (StatusCode::OK, None), "no number is better than a wrong one");
    let refused = client.post("/sign-in", &json!({})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(!refused.text().contains("lost"), "{}", refused.text());
    let text = app.metrics.text();
    for line in [
        r#"rate_limit_asked_total{rule="reads",outcome="allowed"} 1"#,
        r#"rate_limit_asked_total{rule="reads",outcome="unchecked"} 1"#,
        r#"rate_limit_asked_total{rule="sign-in",outcome="closed"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }

    is_lost.store(false, Ordering::Relaxed);
    assert_eq!(told(&client.get("/devices").await), Some((100, 98)));
    assert_eq!(client.post("/sign-in", &json!({})).await.status, StatusCode::OK);
}

/// API-02, RL: a store that is full. Whoever finds no room goes unchecked by that rule alone: the plan's limit holds, and what must not be guessed is
/// refused; strangers are counted with others.
#[tokio::test]
async fn a_rule_that_finds_no_room_stands_in_no_others_way() {
    let tenant = TenantId::new();
    let app = App::new(MemoryStore::with_most_keys(1), |test, limits| {
        let plan = TenantAllowance::all(Rate::per_hour(3));
        let account = || Rule::by_caller("account", Rate::per_hour(100));
        let api = Routes::new().get("/devices", ok).layer(limits.layer([account(), Rule::by_tenant("api", plan)]));
        let codes = Routes::new().get("/code", ok).layer(limits.layer([account().closed()]));
        in_a_tenant(test, api).merge(codes).merge(sign_in(limits))
    })
    .await;
    let somebody = || app.app.acting(person()).with("x-tenant", &tenant.to_string());
    // The tenant has the only place: whoever comes without a person's rule is counted first.
    assert_eq!(told(&app.app.acting(Principal::Anonymous).with("x-tenant", &tenant.to_string()).get("/devices").await), Some((3, 2)));
    for left in [1, 0] {
        assert_eq!(told(&somebody().get("/devices").await), Some((3, left)), "the plan's limit counts");
    }
    assert_eq!(somebody().get("/devices").await.status, StatusCode::TOO_MANY_REQUESTS);
    let refused = somebody().get("/code").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    let text = app.metrics.text();
    for line in [
        r#"rate_limit_asked_total{rule="account",outcome="unchecked"} 3"#,
        r#"rate_limit_asked_total{rule="account",outcome="closed"} 1"#,
        r#"rate_limit_asked_total{rule="api",outcome="refused"} 1"#,
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let stranger = app.at("192.0.2.1");
    for status in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(stranger.post("/sign-in", &json!({})).await.status, status);
    }
}

/// OPS-04: the same on a real Redis.
#[tokio::test]
async fn without_redis_sign_in_is_refused_and_reading_goes_on() {
    let redis = super::redis::Redis::start().await;
    let app = App::new(redis.store(), |_, limits| {
        let reads = Routes::new().get("/devices", ok).layer(limits.layer([Rule::by_address("reads", Rate::per_hour(100))]));
        sign_in(limits).merge(reads)
    })
    .await;
    let client = app.at("192.0.2.1");
    assert_eq!(told(&client.get("/devices").await), Some((100, 99)));
    assert_eq!(told(&client.post("/sign-in", &json!({})).await), Some((2, 1)));
    drop(redis);
    let read = client.get("/devices").await;
    assert_eq!((read.status, told(&read)), (StatusCode::OK, None));
    assert_eq!(client.post("/sign-in", &json!({})).await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(app.test);
}

//! A server that speaks the agent's protocol, records what it is asked, and fails on demand.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use monitoring::agent::protocol::{
    CREDENTIAL_PATH, DEVICES_PATH, Devices, DevicesAnswer, FoundDevice, HEARTBEAT_PATH, Heartbeat, HeartbeatAnswer, MAX_PER_REQUEST,
    REGISTER_PATH, Reading, Register, Registered, Renewed, STATUS_PATH, Secret, Status, StatusAnswer,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    time::timeout,
};
use uuid::Uuid;

/// The agent key that the server accepts.
pub(crate) const KEY: &str = "key-of-the-test";
/// The credential that it issues.
pub(crate) const CREDENTIAL: &str = "credential-of-the-test";

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As it should.
    Well,
    /// With this status to everything, and with this `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// With 422 to requests that name this address.
    Poisoned(IpAddr),
    /// With 402 to found devices.
    Limited,
    /// As it should, and it wants a credential to be renewed after a second.
    Renewing,
    /// The same, but what it answers to that gets lost.
    LosingRenewals,
}

/// A request that the server accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recorded {
    Register(Register),
    Heartbeat(Heartbeat),
    Devices(Vec<FoundDevice>),
    Readings(Vec<Reading>),
    /// A credential was asked for by whoever had this one.
    Renew(String),
}

struct Shared {
    answer: Mutex<Answer>,
    recorded: watch::Sender<Vec<Recorded>>,
    refused: watch::Sender<u64>,
    /// What it accepts beside [`CREDENTIAL`]; whoever asks for another gets the next.
    renewed: Mutex<Vec<String>>,
}

/// The server. It ends when it is dropped.
pub(crate) struct RecordingServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<TcpListener>,
    /// A runtime of its own, so that stopping it ends open connections too.
    runtime: Option<Runtime>,
}

impl Drop for RecordingServer {
    fn drop(&mut self) {
        self.close();
    }
}

impl RecordingServer {
    /// Starts on loopback.
    pub(crate) fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Starts on a socket, which may belong to another network namespace.
    pub(crate) fn start_on(listener: TcpListener) -> Self {
        let shared = Shared {
            answer: Mutex::new(Answer::Well),
            recorded: watch::Sender::new(Vec::new()),
            refused: watch::Sender::new(0),
            renewed: Mutex::default(),
        };
        let address = listener.local_addr().unwrap();
        let mut server = Self { shared: Arc::new(shared), address, listener: Some(listener), runtime: None };
        server.resume();
        server
    }

    /// Its address, for `--server`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends all connections. New ones are taken by the kernel and never answered.
    pub(crate) fn hang(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Ends all connections. New ones are refused.
    pub(crate) fn close(&mut self) {
        self.hang();
        self.listener = None;
    }

    /// Serves again at the same address.
    pub(crate) fn resume(&mut self) {
        let shared = Arc::clone(&self.shared);
        let routes = Router::new()
            .route(REGISTER_PATH, post(register))
            .route(HEARTBEAT_PATH, post(heartbeat))
            .route(CREDENTIAL_PATH, post(renew))
            .route(DEVICES_PATH, post(devices))
            .route(STATUS_PATH, get(report).post(status))
            .layer(from_fn_with_state(Arc::clone(&shared), fail))
            .with_state(shared);
        let listener = self.listener.get_or_insert_with(|| TcpListener::bind(self.address).unwrap());
        let listener = listener.try_clone().unwrap();
        listener.set_nonblocking(true).unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
        self.runtime = Some(runtime);
    }

    /// Changes how it answers.
    pub(crate) fn answer(&self, answer: Answer) {
        *lock(&self.shared.answer) = answer;
    }

    /// What it accepted so far.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.shared.recorded.borrow().clone()
    }

    /// All readings so far, in the order in which they arrived.
    pub(crate) fn readings(&self) -> Vec<Reading> {
        let readings = self.recorded().into_iter().filter_map(|recorded| match recorded {
            Recorded::Readings(readings) => Some(readings),
            _ => None,
        });
        readings.flatten().collect()
    }

    /// All devices so far, in the order in which they arrived.
    pub(crate) fn devices(&self) -> Vec<FoundDevice> {
        let devices = self.recorded().into_iter().filter_map(|recorded| match recorded {
            Recorded::Devices(devices) => Some(devices),
            _ => None,
        });
        devices.flatten().collect()
    }

    /// Waits until what was recorded satisfies a condition.
    pub(crate) async fn until(&self, patience: Duration, what: &str, condition: impl Fn(&[Recorded]) -> bool) {
        let mut recorded = self.shared.recorded.subscribe();
        let satisfied = timeout(patience, recorded.wait_for(|recorded| condition(recorded))).await.is_ok();
        assert!(satisfied, "{what} did not happen in {patience:?}; {} requests were recorded", self.recorded().len());
    }

    /// Waits until so many requests were answered with a failure.
    pub(crate) async fn until_refused(&self, patience: Duration, count: u64) {
        let mut refused = self.shared.refused.subscribe();
        let waited = timeout(patience, refused.wait_for(|refused| *refused >= count)).await;
        assert!(waited.is_ok(), "the agent did not try {count} times in {patience:?}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// A problem document.
struct Refusal {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

impl Refusal {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, title, detail } = self;
        let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_string(body).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn fail(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let answer = *lock(&shared.answer);
    let Answer::Status(status, pause) = answer else {
        return next.run(request).await;
    };
    shared.refused.send_modify(|refused| *refused += 1);
    let mut response = Refusal::new(StatusCode::from_u16(status).unwrap(), "Refused by the test", "as it was told").into_response();
    if let Some(seconds) = pause {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn bearer_of(headers: &HeaderMap) -> &str {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
    authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

/// Checks the bearer and the body as strictly as the product.
fn parse<T: DeserializeOwned>(headers: &HeaderMap, bearers: &[String], body: &Bytes) -> Result<T, Refusal> {
    if !bearers.iter().any(|bearer| *bearer == bearer_of(headers)) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unknown key", "the key is not known"));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid body", error.to_string()))
}

impl Shared {
    fn credentials(&self) -> Vec<String> {
        let mut all = lock(&self.renewed).clone();
        all.push(CREDENTIAL.to_owned());
        all
    }

    fn record(&self, recorded: Recorded) {
        self.recorded.send_modify(|all| all.push(recorded));
    }

    fn check(&self, addresses: &[IpAddr]) -> Result<(), Refusal> {
        let mut once = addresses.to_vec();
        once.sort_unstable();
        once.dedup();
        if once.is_empty() || once.len() != addresses.len() || addresses.len() > MAX_PER_REQUEST {
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid body", "empty, repeated or too many"));
        }
        match *lock(&self.answer) {
            Answer::Poisoned(address) if addresses.contains(&address) => {
                Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Poison", "an address is not accepted"))
            }
            _ => Ok(()),
        }
    }
}

async fn register(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    shared.record(Recorded::Register(parse(&headers, &[KEY.to_owned()], &body)?));
    let credential = Secret::new(CREDENTIAL.to_owned());
    Ok(json(StatusCode::CREATED, &Registered { agent: Uuid::nil(), name: "lab".to_owned(), credential }))
}

async fn heartbeat(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let heartbeat: Heartbeat = parse(&headers, &shared.credentials(), &body)?;
    shared.record(Recorded::Heartbeat(heartbeat));
    let renewing = matches!(*lock(&shared.answer), Answer::Renewing | Answer::LosingRenewals);
    let answer = HeartbeatAnswer { check_seconds: 1, heartbeat_seconds: 1, credential_seconds: renewing.then_some(1) };
    Ok(json(StatusCode::OK, &answer))
}

async fn renew(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let _: () = parse(&headers, &shared.credentials(), &Bytes::from_static(b"null"))?;
    let credential = format!("{CREDENTIAL}-{}", Uuid::new_v4());
    lock(&shared.renewed).push(credential.clone());
    shared.record(Recorded::Renew(bearer_of(&headers).to_owned()));
    if *lock(&shared.answer) == Answer::LosingRenewals {
        return Err(Refusal::new(StatusCode::BAD_GATEWAY, "Lost", "the answer got lost"));
    }
    Ok(json(StatusCode::OK, &Renewed { credential: Secret::new(credential) }))
}

async fn devices(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let Devices { devices } = parse(&headers, &shared.credentials(), &body)?;
    shared.check(&devices.iter().map(|device| device.address).collect::<Vec<_>>())?;
    if *lock(&shared.answer) == Answer::Limited {
        return Err(Refusal::new(StatusCode::PAYMENT_REQUIRED, "Limit reached", "50 of 50 devices: choose a larger plan"));
    }
    let added = devices.len().try_into().unwrap();
    shared.record(Recorded::Devices(devices));
    Ok(json(StatusCode::OK, &DevicesAnswer { added, known: 0, refused: 0, problem: None }))
}

async fn status(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let Status { readings } = parse(&headers, &shared.credentials(), &body)?;
    shared.check(&readings.iter().map(|reading| reading.address).collect::<Vec<_>>())?;
    let applied = readings.len().try_into().unwrap();
    shared.record(Recorded::Readings(readings));
    Ok(json(StatusCode::OK, &StatusAnswer { applied, stale: 0, unknown: 0 }))
}

async fn report(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let _: () = parse(&headers, &shared.credentials(), &Bytes::from_static(b"null"))?;
    let body = serde_json::json!({
        "agent": { "id": Uuid::nil(), "name": "lab", "last_seen_at": null },
        "devices": [{ "address": "10.7.0.9", "hostname": "printer", "state": "up", "latency_us": 250, "checked_at": null }],
    });
    Ok(json(StatusCode::OK, &body))
}

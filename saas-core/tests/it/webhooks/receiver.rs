use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::to_bytes, extract::Request, response::IntoResponse as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::{net::TcpListener, time::sleep};

/// Somebody else's system: keeps what it gets and answers as the test says.
#[derive(Clone)]
pub(crate) struct Receiver {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    got: Vec<Got>,
    next: VecDeque<Reply>,
    always: Reply,
    under_way: usize,
    most_under_way: usize,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    header: Option<(&'static str, String)>,
    body: Vec<u8>,
    after: Duration,
}

impl Default for Reply {
    fn default() -> Self {
        Self::status(200)
    }
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, header: None, body: Vec::new(), after: Duration::ZERO }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.after = pause;
        self
    }
}

impl Receiver {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let app = Router::new().fallback(move |request: Request| {
            let state = Arc::clone(&shared);
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let reply = {
                    let mut state = state.lock().unwrap();
                    state.got.push(Got { path: parts.uri.path().to_owned(), headers: parts.headers, body, at: Instant::now() });
                    state.under_way += 1;
                    state.most_under_way = state.most_under_way.max(state.under_way);
                    state.next.pop_front().unwrap_or_else(|| state.always.clone())
                };
                let busy = Busy(state);
                sleep(reply.after).await;
                drop(busy);
                let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
                if let Some((name, value)) = reply.header {
                    response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
                }
                response
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, state }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What it answers from now on.
    pub(crate) fn always(&self, reply: Reply) {
        self.state.lock().unwrap().always = reply;
    }

    /// What it answers next, before what it always answers.
    pub(crate) fn next(&self, reply: Reply) {
        self.state.lock().unwrap().next.push_back(reply);
    }

    /// All that it got.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.lock().unwrap().got.len()
    }

    /// The most requests that it had at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.state.lock().unwrap().most_under_way
    }

    /// Waits until it got so many.
    pub(crate) async fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.count() < count {
            assert!(Instant::now() < deadline, "{} of {count} arrived", self.count());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Also ends when whoever asked does not wait for the answer.
struct Busy(Arc<Mutex<State>>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().unwrap().under_way -= 1;
    }
}

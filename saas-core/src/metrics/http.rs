//! What is counted of each request.

use std::{sync::Arc, time::Duration};

use axum::extract::MatchedPath;
use http::Method;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// The path is the route's and not the request's: what stands in a request names tenants and people, and has no end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    path: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: Arc<str>,
    status: u16,
}

pub(crate) struct HttpMetrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    nowhere: Arc<str>,
}

/// From 0.5 ms, doubling, to 8 s.
fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 15))
}

impl HttpMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let http =
            Self { requests: Family::default(), seconds: Family::new_with_constructor(latency as fn() -> Histogram), nowhere: "".into() };
        registry.register("http_requests", "Requests answered", http.requests.clone());
        registry.register("http_request_seconds", "Time from a request to the head of its answer", http.seconds.clone());
        http
    }

    /// Counts a request. `matched` is the route that it found; what found none is counted with an empty path.
    pub(crate) fn answered(&self, method: &Method, matched: Option<&MatchedPath>, status: u16, took: Duration) {
        let method = known(method);
        let path: Arc<str> = matched.map_or_else(|| Arc::clone(&self.nowhere), |matched| matched.as_str().into());
        self.seconds.get_or_create(&Route { method, path: Arc::clone(&path) }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { method, path, status }).inc();
    }
}

/// A client can make up methods; those share one word.
fn known(method: &Method) -> &'static str {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .iter()
        .position(|it| it == method)
        .and_then(|at| ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].get(at))
        .copied()
        .unwrap_or("other")
}

use std::task::{Context, Poll};

use axum::extract::Request;
use http::Method;
use saas_core::Standing;
use tower::{Layer, Service};

use super::{By, Counts};
use crate::Meter;

/// Whether a request is counted.
type Counted = fn(&Method, &str) -> bool;

/// Applies [`CountService`]. Made by [`Counts::layer`].
#[derive(Debug, Clone)]
#[must_use]
pub struct CountLayer {
    counts: Counts,
    meter: Meter,
    counted: Counted,
}

impl Counts {
    /// Counts the requests of which `counted` says so, by method and path, for whoever makes them. Inside of the layer that finds the tenant, and
    /// inside of those that refuse: what they refuse is not counted. What the routes themselves refuse is, for want of a permission as well.
    pub fn layer(&self, meter: Meter, counted: Counted) -> CountLayer {
        CountLayer { counts: self.clone(), meter, counted }
    }
}

impl<S> Layer<S> for CountLayer {
    type Service = CountService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountService { inner, layer: self.clone() }
    }
}

/// Counts a request and hands it on.
#[derive(Debug, Clone)]
pub struct CountService<S> {
    inner: S,
    layer: CountLayer,
}

impl<S: Service<Request>> Service<Request> for CountService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let CountLayer { counts, meter, counted } = &self.layer;
        if let Some(standing) = request.extensions().get::<Standing>()
            && counted(request.method(), request.uri().path())
        {
            counts.count(standing.tenant, *meter, By::from(standing.actor), 1);
        }
        self.inner.call(request)
    }
}

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, extract::Request, response::IntoResponse, routing::Route};
use tower::{Layer, Service, ServiceExt as _, layer::layer_fn, util::Oneshot};

/// What a layer is put around: a route, with the layers that are around it already.
///
/// A layer copies what it wraps for each request, and with it whatever that wraps, so the work of many layers would grow with the square of their
/// number. This is copied in one step, and only the layer right beneath is copied in its turn.
#[derive(Debug, Clone)]
pub struct Beneath(Arc<Route>);

impl Service<Request> for Beneath {
    type Response = <Route as Service<Request>>::Response;
    type Error = Infallible;
    type Future = Oneshot<Route, Request>;

    /// Always: each request has a route of its own, which is made ready for it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Route::clone(&self.0).oneshot(request)
    }
}

/// Puts a layer around all routes of a router.
pub(crate) fn wrap<S, L>(router: Router<S>, layer: L) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    L: Layer<Beneath> + Clone + Send + Sync + 'static,
    L::Service: Service<Request> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    router.layer(layer_fn(move |route| layer.layer(Beneath(Arc::new(route)))))
}

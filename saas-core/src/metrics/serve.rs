use std::{io, time::Duration};

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderValue, header};
use tokio::net::TcpListener;

use super::Metrics;
use crate::lifecycle::Lifecycle;

/// How long a reader may take for the rest of its answer once the program is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Answers `/metrics`, and nothing else, until the program begins to stop.
///
/// # Security
///
/// The listener is one of its own, because what it tells is for those who run the program: bind it where only they can reach it.
///
/// # Errors
///
/// Fails if the listener fails.
pub async fn serve_metrics(listener: TcpListener, metrics: Metrics, lifecycle: Lifecycle) -> io::Result<()> {
    let router = Router::new().route("/metrics", get(metrics_text)).with_state(metrics);
    let server = axum::serve(listener, router).with_graceful_shutdown(lifecycle.clone().draining_owned());
    tokio::select! {
        served = server.into_future() => served,
        () = async { lifecycle.draining().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

async fn metrics_text(State(metrics): State<Metrics>) -> impl IntoResponse {
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], metrics.text())
}

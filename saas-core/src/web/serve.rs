use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;

use super::App;
use crate::lifecycle::Lifecycle;

/// How long requests in flight may take to finish once the program is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until the program begins to stop (see [`Lifecycle::drain_on_signals`]), then lets requests in flight finish.
///
/// # Errors
///
/// Fails if the listener fails.
pub async fn serve(listener: TcpListener, app: App, lifecycle: Lifecycle) -> io::Result<()> {
    let service = app.into_router().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(lifecycle.clone().draining_owned());
    tokio::select! {
        served = server.into_future() => served,
        () = async { lifecycle.draining().await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!(grace_s = GRACE.as_secs(), "requests in flight were cut off");
            Ok(())
        }
    }
}

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep_until};

use crate::Problem;

/// How long an answer may take to begin, from the last that was read of its request. More than the 30 s that the server gives a statement:
/// what runs into this waits for something that has gone without a word.
const PATIENCE: Duration = Duration::from_secs(40);

/// Answers 503 to a request whose handler hangs. An answer that has begun, such as an open stream, may go on.
pub(super) async fn patience(request: Request, next: Next) -> Response {
    let last = Arc::new(Mutex::new(Instant::now()));
    let read = Arc::clone(&last);
    let request = request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            *read.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            frame
        }))
    });
    let mut answer = pin!(next.run(request));
    loop {
        let deadline = *last.lock().unwrap_or_else(PoisonError::into_inner) + PATIENCE;
        if deadline <= Instant::now() {
            return Problem::unavailable(Hangs).into_response();
        }
        tokio::select! {
            answer = &mut answer => return answer,
            () = sleep_until(deadline) => {}
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", PATIENCE.as_secs())]
struct Hangs;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::{Router, middleware::from_fn, routing::post};
    use futures_util::{StreamExt as _, stream};
    use tower::ServiceExt as _;

    use super::*;

    async fn answered(router: Router, body: Body) -> (u16, Duration) {
        let began = Instant::now();
        let request = Request::post("/").body(body).expect("a request");
        let response = router.layer(from_fn(patience)).oneshot(request).await.expect("an answer");
        (response.status().as_u16(), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_answered_for() {
        let router = Router::new().route("/", post(pending::<()>));
        assert_eq!(answered(router, Body::empty()).await, (503, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_goes_on_arriving_may_take_as_long_as_it_needs() {
        let second = Duration::from_secs(1);
        let slow = stream::iter(0..100).then(move |_| async move {
            tokio::time::sleep(second).await;
            Ok::<_, std::io::Error>("x")
        });
        let router = Router::new().route("/", post(|body: String| async move { body }));
        assert_eq!(answered(router, Body::from_stream(slow)).await, (200, 100 * second));
    }
}

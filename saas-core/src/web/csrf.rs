//! No write on behalf of a person from another site.
//!
//! Fetch metadata first, then `Origin` (OWASP's order), by tower-http. Two things are added. A request with a session cookie and neither
//! header is refused, since every browser that we serve sends one. A request that carries a key of its own and no session is let through:
//! no browser adds such a key by itself. And there are routes to which other sites send people: there nobody is anybody, for cookies are taken off.

use std::{collections::HashSet, convert::Infallible, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, header};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::{Problem, ProblemType};

/// The paths to which other sites may post.
pub(super) type ForOtherSites = Arc<HashSet<String>>;

pub(super) async fn csrf(State(for_other_sites): State<ForOtherSites>, mut request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    if request.method() == Method::POST && matched.is_some_and(|path| for_other_sites.contains(path.as_str())) {
        request.headers_mut().remove(header::COOKIE);
        return next.run(request).await;
    }
    let headers = request.headers();
    let has_cookie = headers.contains_key(header::COOKIE);
    let has_proof = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if request.method().is_safe() || (!has_cookie && has_key(headers)) {
        return next.run(request).await;
    }
    if has_cookie && !has_proof {
        return refused();
    }
    let inner = service_fn(move |request: Request| {
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request).await) }
    });
    match CsrfLayer::new().layer(inner).oneshot(request).await {
        Ok(response) if response.extensions().get::<ProtectionError>().is_some() => refused(),
        Ok(response) => response.into_response(),
        Err(error) => match error {},
    }
}

fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

fn refused() -> Response {
    Problem::new(&ProblemType::CROSS_SITE).into_response()
}

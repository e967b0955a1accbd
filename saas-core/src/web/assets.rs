use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::Web;
use crate::{Path, Problem};

/// What shows push messages: a worker for pages that are not below its own address.
const PUSH_WORKER: &str = "push-worker.js";
const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");

pub(super) async fn asset(State(web): State<Arc<Web>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = web.pages.asset(&file) else { return Problem::not_found().into_response() };
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|etag| etag.as_bytes() == asset.etag.as_bytes());
    let mut headers =
        vec![(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, caching), (header::ETAG, asset.etag.as_str())];
    if file == PUSH_WORKER {
        headers.push((SERVICE_WORKER_ALLOWED, "/notifications/"));
    }
    let headers: HeaderMap = headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect();
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(asset.bytes.into_owned())).into_response()
}

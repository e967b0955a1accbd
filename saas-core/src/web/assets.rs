use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};

use super::Web;
use crate::{Path, Problem};

pub(super) async fn asset(State(web): State<Arc<Web>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = web.pages.asset(&file) else { return Problem::not_found().into_response() };
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|etag| etag.as_bytes() == asset.etag.as_bytes());
    let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, caching), (header::ETAG, asset.etag.as_str())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Body::from(asset.bytes.into_owned())).into_response()
}

//! The document for people: Swagger UI, out of the binary.

use std::sync::Arc;

use axum::response::Redirect;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::{Answers, Path, Problem, Routes};

/// Swagger UI sets styles in its markup, and pictures in its styles; nothing of it comes from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
    form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    Routes::new().get("/api-docs", async || Redirect::to("/api-docs/index.html")).get("/api-docs/{file}", file)
}

async fn file(Path(name): Path<String>) -> Result<(HeaderMap, File), Problem> {
    let config = Arc::new(Config::from("/api/v1/openapi.json"));
    let file = utoipa_swagger_ui::serve(&name, config).map_err(|error| Problem::internal(std::io::Error::other(error.to_string())))?;
    let file = file.ok_or_else(Problem::not_found)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(file.content_type).map_err(Problem::internal)?);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
    let bytes = match file.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    Ok((headers, File(bytes)))
}

/// A file of Swagger UI.
struct File(Bytes);

impl axum::response::IntoResponse for File {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}

impl Answers for File {}

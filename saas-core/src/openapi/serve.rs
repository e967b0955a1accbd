use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{Answers, Document, Operation};
use crate::Routes;

/// The text of the document, made once.
#[derive(Clone, Default)]
pub(crate) struct Served(Arc<std::sync::OnceLock<Bytes>>);

impl Served {
    pub(crate) fn set(&self, document: &Document) {
        // Set once, before anything is served.
        drop(self.0.set(document.json().to_string().into()));
    }
}

pub(crate) fn routes() -> Routes<Served> {
    let routes = Routes::new().get("/api/v1/openapi.json", document).about("Gives this document");
    #[cfg(feature = "api-docs")]
    let routes = routes.merge(super::explorer::routes());
    routes
}

/// The bytes of a JSON document.
struct Text(Bytes);

impl axum::response::IntoResponse for Text {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}

impl Answers for Text {
    fn describe(operation: &mut Operation) {
        operation.answer_of(StatusCode::OK, Some(("application/json", serde_json::json!({ "type": "object" }))));
    }
}

async fn document(State(served): State<Served>) -> ([(HeaderName, HeaderValue); 1], Text) {
    let text = served.0.get().cloned().unwrap_or_default();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], Text(text))
}

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::invalid;
use crate::{Declares, Operation, Problem};

/// Parameters of the query; 422 with a pointer for one that is wrong.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        serde_path_to_error::deserialize(serde_html_form::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| invalid(error.path(), error.inner()))
    }
}

impl<T: ToSchema> Declares for Query<T> {
    fn describe(operation: &mut Operation) {
        operation.query::<T>();
    }
}

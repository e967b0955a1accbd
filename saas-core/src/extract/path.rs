use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::{Declares, Operation, Problem};

/// Parameters of the path. One that does not parse names nothing: 404, as for an id that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    #[expect(clippy::disallowed_types, reason = "this is what wraps it")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // No text that a database keeps has this character.
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found());
        }
        let axum::extract::Path(value) = axum::extract::Path::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        Ok(Self(value))
    }
}

impl<T: ToSchema> Declares for Path<T> {
    fn describe(operation: &mut Operation) {
        operation.path::<T>();
    }
}

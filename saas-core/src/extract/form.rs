use axum::extract::{FromRequest, Request};
use http::header;
use serde::de::DeserializeOwned;

use super::{invalid, json::body};
use crate::{Declares, Problem, ProblemType};

/// The fields of a form that a browser sent (`application/x-www-form-urlencoded`).
///
/// Take the fields as text and check them in the handler, so that a bad form can be shown again as it was filled in, with [`FormErrors`](crate::FormErrors).
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(Problem::new(&ProblemType::UNSUPPORTED_MEDIA_TYPE).detail("send a form"));
        }
        let bytes = body(request, state).await?;
        let pairs = form_urlencoded::parse(&bytes);
        serde_path_to_error::deserialize(serde_html_form::Deserializer::new(pairs))
            .map(Self)
            .map_err(|error| invalid(error.path(), error.inner()))
    }
}

impl<T> Declares for Form<T> {}

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{field_error, flaws::flaws};
use crate::{Declares, FieldError, Operation, Problem, ProblemType};

/// Rules that a type alone does not express. All that is wrong is reported at once.
pub trait Validate {
    /// What is wrong, with a pointer to each field; nothing if all is well.
    fn validate(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// A JSON body, in and out.
///
/// Refusals: 415 for another content type, 413 over the limit (1 MiB unless the route says otherwise), 400 for what is no JSON, 422 with a
/// pointer for each field that is missing, unknown or of another type than the schema says; what else is wrong with values is said of one at a
/// time by serde, and of all by [`Validate`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Validate + ToSchema, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(&ProblemType::UNSUPPORTED_MEDIA_TYPE).detail("send application/json"));
        }
        let bytes = body(request, state).await?;
        let value: T = parse(&bytes)?;
        let errors = value.validate();
        if errors.is_empty() { Ok(Self(value)) } else { Err(Problem::invalid(errors)) }
    }
}

fn parse<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    let no_json = |error: serde_json::Error| Problem::new(&ProblemType::BAD_REQUEST).detail(format!("the body is no JSON: {error}"));
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => json.end().map_err(no_json).map(|()| value),
        Err(error) if error.inner().is_data() => {
            let first = field_error(error.path(), error.inner());
            // What is no JSON further on, or nested too deep, has this one error.
            let mut errors = serde_json::from_slice(bytes).map_or_else(|_| Vec::new(), |body| flaws::<T>(&body));
            if errors.iter().all(|error| error.pointer != first.pointer) {
                errors.insert(0, first);
            }
            Err(Problem::invalid(errors))
        }
        Err(error) => Err(no_json(error.into_inner())),
    }
}

pub(super) async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => &ProblemType::TOO_LARGE,
            _ => &ProblemType::BAD_REQUEST,
        };
        Problem::new(kind).because(rejection)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|media| media.trim().to_ascii_lowercase())
        .is_some_and(|media| media == "application/json" || (media.starts_with("application/") && media.ends_with("+json")))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

impl<T: ToSchema> Declares for Json<T> {
    fn describe(operation: &mut Operation) {
        operation.body::<T>("application/json");
    }
}

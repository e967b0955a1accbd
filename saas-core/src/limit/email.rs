//! The address that stands in a request's body.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::Claimed;
use crate::{Problem, ProblemType};

/// Nobody's address and password need more.
const LONGEST: usize = 64 * 1024;

/// Reads a body and gives it back, with the address in it if there is one. What is no JSON and no form has none; its handler will say so.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<(Body, Option<Claimed>), Problem> {
    let bytes = Limited::new(body, LONGEST).collect().await.map_err(refused)?.to_bytes();
    let email = find(headers, &bytes);
    Ok((Body::from(bytes), email))
}

fn refused(error: Box<dyn std::error::Error + Send + Sync>) -> Problem {
    if error.is::<LengthLimitError>() { Problem::new(&ProblemType::TOO_LARGE) } else { Problem::new(&ProblemType::BAD_REQUEST) }
}

fn find(headers: &HeaderMap, body: &Bytes) -> Option<Claimed> {
    #[derive(serde::Deserialize)]
    struct HasEmail {
        email: String,
    }

    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    let email = if kind.starts_with("application/x-www-form-urlencoded") {
        form_urlencoded::parse(body).find(|(name, _)| name == "email").map(|(_, email)| email.into_owned())
    } else {
        serde_json::from_slice::<HasEmail>(body).ok().map(|body| body.email)
    };
    email.as_deref().map(Claimed::new)
}

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header, response::Parts};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};

use crate::{MasterKey, Problem, ProblemType, Purpose};

const ANSWERS: Purpose = Purpose::new("kept answers");

/// What is said again of an answer's head.
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LINK, header::LOCATION];

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    #[serde(skip)]
    body: Bytes,
}

impl Answer {
    /// Takes a copy of an answer.
    pub(super) async fn of(response: Response) -> (Self, Response) {
        let (parts, body) = response.into_parts();
        // What a handler of the API answers is in memory; a body that breaks off is answered as it is.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        (Self { status: parts.status.as_u16(), headers: said(&parts), body: body.clone() }, Response::from_parts(parts, Body::from(body)))
    }

    pub(super) fn seal(&self, keys: &MasterKey, place: &[u8]) -> Vec<u8> {
        // A number and names are always JSON, whose text holds no line break.
        let mut plain = serde_json::to_vec(self).unwrap_or_default();
        plain.push(b'\n');
        plain.extend_from_slice(&self.body);
        keys.seal(ANSWERS, place, &plain)
    }

    pub(super) fn open(keys: &MasterKey, place: &[u8], sealed: &[u8]) -> Result<Self, Problem> {
        let plain = keys.open(ANSWERS, place, sealed).map_err(Problem::internal)?;
        let (head, body) = plain.split_at(plain.iter().position(|byte| *byte == b'\n').unwrap_or(plain.len()));
        let mut answer: Self = serde_json::from_slice(head).map_err(Problem::internal)?;
        answer.body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
        Ok(answer)
    }

    pub(super) fn again(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
                headers.append(name, value);
            }
        }
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        response
    }
}

fn said(parts: &Parts) -> Vec<(String, Vec<u8>)> {
    let kept = parts.headers.iter().filter(|(name, _)| HEADERS.contains(name));
    kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// The work is done, and what was answered is lost.
pub(super) fn lost() -> Response {
    Problem::new(&ProblemType::CONFLICT).detail("this was done, but what was answered is not known any more").into_response()
}

use axum::{
    RequestExt as _,
    body::Body,
    extract::{FromRequest, Request},
};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::header;
use http_body_util::LengthLimitError;
use serde_json::json;

use crate::{Declares, FieldError, Operation, Problem, ProblemType, failure};

/// A form with a file in it (`multipart/form-data`, RFC 7578).
///
/// Refusals: 415 for another content type, 413 over the route's limit, 400 for what is no such form, 422 without the file.
#[derive(Debug)]
pub struct Multipart(multer::Multipart<'static>);

/// One file of a form: what its sender calls it, and its bytes as they arrive.
#[derive(Debug)]
pub struct Upload(multer::Field<'static>);

impl Multipart {
    /// The file in the field `name`. Fields before it are passed over.
    ///
    /// # Errors
    ///
    /// 422 if there is none; 400 or 413 if the form breaks off or is too long.
    pub async fn file(mut self, name: &str) -> Result<Upload, Problem> {
        while let Some(field) = self.0.next_field().await.map_err(refused)? {
            if field.name() == Some(name) && field.file_name().is_some_and(|file| !file.is_empty()) {
                return Ok(Upload(field));
            }
        }
        Err(Problem::invalid([FieldError::new(format!("/{name}"), "is missing: send a file")]))
    }
}

impl Upload {
    /// The name, as it was sent.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.file_name().unwrap_or_default()
    }

    /// The media type, as it was sent; empty if it was not.
    #[must_use]
    pub fn declared(&self) -> &str {
        self.0.content_type().map(AsRef::as_ref).unwrap_or_default()
    }

    /// All of it, of a file that is small enough to be held at once.
    ///
    /// # Errors
    ///
    /// 413 if it has more than `most` bytes; 400 or 413 if the form breaks off or is too long.
    pub async fn whole(mut self, most: usize) -> Result<Bytes, Problem> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.0.chunk().await.map_err(refused)? {
            if bytes.len() + chunk.len() > most {
                return Err(Problem::new(&ProblemType::TOO_LARGE).detail(format!("a file may have at most {most} bytes here")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// The bytes, as they arrive.
    pub fn bytes(self) -> impl Stream<Item = Result<Bytes, multer::Error>> + Send {
        self.0
    }
}

fn refused(error: multer::Error) -> Problem {
    let kind = if is_over_limit(&error) { &ProblemType::TOO_LARGE } else { &ProblemType::BAD_REQUEST };
    Problem::new(kind).because(error)
}

/// Whether the body broke off because the route takes no longer one.
pub(crate) fn is_over_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    failure::causes(error).any(|error| error.is::<LengthLimitError>())
}

impl<S: Send + Sync> FromRequest<S> for Multipart {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let boundary = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| multer::parse_boundary(value).ok())
            .ok_or_else(|| Problem::new(&ProblemType::UNSUPPORTED_MEDIA_TYPE).detail("send multipart/form-data"))?;
        let body: Body = request.with_limited_body().into_body();
        Ok(Self(multer::Multipart::new(body.into_data_stream(), boundary)))
    }
}

impl Declares for Multipart {
    fn describe(operation: &mut Operation) {
        let file = json!({ "type": "string", "contentMediaType": "application/octet-stream" });
        let form = json!({ "type": "object", "required": ["file"], "properties": { "file": file } });
        operation.body_of("multipart/form-data", form);
    }
}

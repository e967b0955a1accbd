//! The one HTTP error: a problem document (RFC 9457).

use std::{error::Error, sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::DbError;

/// A kind of problem: its `type`, its status and its title. Each has a page at `/problems/{slug}`.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// The last part of the `type` address.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// One short sentence, the same each time.
    pub title: &'static str,
}

macro_rules! problem_types {
    ($($(#[$meta:meta])* $name:ident = $slug:literal, $status:ident, $title:literal;)*) => {
        impl ProblemType {
            $($(#[$meta])* pub const $name: Self = Self { slug: $slug, status: StatusCode::$status, title: $title };)*

            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

problem_types! {
    /// The request cannot be understood.
    BAD_REQUEST = "bad-request", BAD_REQUEST, "The request cannot be understood";
    /// A field is missing or wrong; `errors` points at each.
    INVALID = "invalid", UNPROCESSABLE_ENTITY, "Some fields are missing or wrong";
    /// Nobody is signed in, or the key is not valid.
    UNAUTHENTICATED = "unauthenticated", UNAUTHORIZED, "Sign in first";
    /// The first factor was right, and the account has a second one; `methods` says what may be shown at `POST /api/v1/auth/sign-in/second`,
    /// until `expires_at`.
    SECOND_FACTOR_PENDING = "second-factor-pending", UNAUTHORIZED, "A second factor is asked for";
    /// Only those are let in who have shown a second factor: the organization asks for it, or one runs the product here.
    SECOND_FACTOR_REQUIRED = "second-factor-required", FORBIDDEN, "A second factor is needed here";
    /// Whoever is signed in showed who they are too long ago for this; `methods` says what may be shown at `POST /api/v1/auth/prove`.
    STEP_UP_REQUIRED = "step-up-required", FORBIDDEN, "Show again who you are";
    /// The caller is known and not permitted; `permission`, where it is there, names what is missing.
    FORBIDDEN = "forbidden", FORBIDDEN, "You are not allowed to do this";
    /// The request came from another site.
    CROSS_SITE = "cross-site", FORBIDDEN, "The request came from another site";
    /// There is nothing here, or it is not yours to know.
    NOT_FOUND = "not-found", NOT_FOUND, "There is nothing here";
    /// The method is not offered here.
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not offered here";
    /// The caller belongs to several tenants or none, and the request names none.
    NO_TENANT = "no-tenant", CONFLICT, "Choose an organization first";
    /// The form was made for another tenant than the one that the person works in by now.
    OTHER_TENANT = "other-tenant", CONFLICT, "This page belongs to another organization";
    /// The state of things does not permit it.
    CONFLICT = "conflict", CONFLICT, "This cannot be done as things are";
    /// The same request, by its idempotency key, is being answered already; `Retry-After` says when to ask again.
    REQUEST_IN_PROGRESS = "request-in-progress", CONFLICT, "This request is being answered already";
    /// The idempotency key was used for another request.
    KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "This idempotency key belongs to another request";
    /// The plan's limit is reached; `limit` and `used` say how far.
    LIMIT_REACHED = "limit-reached", PAYMENT_REQUIRED, "The limit of your plan is reached";
    /// The plan does not have what this takes; `feature` names it, `upgrade` is the page of plans.
    FEATURE_NOT_IN_PLAN = "feature-not-in-plan", PAYMENT_REQUIRED, "Your plan does not have this";
    /// What is due is not paid; `access` says what is possible still.
    PAYMENT_OVERDUE = "payment-overdue", PAYMENT_REQUIRED, "The subscription is not paid";
    /// A key stands in the address, where it is written down on its way: it goes into the `Authorization` header.
    KEY_IN_ADDRESS = "key-in-address", BAD_REQUEST, "A key does not belong in an address";
    /// The body is too large.
    TOO_LARGE = "too-large", PAYLOAD_TOO_LARGE, "The request is too large";
    /// The content type is not understood here.
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "This content type is not understood here";
    /// Too many requests; `Retry-After` says when to come back.
    TOO_MANY_REQUESTS = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests";
    /// The request took too long to arrive.
    TIMEOUT = "timeout", REQUEST_TIMEOUT, "The request took too long";
    /// Something is wrong on our side.
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// Something that we need is away; trying again later may help.
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "The service is not available right now";
}

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, such as `/devices/0/address`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// Points at a field.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// A problem document: what the client may see, and, kept from it, why.
///
/// ```
/// use saas_core::{FieldError, Problem};
///
/// let problem = Problem::invalid([FieldError::new("/name", "must not be empty")]);
/// assert_eq!(problem.status(), 422);
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: &'static ProblemType,
    detail: Option<String>,
    errors: Vec<FieldError>,
    more: Map<String, Value>,
    retry_after: Option<Duration>,
    detour: Option<Detour>,
    cookies: Vec<HeaderValue>,
    cause: Option<Cause>,
}

/// Where a browser is sent instead of being shown a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detour {
    /// There, if it asked for a page.
    Instead(&'static str),
    /// There, and back afterwards.
    First(&'static str),
}

/// Why a problem arose. Logged once by the outermost layer, never sent.
#[derive(Debug, Clone)]
pub struct Cause(pub Arc<dyn Error + Send + Sync>);

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: &'static ProblemType) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: None,
            errors: Vec::new(),
            more: Map::new(),
            retry_after: None,
            detour: None,
            cookies: Vec::new(),
            cause: None,
        }))
    }

    /// 401: nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(&ProblemType::UNAUTHENTICATED)
    }

    /// 403: known and not permitted.
    pub fn forbidden() -> Self {
        Self::new(&ProblemType::FORBIDDEN)
    }

    /// 404: nothing there, or not the caller's to know; the answer is the same.
    pub fn not_found() -> Self {
        Self::new(&ProblemType::NOT_FOUND)
    }

    /// 422 with a pointer to each bad field.
    pub fn invalid(errors: impl IntoIterator<Item = FieldError>) -> Self {
        let mut it = Self::new(&ProblemType::INVALID);
        it.0.errors = errors.into_iter().collect();
        it
    }

    /// 500 with a constant body; the cause is logged.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(&ProblemType::INTERNAL).because(cause)
    }

    /// 503 with a constant body; the cause is logged.
    pub fn unavailable(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(&ProblemType::UNAVAILABLE).because(cause).retry_after(Duration::from_secs(2))
    }

    /// 500: an extractor is used on a route that lacks the layer it needs.
    pub fn missing_layer(layer: &'static str) -> Self {
        Self::internal(MissingLayer(layer))
    }

    /// Says more about this occurrence, to the client. Ignored for a 5xx, whose body is constant.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a member of the document, such as `limit`. Ignored for a 5xx.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come back, in whole seconds, rounded up.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Where a browser that asked for a page is sent instead of being shown the problem.
    pub fn instead(mut self, path: &'static str) -> Self {
        self.0.detour = Some(Detour::Instead(path));
        self
    }

    /// Where a browser is sent first, with `next` for the way back: to the page that it asked for, or to the one whose form it sent.
    pub fn first(mut self, path: &'static str) -> Self {
        self.0.detour = Some(Detour::First(path));
        self
    }

    /// Gives a cookie along with the refusal.
    pub fn cookie(mut self, cookie: HeaderValue) -> Self {
        self.0.cookies.push(cookie);
        self
    }

    /// Keeps the cause for the log.
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Cause(Arc::new(cause)));
        self
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static ProblemType {
        self.0.kind
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.kind.status
    }

    /// What is wrong with each field.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The document itself, as it is sent.
    #[must_use]
    pub fn document(&self) -> Value {
        let it = &*self.0;
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", it.kind.slug).into());
        document.insert("title".to_owned(), it.kind.title.into());
        document.insert("status".to_owned(), it.kind.status.as_u16().into());
        if !it.kind.status.is_server_error() {
            if let Some(detail) = &it.detail {
                document.insert("detail".to_owned(), detail.clone().into());
            }
            if !it.errors.is_empty() {
                let errors = it.errors.iter().map(|e| serde_json::json!({"pointer": e.pointer, "detail": e.detail}));
                document.insert("errors".to_owned(), errors.collect());
            }
            document.extend(it.more.clone());
        }
        Value::Object(document)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("an extractor needs a layer that this route does not have: {0}")]
struct MissingLayer(&'static str);

impl IntoResponse for Problem {
    /// The document as JSON. The problem stays in the response's extensions, so that [`finish`](crate::finish) can log its cause and
    /// show a browser a page in its place.
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.document().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.0.retry_after {
            let seconds = after.as_millis().div_ceil(1000);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        for cookie in &self.0.cookies {
            headers.append(header::SET_COOKIE, cookie.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl Problem {
    pub(crate) fn detour(&self) -> Option<Detour> {
        self.0.detour
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.0.cause.as_ref()
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        if error.is_unavailable() { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

//! Errors as Stripe shapes them (<https://docs.stripe.com/api/errors>).

use http::StatusCode;
use serde_json::{Value, json};

/// A request is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
}

pub(super) type Answer = Result<Value, Refusal>;

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, message: message.into(), param: None }
    }

    fn of(mut self, code: &'static str, param: Option<&str>) -> Self {
        self.code = Some(code);
        self.param = param.map(ToOwned::to_owned);
        self
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", "You did not provide a test key of this stand-in: sk_test_…")
    }

    pub(super) fn unknown_route(method: &str, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", format!("Unrecognized request URL ({method}: {path})."))
    }

    pub(super) fn missing(kind: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message).of("resource_missing", Some("id"))
    }

    /// Something that a parameter names is not there.
    pub(super) fn no_such(kind: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).of("resource_missing", Some(param))
    }

    pub(super) fn parameter_missing(param: &str) -> Self {
        let message = format!("Missing required param: {param}.");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).of("parameter_missing", Some(param))
    }

    pub(super) fn parameter_unknown(param: &str) -> Self {
        let message = format!("Received unknown parameter: {param}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).of("parameter_unknown", Some(param))
    }

    pub(super) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).of("parameter_invalid", Some(param))
    }

    pub(super) fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    pub(super) fn declined() -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", "Your card was declined.").of("card_declined", None)
    }

    pub(super) fn broken() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "An unknown error occurred.")
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = code.into();
        }
        if let Some(param) = &self.param {
            error["param"] = param.clone().into();
        }
        json!({ "error": error })
    }
}

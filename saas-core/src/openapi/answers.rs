use std::borrow::Cow;

use axum::response::{IntoResponse, Redirect, Response, Sse};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Operation;
use crate::{Html, Json};

/// What a handler returns, as the OpenAPI document tells it. Implement it for answers of your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what is answered: implement `saas_core::Answers` for it",
    note = "the `T` in `Json<T>`, `Created<T>` and `Accepted<T>` derives `utoipa::ToSchema`"
)]
pub trait Answers {
    /// Says in the document what is answered when all is well. Nothing is said of pages.
    fn describe(_: &mut Operation) {}
}

impl Answers for Html {}
impl Answers for Redirect {}
impl Answers for Response {}
impl Answers for String {}
impl Answers for &'static str {}
impl Answers for Cow<'static, str> {}
impl Answers for StatusCode {}
impl<T> Answers for (StatusCode, T) {}

/// Problems are said by what they are refused by.
impl<T: Answers, E> Answers for Result<T, E> {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: Answers, const N: usize> Answers for ([(HeaderName, HeaderValue); N], T) {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T: Answers> Answers for (HeaderMap, T) {
    fn describe(operation: &mut Operation) {
        T::describe(operation);
    }
}

impl<T> Answers for Sse<T> {
    fn describe(operation: &mut Operation) {
        operation.answer::<String>(StatusCode::OK, "text/event-stream");
    }
}

impl<T: ToSchema> Answers for Json<T> {
    fn describe(operation: &mut Operation) {
        operation.answer::<T>(StatusCode::OK, "application/json");
    }
}

/// 201 with what was made.
#[derive(Debug, Clone, Copy)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: ToSchema> Answers for Created<T> {
    fn describe(operation: &mut Operation) {
        operation.answer::<T>(StatusCode::CREATED, "application/json");
    }
}

/// 202 with what is known so far; the rest happens later.
#[derive(Debug, Clone, Copy)]
pub struct Accepted<T>(pub T);

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: ToSchema> Answers for Accepted<T> {
    fn describe(operation: &mut Operation) {
        operation.answer::<T>(StatusCode::ACCEPTED, "application/json");
    }
}

/// 204: it was done, and there is nothing to say.
#[derive(Debug, Clone, Copy)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answers for NoContent {
    fn describe(operation: &mut Operation) {
        operation.answer_of(StatusCode::NO_CONTENT, None);
    }
}

/// 200 with bytes whose kind is known when they are answered.
#[derive(Debug)]
pub struct Download(pub Response);

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answers for Download {
    fn describe(operation: &mut Operation) {
        operation.answer_of(StatusCode::OK, None);
    }
}

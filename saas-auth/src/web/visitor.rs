use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use http::request::Parts;
use saas_core::{Declares, Principal, Problem, SignedIn, pages::Locale};

/// Whoever has come, signed in or not.
#[derive(Debug, Clone)]
pub(super) struct Visitor(pub(super) Option<Arc<SignedIn>>);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Principal>() {
            Some(Principal::User(signed_in)) => Ok(Self(Some(Arc::clone(signed_in)))),
            Some(_) => Ok(Self(None)),
            None => Err(Problem::missing_layer("one that authenticates")),
        }
    }
}

impl Declares for Visitor {}

/// The language of mails that a request causes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language(pub(super) Locale);

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Locale::from_request_parts(parts, state).await.map(Self)
    }
}

impl Declares for Language {}

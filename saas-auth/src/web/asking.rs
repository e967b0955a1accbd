use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use saas_core::{Declares, Token};

use crate::{Auth, session::Carried};

/// The token of a browser that asked for a mail to sign in with, if it did.
#[derive(Debug, Clone)]
pub(super) struct Asking(pub(super) Option<Token>);

impl FromRequestParts<Auth> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Infallible> {
        Ok(Self(match auth.asking().read(&parts.headers) {
            Carried::Token(token) => Some(token),
            Carried::Nothing | Carried::Garbage => None,
        }))
    }
}

impl Declares for Asking {}

//! A code as it is sent.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use saas_core::{Declares, FieldError, Secret, Token, Validate};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Auth, second_factor::Proof, session::Carried};

/// Exactly one of the codes is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    /// The code that the authenticator app shows.
    #[schema(value_type = Option<String>)]
    pub(super) code: Option<Secret>,
    /// One of the backup codes, which works this once.
    #[schema(value_type = Option<String>)]
    pub(super) backup_code: Option<Secret>,
}

impl CodeBody {
    /// Neither is an empty one: its field says what is wrong.
    pub(super) fn proof(self) -> Proof {
        match (self.code, self.backup_code) {
            (None, Some(code)) => Proof::Backup(code),
            (code, _) => Proof::App(code.unwrap_or_default()),
        }
    }
}

impl Validate for CodeBody {
    fn validate(&self) -> Vec<FieldError> {
        one_of(&[("/code", self.code.is_some()), ("/backup_code", self.backup_code.is_some())])
    }
}

/// What is wrong unless exactly one is there.
pub(super) fn one_of(fields: &[(&str, bool)]) -> Vec<FieldError> {
    let there: Vec<&str> = fields.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect();
    match there[..] {
        [] => vec![FieldError::new(fields[0].0, "is missing, as is what may be in its place")],
        [_] => Vec::new(),
        [_, second, ..] => vec![FieldError::new(second, "must not come with another")],
    }
}

/// What is wrong with a code that was not taken: of the app there is another one soon.
pub(super) fn wrong_code(field: &str) -> &'static str {
    if field == "backup_code" { "auth-error-backup-code-wrong" } else { "auth-error-code-wrong" }
}

/// The token of a sign-in that waits for a second factor, if the request carries one.
#[derive(Debug)]
pub(super) struct PendingToken(pub(super) Option<Token>);

impl FromRequestParts<Auth> for PendingToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Infallible> {
        Ok(Self(match auth.pending().read(&parts.headers) {
            Carried::Token(token) => Some(token),
            Carried::Nothing | Carried::Garbage => None,
        }))
    }
}

impl Declares for PendingToken {}

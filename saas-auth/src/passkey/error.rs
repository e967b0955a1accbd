use saas_core::{DbError, FieldError, Problem, ProblemType, mail::MailInError};
use webauthn_rs::prelude::WebauthnError;

use crate::refused::Refused;

/// A passkey was not registered, changed or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyError {
    /// Nothing was asked of this browser, the answer took too long, or it was given already.
    #[error("nothing waits for the answer")]
    Expired,
    /// The answer is not to be believed, or opens nothing.
    #[error("the passkey was not accepted")]
    Wrong,
    /// It is registered already, for this account or for another.
    #[error("the passkey is registered already")]
    Taken,
    /// The account has as many as there may be.
    #[error("the account has as many passkeys as there may be")]
    Many,
    /// Nothing else would open the account.
    #[error("it is the last way to sign in")]
    Last,
    /// The account has no such passkey, or there are none here.
    #[error("there is no such passkey")]
    Unknown,
    /// Its name is not acceptable.
    #[error("the name is missing or not acceptable")]
    Refused(Refused),
    /// The browser cannot be asked.
    #[error("the browser cannot be asked")]
    Ask(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is kept of a passkey, or of what was asked, cannot be read.
    #[error("what is kept of a passkey cannot be read")]
    Stored(#[from] serde_json::Error),
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl PasskeyError {
    pub(super) fn asking(error: WebauthnError) -> Self {
        Self::Ask(error.into())
    }

    /// For an answer that the library refuses.
    pub(super) fn answer(error: &WebauthnError) -> Self {
        tracing::info!(error = error as &dyn std::error::Error, "a passkey was not accepted");
        Self::Wrong
    }
}

impl From<sqlx::Error> for PasskeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<PasskeyError> for Problem {
    fn from(error: PasskeyError) -> Self {
        let conflict = |detail: &'static str| Self::new(&ProblemType::CONFLICT).detail(detail);
        match error {
            PasskeyError::Expired => conflict("It took too long, or was done already. Begin again."),
            PasskeyError::Wrong => Self::invalid([FieldError::new("/credential", "was not accepted")]),
            PasskeyError::Taken => conflict("The passkey is registered already."),
            PasskeyError::Many => conflict("The account has as many passkeys as there may be. Remove one first."),
            PasskeyError::Last => conflict("It is the only way to sign in to the account: choose a password first."),
            PasskeyError::Unknown => Self::not_found(),
            PasskeyError::Refused(refused) => refused.into(),
            error @ (PasskeyError::Ask(_) | PasskeyError::Stored(_)) => Self::internal(error),
            PasskeyError::Mail(error) => error.into(),
            PasskeyError::Db(error) => error.into(),
        }
    }
}

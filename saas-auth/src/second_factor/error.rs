use std::time::Duration;

use saas_core::{DbError, FieldError, OpenError, Problem, ProblemType, mail::MailInError};

use crate::{
    HashError,
    account::CurrentPasswordError,
    attempt::throttled,
    refused::{Refusal, Refused},
};

/// A second factor was not shown, or not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// The code is wrong, or was used.
    #[error("the code is wrong or was used already")]
    Wrong,
    /// So many codes were wrong that no more are tried for a while. A backup code still is.
    #[error("too many codes were wrong")]
    Throttled {
        /// When one may be tried again.
        wait: Duration,
    },
    /// It took too long, it was done already, or the account is not as it was.
    #[error("it took too long, or was done already")]
    Expired,
    /// The account has no second factor.
    #[error("the account has no second factor")]
    Absent,
    /// Something that was entered is not acceptable.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// The current password was wrong too often.
    #[error("the current password was wrong too often")]
    PasswordThrottled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// Too many links were mailed.
    #[error("too many links were mailed")]
    MailThrottled {
        /// When another one may be.
        wait: Duration,
    },
    /// The secret of the app does not open: the master key is another one.
    #[error("the secret of an authenticator app does not open")]
    Sealed(#[from] OpenError),
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for SecondFactorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<CurrentPasswordError> for SecondFactorError {
    fn from(error: CurrentPasswordError) -> Self {
        match error {
            CurrentPasswordError::Wrong => Self::Refused(Refused::of("password", Refusal::PasswordWrong)),
            CurrentPasswordError::Throttled { wait } => Self::PasswordThrottled { wait },
            CurrentPasswordError::Hash(error) => Self::Hash(error),
            CurrentPasswordError::Db(error) => Self::Db(error),
        }
    }
}

impl From<SecondFactorError> for Problem {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Wrong => Self::invalid([FieldError::new("/code", "is wrong, or was used already")]),
            SecondFactorError::Throttled { wait } => throttled("Too many codes were wrong. A backup code is still taken.", wait),
            SecondFactorError::Expired => Self::new(&ProblemType::CONFLICT).detail("It took too long, or was done already. Begin again."),
            SecondFactorError::Absent => Self::new(&ProblemType::CONFLICT).detail("The account has no second factor."),
            SecondFactorError::Refused(refused) => refused.into(),
            SecondFactorError::PasswordThrottled { wait } => throttled("The current password was wrong too often.", wait),
            SecondFactorError::MailThrottled { wait } => throttled("Too many links were mailed.", wait),
            SecondFactorError::Sealed(error) => Self::internal(error),
            SecondFactorError::Hash(error) => error.into(),
            SecondFactorError::Mail(error) => error.into(),
            SecondFactorError::Db(error) => error.into(),
        }
    }
}

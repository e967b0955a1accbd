use std::time::Duration;

use http::StatusCode;
use saas_core::{DbError, Problem, ProblemType, mail::MailInError};

use crate::provider::ProviderError;

/// Somebody came back from a provider, or wanted to go there, and it led nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// What came back is nothing that was waited for: used, too old, or begun in another browser or at another provider.
    #[error("it is over, or was begun elsewhere")]
    Over,
    /// They changed their mind.
    #[error("the person did not want to")]
    Cancelled,
    /// The provider says that it did not work there.
    #[error("the provider refused: {0}")]
    ByProvider(String),
    /// The provider said nothing that is of use.
    #[error("the provider was of no use")]
    Provider(#[from] ProviderError),
    /// The provider names no address that mail can be sent to.
    #[error("the provider names no address")]
    NoAddress,
    /// The provider does not say that the address is theirs, or is not believed.
    #[error("nobody has shown that the address is theirs")]
    Unconfirmed,
    /// Somebody has an account with that address.
    #[error("there is an account with that address")]
    AccountExists,
    /// The account may not be signed in to.
    #[error("the account may not be signed in to")]
    Closed,
    /// It was to be linked with the account of somebody who is not signed in here any more.
    #[error("somebody else is signed in")]
    SomebodyElse,
    /// The account elsewhere is linked with another one here.
    #[error("it is linked with another account")]
    Taken,
    /// The letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Refused {
    /// In one word: for the log, and as the end of its texts' keys. None if it is a failure of ours.
    pub(crate) fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Over => "over",
            Self::Cancelled => "cancelled",
            Self::ByProvider(_) | Self::Provider(ProviderError::Refused(_)) => "failed",
            Self::Provider(ProviderError::Lied(_)) => "unbelievable",
            Self::Provider(ProviderError::Away(_) | ProviderError::Interrupted(_)) => "away",
            Self::NoAddress => "no-address",
            Self::AccountExists => "exists",
            Self::Closed => "closed",
            Self::SomebodyElse => "somebody-else",
            Self::Taken => "taken",
            // Nobody is told this: it is asked in the mailbox.
            Self::Unconfirmed | Self::Mail(_) | Self::Db(_) => return None,
        })
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Over => StatusCode::GONE,
            Self::Cancelled | Self::NoAddress | Self::Unconfirmed | Self::Closed => StatusCode::FORBIDDEN,
            Self::AccountExists | Self::SomebodyElse | Self::Taken => StatusCode::CONFLICT,
            Self::ByProvider(_) | Self::Provider(ProviderError::Refused(_) | ProviderError::Lied(_)) => StatusCode::BAD_GATEWAY,
            Self::Provider(ProviderError::Away(_) | ProviderError::Interrupted(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Mail(_) | Self::Db(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When asking again may help, if that is known.
    pub(crate) fn retry_in(&self) -> Option<Duration> {
        match self {
            Self::Provider(ProviderError::Away(_)) => Some(Duration::from_secs(5)),
            Self::Provider(ProviderError::Interrupted(interrupted)) => Some(interrupted.retry_in),
            _ => None,
        }
    }
}

/// For programs that want to send somebody to a provider.
impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let retry_in = refused.retry_in();
        let problem = match refused {
            Refused::Mail(error) => return error.into(),
            Refused::Db(error) => return error.into(),
            refused @ Refused::Provider(_) => {
                Self::new(&ProblemType::UNAVAILABLE).detail("The provider does not answer as it should.").because(refused)
            }
            refused => Self::new(&ProblemType::CONFLICT).detail(format!("It led nowhere: {refused}.")),
        };
        match retry_in {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        }
    }
}

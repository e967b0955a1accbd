use std::error::Error;

use saas_core::{Interrupted, OutboundError};

/// A provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It did not answer, or not in time, or said that it cannot work.
    #[error("the provider did not answer")]
    Away(#[source] Box<dyn Error + Send + Sync>),
    /// It was away lately and was not asked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// It knows nothing of what we came with.
    #[error("the provider refused the code")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// What it said does not hold.
    #[error("what the provider said cannot be believed")]
    Lied(#[source] Box<dyn Error + Send + Sync>),
}

impl ProviderError {
    pub(super) fn away(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Away(error.into())
    }

    pub(super) fn lied(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Lied(error.into())
    }

    /// An answer that is another provider's.
    pub(crate) fn mixed_up() -> Self {
        Self::lied("the answer is not this provider's")
    }

    pub(super) fn refused(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(error.into())
    }

    /// Whether it is a failure of the provider, and not an answer of one that works.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl From<OutboundError> for ProviderError {
    fn from(error: OutboundError) -> Self {
        Self::away(error)
    }
}

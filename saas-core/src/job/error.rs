use std::{error::Error, fmt, time::Duration};

use crate::DbError;

/// An attempt failed. Made from any error by `?`, and then tried again with growing distance.
pub struct JobError {
    pub(super) next: Next,
    pub(super) source: Box<dyn Error + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// After the usual distance.
    Usual,
    /// After this time.
    After(Duration),
    /// After this time, and this was no attempt.
    PutOff(Duration),
    /// Never.
    Dead,
    /// Somebody else has it now.
    Nothing,
}

impl JobError {
    /// Failed; the next attempt comes after this time and not after the usual one. For a `Retry-After`, or a schedule of one's own.
    pub fn retry_after(delay: Duration, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { next: Next::After(delay), source: error.into() }
    }

    /// Nothing was tried, because of something that stands in everybody's way, such as an open circuit breaker: it comes again after this time, and this
    /// was no attempt.
    pub fn put_off(delay: Duration, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { next: Next::PutOff(delay), source: reason.into() }
    }

    /// Failed, and trying again will not help: a dead letter at once.
    pub fn fatal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { next: Next::Dead, source: error.into() }
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobError").field("next", &self.next).field("source", &self.source).finish()
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

// Not an `Error` itself, so that any error turns into it.
impl<E: Error + Send + Sync + 'static> From<E> for JobError {
    fn from(error: E) -> Self {
        let source: Box<dyn Error + Send + Sync> = Box::new(error);
        let next = match source.downcast_ref() {
            Some(Superseded::Superseded) => Next::Nothing,
            _ => Next::Usual,
        };
        Self { next, source }
    }
}

/// The attempt took longer than its lease and another has begun, or the job is gone. What the handler has not committed must not be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Superseded {
    /// Somebody else has it, or it is done.
    #[error("the attempt has been superseded")]
    Superseded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Jobs could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Two handlers for jobs of one name.
    #[error("two handlers are registered for the job {0}")]
    Twice(&'static str),
    /// A schedule that cron does not understand, or of a job that has no handler.
    #[error("the schedule of the job {0} has no handler, or is none that cron understands")]
    Schedule(&'static str),
    /// The database is away.
    #[error("jobs could not be started")]
    Database(#[source] Box<dyn Error + Send + Sync>),
}

use std::time::Duration;

use crate::{Problem, ProblemType};

/// Something outside is away, and was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{dependency} did not answer lately and was not asked")]
#[non_exhaustive]
pub struct Interrupted {
    /// The name of the dependency.
    pub dependency: &'static str,
    /// When asking again may help.
    pub retry_in: Duration,
}

/// 503 with `Retry-After`. It has no cause: the log says once that something is away, and not each time that somebody notices.
impl From<Interrupted> for Problem {
    fn from(interrupted: Interrupted) -> Self {
        Self::new(&ProblemType::UNAVAILABLE).retry_after(interrupted.retry_in)
    }
}

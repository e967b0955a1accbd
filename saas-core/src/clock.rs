//! Time is passed in, so that a test can say what time it is.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Tells the time, in whole microseconds as PostgreSQL keeps it. Cheap to clone; clones share the same time.
///
/// ```
/// use chrono::TimeDelta;
/// use saas_core::Clock;
///
/// let clock = Clock::fixed("2026-03-01T00:00:00Z".parse()?);
/// let before = clock.now();
/// clock.advance(TimeDelta::hours(24));
/// assert_eq!(clock.now() - before, TimeDelta::hours(24));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is [advanced](Self::advance).
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(at))))
    }

    /// The time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
        .trunc_subsecs(6)
    }

    /// Moves a fixed clock; the system's clock goes its own way.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(at) = &self.0 {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock::fixed" } else { "Clock::system" })
    }
}

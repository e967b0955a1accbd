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
pub struct Clock(Time);

#[derive(Clone, Default)]
enum Time {
    #[default]
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
    /// How far it is ahead of the system's.
    Movable(Arc<Mutex<TimeDelta>>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Time::System)
    }

    /// A clock that stands still until it is [advanced](Self::advance).
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Time::Fixed(Arc::new(Mutex::new(at))))
    }

    /// A clock that goes as the system's does, and can be [advanced](Self::advance): for development.
    ///
    /// ```
    /// use chrono::TimeDelta;
    /// use saas_core::Clock;
    ///
    /// let clock = Clock::movable();
    /// clock.advance(TimeDelta::days(14));
    /// assert_eq!(clock.ahead(), Some(TimeDelta::days(14)));
    /// assert!(clock.now() - Clock::system().now() > TimeDelta::days(13));
    /// ```
    #[must_use]
    pub fn movable() -> Self {
        Self(Time::Movable(Arc::default()))
    }

    /// The time now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Time::System => Utc::now(),
            Time::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
            Time::Movable(by) => Utc::now() + *by.lock().unwrap_or_else(PoisonError::into_inner),
        }
        .trunc_subsecs(6)
    }

    /// Moves a fixed clock or a movable one; the system's clock goes its own way.
    pub fn advance(&self, by: TimeDelta) {
        match &self.0 {
            Time::System => {}
            Time::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner) += by,
            Time::Movable(ahead) => *ahead.lock().unwrap_or_else(PoisonError::into_inner) += by,
        }
    }

    /// How far a movable clock is ahead of the system's; none for any other.
    #[must_use]
    pub fn ahead(&self) -> Option<TimeDelta> {
        match &self.0 {
            Time::System | Time::Fixed(_) => None,
            Time::Movable(ahead) => Some(*ahead.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Time::System => "Clock::system",
            Time::Fixed(_) => "Clock::fixed",
            Time::Movable(_) => "Clock::movable",
        })
    }
}

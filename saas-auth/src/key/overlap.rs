use chrono::{DateTime, TimeDelta, Utc};
use saas_core::Secret;

/// How long a secret that was replaced goes on working: from not at all to a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap(TimeDelta);

impl Overlap {
    /// It ends at once, as it should when somebody else may have it.
    pub const NONE: Self = Self(TimeDelta::zero());
    /// It works for another day.
    pub const DAY: Self = Self(TimeDelta::hours(24));

    const LONGEST: TimeDelta = TimeDelta::hours(7 * 24);

    /// So many hours; none if that is more than a week.
    #[must_use]
    pub fn hours(hours: u16) -> Option<Self> {
        Some(TimeDelta::hours(hours.into())).filter(|overlap| *overlap <= Self::LONGEST).map(Self)
    }

    pub(crate) const fn time(self) -> TimeDelta {
        self.0
    }
}

/// A key that has just got another secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RotatedKey {
    /// The new text, shown once: only its hash is kept.
    pub secret: Secret,
    /// Until when the old one works.
    pub previous_until: DateTime<Utc>,
}

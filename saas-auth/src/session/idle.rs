use chrono::{DateTime, TimeDelta, Utc};

use super::NewSession;

/// How long a session lasts that nobody uses: one that ends with the browser at the latest, and one that is remembered.
///
/// Two hours and seven days unless something else is said ([`AuthBuilder::session_idle`](crate::AuthBuilder::session_idle)).
///
/// # Security
///
/// A browser that somebody left signed in opens their account to whoever sits down before it, for this long. Two hours are a meeting and a lunch, in which
/// nobody wants to lose a form that was half filled in; what concerns who may come in, and what cannot be undone, asks for a proof that is ten minutes
/// old at most. Whoever asks to be remembered says that the device is theirs; a week of not coming says that it may not be any more. Where
/// people share machines, or what is shown is more sensitive, say less: NIST SP 800-63B-4 has an hour for its second level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionIdle {
    session: TimeDelta,
    remembered: TimeDelta,
}

/// A session cannot be unused for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session that nobody uses lasts from 5 minutes up to 24 hours, or 30 days where it is remembered")]
pub struct SessionIdleError;

impl SessionIdle {
    const SESSION: TimeDelta = TimeDelta::hours(2);
    const REMEMBERED: TimeDelta = TimeDelta::days(7);

    /// A use is noted once a minute, and not at all while too much is noted: less than this would end sessions that are used.
    const LEAST: TimeDelta = TimeDelta::minutes(5);

    /// For sessions that are not remembered, and for those that are.
    ///
    /// # Errors
    ///
    /// Fails with less than five minutes, or with more than such a session lasts however often it is used.
    pub fn new(session: TimeDelta, remembered: TimeDelta) -> Result<Self, SessionIdleError> {
        let is_sound = |idle, longest| (Self::LEAST..=longest).contains(&idle);
        let are_sound = is_sound(session, NewSession::LIFETIME) && is_sound(remembered, NewSession::REMEMBERED_LIFETIME);
        if are_sound { Ok(Self { session, remembered }) } else { Err(SessionIdleError) }
    }

    /// For sessions that end with the browser.
    #[must_use]
    pub const fn session(self) -> TimeDelta {
        self.session
    }

    /// For those that are remembered.
    #[must_use]
    pub const fn remembered(self) -> TimeDelta {
        self.remembered
    }

    /// For one of the two kinds.
    pub(crate) const fn of(self, remembered: bool) -> TimeDelta {
        if remembered { self.remembered } else { self.session }
    }

    /// Since when a session has to have been used to last at this time.
    pub(crate) fn since(self, now: DateTime<Utc>) -> UsedSince {
        UsedSince { session: now - self.session, remembered: now - self.remembered }
    }
}

impl Default for SessionIdle {
    fn default() -> Self {
        Self { session: Self::SESSION, remembered: Self::REMEMBERED }
    }
}

/// What was last used at this time or before is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsedSince {
    pub(crate) session: DateTime<Utc>,
    pub(crate) remembered: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_ends_what_is_used_or_ends_nothing_is_refused() {
        let (hour, week) = (TimeDelta::hours(1), TimeDelta::days(7));
        assert_eq!(SessionIdle::new(hour, week).map(|idle| (idle.session(), idle.remembered())), Ok((hour, week)));
        for (session, remembered) in [
            (TimeDelta::minutes(4), week),
            (TimeDelta::hours(25), week),
            (hour, TimeDelta::minutes(4)),
            (hour, TimeDelta::days(31)),
            (-hour, week),
        ] {
            assert_eq!(SessionIdle::new(session, remembered), Err(SessionIdleError), "{session} {remembered}");
        }
    }
}

//! What an attempt to pass news on came to, and when the next one is: news for chats and for browsers alike.

use std::time::Duration;

use chrono::TimeDelta;
use http::StatusCode;

use crate::backoff;

/// The pauses after the first, the second, … failure: seven attempts in a little over four hours, after which nobody reads an alarm.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(3 * 60 * 60),
];
/// How long a message may wait, whatever for.
pub(crate) const EXPIRES: TimeDelta = TimeDelta::hours(6);

/// How an attempt went.
pub(crate) struct Answer {
    pub(crate) status: Result<StatusCode, &'static str>,
    /// When the message is tried again; none if it is delivered or given up.
    pub(crate) again: Option<TimeDelta>,
    /// How long all that goes to the same place rests.
    pub(crate) rest: TimeDelta,
}

impl Answer {
    /// It waited for too long.
    pub(crate) const EXPIRED: Self = Self { status: Err("expired"), again: None, rest: TimeDelta::zero() };

    pub(crate) fn of(status: Result<StatusCode, &'static str>, attempt: i32, asked: Option<Duration>) -> Self {
        let may_pass = match status {
            Ok(status) => {
                status.is_server_error()
                    || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS)
            }
            Err(error) => error != "internal",
        };
        let again = backoff::listed(&PAUSES, attempt, asked, rand::random()).filter(|_| may_pass);
        let longest = asked.and_then(|asked| TimeDelta::from_std(asked).ok()).unwrap_or_default().max(TimeDelta::minutes(1));
        Self { status, again, rest: again.unwrap_or_default().min(longest) }
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.status.is_ok_and(|status| status.is_success())
    }

    /// Whether nobody is there, and it is no use to try with other messages.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status, Ok(StatusCode::NOT_FOUND | StatusCode::GONE))
    }
}

//! When what failed is tried again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode, header};

/// The longest that a receiver can put us off.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait after the given attempt: `first`, doubled each time, up to `longest`; and between half and one and a half of that, by
/// `chance` from 0 to 1, so that what failed together is not tried together.
pub(crate) fn doubled(first: Duration, longest: Duration, attempt: i32, chance: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default();
    first.saturating_mul(2_u32.saturating_pow(doublings)).min(longest).mul_f64(0.5 + chance)
}

/// How long to wait after the given attempt by a list of pauses, or none if it was the last. Up to a tenth is added by `chance` from 0 to 1;
/// what the receiver asked for is a least.
pub(crate) fn listed(pauses: &[Duration], attempt: i32, asked: Option<Duration>, chance: f64) -> Option<TimeDelta> {
    let failed = usize::try_from(attempt).unwrap_or_default().saturating_sub(1);
    let pause = pauses.get(failed)?.mul_f64(1.0 + chance / 10.0).max(asked.unwrap_or_default());
    Some(TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX))
}

/// How long the receiver wants us to stay away, a day at most: `Retry-After` in seconds or as a date, where the status says that it is about
/// load.
pub(crate) fn asked(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let is_about_load = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    if !is_about_load {
        return None;
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now).to_std().ok()?,
    };
    Some(asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3600);

    /// OPS-01
    #[test]
    fn waiting_doubles_up_to_an_end() {
        let seconds: Vec<_> = [0, 1, 2, 3, 12, 13, 20, i32::MAX].map(|attempt| doubled(SECOND, HOUR, attempt, 0.5).as_secs()).into();
        assert_eq!(seconds, [1, 1, 2, 4, 2048, 3600, 3600, 3600]);
    }

    /// OPS-01
    #[test]
    fn chance_spreads_it_by_half_to_both_sides() {
        assert_eq!(doubled(SECOND, HOUR, 3, 0.0), Duration::from_secs(2));
        assert_eq!(doubled(SECOND, HOUR, 3, 1.0), Duration::from_secs(6));
    }

    /// Topic 1: with jitter, and then no more.
    #[test]
    fn a_list_of_pauses_has_an_end() {
        let pauses = [5 * SECOND, 300 * SECOND];
        let pause = |attempt, chance| listed(&pauses, attempt, None, chance);
        assert_eq!((pause(1, 0.0), pause(2, 0.0)), (Some(TimeDelta::seconds(5)), Some(TimeDelta::seconds(300))));
        assert_eq!((pause(2, 1.0), pause(3, 0.0)), (Some(TimeDelta::seconds(330)), None));
        assert_eq!(listed(&pauses, 3, Some(SECOND), 0.0), None);
    }

    /// Topic 1 (Retry-After date and seconds)
    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_in_seconds_or_by_date() {
        let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let asked = |status: u16, text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            asked(StatusCode::from_u16(status).unwrap(), &headers, now).map(|it| it.as_secs())
        };
        for status in [429, 502, 503, 504] {
            assert_eq!(asked(status, "120"), Some(120));
            assert_eq!(asked(status, "Sun, 01 Mar 2026 12:02:00 GMT"), Some(120));
        }
        assert_eq!(asked(500, "120"), None);
        assert_eq!(asked(429, "soon"), None);
        assert_eq!(asked(429, "-5"), None);
        assert_eq!(asked(429, "Sun, 01 Mar 2026 11:00:00 GMT"), None);
        let pauses = [5 * SECOND, 300 * SECOND];
        assert_eq!(listed(&pauses, 1, Some(120 * SECOND), 1.0), Some(TimeDelta::seconds(120)));
        assert_eq!(listed(&pauses, 2, Some(SECOND), 0.0), Some(TimeDelta::seconds(300)));
        assert_eq!(asked(429, &u64::MAX.to_string()), Some(24 * 60 * 60));
        assert_eq!(asked(503, "Thu, 01 Jan 2099 12:00:00 GMT"), Some(24 * 60 * 60));
    }
}

//! When a delivery is tried again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode, header};

/// The pauses after the first, the second, … failure: eight attempts in a little over a day.
pub(super) const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
];

/// The longest that a receiver can put us off.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long to wait after the `tries`th failure, by the pauses of a schedule, or none if it was the last. Up to a tenth is added at random, so that what failed together
/// does not come back together; what the receiver asked for is a least.
pub(crate) fn pause(pauses: &[Duration], tries: i32, asked: Option<Duration>) -> Option<TimeDelta> {
    let failed = usize::try_from(tries).unwrap_or_default().saturating_sub(1);
    let pause = pauses.get(failed)?.mul_f64(rand::random_range(1.0..1.1)).max(asked.unwrap_or_default().min(LONGEST));
    Some(TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX))
}

/// How long the receiver wants us to stay away: `Retry-After` in seconds or as a date, where the status says that it is about load.
pub(crate) fn asked_pause(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let is_about_load = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    if !is_about_load {
        return None;
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now).to_std().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(tries: i32, asked: Option<Duration>) -> Option<TimeDelta> {
        super::pause(&PAUSES, tries, asked)
    }

    /// Topic 1: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h with jitter, and then no more.
    #[test]
    fn the_pauses_are_those_of_the_schedule() {
        for (tries, seconds) in [(1, 5), (2, 300), (3, 1800), (4, 7200), (5, 18_000), (6, 36_000), (7, 36_000)] {
            let pause = pause(tries, None).unwrap().as_seconds_f64();
            let base = f64::from(seconds);
            assert!(pause >= base && pause <= base * 1.1, "{tries}: {pause}");
        }
        assert_eq!(pause(8, None), None);
        assert_eq!(pause(8, Some(Duration::from_secs(1))), None);
        assert_ne!(pause(7, None), pause(7, None));
    }

    /// Topic 1 (Retry-After date and seconds)
    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_in_seconds_or_by_date() {
        let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let asked = |status: u16, text: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            asked_pause(StatusCode::from_u16(status).unwrap(), &headers, now).map(|it| it.as_secs())
        };
        for status in [429, 502, 503, 504] {
            assert_eq!(asked(status, "120"), Some(120));
            assert_eq!(asked(status, "Sun, 01 Mar 2026 12:02:00 GMT"), Some(120));
        }
        assert_eq!(asked(500, "120"), None);
        assert_eq!(asked(429, "soon"), None);
        assert_eq!(asked(429, "-5"), None);
        assert_eq!(asked(429, "Sun, 01 Mar 2026 11:00:00 GMT"), None);
        assert_eq!(pause(1, Some(Duration::from_secs(120))), Some(TimeDelta::seconds(120)));
        assert!(pause(2, Some(Duration::from_secs(1))).unwrap() >= TimeDelta::seconds(300));
        assert_eq!(pause(1, Some(Duration::MAX)), Some(TimeDelta::hours(24)));
    }
}

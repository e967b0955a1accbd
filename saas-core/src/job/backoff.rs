use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3600);

/// How long to wait after the given attempt: a second, doubled each time, up to an hour; and between half and one and a half of that, by
/// `chance` from 0 to 1, so that what failed together is not tried together.
pub(super) fn backoff(attempt: i32, chance: f64) -> Duration {
    let doublings = u32::try_from(attempt.max(1) - 1).unwrap_or(0).min(12);
    (FIRST * 2_u32.pow(doublings)).min(LONGEST).mul_f64(0.5 + chance)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::backoff;

    /// OPS-01
    #[test]
    fn waiting_doubles_up_to_an_hour() {
        let seconds: Vec<_> = [1, 2, 3, 12, 13, 20, 1000].map(|attempt| backoff(attempt, 0.5).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 2048, 3600, 3600, 3600]);
    }

    /// OPS-01
    #[test]
    fn chance_spreads_it_by_half_to_both_sides() {
        assert_eq!(backoff(3, 0.0), Duration::from_secs(2));
        assert_eq!(backoff(3, 1.0), Duration::from_secs(6));
    }
}

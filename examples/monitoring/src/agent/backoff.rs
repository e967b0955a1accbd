//! How long to wait before the next try.

use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Waits that double from one second to one minute, each cut by up to a half at random, so that a thousand agents do not
/// return to a server in the same second.
pub(super) struct Backoff {
    next: Duration,
    random: StdRng,
}

impl Backoff {
    pub(super) fn new(random: &mut impl Rng) -> Self {
        Self { next: FIRST, random: StdRng::from_rng(random) }
    }

    /// The next wait.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(self.random.random_range(0.5..=1.0));
        self.next = (self.next * 2).min(LONGEST);
        wait
    }

    /// Begins anew after a success.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(&mut StdRng::seed_from_u64(7));
        for full in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            let wait = backoff.wait().as_secs_f64();
            assert!((full / 2.0..=full).contains(&wait), "{wait} is not within half of {full}");
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}

//! A mail server that is away costs the program a try now and then, and not one for each letter that waits.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const TOLERATED: u32 = 3;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Closes after three failures in a row; then one letter at a time finds out whether the server is back.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Gate {
    /// How long to wait, if the gate is closed. Whoever comes first after that is let through alone.
    pub(super) fn pass(&self) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let until = state.closed_until?;
        if until > now {
            return Some(until - now);
        }
        state.closed_until = Some(now + pause(state.failures));
        None
    }

    pub(super) fn took(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    pub(super) fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= TOLERATED {
            if state.closed_until.is_none() {
                tracing::warn!("the mail server does not take mail; it is tried now and then");
            }
            state.closed_until = Some(Instant::now() + pause(state.failures));
        }
    }
}

fn pause(failures: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(TOLERATED).min(10))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-01
    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_tried_by_one_letter_at_a_time() {
        let gate = Gate::default();
        for _ in 0..TOLERATED {
            assert_eq!(gate.pass(), None);
            gate.failed();
        }
        assert_eq!(gate.pass(), Some(FIRST));
        tokio::time::advance(FIRST).await;
        assert_eq!(gate.pass(), None, "one finds out");
        assert_eq!(gate.pass(), Some(FIRST), "alone");
        gate.failed();
        assert_eq!(gate.pass(), Some(2 * FIRST));
        tokio::time::advance(2 * FIRST).await;
        assert_eq!(gate.pass(), None);
        gate.took();
        assert_eq!(gate.pass(), None);
        assert_eq!(gate.pass(), None);
        for _ in 0..50 {
            gate.failed();
        }
        assert_eq!(gate.pass(), Some(LONGEST));
    }
}

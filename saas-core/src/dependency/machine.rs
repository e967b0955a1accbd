//! When a breaker opens, lets one find out, and closes. Nothing here waits, locks or tells anybody.

use std::time::Duration;

use tokio::time::Instant;

use super::Dependency;

/// What a breaker does with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets all of them through.
    Closed,
    /// It lets none through.
    Open,
    /// It has let one through, which finds out whether the dependency is back.
    HalfOpen,
}

impl BreakerState {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Machine {
    phase: Phase,
    epoch: Epoch,
}

/// One more with each transition: a call that was begun before the last one says nothing of what is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// How long until somebody is let through again, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Duration);

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    HalfOpen { pause: Duration },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Machine {
    pub(super) fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Lets a call through if all are.
    pub(super) fn pass(&self, now: Instant) -> Result<Epoch, Wait> {
        match self.phase {
            Phase::Closed { .. } => Ok(self.epoch),
            Phase::Open { until, .. } if until > now => Err(Wait(until - now)),
            Phase::Open { pause, .. } | Phase::HalfOpen { pause } => Err(Wait(pause)),
        }
    }

    /// Lets one call through that finds out, once the pause is over.
    pub(super) fn probe(&mut self, now: Instant) -> Result<Epoch, Wait> {
        match self.phase {
            Phase::Open { until, pause } if until <= now => Ok(self.turn(Phase::HalfOpen { pause })),
            _ => self.pass(now),
        }
    }

    /// Whether it closed by that.
    pub(super) fn succeeded(&mut self, epoch: Epoch) -> bool {
        match &mut self.phase {
            _ if epoch != self.epoch => false,
            Phase::Closed { failures } => {
                *failures = 0;
                false
            }
            Phase::HalfOpen { .. } => {
                self.turn(Phase::default());
                true
            }
            Phase::Open { .. } => false,
        }
    }

    /// Whether it opened by that, having been closed.
    pub(super) fn failed(&mut self, epoch: Epoch, now: Instant, bounds: &Dependency) -> bool {
        match &mut self.phase {
            _ if epoch != self.epoch => false,
            Phase::Closed { failures } => {
                *failures = failures.saturating_add(1);
                let opens = *failures >= bounds.opens_after;
                if opens {
                    self.open(now, bounds.first_pause);
                }
                opens
            }
            Phase::HalfOpen { pause } => {
                let longer = pause.saturating_mul(2).min(bounds.longest_pause);
                self.open(now, longer);
                false
            }
            Phase::Open { .. } => false,
        }
    }

    /// A call ended without saying how it went. If it was to find out, the next one does, at once.
    pub(super) fn gave_up(&mut self, epoch: Epoch, now: Instant) {
        if let Phase::HalfOpen { pause } = self.phase
            && epoch == self.epoch
        {
            self.turn(Phase::Open { until: now, pause });
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        self.turn(Phase::Open { until: now + pause, pause });
    }

    fn turn(&mut self, phase: Phase) -> Epoch {
        self.phase = phase;
        self.epoch.0 += 1;
        self.epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Dependency = Dependency::new("test").opens_after(3).pauses(Duration::from_secs(1), Duration::from_secs(5));

    /// A machine that is open, and from when it may be tried.
    fn opened(now: Instant) -> (Machine, Instant) {
        let mut machine = Machine::default();
        let epoch = machine.pass(now).unwrap();
        for nth in 1..=3 {
            assert_eq!(machine.failed(epoch, now, &BOUNDS), nth == 3);
        }
        (machine, now + Duration::from_secs(1))
    }

    /// OPS-04: closed, open.
    #[test]
    fn as_many_failures_in_a_row_as_are_stated_open_it() {
        let (mut machine, now) = (Machine::default(), Instant::now());
        let epoch = machine.pass(now).unwrap();
        for _ in 0..10 {
            assert!(!machine.failed(epoch, now, &BOUNDS) && !machine.failed(epoch, now, &BOUNDS));
            assert!(!machine.succeeded(epoch), "a success in between begins the count anew");
        }
        assert_eq!(machine.state(), BreakerState::Closed);
        let (machine, _) = opened(now);
        assert_eq!((machine.state(), machine.pass(now)), (BreakerState::Open, Err(Wait(Duration::from_secs(1)))));
        let half = Duration::from_millis(500);
        assert_eq!(machine.pass(now + half), Err(Wait(half)));
    }

    /// OPS-04: open, half-open, closed.
    #[test]
    fn after_the_pause_one_finds_out_and_closes_it() {
        let now = Instant::now();
        let (mut machine, due) = opened(now);
        assert!(machine.probe(due - Duration::from_millis(1)).is_err());
        let probe = machine.probe(due).unwrap();
        assert_eq!(machine.state(), BreakerState::HalfOpen);
        assert_eq!(machine.probe(due), Err(Wait(Duration::from_secs(1))), "alone");
        assert!(machine.succeeded(probe));
        assert_eq!(machine.state(), BreakerState::Closed);
        let epoch = machine.pass(due).unwrap();
        assert!(!machine.failed(epoch, due, &BOUNDS) && !machine.failed(epoch, due, &BOUNDS), "all failures before are forgotten");
    }

    /// OPS-04: half-open, open.
    #[test]
    fn each_time_that_it_is_still_away_it_is_left_alone_for_twice_as_long_up_to_an_end() {
        let (mut machine, mut due) = opened(Instant::now());
        for pause in [2, 4, 5, 5].map(Duration::from_secs) {
            let probe = machine.probe(due).unwrap();
            assert!(!machine.failed(probe, due, &BOUNDS), "it was open before");
            assert_eq!((machine.state(), machine.probe(due)), (BreakerState::Open, Err(Wait(pause))));
            due += pause;
        }
        let probe = machine.probe(due).unwrap();
        machine.succeeded(probe);
        let epoch = machine.pass(due).unwrap();
        for _ in 0..3 {
            machine.failed(epoch, due, &BOUNDS);
        }
        assert_eq!(machine.pass(due), Err(Wait(Duration::from_secs(1))), "from the beginning, next time");
    }

    /// OPS-04: half-open, open, half-open.
    #[test]
    fn whoever_gives_up_leaves_finding_out_to_the_next() {
        let (mut machine, due) = opened(Instant::now());
        let probe = machine.probe(due).unwrap();
        machine.gave_up(probe, due);
        assert_eq!(machine.state(), BreakerState::Open);
        let next = machine.probe(due).unwrap();
        assert!(!machine.succeeded(probe), "too late");
        machine.gave_up(probe, due);
        assert_eq!(machine.state(), BreakerState::HalfOpen, "it was not theirs any more");
        assert!(machine.succeeded(next));
    }

    /// OPS-04: what hung while it opened, and ends when it has opened, is half-open or has closed again.
    #[test]
    fn what_was_begun_before_a_transition_causes_none() {
        let (mut machine, now) = (Machine::default(), Instant::now());
        let old = machine.pass(now).unwrap();
        for _ in 0..50 {
            machine.failed(old, now, &BOUNDS);
        }
        assert_eq!(machine.pass(now), Err(Wait(Duration::from_secs(1))), "fifty that fail at once are one reason to pause");
        assert!(!machine.succeeded(old));
        machine.gave_up(old, now);
        let due = now + Duration::from_secs(1);
        let probe = machine.probe(due).unwrap();
        assert!(!machine.succeeded(old) && !machine.failed(old, due, &BOUNDS));
        machine.gave_up(old, due);
        assert_eq!(machine.state(), BreakerState::HalfOpen);
        assert!(machine.succeeded(probe));
        for _ in 0..50 {
            assert!(!machine.failed(old, due, &BOUNDS));
        }
        assert_eq!(machine.state(), BreakerState::Closed);
    }
}

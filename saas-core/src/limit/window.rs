//! A window that slides in sixty steps. What it means is written down twice, here and in `redis.lua`, and must be the same in both.

use std::time::Duration;

use super::{Count, Rate};

/// In how many steps a window slides.
///
/// A request counts for the step that it falls into and the sixty that follow: never shorter than the window, and at most a sixtieth
/// longer. So no window whatever has more than the limit.
const STEPS: u32 = 60;

/// How many steps become one where there is no room for all of them: a third of a window. Those that count are in four thirds at most.
const THIRD: u32 = STEPS / 3;

/// A moment of a window that slides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Microseconds since counting began.
    now: u64,
    /// How long a step is, in microseconds.
    width: u64,
    /// The step that it is in. The numbers begin anew after years of windows of a second; two steps are compared by how far they are apart.
    step: u32,
}

impl Moment {
    /// So long after counting began.
    pub(super) fn of(window: Duration, elapsed: Duration) -> Self {
        let width = micros(window).div_ceil(u64::from(STEPS)).max(1);
        let now = micros(elapsed);
        let step = (now / width) % (u64::from(u32::MAX) + 1);
        Self { now, width, step: u32::try_from(step).unwrap_or_default() }
    }

    fn has_passed(self, counted: Counted) -> bool {
        self.step.wrapping_sub(counted.step) > STEPS
    }

    /// When what was counted counts no longer.
    fn passes_in(self, counted: Counted) -> Duration {
        let age = self.step.wrapping_sub(counted.step);
        let steps = u64::from((STEPS + 1).saturating_sub(age));
        Duration::from_micros((steps * self.width).saturating_sub(self.now % self.width))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How many requests a step had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    step: u32,
    requests: u32,
}

/// What is kept of a key: the steps that had requests, the oldest first. Most keys have one, which takes no memory of its own.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    One(Counted),
    Many(Box<[Counted]>),
}

const _: () = assert!(size_of::<Kept>() == 16, "a million of them are kept");

impl Default for Kept {
    fn default() -> Self {
        Self::Many(Box::default())
    }
}

impl From<Vec<Counted>> for Kept {
    fn from(steps: Vec<Counted>) -> Self {
        match *steps {
            [one] => Self::One(one),
            _ => Self::Many(steps.into()),
        }
    }
}

impl Kept {
    fn steps(&self) -> &[Counted] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn steps_mut(&mut self) -> &mut [Counted] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }

    /// How many steps are kept.
    pub(super) fn len(&self) -> usize {
        self.steps().len()
    }

    /// Those that count still.
    fn recent(&self, moment: Moment) -> &[Counted] {
        let steps = self.steps();
        &steps[steps.iter().position(|it| !moment.has_passed(*it)).unwrap_or(steps.len())..]
    }

    /// Forgets what counts no longer.
    pub(super) fn trim(&mut self, moment: Moment) {
        let recent = self.recent(moment);
        if recent.len() < self.len() {
            *self = recent.to_vec().into();
        }
    }

    /// All that counts still, as if it came with the newest of it.
    pub(super) fn gathered(&self, moment: Moment) -> Self {
        let recent = self.recent(moment);
        recent.last().map_or_else(Self::default, |newest| Self::One(Counted { requests: sum(recent), ..*newest }))
    }

    /// Counts one request, unless it is refused.
    ///
    /// Where there is no `room` for another step, the steps of each third of a window become the newest of them. They count up to a third of a window
    /// longer than they would, so that the limit holds all the same.
    pub(super) fn take(&mut self, moment: Moment, rate: Rate, room: bool) -> Count {
        let recent = self.recent(moment);
        let used = sum(recent);
        let limit = rate.limit().get();
        if used >= limit {
            return refused(recent, moment, used, limit);
        }
        let now = Counted { step: moment.step, requests: 1 };
        if recent.last().is_some_and(|newest| newest.step == moment.step) {
            if let Some(newest) = self.steps_mut().last_mut() {
                newest.requests += 1;
            }
        } else {
            let mut grown = Vec::with_capacity(recent.len() + 1);
            grown.extend_from_slice(recent);
            grown.push(now);
            *self = if room { grown } else { in_thirds(grown) }.into();
        }
        Count { remaining: limit - used - 1, reset: moment.passes_in(now), retry_after: None }
    }
}

fn sum(steps: &[Counted]) -> u32 {
    steps.iter().fold(0, |sum: u32, it| sum.saturating_add(it.requests))
}

/// Of each third of a window the newest step, which has all the requests.
fn in_thirds(mut steps: Vec<Counted>) -> Vec<Counted> {
    steps.dedup_by(|next, kept| {
        let is_same = next.step / THIRD == kept.step / THIRD;
        if is_same {
            *kept = Counted { step: next.step, requests: kept.requests.saturating_add(next.requests) };
        }
        is_same
    });
    steps
}

/// The wait is until so many of the oldest steps have passed that one request has room.
fn refused(recent: &[Counted], moment: Moment, used: u32, limit: u32) -> Count {
    let mut left = used;
    let frees = recent.iter().find(|it| {
        left = left.saturating_sub(it.requests);
        left < limit
    });
    let in_time = |it: Option<&Counted>| it.map_or(Duration::ZERO, |it| moment.passes_in(*it));
    Count { remaining: 0, reset: in_time(recent.last()), retry_after: Some(in_time(frees)) }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    /// One way of arriving: alone, in bursts, evenly, with long pauses.
    fn pause(random: &mut SmallRng, rate: Rate) -> Duration {
        let even = rate.window() / rate.limit().get();
        match random.random_range(0..10) {
            0..5 => Duration::ZERO,
            5..8 => even.mul_f64(random.random_range(0.0..2.0)),
            8 => rate.window().mul_f64(random.random_range(0.0..1.2)),
            // Not a microsecond before it has passed, and not one after.
            _ => rate.window() + Duration::from_micros(random.random_range(0..3)) - Duration::from_micros(1),
        }
    }

    /// What the plain model remembers: when each request was allowed.
    struct Model {
        rate: Rate,
        allowed: Vec<Duration>,
    }

    impl Model {
        /// How many of the last window before this, and of this much more.
        fn used(&self, at: Duration, more: Duration) -> usize {
            self.allowed.iter().filter(|allowed| at < **allowed + self.rate.window() + more).count()
        }
    }

    /// API-02: against a model that remembers each request. Whatever the times, no window has more than the limit, nobody is refused who
    /// had less than that in a window and a sixtieth (and a third, where there is no room), and what is said of the future comes true.
    #[test]
    fn whatever_the_times_no_window_has_more_than_the_limit() {
        let mut random = SmallRng::seed_from_u64(15);
        let (mut refusals, mut crowded) = (0, 0);
        for nth in 0..400 {
            let rate = Rate::new(random.random_range(1..30), Duration::from_micros(random.random_range(1_000_000..180_000_000)));
            let width = Duration::from_micros(micros(rate.window()).div_ceil(u64::from(STEPS)));
            // A step, and what it is longer than a sixtieth.
            let step = width + Duration::from_micros(u64::from(STEPS));
            let limit = rate.limit().get() as usize;
            // Each fourth key has no room for all of its steps.
            let has_room = nth % 4 != 0;
            let step = if has_room { step } else { step + width * (THIRD - 1) };
            // The numbers of the steps begin anew in the middle of some.
            let epoch = if nth % 3 == 0 { width * u32::MAX - 5 * rate.window() } else { Duration::ZERO };
            let (mut kept, mut at) = (Kept::default(), epoch + rate.window().mul_f64(random.random_range(0.0..2.0)));
            let mut model = Model { rate, allowed: Vec::new() };
            for _ in 0..300 {
                at += pause(&mut random, rate);
                let moment = Moment::of(rate.window(), at);
                let before = kept.clone();
                let count = kept.take(moment, rate, has_room);
                let used = model.used(at, Duration::ZERO);
                let Some(wait) = count.retry_after else {
                    assert!(used < limit, "{used} of {limit} in a window, and one more");
                    model.allowed.push(at);
                    let (remaining, longest) = (count.remaining as usize, model.used(at, step));
                    assert!(remaining < limit - used && remaining + longest >= limit, "{remaining} are left");
                    let left = |after| kept.recent(Moment::of(rate.window(), at + after)).len();
                    assert_eq!(left(count.reset), 0, "everything is allowed again after {:?}", count.reset);
                    assert!(left(count.reset - Duration::from_micros(1)) > 0);
                    // Where the numbers begin anew a third is cut in two.
                    assert!(has_room || kept.len() <= 4 + usize::from(nth % 3 == 0), "{} steps where there is no room", kept.len());
                    continue;
                };
                refusals += 1;
                assert_eq!(before.steps(), kept.steps(), "what is refused is not counted");
                assert!(model.used(at, step) >= limit, "refused with {used} of {limit}");
                crowded += usize::from(!has_room);
                let later = |wait| kept.clone().take(Moment::of(rate.window(), at + wait), rate, has_room).retry_after;
                assert_eq!(later(wait), None, "it waited as long as it was told");
                assert!(later(wait - Duration::from_micros(1)).is_some(), "it was told to wait too long");
                assert!(wait <= rate.window() + step && wait <= count.reset);
            }
        }
        assert!(refusals > 10_000 && crowded > 1_000, "{refusals} {crowded}");
    }

    /// What is kept is never more than the steps of a window, however many requests come.
    #[test]
    fn there_is_an_end_to_what_is_kept_of_a_key() {
        let (mut kept, rate) = (Kept::default(), Rate::new(100_000, WINDOW));
        let most = (0..10_000).map(|nth| {
            kept.take(Moment::of(WINDOW, Duration::from_millis(37) * nth), rate, true);
            kept.len()
        });
        assert_eq!(most.max(), Some(STEPS as usize + 1));
    }

    /// A limit that is lower than it was refuses until enough has passed.
    #[test]
    fn a_lower_limit_holds_from_the_next_request_on() {
        let (mut kept, second) = (Kept::default(), Duration::from_secs(1));
        for nth in 0..10 {
            kept.take(Moment::of(WINDOW, second * nth), Rate::per_minute(10), true);
        }
        let refused = kept.take(Moment::of(WINDOW, second * 10), Rate::per_minute(4), true);
        // Seven must have passed, of which the last came in the sixth second.
        assert_eq!((refused.remaining, refused.retry_after), (0, Some(second * (6 + 61 - 10))));
    }
}

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    BreakerState, Dependency, Interrupted,
    machine::{Epoch, Machine, Wait},
    probe::{Probe, find_out},
};
use crate::{Clock, CounterHandle};

/// Stops calling what does not answer, finds out whether it is back, and goes on. Cheap to clone; clones share its state.
///
/// * **Closed**, it lets every call through. So many failures in a row as its [`Dependency`] states open it.
/// * **Open**, it refuses at once. When the pause is over, one call is let through to find out: the next that comes, or, if the breaker has
///   a way [to ask](Self::probe_with), one of its own.
/// * **Half-open**, that call is under way and all others are refused. If it succeeds, the breaker closes; if it fails, the next pause is
///   twice as long. If it ends without saying so (its future was dropped), the next call finds out.
///
/// A call that was begun before the breaker changed its state no longer says anything. A call must end in a bounded time, whatever the
/// other side does: while it finds out, nobody else is let through.
///
/// It knows of one program alone; of several nodes, each finds out for itself.
#[derive(Clone)]
pub struct Breaker {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    dependency: Dependency,
    clock: Clock,
    openings: CounterHandle,
    now: Mutex<Now>,
    probe: OnceLock<Probe>,
}

#[derive(Default)]
struct Now {
    machine: Machine,
    away_since: Option<DateTime<Utc>>,
}

impl Breaker {
    /// One of its own, which neither metrics nor the status page show. Those of a program come from its [`Dependencies`](super::Dependencies).
    #[must_use]
    pub fn new(dependency: Dependency) -> Self {
        Self::counted(dependency, Clock::system(), CounterHandle::default())
    }

    pub(super) fn counted(dependency: Dependency, clock: Clock, openings: CounterHandle) -> Self {
        Self { inner: Arc::new(Inner { dependency, clock, openings, now: Mutex::default(), probe: OnceLock::new() }) }
    }

    /// Finds out by this question of its own, and not by a call that somebody waits for, whether the dependency is back: for one that may
    /// not be called for hours, or whose calls are long. It answers whether it is. It must end in a bounded time. Asked on tokio's runtime,
    /// on which the breaker's calls must run too. The first that is set stays.
    pub fn probe_with<F, A>(&self, probe: F)
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        // Set already: then it stays.
        drop(self.inner.probe.set(Box::new(move || Box::pin(probe()))));
    }

    /// Calls, unless the breaker is open: then the call is not begun. An error that `is_away` counts as a failure; all others are answers of
    /// something that works.
    ///
    /// # Errors
    ///
    /// Those of the call, and [`Interrupted`].
    pub async fn call<T, E>(&self, call: impl Future<Output = Result<T, E>>, is_away: impl FnOnce(&E) -> bool) -> Result<T, E>
    where
        E: From<Interrupted>,
    {
        let pass = self.enter()?;
        let answer = call.await;
        match &answer {
            Err(error) if is_away(error) => pass.failed(),
            _ => pass.succeeded(),
        }
        answer
    }

    /// Lets a call through, which then says how it went; for calls that are not one future.
    ///
    /// # Errors
    ///
    /// Fails if the breaker is open, or somebody is finding out.
    pub fn enter(&self) -> Result<BreakerPass, Interrupted> {
        let now = Instant::now();
        let entered = match self.inner.probe.get() {
            Some(_) => self.lock().machine.pass(now),
            None => self.lock().machine.probe(now),
        };
        entered.map(|epoch| self.pass(epoch)).map_err(|wait| self.interrupted(wait))
    }

    /// Lets the breaker's own question through. None if there is nothing to find out any more.
    pub(super) fn enter_to_find_out(&self) -> Option<Result<BreakerPass, Duration>> {
        let mut now = self.lock();
        if now.machine.state() == BreakerState::Closed {
            return None;
        }
        let entered = now.machine.probe(Instant::now());
        drop(now);
        Some(entered.map(|epoch| self.pass(epoch)).map_err(|Wait(pause)| pause))
    }

    /// What it does with the next call.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.lock().machine.state()
    }

    /// Since when the dependency is away; none if it is not.
    #[must_use]
    pub fn away_since(&self) -> Option<DateTime<Utc>> {
        self.lock().away_since
    }

    /// What it stands before.
    #[must_use]
    pub fn dependency(&self) -> &Dependency {
        &self.inner.dependency
    }

    fn pass(&self, epoch: Epoch) -> BreakerPass {
        BreakerPass { breaker: self.clone(), epoch }
    }

    fn interrupted(&self, Wait(retry_in): Wait) -> Interrupted {
        Interrupted { dependency: self.inner.dependency.name(), retry_in }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.inner.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) {
        self.inner.openings.inc();
        let Dependency { name, opens_after, .. } = self.inner.dependency;
        tracing::warn!(dependency = name, failures = opens_after, "something outside does not answer; it is tried now and then");
        if self.inner.probe.get().is_some() {
            tokio::spawn(find_out(Arc::downgrade(&self.inner)));
        }
    }

    fn closed(&self, away: TimeDelta) {
        tracing::info!(dependency = self.inner.dependency.name(), away_s = away.num_seconds(), "it answers again");
    }
}

impl Inner {
    pub(super) fn probe(&self) -> Option<&Probe> {
        self.probe.get()
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("dependency", &self.inner.dependency.name()).field("state", &self.state()).finish_non_exhaustive()
    }
}

/// A call that was let through. Dropped, it has said nothing of how it went.
#[derive(Debug)]
#[must_use = "say how the call went"]
pub struct BreakerPass {
    breaker: Breaker,
    epoch: Epoch,
}

impl BreakerPass {
    /// The dependency answered, be it with a refusal.
    pub fn succeeded(self) {
        let mut now = self.breaker.lock();
        if !now.machine.succeeded(self.epoch) {
            return;
        }
        let since = now.away_since.take();
        drop(now);
        let away = since.map(|since| self.breaker.inner.clock.now() - since);
        self.breaker.closed(away.unwrap_or_default());
    }

    /// The dependency did not answer, or said that it cannot work.
    pub fn failed(self) {
        let at = self.breaker.inner.clock.now();
        let mut now = self.breaker.lock();
        if !now.machine.failed(self.epoch, Instant::now(), &self.breaker.inner.dependency) {
            return;
        }
        now.away_since = Some(at);
        drop(now);
        self.breaker.opened();
    }
}

impl Drop for BreakerPass {
    fn drop(&mut self) {
        // Of no effect once it has said how the call went: that was a transition, or there was nothing to find out.
        self.breaker.lock().machine.gave_up(self.epoch, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Barrier,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::{Dependencies, Metrics};

    const SECOND: Duration = Duration::from_secs(1);
    const TEST: Dependency = Dependency::new("test").opens_after(2).pauses(SECOND, Duration::from_secs(4));

    #[derive(Debug, PartialEq, thiserror::Error)]
    enum TestError {
        #[error("no")]
        Refused,
        #[error("silence")]
        Silence,
        #[error(transparent)]
        Interrupted(#[from] Interrupted),
    }

    async fn call(breaker: &Breaker, answer: Result<(), TestError>) -> Result<(), TestError> {
        breaker.call(async { answer }, |error| *error == TestError::Silence).await
    }

    fn fail(breaker: &Breaker) {
        for _ in 0..2 {
            breaker.enter().unwrap().failed();
        }
    }

    fn refused(retry_in: Duration) -> Result<(), TestError> {
        Err(Interrupted { dependency: "test", retry_in }.into())
    }

    /// OPS-04: once round, by the clock, as a caller sees it.
    #[tokio::test(start_paused = true)]
    async fn it_opens_finds_out_and_closes() {
        let breaker = Breaker::new(TEST);
        for _ in 0..10 {
            assert_eq!(call(&breaker, Err(TestError::Refused)).await, Err(TestError::Refused), "a refusal is an answer");
        }
        for _ in 0..2 {
            assert_eq!(call(&breaker, Err(TestError::Silence)).await, Err(TestError::Silence));
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        let begun = AtomicBool::new(false);
        let never = async {
            begun.store(true, Ordering::Relaxed);
            Ok::<_, TestError>(())
        };
        assert_eq!(breaker.call(never, |_| true).await, refused(SECOND));
        assert!(!begun.into_inner());
        tokio::time::advance(SECOND).await;
        assert_eq!(call(&breaker, Err(TestError::Silence)).await, Err(TestError::Silence));
        assert_eq!(call(&breaker, Ok(())).await, refused(2 * SECOND));
        tokio::time::advance(2 * SECOND).await;
        assert_eq!(call(&breaker, Ok(())).await, Ok(()));
        assert_eq!((breaker.state(), breaker.away_since()), (BreakerState::Closed, None));
    }

    /// OPS-04: of all that come when the pause is over, one finds out.
    #[test]
    fn of_fifty_callers_at_the_half_open_moment_one_is_let_through() {
        for _ in 0..100 {
            let breaker = Breaker::new(TEST.pauses(Duration::ZERO, Duration::ZERO));
            fail(&breaker);
            let together = Barrier::new(50);
            let passes: Vec<_> = std::thread::scope(|scope| {
                let enter = || {
                    together.wait();
                    breaker.enter().ok()
                };
                let callers: Vec<_> = (0..50).map(|_| scope.spawn(enter)).collect();
                callers.into_iter().filter_map(|caller| caller.join().unwrap()).collect()
            });
            assert_eq!((passes.len(), breaker.state()), (1, BreakerState::HalfOpen));
            passes.into_iter().for_each(BreakerPass::succeeded);
            assert_eq!((0..50).filter_map(|_| breaker.enter().ok()).count(), 50);
        }
    }

    /// OPS-04: a request that finds out and is given up gives its place back.
    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_while_it_finds_out_gives_its_place_back() {
        let breaker = Breaker::new(TEST);
        fail(&breaker);
        tokio::time::advance(SECOND).await;
        let hangs = breaker.call(std::future::pending::<Result<(), TestError>>(), |_| true);
        assert!(tokio::time::timeout(SECOND, hangs).await.is_err());
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(call(&breaker, Ok(())).await, Ok(()), "at once");
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    /// OPS-04: nobody calls, and it closes all the same; nobody's call is what finds out.
    #[tokio::test(start_paused = true)]
    async fn with_a_question_of_its_own_it_closes_by_itself() {
        let breaker = Breaker::new(TEST);
        let (is_back, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (back, count) = (Arc::clone(&is_back), Arc::clone(&asked));
        breaker.probe_with(move || {
            let (nth, is_back) = (count.fetch_add(1, Ordering::Relaxed), back.load(Ordering::Relaxed));
            async move {
                assert_ne!(nth, 1, "a question that panics is no answer");
                is_back
            }
        });
        fail(&breaker);
        // Asked after 1, 2, 4, 4 … seconds.
        for (after, times) in [(SECOND / 2, 0), (SECOND, 1), (2 * SECOND, 2), (4 * SECOND, 3), (4 * SECOND, 4)] {
            tokio::time::sleep(after).await;
            assert_eq!((asked.load(Ordering::Relaxed), breaker.state()), (times, BreakerState::Open));
            assert!(breaker.enter().is_err());
        }
        is_back.store(true, Ordering::Relaxed);
        tokio::time::sleep(4 * SECOND).await;
        assert_eq!((asked.load(Ordering::Relaxed), breaker.state()), (5, BreakerState::Closed));
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!(asked.load(Ordering::Relaxed), 5, "what works is not asked");

        fail(&breaker);
        drop(breaker);
        tokio::time::sleep(100 * SECOND).await;
        assert_eq!(asked.load(Ordering::Relaxed), 5, "what nobody has is not asked");
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// OPS-04: the log says so once, and once that it is over; the metrics count once.
    #[tokio::test(start_paused = true)]
    async fn an_interruption_is_told_once_and_counted_once() {
        let (metrics, clock, log) = (Metrics::new(), Clock::fixed("2026-03-01T09:00:00Z".parse().unwrap()), Log::default());
        let dependencies = Dependencies::new(clock.clone(), &metrics);
        let breaker = dependencies.breaker(TEST);
        assert_eq!(dependencies.breakers().len(), 2, "the database is always one");
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone()).finish();
        // Of one alone a line counts as unwanted for good when a thread of another test, where nobody listens, is the first that writes it.
        let _another = tracing::Dispatch::new(tracing_subscriber::registry());
        let told = tracing::subscriber::set_default(subscriber);
        let metric = |line: &str| {
            let text = metrics.text();
            assert!(text.contains(line), "{line}: {text}");
        };
        metric(r#"dependency_state{dependency="test",state="closed"} 1"#);
        fail(&breaker);
        let since = breaker.away_since().unwrap();
        for _ in 0..3 {
            assert!(breaker.enter().is_err());
            clock.advance(TimeDelta::seconds(30));
            tokio::time::advance(30 * SECOND).await;
            // Whoever asks by the same name gets the same.
            dependencies.breaker(Dependency::new("test")).enter().unwrap().failed();
        }
        assert_eq!(breaker.away_since(), Some(since), "it is one interruption");
        metric(r#"dependency_state{dependency="test",state="closed"} 0"#);
        metric(r#"dependency_state{dependency="test",state="open"} 1"#);
        tokio::time::advance(30 * SECOND).await;
        let pass = breaker.enter().unwrap();
        metric(r#"dependency_state{dependency="test",state="half_open"} 1"#);
        pass.succeeded();
        breaker.enter().unwrap().succeeded();
        metric(r#"dependency_openings_total{dependency="test"} 1"#);
        drop(told);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = log.lines().collect();
        assert!(lines.len() == 2 && lines[0].contains("WARN") && lines[1].contains("INFO"), "{log}");
        assert!(lines[0].contains("dependency=\"test\"") && lines[1].contains("dependency=\"test\" away_s=90"), "{log}");
    }
}

//! What lies outside the program and may be away: the mail server, Redis, the place of files, a payment provider (OPS-04).
//!
//! Each is a [`Dependency`], plain data: its name, how many failures in a row are borne, how long it is then left alone. Whoever calls it
//! does so through its [`Breaker`], which stops calling what does not answer, finds out whether it is back, and goes on. The program's
//! [`Dependencies`] know all of them, so that the metrics (`dependency_state`, `dependency_openings_total`), the log and the status page
//! (`/status`, `/api/v1/status`) tell of each without another line.
//!
//! ```
//! use std::time::Duration;
//! use saas_core::{Clock, Dependencies, Dependency, Interrupted, Metrics};
//!
//! /// Texts: `billing-status-payments`, and `billing-status-payments-interrupted` for what that means to whoever reads it.
//! const PAYMENTS: Dependency = Dependency::new("payments")
//!     .shown_as("billing-status-payments")
//!     .opens_after(5)
//!     .pauses(Duration::from_secs(2), Duration::from_secs(60));
//!
//! #[derive(Debug, thiserror::Error)]
//! enum PaymentError {
//!     #[error("the card was declined")]
//!     Declined,
//!     #[error("the provider did not answer")]
//!     Silence,
//!     #[error(transparent)]
//!     Interrupted(#[from] Interrupted),
//! }
//!
//! async fn pay(cents: u32) -> Result<&'static str, PaymentError> {
//!     match cents {
//!         0 => Err(PaymentError::Silence),
//!         13 => Err(PaymentError::Declined),
//!         _ => Ok("receipt"),
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dependencies = Dependencies::new(Clock::system(), &Metrics::new());
//! let payments = dependencies.breaker(PAYMENTS);
//! // A card that is declined says that the provider works.
//! let is_away = |error: &PaymentError| matches!(error, PaymentError::Silence);
//! for _ in 0..5 {
//!     assert!(matches!(payments.call(pay(0), is_away).await, Err(PaymentError::Silence)));
//! }
//! // Now nobody waits for it in vain, and nobody hammers on it.
//! assert!(matches!(payments.call(pay(500), is_away).await, Err(PaymentError::Interrupted(_))));
//! # });
//! ```
//!
//! # Security
//!
//! The status page is open to all. It says of each dependency that is [shown](Dependency::shown_as) whether it works and since when it does
//! not: no address, no error, nothing of any tenant. What has no text is for those alone who read metrics and logs.

mod breaker;
mod interrupted;
mod machine;
mod probe;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use breaker::{Breaker, BreakerPass};
pub use interrupted::Interrupted;
pub use machine::BreakerState;

use crate::{Clock, Counters, Metrics, web::DATABASE};

/// Something outside the program, and how much of its absence is borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    name: &'static str,
    text: Option<&'static str>,
    opens_after: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Dependency {
    /// Opens after three failures in a row, for a second at first and never for longer than a minute. The name stands in metrics, logs and
    /// the API.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, text: None, opens_after: 3, first_pause: Duration::from_secs(1), longest_pause: Duration::from_secs(60) }
    }

    /// Shows it to everybody, by the text of this key: what people call it. `{key}-interrupted` says what it means to them that it is away.
    #[must_use]
    pub const fn shown_as(mut self, text: &'static str) -> Self {
        self.text = Some(text);
        self
    }

    /// How many failures in a row open it, at least one.
    #[must_use]
    pub const fn opens_after(mut self, failures: u32) -> Self {
        self.opens_after = failures;
        self
    }

    /// How long it is left alone when it has opened; each time that it is still away twice as long as before, and at most the second.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// What it is called in metrics, logs and the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The key of what people call it, if it is shown to them.
    #[must_use]
    pub const fn text(&self) -> Option<&'static str> {
        self.text
    }
}

/// All that the program depends on, by name. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Dependencies {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    openings: Counters<1>,
    /// In the order in which they are shown.
    breakers: Mutex<Vec<Breaker>>,
}

impl Dependencies {
    /// Only the database is known yet. Their states are among these metrics; since when something is away, this clock says.
    #[must_use]
    pub fn new(clock: Clock, metrics: &Metrics) -> Self {
        let openings = metrics.counters("dependency_openings", "How often something outside was found to be away", ["dependency"]);
        let it = Self { inner: Arc::new(Inner { clock, openings, breakers: Mutex::default() }) };
        it.breaker(DATABASE);
        let watched = it.clone();
        metrics.watch(
            "dependency_state",
            "1 for the state that the breaker of something outside is in",
            ["dependency", "state"],
            move || {
                let of = |breaker: Breaker| {
                    let (name, state) = (breaker.dependency().name(), breaker.state());
                    BreakerState::ALL.map(|it| ([name, it.name()], f64::from(u8::from(it == state))))
                };
                watched.breakers().into_iter().flat_map(of).collect()
            },
        );
        it
    }

    /// The breaker of this dependency. There is one for each name: whoever asks again gets the same, with the settings that it was made with.
    pub fn breaker(&self, dependency: Dependency) -> Breaker {
        let mut breakers = self.inner.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = breakers.iter().find(|it| it.dependency().name() == dependency.name()) {
            return known.clone();
        }
        let breaker = Breaker::counted(dependency, self.inner.clock.clone(), self.inner.openings.of([dependency.name()]));
        breakers.push(breaker.clone());
        breaker
    }

    /// All of them, the database first.
    #[must_use]
    pub fn breakers(&self) -> Vec<Breaker> {
        self.inner.breakers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.breakers()).finish()
    }
}

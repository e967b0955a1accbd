//! Hands each recorded event to everybody who makes something of it: webhooks, notifications, mail.
//!
//! A [`Consumer`] gets events in a transaction of the system login and inserts its own rows in it (deliveries, mails, notifications); what
//! takes long or speaks to the outside it does later, from those rows. The same commit marks the events as taken, so each consumer's rows
//! are there exactly once, wherever a node was killed.
//!
//! ```no_run
//! use async_trait::async_trait;
//! use saas_core::{Consumer, ConsumerError, Db, Lifecycle, RecordedEvent, Relay, SystemTx};
//!
//! struct Webhooks;
//!
//! #[async_trait]
//! impl Consumer for Webhooks {
//!     fn name(&self) -> &'static str {
//!         "webhooks"
//!     }
//!
//!     async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
//!         for event in events {
//!             // insert into webhook_delivery (tenant_id, event_id, …) select …
//!         }
//!         Ok(())
//!     }
//! }
//!
//! fn start(db: &Db, lifecycle: &Lifecycle) -> Relay {
//!     let relay = Relay::new(db);
//!     relay.register(Webhooks);
//!     relay.start(lifecycle);
//!     relay
//! }
//! ```
//!
//! A product registers its consumers while it is composed; serving starts the relay.
//!
//! # When more happens than is taken
//!
//! A queue here is rows, so it is never full: whoever records something is neither refused nor kept waiting, whatever its consumers do. What
//! is bounded is how much is taken at once ([`RelaySettings::batch`]), and so memory and the length of transactions; jobs, letters and deliveries
//! to webhooks likewise have slots, and turns between tenants. How much waits and for how long is a metric, and whoever runs the product adds nodes.
//! What comes in is limited where it comes in: by [rate limits](crate::limit) and plans.

mod event;
mod run;
mod state;
mod undelivered;
mod web;

pub use event::{Consumer, ConsumerError, Ledger, RecordedEvent};
pub use state::{DeadEvent, RelayState};
pub(crate) use undelivered::EVENTS;
pub use undelivered::{EventReplay, EventsReplayed, UndeliveredEvent, events_replay_in, events_undelivered_in};
pub(crate) use web::undelivered_routes;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::{Db, Lifecycle};

/// Takes recorded events from the outbox and hands them to consumers. Cheap to clone. Several nodes may run it at once.
#[derive(Clone)]
pub struct Relay {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    consumers: RwLock<Vec<Arc<dyn Consumer>>>,
    settings: RelaySettings,
}

/// How the relay works.
#[derive(Debug, Clone, Copy)]
pub struct RelaySettings {
    /// The most events that one transaction takes: what bounds its memory and how long it holds its rows.
    pub batch: u16,
    /// How often it looks without having been told that there is something.
    pub poll: Duration,
    /// How long a consumer may take for a batch.
    pub patience: Duration,
    /// The pause after an event's first failure; doubled with each further one, up to an hour, and made up to a half longer or
    /// shorter at random.
    pub backoff: Duration,
    /// After how many failures an event is given up until somebody has it tried again.
    pub attempts: u16,
    /// How long relayed events are kept, for streams that resume and for questions.
    pub keep: Duration,
    /// How long events that were given up are kept, for somebody to have them tried again.
    pub keep_dead: Duration,
}

impl Default for RelaySettings {
    /// 200 events a batch, a look each second, 30 s patience, back-off from 1 s, 12 attempts (about two hours), kept for 7 days, and for 30 if they were
    /// given up.
    fn default() -> Self {
        Self {
            batch: 200,
            poll: Duration::from_secs(1),
            patience: Duration::from_secs(30),
            backoff: Duration::from_secs(1),
            attempts: 12,
            keep: Duration::from_secs(7 * 24 * 60 * 60),
            keep_dead: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

impl Relay {
    /// A relay with no consumers yet.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self::with(db, RelaySettings::default())
    }

    /// The same with other settings.
    #[must_use]
    pub fn with(db: &Db, settings: RelaySettings) -> Self {
        Self { inner: Arc::new(Inner { db: db.clone(), consumers: RwLock::default(), settings }) }
    }

    /// Adds a consumer, for all events that are relayed from now on. One with the same name takes the place of the one before.
    pub fn register(&self, consumer: impl Consumer) {
        let mut consumers = self.inner.consumers.write().unwrap_or_else(PoisonError::into_inner);
        consumers.retain(|known| known.name() != consumer.name());
        consumers.push(Arc::new(consumer));
    }

    /// Relays until the program stops. A batch that is under way then is finished first, or undone by the server if the program ends sooner.
    pub fn start(&self, lifecycle: &Lifecycle) {
        tokio::spawn(run::run(self.clone(), lifecycle.clone()));
    }

    fn consumers(&self) -> Vec<Arc<dyn Consumer>> {
        self.inner.consumers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }

    fn settings(&self) -> &RelaySettings {
        &self.inner.settings
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.consumers().iter().map(|consumer| consumer.name()).collect();
        f.debug_struct("Relay").field("consumers", &names).finish_non_exhaustive()
    }
}

//! What happens, told to other systems: outgoing webhooks (API-04), signed as [Standard Webhooks](https://www.standardwebhooks.com/) says.
//!
//! A [`Webhooks`] is a [`Consumer`](crate::Consumer) of events: it makes a message of each event that an endpoint of the tenant wants, and
//! one delivery for each such endpoint. Deliveries are their own queue, in the order in which they are due: what bounds them (slots for each
//! tenant and endpoint, so that one that answers slowly holds up nobody else) is a question about rows, which a queue of jobs could not answer.
//!
//! * A delivery arrives at least once, under the id of its message: the same at each attempt, at each endpoint and when it is replayed. A
//!   receiver drops what it has seen.
//! * 2xx within 30 seconds is success and nothing else is. A failure is tried again after 5 s, 5 min, 30 min, 2, 5, 10 and 10 h.
//! * 410, and 120 hours of nothing but failures, disable the endpoint, which is an event too.
//! * Order is not promised. `sequence` grows with the time of the event: of two about the same subject, the larger is the later.
//!
//! ```no_run
//! use saas_core::{EventCatalogue, Lifecycle, Outbound, OutboundPolicy, Relay, Routes, webhook::Webhooks};
//! # use saas_core::{Db, MasterKey};
//!
//! fn compose(db: &Db, keys: &MasterKey, relay: &Relay, lifecycle: &Lifecycle) -> Result<Routes, Box<dyn std::error::Error>> {
//!     let webhooks = Webhooks::new(db, keys, Outbound::new(OutboundPolicy::public())?, EventCatalogue::new(saas_core::EVENTS));
//!     relay.register(webhooks.clone());
//!     webhooks.start(lifecycle);
//!     Ok(webhooks.routes()) // below the tenancy layer
//! }
//! ```

mod api;
mod consumer;
mod delivery;
mod endpoint;
mod event;
mod filter;
mod message;
mod page;
mod redact;
mod secret;
mod send;
mod state;
mod worker;

pub use delivery::{Attempt, Delivery, DeliveryError, DeliveryState};
pub use endpoint::{Endpoint, EndpointError, EndpointState};
pub use event::{
    DisabledBecause, EVENTS, WebhookDeliveryReplayed, WebhookEndpointAdded, WebhookEndpointChanged, WebhookEndpointDisabled,
    WebhookEndpointRemoved, WebhookSecretRevealed, WebhookSecretRotated,
};
pub use state::WebhookState;
pub use worker::{RunningWebhooks, WebhookSettings};

use std::{fmt, sync::Arc};

use crate::{Db, EventCatalogue, MasterKey, Outbound};

crate::ids! {
    /// A place that is told what happens.
    pub EndpointId;
    /// What is told: the id of the event, or of a test.
    pub MessageId;
}

crate::permissions! {
    /// See webhook endpoints and what was delivered to them.
    pub WebhookRead = "webhook.read";
    /// Add, change and remove webhook endpoints, and see their secrets.
    pub WebhookWrite = "webhook.write";
}

/// The outgoing webhooks of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    db: Db,
    keys: MasterKey,
    outbound: Outbound,
    catalogue: EventCatalogue,
    settings: WebhookSettings,
}

/// Where the worker hears that there is something to send. Carries nothing.
const CHANNEL: &str = "saas_webhooks";

impl Webhooks {
    /// Tells of the events of `catalogue` through `outbound`; `keys` seal the secrets.
    #[must_use]
    pub fn new(db: &Db, keys: &MasterKey, outbound: Outbound, catalogue: EventCatalogue) -> Self {
        Self::with(db, keys, outbound, catalogue, WebhookSettings::default())
    }

    /// The same with other settings.
    #[must_use]
    pub fn with(db: &Db, keys: &MasterKey, outbound: Outbound, catalogue: EventCatalogue, settings: WebhookSettings) -> Self {
        Self(Arc::new(Inner { db: db.clone(), keys: keys.clone(), outbound, catalogue, settings }))
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("outbound", &self.0.outbound).field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

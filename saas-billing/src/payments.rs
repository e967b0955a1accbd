//! How a product takes money: the gateway, what follows it, and where it tells us what happened.

use std::fmt;

use saas_core::{Db, Jobs, Relay, Routes, Secret};

use crate::{Gateway, Inbox, Mirror, Mode, NoSecret, departure::Departures};

/// How a product takes money. Cheap to clone.
///
/// ```
/// use saas_billing::{MemoryGateway, Mode, NoSecret, Payments};
/// use saas_core::{Db, Jobs, Routes, Secret};
///
/// fn compose(db: &Db, jobs: &Jobs) -> Result<Routes, NoSecret> {
///     let payments = Payments::new(db, MemoryGateway::new(), [Secret::new("whsec_…")], Mode::Test)?;
///     payments.work_for(jobs);
///     Ok(payments.routes()) // outside of everything that asks who is calling
/// }
/// ```
#[derive(Clone)]
pub struct Payments {
    db: Db,
    mirror: Mirror,
    inbox: Inbox,
}

impl Payments {
    /// Takes money through a gateway, whose events are signed with one of the secrets.
    ///
    /// # Errors
    ///
    /// Fails without a secret, or with an empty one.
    pub fn new(db: &Db, gateway: impl Gateway + 'static, secrets: impl IntoIterator<Item = Secret>, mode: Mode) -> Result<Self, NoSecret> {
        Ok(Self { db: db.clone(), mirror: Mirror::new(gateway), inbox: Inbox::new(db, secrets, mode)? })
    }

    /// What follows the gateway.
    #[must_use]
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Has what a tenant pays for end and go on with the tenant as soon as one of these events says that it leaves or comes back. Without it that takes
    /// five minutes longer. At its end, these payments are a [`TenantStore`](saas_core::TenantStore).
    pub fn hear_of_departures(&self, relay: &Relay, events: &'static [&'static str]) {
        relay.register(Departures(events));
    }

    /// The route that the gateway calls.
    pub fn routes(&self) -> Routes {
        self.inbox.routes()
    }

    /// Works on what the gateway tells.
    pub fn work_for(&self, jobs: &Jobs) {
        self.mirror.work_for(jobs);
        self.mirror.settle_for(jobs);
    }
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payments").field("mirror", &self.mirror).finish_non_exhaustive()
    }
}

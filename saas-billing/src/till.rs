//! Where an organization sees what it has, buys more of it, and stops paying for it: the pages at `/billing` and the same for programs.
//!
//! ```
//! use saas_billing::{Billing, Meter, Payments, Till};
//! use saas_core::{Db, Routes};
//! use url::Url;
//!
//! const DEVICES: Meter = Meter::new("devices");
//!
//! // Below the tenancy layer, and outside of `Billing::layer`: whoever may do nothing any more may pay.
//! fn routes(db: &Db, billing: &Billing, payments: Option<&Payments>, public_url: Url) -> Routes {
//!     Till::new(db, billing, payments, public_url, "hosting").counting(DEVICES).routes()
//! }
//! ```

mod account;
mod api;
mod buy;
mod change;
mod page;
mod plan;
mod portal;
mod usage;

use std::{fmt, sync::Arc};

use futures_core::future::BoxFuture;
use saas_core::{Db, DbError, Origin, Problem, Routes, SystemDb, TenantTx};
use url::Url;
use uuid::Uuid;

use crate::{Billing, GatewayError, Meter, Mirror, MirrorError, Payments};

use usage::Naming;

/// Says how much of a meter there is.
type Count = Arc<dyn for<'a> Fn(&'a mut TenantTx) -> BoxFuture<'a, Result<u64, DbError>> + Send + Sync>;

/// Where an organization sees what it has and buys more of it. Cheap to clone.
#[derive(Clone)]
pub struct Till {
    db: Db,
    billing: Billing,
    mirror: Option<Mirror>,
    public_url: Url,
    texts: &'static str,
    /// What is counted; by somebody else if there is a count.
    counted: Vec<(Meter, Option<Count>)>,
    /// Of what it is shown when and by whom it was used.
    charted: Vec<Meter>,
    naming: Option<Naming>,
}

impl Till {
    /// Sells the plans of `billing`; without `payments` nobody can buy, and all can be seen.
    ///
    /// `texts` is what the keys of the product's own words begin with, as for [`Billing::pricing_routes`].
    #[must_use]
    pub fn new(db: &Db, billing: &Billing, payments: Option<&Payments>, public_url: Url, texts: &'static str) -> Self {
        let mirror = payments.map(|payments| payments.mirror().clone());
        Self { db: db.clone(), billing: billing.clone(), mirror, public_url, texts, counted: Vec::new(), charted: Vec::new(), naming: None }
    }

    /// Shows how much of this is used, as [`reserve_in`](Billing::reserve_in) has counted it.
    #[must_use]
    pub fn counting(mut self, meter: Meter) -> Self {
        self.counted.push((meter, None));
        self
    }

    /// Shows how much of this is used, counted by somebody who knows better.
    #[must_use]
    pub fn counting_by(
        mut self,
        meter: Meter,
        count: impl for<'a> Fn(&'a mut TenantTx) -> BoxFuture<'a, Result<u64, DbError>> + Send + Sync + 'static,
    ) -> Self {
        self.counted.push((meter, Some(Arc::new(count))));
        self
    }

    /// Shows at `/usage` when and by whom this was used, as [`record_in`](Billing::record_in) or [`Counts`](crate::Counts) has it. What comes first is
    /// shown first. It is called by the text `TEXTS-meter-NAME`, and a tool by `TEXTS-tool-NAME`.
    #[must_use]
    pub fn charting(mut self, meter: Meter) -> Self {
        self.charted.push(meter);
        self
    }

    /// There keys and machines are called what `naming` says of their ids. People are called what the tenant knows of them.
    #[must_use]
    pub fn naming(
        mut self,
        naming: impl for<'a> Fn(&'a mut TenantTx, &'a [Uuid]) -> BoxFuture<'a, Result<Vec<(Uuid, String)>, DbError>> + Send + Sync + 'static,
    ) -> Self {
        self.naming = Some(Arc::new(naming));
        self
    }

    /// The pages at `/billing` and `/usage` and the API at `/api/v1/billing`.
    pub fn routes(&self) -> Routes {
        page::routes()
            .merge(buy::routes())
            .merge(change::routes())
            .merge(plan::routes())
            .merge(portal::routes())
            .merge(api::routes())
            .merge(if self.charted.is_empty() { Routes::new() } else { usage::routes() })
            .with_state(self.clone())
    }

    /// Who takes money; 404 where nobody does.
    fn mirror(&self) -> Result<&Mirror, Problem> {
        self.mirror.as_ref().ok_or_else(Problem::not_found)
    }

    /// The database across tenants, for what an organization asked for.
    fn system(&self, origin: Origin) -> SystemDb {
        self.db.system("an organization buys, or comes back from paying").caused_by(origin)
    }
}

impl fmt::Debug for Till {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Till").field("texts", &self.texts).field("mirror", &self.mirror).finish_non_exhaustive()
    }
}

/// What could be read is kept, and the rest is a dead letter's business, unless it is a subscription: it may be one that is paid for.
fn read_in_part(followed: Result<(), MirrorError>) -> Result<(), Problem> {
    match followed {
        Err(MirrorError::Unread { unread, .. }) if unread.iter().all(|unread| unread.subscription().is_none()) => Ok(()),
        followed => Ok(followed?),
    }
}

/// 503 while the gateway is away, and a constant 500 for what is wrong with us.
impl From<MirrorError> for Problem {
    fn from(error: MirrorError) -> Self {
        match error {
            MirrorError::Database(error) => error.into(),
            MirrorError::Gateway(error) => error.into(),
            MirrorError::Busy => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Away { retry_after: Some(after), .. } => Self::unavailable(error).retry_after(after),
            GatewayError::Interrupted(interrupted) => interrupted.into(),
            GatewayError::Away { .. } | GatewayError::KeySpent(_) => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

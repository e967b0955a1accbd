use std::fmt;

use saas_auth::{Provider, SessionIdle};
use saas_billing::{Counts, Payments, Plans, PlansError};
use saas_core::{
    Db, Dependencies, Erasures, EventCatalogue, EventKind, Flag, Jobs, Lifecycle, Live, MasterKey, Metrics, Migrations, NavLink, Outbound,
    Relay, Routes, TenantHosts, file::Storage, limit::RateLimits, mail::Outbox, pages::PageSet, pages::Pages, webhook::Webhooks,
};
use url::Url;

use crate::{ComposeError, RequestLimits};

/// A product: what the command line needs to know to run it.
#[derive(Clone, Copy)]
pub struct Product {
    /// The program's name; also the name of its development database.
    pub name: &'static str,
    /// The product's name for people.
    pub title: &'static str,
    /// What it brings to the database, in order; core's own comes first by itself.
    pub migrations: &'static [Migrations],
    /// What it and its crates announce; core's own comes by itself. Published as the catalogue of events.
    pub events: &'static [&'static [EventKind]],
    /// Its pages, in order.
    pub pages: &'static [PageSet],
    /// Its main navigation.
    pub nav: &'static [NavLink],
    /// What it is sold by, if it is sold.
    pub plans: Option<fn() -> Result<Plans, PlansError>>,
    /// What can be switched for each organization.
    pub flags: &'static [Flag],
    /// Puts it together.
    pub compose: fn(&Program) -> Result<Routes, ComposeError>,
}

impl fmt::Debug for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Product").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a product is put together from.
#[derive(Clone)]
#[non_exhaustive]
pub struct Program {
    /// The database, migrated.
    pub db: Db,
    /// Templates and texts.
    pub pages: Pages,
    /// Where letters are written; they are sent as background jobs.
    pub outbox: Outbox,
    /// Where files are kept.
    pub storage: Storage,
    /// Who was erased, outside of the database: give it to all that erases.
    pub erasures: Erasures,
    /// Live updates.
    pub live: Live,
    /// Background jobs: `compose` says who does them, and serving starts them.
    pub jobs: Jobs,
    /// All that can be announced.
    pub catalogue: EventCatalogue,
    /// Hands events to consumers: register yours while the product is put together. Serving starts it.
    pub relay: Relay,
    /// Calls addresses that tenants choose.
    pub outbound: Outbound,
    /// Where people can have an account with which they sign in.
    pub providers: Vec<Provider>,
    /// Counts what is used and not billed. Serving starts it, and writes what was counted at last.
    pub counts: Counts,
    /// How it takes money; none where nothing says how.
    pub payments: Option<Payments>,
    /// Tells other systems of events: merge its routes below the tenancy layer. Serving starts it.
    pub webhooks: Webhooks,
    /// Where the program is in its life.
    pub lifecycle: Lifecycle,
    /// What is counted, for those who run it.
    pub metrics: Metrics,
    /// What is outside and may be away: call what is your product's own through a breaker of theirs.
    pub dependencies: Dependencies,
    /// Limits the rate of requests, by rules.
    pub limits: RateLimits,
    /// How many are allowed, where no plan says so.
    pub request_limits: RequestLimits,
    /// The master key.
    pub master_key: MasterKey,
    /// Where people reach the product.
    pub public_url: Url,
    /// Where organizations are reached beside that.
    pub tenant_hosts: TenantHosts,
    /// Whether plain http is served to other machines.
    pub insecure_lan: bool,
    /// How long a session lasts that nobody uses.
    pub session_idle: SessionIdle,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

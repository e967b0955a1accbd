//! Plans as data, what they entitle to, and limits that are exact under concurrency.
//!
//! ```no_run
//! use saas_billing::{Billing, LimitError, Meter, Plan, Plans, PlansError};
//! use saas_core::TenantTx;
//!
//! const DEVICES: Meter = Meter::new("devices");
//!
//! fn billing() -> Result<Billing, PlansError> {
//!     Billing::new(Plans::new(Plan::new("free").limit(DEVICES, 50)).with(Plan::new("team").unlimited(DEVICES).quoted()))
//! }
//!
//! async fn add_device(billing: &Billing, tx: &mut TenantTx) -> Result<(), LimitError> {
//!     billing.reserve_in(tx, DEVICES, 1).await
//!     // … and insert the device in the same transaction: both happen or neither does.
//! }
//! ```
//!
//! A catalogue is also a file ([`Plans::from_toml`]). Whoever may not pay is kept out by one layer ([`Billing::layer`]), and what a tenant may
//! do is always computed from what is stored and the clock ([`Billing::entitlement_in`]), never kept.

mod banner;
mod departure;
#[cfg(feature = "dev-stripe")]
mod dev_stripe;
mod entitlement;
mod event;
mod gateway;
mod grant;
mod inbox;
mod inventory;
mod invoice;
mod layer;
mod letters;
mod meter;
mod mirror;
mod money;
mod notices;
mod payments;
mod plan;
mod plans;
mod pricing;
mod quota;
mod reconcile;
mod subscription;
mod till;
mod usage;

use std::sync::Arc;

use saas_core::{EventKind, Migrations, Revised, pages::PageSet};
use sqlx::migrate::Migrator;

pub use departure::SubscriptionNotResumed;
#[cfg(feature = "dev-stripe")]
pub use dev_stripe::DevStripe;
pub use entitlement::{Access, Entitlement, Grant, Holding, Override};
pub use event::{
    CancellationWanted, CancellationWithdrawn, CheckoutBegun, InvoicePaid, PaymentFailed, PlanChangeWanted, PortalOpened,
    SubscriptionChanged,
};
pub use gateway::{
    Account, CatalogueChanges, Change, Checkout, Gateway, GatewayError, IdempotencyKey, ListedSubscription, MemoryGateway, Order,
    PlanChange, Portal, PortalPage, Preview, SubscriptionPage, Unread,
};
#[cfg(feature = "stripe")]
pub use gateway::{StripeConfigError, StripeGateway};
pub use grant::{Allowance, Allowed, GrantError, OverrideEnded, OverrideSet, PlanGrantEnded, PlanGranted, Terms};
pub use inbox::{Inbox, Mode, NoSecret, SignatureError};
pub use invoice::{Invoice, InvoiceState};
pub use layer::{AccessLayer, AccessService};
pub use letters::BillingLetters;
pub use meter::{Feature, Meter, Metered, Period};
pub use mirror::{Mirror, MirrorError, Worked};
pub use money::{Currency, Money, MoneyError, UnknownCurrency};
pub use notices::BILLING_NOTICES;
pub use payments::Payments;
pub use plan::{Interval, Limit, Plan};
pub use plans::{Dunning, PlanFlaw, Plans, PlansError, UnknownPlan};
pub use quota::{LimitError, LimitNear, LimitReached, Usage};
pub use reconcile::Reconciled;
pub use subscription::{CustomerId, InvoiceId, Subscription, SubscriptionId, SubscriptionState, UnknownState, subscription_put_in};
pub use till::Till;
pub use usage::{By, CountLayer, CountService, Counts, Recorded, RunningCounts, Tool, Use, UseError};

saas_core::permissions! {
    /// See the plan, what is used of it, and invoices.
    pub BillingRead = "billing.subscription.read";
    /// Buy plans, and end what is bought.
    pub BillingWrite = "billing.subscription.write";
}

static CONTROL: Migrator = sqlx::migrate!("migrations/control");
static DATA: Migrator = sqlx::migrate!("migrations/data");

/// The tables of this crate.
pub const MIGRATIONS: Migrations = Migrations {
    name: "billing",
    control: Some(&CONTROL),
    data: Some(&DATA),
    lookups: &["billing.holding", "billing.holding_revised"],
    inventory: inventory::INVENTORY,
};

/// What this crate announces.
pub const EVENTS: &[EventKind] = &[
    EventKind::of::<PlanGranted>(),
    EventKind::of::<PlanGrantEnded>(),
    EventKind::of::<OverrideSet>(),
    EventKind::of::<OverrideEnded>(),
    EventKind::of::<CheckoutBegun>(),
    EventKind::of::<PortalOpened>(),
    EventKind::of::<CancellationWanted>(),
    EventKind::of::<CancellationWithdrawn>(),
    EventKind::of::<PlanChangeWanted>(),
    EventKind::of::<SubscriptionChanged>(),
    EventKind::of::<SubscriptionNotResumed>(),
    EventKind::of::<InvoicePaid>(),
    EventKind::of::<PaymentFailed>(),
    EventKind::of::<LimitNear>(),
];

/// The pages of this crate.
pub const PAGES: PageSet = saas_core::page_set!("billing", assets);

/// Plans and the use of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Billing {
    plans: Arc<Plans>,
    kept: Arc<Revised<Holding>>,
}

impl Billing {
    /// Of how many tenants it is kept what they hold: some 200 bytes each, more with overrides.
    const KEPT: usize = 10_000;

    /// Bills by these plans.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the plans.
    pub fn new(plans: Plans) -> Result<Self, PlansError> {
        Ok(Self { plans: Arc::new(plans.checked()?), kept: Arc::new(Revised::new(Self::KEPT)) })
    }

    /// The catalogue.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }
}

//! What is announced of buying, of subscriptions and of invoices.

use chrono::{DateTime, Utc};
use saas_core::{Change, Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{BillingRead, Interval, Money, PortalPage, SubscriptionState};

/// Somebody went to the page on which a plan is bought. Nothing is bought by that.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutBegun {
    /// The plan.
    pub plan: String,
    /// How often it is to be paid.
    pub interval: Interval,
    /// How much each time.
    pub price: Money,
    /// For how many days it costs nothing.
    pub trial_days: u32,
}

impl Event for CheckoutBegun {
    const NAME: &'static str = "billing.checkout.begun";
    const TOPIC: &'static str = "billing";
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// Somebody went to the page on which cards are changed and invoices seen. Nothing is changed by that.
#[derive(Debug, Serialize, ToSchema)]
pub struct PortalOpened {
    /// What they wanted there.
    pub page: PortalPage,
}

impl Event for PortalOpened {
    const NAME: &'static str = "billing.portal.opened";
    const TOPIC: &'static str = "billing";
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// Somebody wants the subscription to end with what is paid for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancellationWanted {
    /// The plan.
    pub plan: String,
}

impl Event for CancellationWanted {
    const NAME: &'static str = "billing.cancellation.wanted";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// Somebody wants a subscription that was to end to go on.
#[derive(Debug, Serialize, ToSchema)]
pub struct CancellationWithdrawn {
    /// The plan.
    pub plan: String,
}

impl Event for CancellationWithdrawn {
    const NAME: &'static str = "billing.cancellation.withdrawn";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// Somebody wants another plan in the place of the one that is paid for. It holds once what it costs is paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanChangeWanted {
    /// The plan until now.
    pub from: String,
    /// The plan from then on.
    pub to: String,
    /// How often it is to be paid.
    pub interval: Interval,
    /// What is charged at once.
    pub due: Money,
}

impl Event for PlanChangeWanted {
    const NAME: &'static str = "billing.plan.change_wanted";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// A subscription began, was changed, is to end or has ended. Before one began there was nothing of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionChanged {
    /// The plan.
    pub plan: Change<Option<String>>,
    /// Where it stands.
    pub state: Change<Option<SubscriptionState>>,
    /// How often it is paid.
    pub interval: Change<Option<Interval>>,
    /// How many of it are paid for.
    pub quantity: Change<Option<u32>>,
    /// When it will end because somebody wants it to.
    #[schema(value_type = Change<Option<String>>)]
    pub cancel_at: Change<Option<DateTime<Utc>>>,
}

impl Event for SubscriptionChanged {
    const NAME: &'static str = "billing.subscription.changed";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// An invoice was paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoicePaid {
    /// Its number.
    pub number: Option<String>,
    /// How much it was about.
    pub amount: Money,
    /// How often a payment of it had failed before, as far as that was told.
    pub failed_attempts: u32,
}

impl Event for InvoicePaid {
    const NAME: &'static str = "billing.invoice.paid";
    const TOPIC: &'static str = "billing";
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// An attempt to have an invoice paid failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentFailed {
    /// The invoice's number.
    pub number: Option<String>,
    /// How much it is about.
    pub amount: Money,
    /// Which attempt it was, from 1. Of those that failed before anybody looked, the last one is told of.
    pub attempt: u32,
    /// When it is tried next by itself, if it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

impl Event for PaymentFailed {
    const NAME: &'static str = "billing.payment.failed";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

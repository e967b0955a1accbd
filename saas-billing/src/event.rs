//! What is announced of subscriptions and invoices.

use chrono::{DateTime, Utc};
use saas_core::{Event, EventSeverity, Permission as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{BillingRead, Money, SubscriptionState};

/// A subscription began, was changed, is to end or has ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionChanged {
    /// The plan.
    pub plan: String,
    /// Where it stands now.
    pub state: SubscriptionState,
    /// When it will end because somebody wants it to.
    pub cancel_at: Option<DateTime<Utc>>,
}

impl Event for SubscriptionChanged {
    const NAME: &'static str = "billing.subscription.changed";
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
    /// Which attempt it was, from 1.
    pub attempt: u32,
}

impl Event for PaymentFailed {
    const NAME: &'static str = "billing.payment.failed";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

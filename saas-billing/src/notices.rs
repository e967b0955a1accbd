//! What people are told of billing. Whoever does not pay is told by a letter for each payment that failed, above each page while something is due, and
//! once more when it is paid.
//!
//! What is told follows from what was read at the gateway ([`PaymentFailed`](crate::PaymentFailed), [`InvoicePaid`](crate::InvoicePaid)), so it is told
//! once for each attempt, in whatever order and however often the gateway told us.

use saas_core::{
    Event as _,
    notification::{Frequency, NoticeGroup, NoticeKind},
};

use crate::{InvoicePaid, PaymentFailed, SubscriptionNotResumed};

/// What people are told of billing, for a product's notifications. Letters about payments that failed and receipts are those of
/// [`Billing::letters`](crate::Billing::letters).
pub const BILLING_NOTICES: [NoticeKind; 3] = [
    NoticeKind::new(SubscriptionNotResumed::NAME, "billing-told-not-resumed", "/billing").group(NoticeGroup::System).mail(Frequency::Now),
    NoticeKind::new(PaymentFailed::NAME, "billing-told-failed", "/billing")
        .group(NoticeGroup::Billing)
        .mail(Frequency::Now)
        .own_letter()
        .mandatory(),
    NoticeKind::new(InvoicePaid::NAME, "billing-told-recovered", "/billing")
        .group(NoticeGroup::Billing)
        .mail(Frequency::Now)
        .mandatory()
        .when(|data| data["failed_attempts"].as_u64().is_some_and(|failed| failed > 0)),
];

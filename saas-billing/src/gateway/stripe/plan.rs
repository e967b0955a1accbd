//! Another plan in the middle of a period, at Stripe (<https://docs.stripe.com/billing/subscriptions/prorations>).

use chrono::DateTime;
use stripe_billing::{
    invoice::{
        CreatePreviewInvoice, CreatePreviewInvoiceSubscriptionDetails, CreatePreviewInvoiceSubscriptionDetailsItems,
        CreatePreviewInvoiceSubscriptionDetailsProrationBehavior,
    },
    subscription::{
        RetrieveSubscription, UpdateSubscription, UpdateSubscriptionItems, UpdateSubscriptionPaymentBehavior,
        UpdateSubscriptionProrationBehavior,
    },
};

use super::{StripeGateway, Unreadable, keyed};
use crate::{GatewayError, IdempotencyKey, Money, PlanChange, Preview};

/// The item that has another price, and the price.
async fn parts(gateway: &StripeGateway, change: &PlanChange) -> Result<(String, String), GatewayError> {
    let price = gateway.price_of(&change.plan, change.interval, change.currency).await?;
    let held = RetrieveSubscription::new(change.subscription.as_str()).send(&gateway.0).await?;
    let item = held.items.data.first().ok_or_else(|| Unreadable::refused("a subscription without an item"))?;
    Ok((item.id.to_string(), price))
}

pub(super) async fn preview(gateway: &StripeGateway, change: &PlanChange) -> Result<Preview, GatewayError> {
    let (item, price) = parts(gateway, change).await?;
    let item = CreatePreviewInvoiceSubscriptionDetailsItems {
        id: Some(item),
        price: Some(price),
        quantity: Some(change.quantity.into()),
        ..CreatePreviewInvoiceSubscriptionDetailsItems::new()
    };
    let details = CreatePreviewInvoiceSubscriptionDetails {
        items: Some(vec![item]),
        proration_behavior: Some(CreatePreviewInvoiceSubscriptionDetailsProrationBehavior::AlwaysInvoice),
        proration_date: Some(change.at.timestamp()),
        ..CreatePreviewInvoiceSubscriptionDetails::new()
    };
    let asked = CreatePreviewInvoice::new().subscription(change.subscription.as_str()).subscription_details(details);
    let bill = asked.send(&gateway.0).await?;
    let of = |minor| Money::of(minor, change.currency);
    let sum = |is: fn(i64) -> bool| bill.lines.data.iter().map(|line| line.amount).filter(|amount| is(*amount)).sum::<i64>();
    let renews_at = bill.lines.data.iter().map(|line| line.period.end).max().unwrap_or(bill.period_end);
    Ok(Preview {
        charge: of(sum(i64::is_positive)),
        credit: of(-sum(i64::is_negative)),
        due: of(bill.amount_due.max(0)),
        renews_at: DateTime::from_timestamp(renews_at, 0).ok_or_else(|| Unreadable::refused(format!("the time {renews_at}")))?,
    })
}

/// It is invoiced at once, and holds once that is paid (<https://docs.stripe.com/billing/subscriptions/pending-updates>): whoever's bank asks them, or
/// whose card is declined, keeps what they had until then, and pays on the invoice's page.
pub(super) async fn change(gateway: &StripeGateway, change: &PlanChange, key: &IdempotencyKey) -> Result<(), GatewayError> {
    let (item, price) = parts(gateway, change).await?;
    let item = UpdateSubscriptionItems {
        id: Some(item),
        price: Some(price),
        quantity: Some(change.quantity.into()),
        ..UpdateSubscriptionItems::new()
    };
    let asked = UpdateSubscription::new(change.subscription.as_str())
        .items(vec![item])
        .proration_behavior(UpdateSubscriptionProrationBehavior::AlwaysInvoice)
        .proration_date(change.at.timestamp())
        .payment_behavior(UpdateSubscriptionPaymentBehavior::PendingIfIncomplete);
    keyed(&asked, key)?.send(&gateway.0).await?;
    Ok(())
}

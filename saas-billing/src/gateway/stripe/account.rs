//! What Stripe knows of a customer, in our words.

use chrono::{DateTime, Utc};
use saas_core::TenantId;
use url::Url;

use super::PLAN;
use crate::{
    Account, Currency, CustomerId, Interval, Invoice, InvoiceId, InvoiceState, ListedSubscription, Money, Subscription, SubscriptionId,
    SubscriptionState, Unread,
};

pub(super) fn of(
    tenant: Option<TenantId>,
    subscriptions: &[stripe_billing::Subscription],
    invoices: &[stripe_billing::Invoice],
) -> Account {
    let mut account = Account { tenant, ..Account::default() };
    for held in subscriptions {
        let latest = held.latest_invoice.as_ref().and_then(|latest| latest.id().as_deref());
        let latest = invoices.iter().find(|invoice| latest.is_some() && invoice.id.as_deref() == latest);
        match subscription(held, latest) {
            Ok(read) => account.subscriptions.extend(read),
            Err(Odd(why)) => account.unread.push(Unread::Subscription { id: SubscriptionId::new(held.id.as_str()), why }),
        }
    }
    for held in invoices {
        match invoice(held, &account.subscriptions) {
            Ok(read) => account.invoices.extend(read),
            Err(Odd(why)) => {
                account.unread.extend(held.id.as_ref().map(|id| Unread::Invoice { id: InvoiceId::new(id.as_str()), why }));
            }
        }
    }
    account
}

/// A subscription as it stands in a list.
pub(super) fn listed(held: &stripe_billing::Subscription) -> ListedSubscription {
    ListedSubscription {
        customer: CustomerId::new(held.customer.id().as_str()),
        id: SubscriptionId::new(held.id.as_str()),
        subscription: subscription(held, None).unwrap_or_else(|Odd(why)| {
            tracing::warn!(subscription.id = %held.id, why, "a subscription in a list cannot be read");
            None
        }),
    }
}

/// What of something cannot be read.
struct Odd(String);

/// None for what is for no plan: somebody sold it without us.
fn subscription(held: &stripe_billing::Subscription, latest: Option<&stripe_billing::Invoice>) -> Result<Option<Subscription>, Odd> {
    let Some(item) = held.items.data.first() else { return Ok(None) };
    // The price says it, whoever put it there; a price without our note was set by hand, and what was bought is still known.
    let Some(plan) = item.price.metadata.get(PLAN).or_else(|| held.metadata.get(PLAN)) else {
        tracing::warn!(subscription.id = %held.id, "a subscription at Stripe is for no plan of ours");
        return Ok(None);
    };
    let state: SubscriptionState = held.status.as_str().parse().map_err(|_| Odd(format!("the state {}", held.status.as_str())))?;
    let interval = match item.price.recurring.as_ref().map(|recurring| recurring.interval.as_str()) {
        Some("year") => Interval::Year,
        Some("month") => Interval::Month,
        other => return Err(Odd(format!("the interval {}", other.unwrap_or("none")))),
    };
    // What is open still has failed as often as it was tried.
    let is_owed = matches!(state, SubscriptionState::PastDue | SubscriptionState::Unpaid);
    let failed = latest.filter(|latest| is_owed && latest.status.as_ref().is_some_and(|status| status.as_str() == "open"));
    let since = failed.map(|latest| latest.status_transitions.finalized_at.unwrap_or(latest.created));
    let period_end = time(item.current_period_end)?;
    Ok(Some(Subscription {
        id: SubscriptionId::new(held.id.as_str()),
        plan: plan.clone(),
        interval,
        currency: currency(&held.currency)?,
        quantity: item.quantity.map_or(1, |quantity| u32::try_from(quantity).unwrap_or(u32::MAX)),
        state,
        created_at: time(held.created)?,
        period_start: time(item.current_period_start)?,
        period_end,
        trial_end: held.trial_end.map(time).transpose()?,
        cancel_at: held.cancel_at.map(time).transpose()?.or_else(|| held.cancel_at_period_end.then_some(period_end)),
        ended_at: held.ended_at.map(time).transpose()?,
        past_due_since: since.map(time).transpose()?,
        failed_attempts: failed.map_or(0, |latest| u32::try_from(latest.attempt_count).unwrap_or(u32::MAX)),
    }))
}

/// None for one that is not there yet.
fn invoice(held: &stripe_billing::Invoice, subscriptions: &[Subscription]) -> Result<Option<Invoice>, Odd> {
    let (Some(id), Some(status)) = (&held.id, &held.status) else { return Ok(None) };
    let state: InvoiceState = status.as_str().parse().map_err(|_| Odd(format!("the state {}", status.as_str())))?;
    let of = held.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
    let of = of.map(|details| SubscriptionId::new(details.subscription.id().as_str()));
    let address = |text: &Option<String>| text.as_deref().and_then(|text| Url::parse(text).ok());
    Ok(Some(Invoice {
        id: InvoiceId::new(id.as_str()),
        subscription: of.filter(|of| subscriptions.iter().any(|held| held.id == *of)),
        number: held.number.clone(),
        state,
        total: Money::of(held.total, currency(&held.currency)?),
        paid: held.amount_paid,
        due: held.amount_remaining,
        attempts: u32::try_from(held.attempt_count).unwrap_or(u32::MAX),
        next_attempt_at: held.next_payment_attempt.map(time).transpose()?,
        page: address(&held.hosted_invoice_url),
        pdf: address(&held.invoice_pdf),
        created_at: time(held.created)?,
        paid_at: held.status_transitions.paid_at.map(time).transpose()?,
    }))
}

fn time(seconds: i64) -> Result<DateTime<Utc>, Odd> {
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| Odd(format!("the time {seconds}")))
}

fn currency(code: &impl std::fmt::Display) -> Result<Currency, Odd> {
    code.to_string().to_lowercase().parse().map_err(|_| Odd(format!("the currency {code}")))
}

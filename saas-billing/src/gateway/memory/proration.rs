//! What another plan costs in memory.

use chrono::Months;

use super::{Books, Nothing, price_key};
use crate::{
    Interval, Invoice, InvoiceId, InvoiceState, Money, PlanChange, Preview, Subscription, SubscriptionState, gateway::proration::share,
};

impl Books {
    fn held(&self, change: &PlanChange) -> Result<&Subscription, Nothing> {
        let held = self
            .accounts
            .get(&change.customer)
            .and_then(|account| account.subscriptions.iter().find(|held| held.id == change.subscription && !held.state.is_over()));
        held.ok_or_else(|| Nothing(change.subscription.to_string()))
    }

    fn price(&self, key: &str) -> Result<i64, Nothing> {
        self.sold.iter().find(|(sold, _)| sold == key).map(|(_, amount)| *amount).ok_or_else(|| Nothing(key.to_owned()))
    }

    pub(super) fn preview(&self, change: &PlanChange) -> Result<Preview, Nothing> {
        let held = self.held(change)?;
        let (part, whole) = ((held.period_end - change.at).num_seconds(), (held.period_end - held.period_start).num_seconds());
        if part < 0 || part > whole {
            return Err(Nothing(format!("{} in the period", change.at)));
        }
        let before = self.price(&price_key(&held.plan, held.interval, held.currency))? * i64::from(held.quantity);
        let after = self.price(&price_key(&change.plan, change.interval, change.currency))? * i64::from(change.quantity);
        let is_the_same = held.interval == change.interval;
        let (charge, credit, renews_at) = match held.state {
            SubscriptionState::Trialing => (0, 0, held.period_end),
            _ if is_the_same => (share(after, part, whole), share(before, part, whole), held.period_end),
            _ => {
                let months = Months::new(if change.interval == Interval::Year { 12 } else { 1 });
                (after, share(before, part, whole), change.at + months)
            }
        };
        let of = |minor| Money::of(minor, change.currency);
        Ok(Preview { charge: of(charge), credit: of(credit), due: of((charge - credit).max(0)), renews_at })
    }

    /// The subscription is another one once what is due is paid.
    pub(super) fn plan_change(&mut self, change: &PlanChange) -> Result<(), Nothing> {
        let preview = self.preview(change)?;
        let is_paid = !std::mem::take(&mut self.declines) || preview.due.minor() == 0;
        let account = self.accounts.get_mut(&change.customer).ok_or_else(|| Nothing(change.customer.to_string()))?;
        let id = InvoiceId::new(format!("in_change_{}_{}", change.subscription, account.invoices.len() + 1));
        let held = account.subscriptions.iter_mut().find(|held| held.id == change.subscription);
        let held = held.ok_or_else(|| Nothing(change.subscription.to_string()))?;
        if is_paid {
            if held.interval != change.interval && held.state != SubscriptionState::Trialing {
                held.period_start = change.at;
            }
            (held.plan, held.interval, held.quantity) = (change.plan.clone(), change.interval, change.quantity);
            held.period_end = preview.renews_at;
        }
        account.invoices.push(Invoice {
            id,
            subscription: Some(change.subscription.clone()),
            number: None,
            state: if is_paid { InvoiceState::Paid } else { InvoiceState::Open },
            total: Money::of(preview.charge.minor() - preview.credit.minor(), change.currency),
            paid: if is_paid { preview.due.minor() } else { 0 },
            due: if is_paid { 0 } else { preview.due.minor() },
            attempts: 1,
            next_attempt_at: None,
            page: url::Url::parse("https://pay.example/change").ok(),
            pdf: None,
            created_at: change.at,
            paid_at: is_paid.then_some(change.at),
        });
        Ok(())
    }
}

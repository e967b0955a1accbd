//! The letters about money, as a channel of a product's notifications.

use std::slice;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{
    ConsumerError, DbError, Event as _, SystemTx, TenantId,
    mail::{Letter, Link, Outbox, letters},
    notification::{Channel, Frequency, News, NoticeGroup, NoticeKind, Notifications, recipients_in},
};
use serde::Deserialize;
use sqlx::{query, query_scalar, types::Json};
use uuid::Uuid;

use crate::{Access, Billing, Currency, Holding, InvoicePaid, LimitNear, Money, PaymentFailed};

/// Writes the letters about payments that failed and that arrived, and limits that are near, as a channel of a product's notifications. Made by
/// [`Billing::letters`].
///
/// Everybody who may see the plan gets one for each attempt. Whoever has paid by the time that it would be written gets none. They get a receipt for each
/// invoice on which money arrived, whatever they prefer: it is kept with the books, so it is no news, and stands in no list.
#[derive(Debug, Clone)]
pub struct BillingLetters {
    billing: Billing,
    notifications: Notifications,
    outbox: Outbox,
    texts: &'static str,
}

impl Billing {
    /// What tells people by mail that a payment arrived; that one failed, when it is tried again, and from when on nothing can be changed any
    /// more; and that most of what the plan allows is used. `texts` is what the keys of the product's own words begin with, as for
    /// [`Billing::pricing_routes`].
    ///
    /// ```no_run
    /// use saas_billing::Billing;
    /// use saas_core::{Relay, mail::Outbox, notification::Notifications};
    ///
    /// fn compose(billing: &Billing, notifications: &Notifications, outbox: &Outbox, relay: &Relay) {
    ///     relay.register(notifications.through(billing.letters(notifications, outbox, "hosting")));
    /// }
    /// ```
    #[must_use]
    pub fn letters(&self, notifications: &Notifications, outbox: &Outbox, texts: &'static str) -> BillingLetters {
        BillingLetters { billing: self.clone(), notifications: notifications.clone(), outbox: outbox.clone(), texts }
    }
}

/// What a letter needs of its event.
#[derive(Deserialize)]
struct Failed {
    amount: Amount,
    attempt: u32,
    next_attempt_at: Option<DateTime<Utc>>,
}

/// The receipt. Of an invoice about nothing, such as that of a trial, there is none.
const RECEIPT: NoticeKind = NoticeKind::new(InvoicePaid::NAME, "core-mail-receipt-heading", "/billing")
    .group(NoticeGroup::Billing)
    .mail(Frequency::Now)
    .own_letter()
    .mandatory()
    .when(|data| data["amount"]["amount"].as_i64().is_some_and(|amount| amount > 0));

/// How long after the payment it may be heard of. What comes to light later than a gateway that was away and came back tells, such as the past of
/// somebody who was a customer there before, is history: nobody waits for a receipt of it. Where nobody says when it was paid, the invoice's age counts.
const FRESH: TimeDelta = TimeDelta::days(7);

/// How long after it was heard of a receipt is written, by a relay that stood still, say. Who has all events told again much later sends nothing:
/// the outbox remembers for 90 days that a receipt was sent.
const LATE: TimeDelta = TimeDelta::days(30);

#[derive(Deserialize)]
struct Near {
    meter: String,
    used: u64,
    limit: u32,
}

#[derive(Deserialize)]
struct Amount {
    amount: i64,
    currency: Currency,
}

#[async_trait]
impl Channel for BillingLetters {
    fn name(&self) -> &'static str {
        "billing.letters"
    }

    fn own_kinds(&self) -> &'static [NoticeKind] {
        const { &[RECEIPT] }
    }

    async fn tell_in(&self, tx: &mut SystemTx, news: &[News<'_>]) -> Result<(), ConsumerError> {
        for news in news {
            match news.event.name.as_str() {
                PaymentFailed::NAME => self.failed_in(tx, news).await?,
                // What else is told of a payment is told by others.
                InvoicePaid::NAME if news.kind.own_letter => self.paid_in(tx, news).await?,
                LimitNear::NAME => self.near_in(tx, news).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl BillingLetters {
    async fn failed_in(&self, tx: &mut SystemTx, news: &News<'_>) -> Result<(), ConsumerError> {
        let failed = Failed::deserialize(&news.event.data)?;
        if !is_owed_in(tx, news.tenant, &news.event.subject).await? {
            return Ok(());
        }
        let held = holding_in(tx, news.tenant).await?;
        let access = self.billing.plans().entitlement(&held, tx.now()).access();
        let letter = |organization| letters::PaymentFailed {
            organization,
            amount: Money::of(failed.amount.amount, failed.amount.currency).to_string().to_uppercase(),
            next_attempt_at: failed.next_attempt_at,
            works_until: if let Access::Grace { until } = access { Some(until) } else { None },
            locked: !access.may_write(),
            suspended: access == Access::Suspended,
            href: self.plan_of(news.tenant),
        };
        self.write_in(tx, news, letter, format!("{}/{}", news.event.subject, failed.attempt)).await
    }

    async fn paid_in(&self, tx: &mut SystemTx, news: &News<'_>) -> Result<(), ConsumerError> {
        let Some(payment) = payment_in(tx, news.tenant, &news.event.subject).await? else { return Ok(()) };
        let heard_at = news.event.at;
        if heard_at - payment.paid_at.unwrap_or(payment.created_at) > FRESH || tx.now() - heard_at > LATE {
            return Ok(());
        }
        let letter = |organization| letters::Receipt {
            organization,
            number: payment.number.clone(),
            paid_at: payment.paid_at.unwrap_or(heard_at),
            amount: payment.amount.to_string().to_uppercase(),
            href: self.plan_of(news.tenant),
        };
        self.write_in(tx, news, letter, news.event.subject.clone()).await
    }

    async fn near_in(&self, tx: &mut SystemTx, news: &News<'_>) -> Result<(), ConsumerError> {
        let near = Near::deserialize(&news.event.data)?;
        let what = format!("{}-meter-{}", self.texts, near.meter);
        let letter = |organization| letters::LimitWarning {
            organization,
            what: what.clone(),
            used: near.used,
            limit: near.limit,
            href: self.plan_of(news.tenant),
        };
        self.write_in(tx, news, letter, news.event.id.to_string()).await
    }

    async fn write_in<L: Letter>(
        &self,
        tx: &mut SystemTx,
        news: &News<'_>,
        letter: impl Fn(String) -> L,
        cause: String,
    ) -> Result<(), ConsumerError> {
        for to in recipients_in(tx, slice::from_ref(news)).await? {
            let envelope = self.notifications.envelope(news, &to, &cause);
            self.outbox.mail_system_in(tx, Some(news.tenant), &envelope, &letter(to.organization)).await?;
        }
        Ok(())
    }

    /// The page of a tenant's plan, in whatever organization its reader works.
    fn plan_of(&self, tenant: TenantId) -> Link {
        self.outbox.link_in(tenant, "/billing")
    }
}

/// Whether it is still open, and of what goes on only if it is paid: of a larger plan that could not be charged nothing is owed, and a debit that is
/// under way is none that failed.
async fn is_owed_in(tx: &mut SystemTx, tenant: TenantId, invoice: &str) -> Result<bool, DbError> {
    let is_owed = query_scalar!(
        r#"select exists (
            select from billing.invoice where tenant_id = $1 and id = $2 and state = 'open'
        ) and exists (
            select from billing.subscription where tenant_id = $1 and state in ('past_due', 'unpaid')
        ) as "is_owed!""#,
        Uuid::from(tenant),
        invoice,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(is_owed)
}

/// Money that arrived.
struct Payment {
    number: String,
    amount: Money,
    created_at: DateTime<Utc>,
    paid_at: Option<DateTime<Utc>>,
}

/// What arrived for an invoice, if anything did: what a credit paid is no payment.
async fn payment_in(tx: &mut SystemTx, tenant: TenantId, invoice: &str) -> Result<Option<Payment>, DbError> {
    let row = query!(
        r#"select coalesce(number, id) as "number!", paid, currency, created_at, paid_at from billing.invoice
        where tenant_id = $1 and id = $2 and state = 'paid' and paid > 0"#,
        Uuid::from(tenant),
        invoice,
    )
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| {
        let currency = Currency::try_from(row.currency).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Payment { number: row.number, amount: Money::of(row.paid, currency), created_at: row.created_at, paid_at: row.paid_at })
    })
    .transpose()
}

async fn holding_in(tx: &mut SystemTx, tenant: TenantId) -> Result<Holding, DbError> {
    let held = query_scalar!(r#"select billing.holding($1) as "held: Json<Holding>""#, Uuid::from(tenant)).fetch_one(&mut **tx).await?;
    Ok(held.map(|held| held.0).unwrap_or_default())
}

//! What an organization has, uses and owes, as it is stored.

use chrono::{DateTime, Utc};
use saas_core::{DbError, Listed, Order, OrderBy, TenantTx};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder, query, query_scalar};
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Till;
use crate::{Access, Currency, Interval, InvoiceState, Money, Subscription, SubscriptionState};

/// A subscription, as its organization sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct SubscriptionShown {
    /// Its id at the payment provider.
    id: String,
    /// The plan.
    pub(super) plan: String,
    /// How often it is paid.
    pub(super) interval: Interval,
    /// In what.
    pub(super) currency: Currency,
    /// How many times the price.
    quantity: u32,
    /// Where it stands.
    pub(super) state: SubscriptionState,
    /// When what is paid for ends, and the next payment is due.
    pub(super) period_end: DateTime<Utc>,
    /// When the trial ends or ended, if there was one.
    pub(super) trial_end: Option<DateTime<Utc>>,
    /// When it will end because somebody wants it to.
    pub(super) cancel_at: Option<DateTime<Utc>>,
}

impl SubscriptionShown {
    /// Whether it can be for another plan.
    pub(super) const fn is_changeable(&self) -> bool {
        matches!(self.state, SubscriptionState::Trialing | SubscriptionState::Active) && self.cancel_at.is_none()
    }
}

impl From<&Subscription> for SubscriptionShown {
    fn from(held: &Subscription) -> Self {
        Self {
            id: held.id.as_str().to_owned(),
            plan: held.plan.clone(),
            interval: held.interval,
            currency: held.currency,
            quantity: held.quantity,
            state: held.state,
            period_end: held.period_end,
            trial_end: held.trial_end,
            cancel_at: held.cancel_at,
        }
    }
}

/// How much of something is used, of how much.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct UsageShown {
    /// What is limited.
    pub(super) meter: String,
    /// How many there are, or were in this period; null for what is not counted here.
    pub(super) used: Option<u64>,
    /// How many there may be; null for no limit.
    pub(super) limit: Option<u32>,
    /// When it is counted anew, if it is.
    pub(super) resets_at: Option<DateTime<Utc>>,
}

/// What an organization has.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AccountShown {
    /// The plan that holds now.
    pub(super) plan: String,
    /// How far it may be used.
    pub(super) access: Access,
    /// What is paid for, if anything is.
    pub(super) subscription: Option<SubscriptionShown>,
    /// What is used of the plan.
    pub(super) usage: Vec<UsageShown>,
    /// Whether it had a subscription ever: a trial comes once.
    #[serde(skip)]
    pub(super) had_one: bool,
}

/// An invoice, as its organization sees it.
#[derive(Debug, Clone, Serialize, ToSchema, FromRow)]
pub(super) struct InvoiceShown {
    /// Its id at the payment provider.
    pub(super) id: String,
    /// The number that stands on it.
    pub(super) number: Option<String>,
    /// Where it stands.
    pub(super) state: InvoiceState,
    /// How much it is about, in the currency's minor unit: cents for dollars, yen for yen.
    pub(super) total: i64,
    /// How much of it is due.
    due: i64,
    /// Its currency.
    #[sqlx(try_from = "String")]
    currency: Currency,
    /// How often somebody tried to have it paid.
    attempts: i32,
    /// When that is tried next by itself, if it is.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Where it can be seen and paid.
    pub(super) page: Option<String>,
    /// Where it is as a document.
    pub(super) pdf: Option<String>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was paid.
    paid_at: Option<DateTime<Utc>>,
}

impl InvoiceShown {
    pub(super) fn amount(&self) -> Money {
        Money::of(self.total, self.currency)
    }

    /// Where somebody can pay it, if it waits for that.
    pub(super) fn pay(&self) -> Option<Url> {
        self.page.as_deref().filter(|_| self.state == InvoiceState::Open && self.due > 0).and_then(|page| Url::parse(page).ok())
    }
}

impl Listed for InvoiceShown {
    const ORDERS: &'static [Order] = &[Order::new("created_at", "created_at", OrderBy::Time).descending()];
}

/// The columns of [`InvoiceShown`], up to the filters of a list. A draft is nothing yet.
pub(super) const INVOICES: &str = "select id, number, state, total, due, currency, attempts, next_attempt_at, page_url as page, pdf_url as pdf, created_at, paid_at \
     from billing.invoice where state <> 'draft' and tenant_id = ";

/// The newest invoices.
pub(super) async fn invoices_in(tx: &mut TenantTx, most: i64) -> Result<Vec<InvoiceShown>, DbError> {
    let mut query = QueryBuilder::<Postgres>::new(INVOICES);
    query.push_bind(tx.tenant()).push(" order by created_at desc, id limit ").push_bind(most);
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

impl Till {
    /// All that is shown of an organization.
    pub(super) async fn account_in(&self, tx: &mut TenantTx) -> Result<AccountShown, DbError> {
        let (tenant, now, plans) = (tx.tenant().map(Uuid::from), tx.now(), self.billing.plans());
        let held = self.billing.holding_in(tx).await?;
        let counted = query!("select meter, used, nullif(since, '-infinity') as since from quota where tenant_id = $1", tenant)
            .fetch_all(&mut **tx)
            .await?;
        let had_one = query_scalar!(
            r#"select exists (
                select from billing.subscription where tenant_id = $1 and state not in ('incomplete', 'incomplete_expired')
            ) as "had!""#,
            tenant
        )
        .fetch_one(&mut **tx)
        .await?;
        let entitlement = plans.entitlement(&held, now);
        let mut usage = Vec::new();
        for metered in plans.meters() {
            let period = metered.per();
            let is_of_now =
                |since: Option<DateTime<Utc>>| period.is_none_or(|period| since.is_some_and(|since| since >= period.start(now)));
            let used = match self.counted.iter().find(|(meter, _)| meter.name() == metered.name()) {
                Some((_, Some(count))) => Some(count(tx).await?),
                Some((_, None)) => {
                    let row = counted.iter().find(|row| row.meter == metered.name() && is_of_now(row.since));
                    Some(row.map_or(0, |row| row.used.unsigned_abs()))
                }
                None => None,
            };
            usage.push(UsageShown {
                meter: metered.name().to_owned(),
                used,
                limit: entitlement.limit_named(metered.name()).at_most(),
                resets_at: period.map(|period| period.end(now)),
            });
        }
        let subscription = held.subscriptions.iter().find(|held| !held.state.is_over()).map(SubscriptionShown::from);
        Ok(AccountShown { plan: entitlement.plan().name().to_owned(), access: entitlement.access(), subscription, usage, had_one })
    }
}

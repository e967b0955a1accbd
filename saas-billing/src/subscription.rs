//! Subscriptions as the gateway has them, kept so that nobody has to ask it.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use saas_core::{DbError, SystemTx, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Currency, Interval};

macro_rules! gateway_ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as the gateway wrote it.
            #[must_use]
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// As the gateway wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

gateway_ids! {
    /// A customer at the gateway.
    CustomerId;
    /// A subscription at the gateway.
    SubscriptionId;
    /// An invoice at the gateway.
    InvoiceId;
}

/// Where a subscription stands (<https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// The first payment has not succeeded yet.
    Incomplete,
    /// It never did.
    IncompleteExpired,
    /// Nothing is due yet.
    Trialing,
    /// It is paid.
    Active,
    /// The last payment failed and is tried again.
    PastDue,
    /// It failed as often as it was to be tried.
    Unpaid,
    /// The trial ended and there is nothing to pay with.
    Paused,
    /// It is over.
    Canceled,
}

impl SubscriptionState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::Trialing,
        Self::Active,
        Self::PastDue,
        Self::Unpaid,
        Self::Paused,
        Self::Canceled,
    ];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing can come of it any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::IncompleteExpired | Self::Canceled)
    }
}

/// No subscription is in such a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no subscription is in such a state")]
pub struct UnknownState;

impl FromStr for SubscriptionState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// A subscription, as the gateway had it when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its id at the gateway.
    pub id: SubscriptionId,
    /// The plan that is paid for, by its name in the catalogue.
    pub plan: String,
    /// How often it is paid.
    #[serde(rename = "period")]
    pub interval: Interval,
    /// In what.
    pub currency: Currency,
    /// How many times the price.
    pub quantity: u32,
    /// Where it stands.
    pub state: SubscriptionState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When what is paid for began.
    pub period_start: DateTime<Utc>,
    /// When it ends.
    pub period_end: DateTime<Utc>,
    /// When the trial ends or ended, if there was one.
    pub trial_end: Option<DateTime<Utc>>,
    /// When it will end because somebody wants it to.
    pub cancel_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Since when a payment is due that failed.
    pub past_due_since: Option<DateTime<Utc>>,
    /// How often it failed.
    pub failed_attempts: u32,
}

/// Keeps what was read of a tenant's subscription, in the place of what was read before.
///
/// Whoever calls it holds the tenant's row in `billing.customer` locked since before it asked the gateway, so what was read last is what is kept.
///
/// # Errors
///
/// Fails if the database does, for example because the subscription is another tenant's.
pub async fn subscription_put_in(tx: &mut SystemTx, tenant: TenantId, subscription: &Subscription) -> Result<(), DbError> {
    let now = tx.now();
    let Subscription { id, plan, interval, currency, quantity, state, .. } = subscription;
    query!(
        r#"insert into billing.subscription
            (tenant_id, id, plan, period, currency, quantity, state, created_at, period_start, period_end, trial_end, cancel_at, ended_at,
             past_due_since, failed_attempts, read_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (tenant_id, id) do update set
            plan = excluded.plan, period = excluded.period, currency = excluded.currency, quantity = excluded.quantity,
            state = excluded.state, period_start = excluded.period_start, period_end = excluded.period_end,
            trial_end = excluded.trial_end, cancel_at = excluded.cancel_at, ended_at = excluded.ended_at,
            past_due_since = excluded.past_due_since, failed_attempts = excluded.failed_attempts, read_at = excluded.read_at"#,
        Uuid::from(tenant),
        id.as_str(),
        plan,
        interval.as_str(),
        currency.code(),
        i64::from(*quantity),
        state.as_str(),
        subscription.created_at,
        subscription.period_start,
        subscription.period_end,
        subscription.trial_end,
        subscription.cancel_at,
        subscription.ended_at,
        subscription.past_due_since,
        // More failures than fit are as many as fit.
        i32::try_from(subscription.failed_attempts).unwrap_or(i32::MAX),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

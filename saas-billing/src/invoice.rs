//! Invoices as the gateway has them.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use saas_core::{DbError, SystemTx, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::query;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{InvoiceId, Money, SubscriptionId, UnknownState};

/// Where an invoice stands (<https://docs.stripe.com/invoicing/overview#invoice-statuses>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InvoiceState {
    /// It may still change.
    Draft,
    /// It waits to be paid.
    Open,
    /// It is paid.
    Paid,
    /// Nobody expects it to be paid.
    Uncollectible,
    /// It was a mistake.
    Void,
}

impl InvoiceState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Draft, Self::Open, Self::Paid, Self::Uncollectible, Self::Void];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
}

impl FromStr for InvoiceState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// An invoice, as the gateway had it when it was read. Its amounts are all of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id at the gateway.
    pub id: InvoiceId,
    /// The subscription that it is for, if it is for one.
    pub subscription: Option<SubscriptionId>,
    /// The number that stands on it, once it is final.
    pub number: Option<String>,
    /// Where it stands.
    pub state: InvoiceState,
    /// How much it is about.
    pub total: Money,
    /// How much of it was paid, in its currency's minor unit.
    pub paid: i64,
    /// How much is due.
    pub due: i64,
    /// How often somebody tried to have it paid.
    pub attempts: u32,
    /// When that is tried next by itself, if it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Where it can be seen and paid.
    pub page: Option<Url>,
    /// Where it is as a document.
    pub pdf: Option<Url>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
}

/// What was stored of an invoice before.
pub(crate) struct Before {
    pub(crate) state: InvoiceState,
    pub(crate) attempts: u32,
}

/// Keeps what was read of a tenant's invoice, in the place of what was read before, and says what that was.
pub(crate) async fn invoice_put_in(tx: &mut SystemTx, tenant: TenantId, invoice: &Invoice) -> Result<Option<Before>, DbError> {
    let now = tx.now();
    let before = query!(
        r#"with before as (select state, attempts from billing.invoice where tenant_id = $1 and id = $2)
        insert into billing.invoice
            (tenant_id, id, subscription_id, number, state, currency, total, paid, due, attempts, next_attempt_at, page_url, pdf_url, created_at,
             paid_at, read_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (tenant_id, id) do update set
            -- Whose it is does not change, and may not be readable now.
            subscription_id = coalesce(excluded.subscription_id, invoice.subscription_id), number = excluded.number, state = excluded.state, currency = excluded.currency,
            total = excluded.total, paid = excluded.paid, due = excluded.due, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at, page_url = excluded.page_url,
            pdf_url = excluded.pdf_url, paid_at = excluded.paid_at, read_at = excluded.read_at
        returning (select state from before) as state_before, (select attempts from before) as attempts_before"#,
        Uuid::from(tenant),
        invoice.id.as_str(),
        invoice.subscription.as_ref().map(SubscriptionId::as_str),
        invoice.number,
        invoice.state.as_str(),
        invoice.total.currency().code(),
        invoice.total.minor(),
        invoice.paid,
        invoice.due,
        i32::try_from(invoice.attempts).unwrap_or(i32::MAX),
        invoice.next_attempt_at,
        invoice.page.as_ref().map(Url::as_str),
        invoice.pdf.as_ref().map(Url::as_str),
        invoice.created_at,
        invoice.paid_at,
        now,
    )
    .fetch_one(&mut **tx)
    .await?;
    let state =
        before.state_before.map(|state| state.parse()).transpose().map_err(|error: UnknownState| sqlx::Error::Decode(error.into()))?;
    Ok(state.map(|state| Before { state, attempts: before.attempts_before.unwrap_or_default().unsigned_abs() }))
}

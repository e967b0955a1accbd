//! Where money is taken: what is asked of it, and one in memory. The one of Stripe is a module of its own.

mod memory;
mod portal;
pub(crate) mod proration;
#[cfg(feature = "stripe")]
mod stripe;

use std::{error::Error, fmt, time::Duration};

use async_trait::async_trait;
use saas_core::{Interrupted, TenantId};
use serde::Serialize;
use url::Url;

pub use memory::MemoryGateway;
pub use portal::{Portal, PortalPage};
pub use proration::{PlanChange, Preview};
#[cfg(feature = "stripe")]
pub use stripe::{StripeConfigError, StripeGateway};

use crate::{Currency, CustomerId, Interval, Invoice, InvoiceId, Plans, Subscription, SubscriptionId};

/// Takes money for us, and knows best who has paid.
///
/// An implementation
/// * must answer a write with a key that it has seen as it did the first time, and refuse ([`GatewayError::KeyReused`]) one that asks for
///   something else;
/// * must read what is so now, and all of it: subscriptions that are over and invoices that are paid are among the answer, and what it cannot read
///   is named and keeps nothing else;
/// * must say [`GatewayError::KeySpent`] where it failed under a key and will say only that again;
/// * must never repeat a write by itself under another key, but for what it has just read to be still undone;
/// * must sell what [`catalogue_put`](Self::catalogue_put) was last told, and refuse to sell anything else;
/// * must say [`GatewayError::Away`], or [`GatewayError::Interrupted`] if it did not ask, for everything that may pass by itself, and nothing else.
#[async_trait]
pub trait Gateway: fmt::Debug + Send + Sync {
    /// Everything that is known of a customer; none if there is none of this id.
    ///
    /// # Errors
    ///
    /// Fails if the gateway does not answer.
    async fn read(&self, customer: &CustomerId) -> Result<Option<Account>, GatewayError>;

    /// Lists all subscriptions of all customers that are not canceled, in pages: those that follow on `after`, or the first.
    ///
    /// # Errors
    ///
    /// Fails if the gateway does not answer.
    async fn subscriptions(&self, after: Option<&SubscriptionId>) -> Result<SubscriptionPage, GatewayError>;

    /// Makes a tenant a customer, and notes with it which tenant it is.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer.
    async fn customer_create(&self, tenant: TenantId, key: &IdempotencyKey) -> Result<CustomerId, GatewayError>;

    /// Begins a subscription: a page of the gateway's on which somebody pays. Nothing is bought before they have.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer.
    async fn checkout_create(&self, order: &Order, key: &IdempotencyKey) -> Result<Checkout, GatewayError>;

    /// Has a customer see and change what they pay with: a page of the gateway's, for a short time.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses, as of a customer that there is not, or does not answer.
    async fn portal_create(&self, portal: &Portal, key: &IdempotencyKey) -> Result<Url, GatewayError>;

    /// Has a subscription end with what is paid for, go on after all, or end at once. What it was already, it stays.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer.
    async fn subscription_change(&self, subscription: &SubscriptionId, change: Change, key: &IdempotencyKey) -> Result<(), GatewayError>;

    /// Says what another plan costs at once. It changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer.
    async fn plan_preview(&self, change: &PlanChange) -> Result<Preview, GatewayError>;

    /// Has a subscription be for another plan, once what that costs is paid: at once if it can be charged or is nothing. It costs what
    /// [`plan_preview`](Self::plan_preview) says of the same change.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer. That nobody can be charged is no error: the invoice is open then.
    async fn plan_change(&self, change: &PlanChange, key: &IdempotencyKey) -> Result<(), GatewayError>;

    /// Forgets who a customer is, and ends all that it pays for at once: nothing is charged any more, also of what was owed. What was invoiced is kept by the
    /// gateway, as by us. Whoever is gone already stays so.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer.
    async fn customer_delete(&self, customer: &CustomerId) -> Result<(), GatewayError>;

    /// Sells what the catalogue sells, at its prices, and nothing else of what it sold before; whoever has bought keeps it at their price. The
    /// second time there is nothing to change.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer. What was changed until then stays so, and the rest can be done later.
    async fn catalogue_put(&self, plans: &Plans) -> Result<CatalogueChanges, GatewayError>;
}

/// What becomes of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It ends with what is paid for.
    Cancel,
    /// It goes on after all.
    Resume,
    /// It ends at once, and what is owed for it is not asked for again.
    End,
}

impl Change {
    /// As it stands in keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Resume => "resume",
            Self::End => "end",
        }
    }
}

/// What was made otherwise at the gateway, as the gateway calls it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CatalogueChanges {
    /// What is sold now and was not before.
    pub made: Vec<String>,
    /// What is sold no longer.
    pub retired: Vec<String>,
}

/// What the price of a plan is found by at the gateway.
pub(crate) fn price_key(plan: &str, interval: Interval, currency: Currency) -> String {
    format!("saas:{plan}:{}:{currency}", interval.as_str())
}

/// What a gateway knows of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Whose it is, as we noted when we made it; none if somebody else made it.
    pub tenant: Option<TenantId>,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// All of its subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// All of its invoices.
    pub invoices: Vec<Invoice>,
    /// What there is besides, and cannot be read.
    pub unread: Vec<Unread>,
}

/// A part of all subscriptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionPage {
    /// These.
    pub listed: Vec<ListedSubscription>,
    /// What the next page follows on, if there is one.
    pub next: Option<SubscriptionId>,
}

/// A subscription, as it stands in a list: what is owed of it is not known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSubscription {
    /// Whose it is.
    pub customer: CustomerId,
    /// Which.
    pub id: SubscriptionId,
    /// What is known of it; none if it is for no plan of ours, or cannot be read.
    pub subscription: Option<Subscription>,
}

impl Account {
    /// Whether nobody ever bought anything with it.
    pub(crate) fn is_unused(&self) -> bool {
        self.subscriptions.is_empty() && self.invoices.is_empty() && self.unread.is_empty()
    }
}

/// Something of a customer's that cannot be read, such as one in a state that nobody knew of when this program was built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// A subscription.
    #[error("the subscription {id}: {why}")]
    Subscription {
        /// Which.
        id: SubscriptionId,
        /// What of it.
        why: String,
    },
    /// An invoice.
    #[error("the invoice {id}: {why}")]
    Invoice {
        /// Which.
        id: InvoiceId,
        /// What of it.
        why: String,
    },
}

impl Unread {
    /// The subscription, if it is one.
    #[must_use]
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        match self {
            Self::Subscription { id, .. } => Some(id),
            Self::Invoice { .. } => None,
        }
    }
}

/// A subscription that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Who pays.
    pub customer: CustomerId,
    /// The plan, by its name in the catalogue.
    pub plan: String,
    /// How often it is paid.
    pub interval: Interval,
    /// In what.
    pub currency: Currency,
    /// How many times the price.
    pub quantity: u32,
    /// For how many days it costs nothing.
    pub trial_days: u32,
    /// Where people come back to when they have paid.
    pub paid_url: Url,
    /// And when they have not.
    pub back_url: Url,
}

/// A page on which somebody pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Its id at the gateway.
    pub id: String,
    /// Where it is.
    pub url: Url,
}

/// Says that a write is the same one as before. It is derived from what the write is for, so a process that died asks again with the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key of a kind of write and of what it is for, such as a tenant's id.
    #[must_use]
    pub fn of(kind: &'static str, subject: impl fmt::Display) -> Self {
        Self(format!("saas:{kind}:{subject}"))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A gateway did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// It does not answer, or not now: later it may.
    #[error("the payment gateway does not answer")]
    Away {
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
        /// What was seen.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It did not answer lately, and was not asked.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The key was used for something else: a mistake of ours, which asking again does not mend.
    #[error("an idempotency key was used for two different requests")]
    KeyReused,
    /// It failed, and says the same to whoever asks again with this key. Whether something was done, reading tells; then another key is needed.
    #[error("the payment gateway has failed under this key for good")]
    KeySpent(#[source] Box<dyn Error + Send + Sync>),
    /// It refuses, and will refuse again.
    #[error("the payment gateway refuses")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

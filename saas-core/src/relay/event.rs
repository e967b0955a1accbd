use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Actor, EventId, EventSeverity, SystemTx, TenantId};

/// Whose events these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "Uuid")]
pub enum Ledger {
    /// A tenant's.
    Tenant(TenantId),
    /// The program's own: sign-ins and everything else that belongs to no tenant. Stored under the nil id, which no tenant can have.
    Platform,
}

impl Ledger {
    /// The id that its rows have.
    #[must_use]
    pub fn id(self) -> Uuid {
        match self {
            Self::Tenant(id) => id.into(),
            Self::Platform => Uuid::nil(),
        }
    }

    /// The tenant, if it is one's.
    #[must_use]
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Platform => None,
        }
    }
}

impl From<Uuid> for Ledger {
    fn from(id: Uuid) -> Self {
        if id.is_nil() { Self::Platform } else { Self::Tenant(id.into()) }
    }
}

impl From<Ledger> for Uuid {
    fn from(ledger: Ledger) -> Self {
        ledger.id()
    }
}

impl From<TenantId> for Ledger {
    fn from(id: TenantId) -> Self {
        Self::Tenant(id)
    }
}

/// An event as it was recorded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// Its id: the same at every attempt, in every delivery.
    pub id: EventId,
    /// Whose it is.
    pub ledger: Ledger,
    /// Its name; [`EventCatalogue::find`](crate::EventCatalogue::find) knows the rest of its kind.
    pub name: String,
    /// The version of its shape.
    pub version: i32,
    /// How much it matters.
    pub severity: EventSeverity,
    /// Who made it happen.
    pub actor: Actor,
    /// What it happened to: mostly an id.
    pub subject: String,
    /// What it carries. Personal values are in it; secrets are not.
    pub data: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// Makes something of events: rows of its own, from which it works later.
///
/// * It must do its writing through `tx` and nothing else: whatever else it did would be done again if the commit fails.
/// * It must not commit, roll back or leave settings on the transaction.
/// * It must refuse with an error rather than drop an event that it cannot take: it gets it again later, alone.
/// * It must not rely on the order of events, nor on getting related ones together.
/// * It must skip what it does not care for, such as events of a name or version that it does not know.
#[async_trait]
pub trait Consumer: Send + Sync + 'static {
    /// Its name, for ever: who has taken an event is kept under it.
    fn name(&self) -> &'static str;

    /// Takes events of any number of tenants, at least one.
    ///
    /// # Errors
    ///
    /// If it fails, all that it wrote is undone, and it gets the events again one by one. Other consumers are not held up.
    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError>;
}

/// Why a consumer could not take an event. Stored and shown to operators, so it must hold no secret and no personal data.
pub type ConsumerError = Box<dyn std::error::Error + Send + Sync>;

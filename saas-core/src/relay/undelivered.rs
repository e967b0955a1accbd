//! What was given up, for those whose it is.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Actor, DbError, Event, EventId, EventKind, EventSeverity, Listed, Order, OrderBy, TenantTx, event_in};

crate::permissions! {
    /// Have announced again what could not be.
    pub EventReplay = "event.replay";
}

/// What is announced of announcing.
pub(crate) const EVENTS: &[EventKind] = &[EventKind::of::<EventsReplayed>()];

/// Somebody had announced again what had been given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsReplayed {
    /// How many events.
    pub number: u64,
}

impl Event for EventsReplayed {
    const NAME: &'static str = "event.replayed";
    const TOPIC: &'static str = "audit";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    // It is in the audit log, and no news.
    const PERMISSION: Option<&'static str> = None;
}

/// Something that happened, is in the audit log, and of which not everybody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, FromRow)]
#[non_exhaustive]
pub struct UndeliveredEvent {
    /// Its id, which its entry in the audit log has too.
    pub id: EventId,
    /// What happened: the name of the event.
    pub event: String,
    /// What it happened to: mostly an id.
    pub subject: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When telling of it was given up.
    pub given_up_at: DateTime<Utc>,
    /// Who was told all the same, such as `webhooks`.
    pub told: Vec<String>,
    /// Who could not be told.
    pub untold: Vec<String>,
}

impl Listed for UndeliveredEvent {
    const ORDERS: &'static [Order] =
        &[Order::new("given_up_at", "given_up_at", OrderBy::Time).descending(), Order::new("at", "at", OrderBy::Time)];
}

/// The columns of [`UndeliveredEvent`], up to the tenant.
pub(super) const SELECT: &str = "select id, name as event, subject, at, dead_at as given_up_at, taken as told, refused as untold \
     from outbox where dead_at is not null and tenant_id = ";

/// How many of the tenant's events were given up.
///
/// # Errors
///
/// Fails if the database does.
pub async fn events_undelivered_in(tx: &mut TenantTx) -> Result<u64, DbError> {
    let number = sqlx::query_scalar!(
        r#"select count(*) as "number!" from outbox where dead_at is not null and tenant_id = $1"#,
        tx.tenant().map(Uuid::from),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(number.unsigned_abs())
}

/// Has announced again what of the tenant was given up: one event, or all. Whoever was told of it is not told again. Returns how many there
/// were.
///
/// # Errors
///
/// Fails if the database does.
pub async fn events_replay_in(tx: &mut TenantTx, actor: Actor, only: Option<EventId>) -> Result<u64, DbError> {
    let revived = sqlx::query!(
        r#"update outbox set dead_at = null, attempts = 0, next_at = to_timestamp(0)
        where tenant_id = $1 and dead_at is not null and ($2::uuid is null or id = $2)"#,
        tx.tenant().map(Uuid::from),
        only.map(Uuid::from),
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if revived > 0 {
        let subject = only.map(Uuid::from).or_else(|| tx.tenant().map(Uuid::from)).unwrap_or_default();
        // Which also wakes the relay.
        event_in(tx, actor, subject, &EventsReplayed { number: revived }).await?;
    }
    Ok(revived)
}

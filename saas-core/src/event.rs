//! The backbone: one typed event in the transaction that changes something.

use serde::Serialize;

use crate::{Actor, DbError, EventId, TenantTx};

/// Something that happened to a tenant's data. Past tense, and the same name for ever: others listen for it.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct DeviceAdded { address: String }
///
/// impl saas_core::Event for DeviceAdded {
///     const NAME: &'static str = "monitoring.device.added";
///     const TOPIC: &'static str = "devices";
/// }
/// ```
pub trait Event: Serialize {
    /// `crate.noun.verb`, in the past tense.
    const NAME: &'static str;
    /// The version of its shape.
    const VERSION: i32 = 1;
    /// The part of a page that shows what changed; live streams of the tenant are told it after the commit.
    const TOPIC: &'static str;
}

/// Records that something happened to `subject`, and wakes the tenant's live streams if the transaction commits.
///
/// # Errors
///
/// Fails if the row cannot be written; in a transaction without a tenant, always.
pub async fn event_in<E: Event>(tx: &mut TenantTx, actor: Actor, subject: impl std::fmt::Display, event: &E) -> Result<EventId, DbError> {
    let (kind, actor) = match actor {
        Actor::User(id) => ("user", Some(uuid::Uuid::from(id))),
        Actor::Agent(id) => ("agent", Some(uuid::Uuid::from(id))),
        Actor::System => ("system", None),
    };
    let id = EventId::new();
    let (tenant, now) = (tx.tenant().map(uuid::Uuid::from), tx.now());
    let data = serde_json::to_value(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    // The notice carries the tenant's id and the name of a part of a page, never data; whoever hears it reads as itself.
    sqlx::query!(
        r#"with recorded as (
            insert into outbox (tenant_id, id, name, version, actor_kind, actor_id, subject, data, at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        )
        select pg_notify('saas_live', $1::uuid::text || ' ' || $10::text)"#,
        tenant,
        uuid::Uuid::from(id),
        E::NAME,
        E::VERSION,
        kind,
        actor,
        subject.to_string(),
        data,
        now,
        E::TOPIC,
    )
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

//! The backbone: one typed event in the transaction that changes something.
//!
//! From the one call of [`event_in`] follow the audit entry, written with it; and what [consumers](crate::Consumer) make of it once the
//! relay hands it to them: webhooks, notifications, mail. Pages that are open are told by the transaction's own notice.

mod kind;
mod page;
mod value;

pub use kind::{Event, EventCatalogue, EventKind, EventSeverity};
pub use value::{Change, MASK, Masked, Personal};

use ipnet::IpNet;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Actor, DbError, EventId, Ledger, Origin, SystemTx, TenantTx};

/// Where the server says that something was recorded: `tenant audience topic`, ids and fixed words alone. The audience is the permission that it
/// takes to hear of it, the person whom alone it concerns, or `nobody`. Whoever hears it reads as itself.
pub(crate) const CHANNEL: &str = "saas_live";

/// Records that something happened to `subject`, in the outbox and in the audit log, and wakes whoever listens if the transaction commits.
///
/// # Errors
///
/// Fails if the row cannot be written; in a transaction without a tenant, always.
pub async fn event_in<E: Event>(tx: &mut TenantTx, actor: Actor, subject: impl std::fmt::Display, event: &E) -> Result<EventId, DbError> {
    let record =
        Record { tenant: tx.tenant().map(Uuid::from), now: tx.now(), origin: tx.origin().clone(), actor, subject: subject.to_string() };
    record.write(tx, event).await
}

/// The same across tenants: for workers, and for what belongs to no tenant, such as a sign-in.
///
/// # Errors
///
/// Fails if the row cannot be written.
pub async fn system_event_in<E: Event>(
    tx: &mut SystemTx,
    ledger: Ledger,
    actor: Actor,
    subject: impl std::fmt::Display,
    event: &E,
) -> Result<EventId, DbError> {
    let record = Record { tenant: Some(ledger.id()), now: tx.now(), origin: tx.origin().clone(), actor, subject: subject.to_string() };
    record.write(tx, event).await
}

struct Record {
    tenant: Option<Uuid>,
    now: chrono::DateTime<chrono::Utc>,
    origin: Origin,
    actor: Actor,
    subject: String,
}

impl Record {
    async fn write<E: Event>(self, connection: &mut PgConnection, event: &E) -> Result<EventId, DbError> {
        let id = EventId::new();
        let (kind, actor, on_behalf_of) = self.actor.columns();
        let data = serde_json::to_value(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let (plain, kept) = value::split(data);
        sqlx::query!(
            r#"with recorded as (
                insert into outbox (tenant_id, id, name, version, severity, actor_kind, actor_id, on_behalf_of, subject, data, at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12)
            ), audited as (
                insert into audit_entry
                    (tenant_id, id, action, version, severity, actor_kind, actor_id, on_behalf_of, resource, data, at,
                     request_id, address, user_agent)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, $13, $14, $15)
            )
            select pg_notify('saas_live', concat_ws(' ', $1::uuid, coalesce($17, 'nobody'), $16::text))"#,
            self.tenant,
            Uuid::from(id),
            E::NAME,
            E::VERSION,
            E::SEVERITY.as_str(),
            kind,
            actor,
            on_behalf_of,
            self.subject,
            plain,
            kept.to_string(),
            self.now,
            self.origin.request,
            self.origin.address.map(IpNet::from) as Option<IpNet>,
            self.origin.user_agent.as_deref(),
            E::TOPIC,
            E::PERMISSION as Option<&str>,
        )
        .execute(connection)
        .await?;
        Ok(id)
    }
}

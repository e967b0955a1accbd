use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _, postgres::PgRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{DbError, EventId, EventSeverity, Listed, Order, OrderBy, Slice, TenantTx};

/// Something that somebody did, as those who may see it do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its place in the sealed chain; none within the first second.
    pub number: Option<i64>,
    /// Its id, which the event has too.
    pub id: EventId,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What: the name of the event.
    pub action: String,
    /// The version of the shape of `data`.
    pub version: i32,
    /// How much it matters.
    pub severity: EventSeverity,
    /// What kind of actor did it: `user`, `key`, `agent`, `admin`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Who did it.
    pub actor_id: Option<Uuid>,
    /// What the organization calls them, if it knows them.
    pub actor_name: Option<String>,
    /// As whom, if somebody who runs the product did it for somebody else.
    pub on_behalf_of: Option<Uuid>,
    /// To what it was done: mostly an id.
    pub resource: String,
    /// The values, old and new. What is personal or secret is masked.
    pub data: Value,
    /// The request, as logs name it.
    pub request_id: Option<Uuid>,
    /// Where the request came from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// What the client called itself.
    pub user_agent: Option<String>,
}

/// Which entries are meant: all conditions together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// Done by this person, key or agent, or on this person's behalf.
    pub actor: Option<Uuid>,
    /// This action, or all below it: `tenancy.member` means `tenancy.member.joined` too.
    pub action: Option<String>,
    /// Done to this.
    pub resource: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

impl Listed for AuditEntry {
    const ORDERS: &'static [Order] = &[Order::new("at", "at", OrderBy::Time).descending()];
}

impl FromRow<'_, PgRow> for AuditEntry {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let data: String = row.try_get("data")?;
        Ok(Self {
            number: row.try_get("number")?,
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            action: row.try_get("action")?,
            version: row.try_get("version")?,
            severity: EventSeverity::of(row.try_get("severity")?),
            actor_kind: row.try_get("actor_kind")?,
            actor_id: row.try_get("actor_id")?,
            actor_name: row.try_get("actor_name")?,
            on_behalf_of: row.try_get("on_behalf_of")?,
            resource: row.try_get("resource")?,
            // Whoever wrote anything else there is found by the verifier; it is shown as it stands.
            data: serde_json::from_str(&data).unwrap_or(Value::String(data)),
            request_id: row.try_get("request_id")?,
            address: row.try_get("address")?,
            user_agent: row.try_get("user_agent")?,
        })
    }
}

/// The columns of [`AuditEntry`], up to the tenant.
pub(super) const SELECT: &str = "select e.number, e.id, e.at, e.action, e.version, e.severity, e.actor_kind, e.actor_id, m.name as actor_name, \
     e.on_behalf_of, e.resource, e.data, e.request_id, e.address, e.user_agent \
     from audit_entry e \
     left join core.member m on m.tenant_id = e.tenant_id and m.user_id = e.actor_id \
     where e.tenant_id = ";

impl AuditFilter {
    /// Goes on where [`SELECT`] ends: with the tenant and these conditions.
    pub(super) fn narrow(&self, query: &mut QueryBuilder<Postgres>, tx: &TenantTx) {
        query.push_bind(tx.tenant());
        if let Some(actor) = self.actor {
            query.push(" and (e.actor_id = ").push_bind(actor).push(" or e.on_behalf_of = ").push_bind(actor).push(")");
        }
        if let Some(action) = &self.action {
            query.push(" and (e.action = ").push_bind(action.clone());
            query.push(" or starts_with(e.action, ").push_bind(format!("{action}.")).push("))");
        }
        if let Some(resource) = &self.resource {
            query.push(" and e.resource = ").push_bind(resource.clone());
        }
        if let Some(from) = self.from {
            query.push(" and e.at >= ").push_bind(from);
        }
        if let Some(to) = self.to {
            query.push(" and e.at < ").push_bind(to);
        }
    }
}

/// The tenant's entries that fit, and where they go on. From [`Slice::first`] on the newest come first.
///
/// # Errors
///
/// Fails if the database does.
pub async fn audit_entries_in(
    tx: &mut TenantTx,
    filter: &AuditFilter,
    slice: &Slice<AuditEntry>,
) -> Result<(Vec<AuditEntry>, Option<Slice<AuditEntry>>), DbError> {
    let mut query = slice.query(SELECT);
    filter.narrow(&mut query, tx);
    slice.fetch(tx, query).await
}

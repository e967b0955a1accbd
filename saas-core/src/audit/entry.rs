use std::{fmt, net::IpAddr, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{DbError, EventId, EventSeverity, TenantTx};

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
    /// After this one, counted from the newest.
    pub after: Option<Cursor>,
}

/// A part of the log, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// What `after` is to be for the entries that follow; none at the end.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

/// A place in the log. As text it is opaque to whoever gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at: DateTime<Utc>,
    id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "is no place in the log";
        let (at, id) = text.split_once('-').ok_or(wrong)?;
        let at = i64::from_str_radix(at, 16).ok().and_then(DateTime::from_timestamp_micros).ok_or(wrong)?;
        Ok(Self { at, id: id.parse().map_err(|_| wrong)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[derive(FromRow)]
struct Found {
    number: Option<i64>,
    id: Uuid,
    at: DateTime<Utc>,
    action: String,
    version: i32,
    severity: String,
    actor_kind: String,
    actor_id: Option<Uuid>,
    actor_name: Option<String>,
    on_behalf_of: Option<Uuid>,
    resource: String,
    data: String,
    request_id: Option<Uuid>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl From<Found> for AuditEntry {
    fn from(found: Found) -> Self {
        Self {
            number: found.number,
            id: found.id.into(),
            at: found.at,
            action: found.action,
            version: found.version,
            severity: EventSeverity::of(&found.severity),
            actor_kind: found.actor_kind,
            actor_id: found.actor_id,
            actor_name: found.actor_name,
            on_behalf_of: found.on_behalf_of,
            resource: found.resource,
            // Whoever wrote anything else there is found by the verifier; it is shown as it stands.
            data: serde_json::from_str(&found.data).unwrap_or(Value::String(found.data)),
            request_id: found.request_id,
            address: found.address,
            user_agent: found.user_agent,
        }
    }
}

/// The tenant's entries that fit, the newest first, at most `limit` of them.
///
/// # Errors
///
/// Fails if the database does.
pub async fn audit_entries_in(tx: &mut TenantTx, filter: &AuditFilter, limit: u16) -> Result<AuditPage, DbError> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new(
        r"select e.number, e.id, e.at, e.action, e.version, e.severity, e.actor_kind, e.actor_id, m.name as actor_name, e.on_behalf_of,
            e.resource, e.data, e.request_id, e.address, e.user_agent
        from audit_entry e
        left join core.member m on m.tenant_id = e.tenant_id and m.user_id = e.actor_id
        where e.tenant_id = ",
    );
    query.push_bind(tx.tenant().map(Uuid::from));
    if let Some(actor) = filter.actor {
        query.push(" and (e.actor_id = ").push_bind(actor).push(" or e.on_behalf_of = ").push_bind(actor).push(")");
    }
    if let Some(action) = &filter.action {
        query.push(" and (e.action = ").push_bind(action).push(" or starts_with(e.action, ").push_bind(format!("{action}.")).push("))");
    }
    if let Some(resource) = &filter.resource {
        query.push(" and e.resource = ").push_bind(resource);
    }
    if let Some(from) = filter.from {
        query.push(" and e.at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" and e.at < ").push_bind(to);
    }
    if let Some(after) = filter.after {
        query.push(" and (e.at, e.id) < (").push_bind(after.at).push(", ").push_bind(after.id).push(")");
    }
    // One more than wanted says whether anything follows.
    query.push(" order by e.at desc, e.id desc limit ").push_bind(i64::from(limit) + 1);
    let found: Vec<Found> = query.build_query_as().fetch_all(&mut **tx).await?;
    let follows = found.len() > usize::from(limit);
    let entries: Vec<AuditEntry> = found.into_iter().take(limit.into()).map(Into::into).collect();
    let next = entries.last().filter(|_| follows).map(|last| Cursor { at: last.at, id: last.id.into() });
    Ok(AuditPage { entries, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor = Cursor { at: DateTime::from_timestamp_micros(1_793_000_000_123_456).unwrap(), id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "-", "1", "x-y", "7fffffffffffffffff-0", "1-2"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}

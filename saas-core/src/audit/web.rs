use axum::response::Response;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    AuditEntry, AuditFilter, AuditRead,
    entry::SELECT,
    export::{Format, export},
};
use crate::{
    Can, DbError, Download, FormErrors, Html, List, Page, Problem, Query, Routes, TenantDb, TenantTx, Wanted, events_undelivered_in,
    relay::undelivered_routes, wrong::Wrong,
};

/// The log of the tenant: `/audit` for people, `/api/v1/audit` for programs, and as a file; and what of it not everybody could be told of. They
/// need a tenancy layer around them.
pub fn audit_routes<S: Clone + Send + Sync + 'static>() -> Routes<S> {
    Routes::new()
        .get("/audit", show)
        .get("/audit/export", export_from_page)
        .get("/api/v1/audit", list)
        .about("Searches the audit log")
        .get("/api/v1/audit/export", export_for_programs)
        .about("Gives the audit log as a file")
        .merge(undelivered_routes())
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Search {
    /// The id of a person, key or agent.
    actor: String,
    /// The name of an action, or its beginning up to a dot.
    action: String,
    /// The id of what it was done to.
    resource: String,
    /// From this time on (RFC 3339), or from the beginning of this day (UTC).
    from: String,
    /// Before this time (RFC 3339), or to the end of this day (UTC).
    to: String,
    /// What a file is written as; `json` if it is not said.
    format: Option<Format>,
}

impl Search {
    fn filter(&self) -> Result<AuditFilter, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut at = |field, text: &str, later| {
            let read = given(text).map(|text| time(text, later));
            if read == Some(None) {
                wrong.push(Wrong { field, text: "core-audit-error-time", words: "is neither a time nor a day" });
            }
            read.flatten()
        };
        let (from, to) = (at("from", &self.from, TimeDelta::zero()), at("to", &self.to, TimeDelta::days(1)));
        let actor = given(&self.actor).map(|text| text.parse::<Uuid>().ok());
        if actor == Some(None) {
            wrong.push(Wrong { field: "actor", text: "core-audit-error-id", words: "is no id" });
        }
        let (action, resource) = (given(&self.action).map(str::to_owned), given(&self.resource).map(str::to_owned));
        if wrong.is_empty() { Ok(AuditFilter { actor: actor.flatten(), action, resource, from, to }) } else { Err(wrong) }
    }

    /// The same search as a query, to be continued with what differs.
    fn query(&self) -> String {
        let fields =
            [("actor", &self.actor), ("action", &self.action), ("resource", &self.resource), ("from", &self.from), ("to", &self.to)];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A time as RFC 3339 has it, or the midnight at which a day begins, so much later.
fn time(text: &str, later: TimeDelta) -> Option<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Some(at.to_utc()),
        Err(_) => text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc().checked_add_signed(later),
    }
}

async fn list(_: Can<AuditRead>, db: TenantDb, wanted: Wanted<AuditEntry, Search>) -> Result<List<AuditEntry>, Problem> {
    let filter = wanted.filter.filter()?;
    Ok(found_in(&mut db.begin().await?, &filter, wanted).await?)
}

async fn found_in(tx: &mut TenantTx, filter: &AuditFilter, wanted: Wanted<AuditEntry, Search>) -> Result<List<AuditEntry>, DbError> {
    let mut query = wanted.query(SELECT);
    filter.narrow(&mut query, tx);
    wanted.fetch(tx, query).await
}

async fn export_for_programs(_: Can<AuditRead>, db: TenantDb, Query(search): Query<Search>) -> Result<Download, Problem> {
    Ok(Download(export(db, search.filter()?, search.format.unwrap_or_default())))
}

/// The same at an address that a browser reaches with its cookie.
async fn export_from_page(can: Can<AuditRead>, db: TenantDb, search: Query<Search>) -> Result<Response, Problem> {
    Ok(export_for_programs(can, db, search).await?.0)
}

async fn show(_: Can<AuditRead>, db: TenantDb, wanted: Wanted<AuditEntry, Search>, page: Page) -> Result<(StatusCode, Html), Problem> {
    let (search, is_later) = (wanted.filter.clone(), !wanted.is_first());
    let mut errors = FormErrors::default();
    let mut tx = db.begin().await?;
    let undelivered = events_undelivered_in(&mut tx).await?;
    let (status, entries, next) = match search.filter() {
        Ok(filter) => {
            let list = found_in(&mut tx, &filter, wanted).await?;
            (StatusCode::OK, list.items, list.next)
        }
        Err(wrong) => {
            errors = wrong.into();
            (StatusCode::UNPROCESSABLE_ENTITY, Vec::new(), None)
        }
    };
    let entries: Vec<Value> = entries.iter().map(shown).collect();
    let values = [
        ("actor", search.actor.as_str()),
        ("action", &search.action),
        ("resource", &search.resource),
        ("from", &search.from),
        ("to", &search.to),
    ];
    let query = search.query();
    let context = json!({
        "entries": entries,
        "undelivered": undelivered,
        "next": next,
        "is_later": is_later,
        "is_filtered": !query.is_empty(),
        "query": query,
        "form": page.form(&values, &errors),
    });
    Ok((status, page.render("core/audit.html", context)?))
}

/// An entry with its values as a list, so that a template need not know their shapes.
fn shown(entry: &AuditEntry) -> Value {
    let values: Vec<Value> = match &entry.data {
        Value::Object(map) => map.iter().map(|(name, value)| change(name, value)).collect(),
        Value::Null => Vec::new(),
        value => vec![change("", value)],
    };
    json!({
        "id": entry.id,
        "number": entry.number,
        "at": entry.at,
        "action": entry.action,
        "severity": entry.severity,
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "on_behalf_of": entry.on_behalf_of,
        "resource": entry.resource,
        "values": values,
        "address": entry.address,
        "user_agent": entry.user_agent,
        "request_id": entry.request_id,
    })
}

/// `{old, new}` is a change; everything else is a value.
fn change(name: &str, value: &Value) -> Value {
    match value.as_object() {
        Some(map) if map.len() == 2 && map.contains_key("old") && map.contains_key("new") => {
            json!({ "name": name, "old": plain(&map["old"]), "new": plain(&map["new"]) })
        }
        _ => json!({ "name": name, "new": plain(value) }),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        value => value.to_string(),
    }
}

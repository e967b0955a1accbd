//! Devices, as people and programs read them.

use axum::{
    extract::{Extension, State as AxumState},
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{
    AgentId, Can, Conditions, DbError, Flags, List, Listed, Order, OrderBy, Page, Problem, Query, Reaching, Routes, TenantDb, TenantTx,
    Wanted,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, query_as, query_scalar};
use utoipa::ToSchema;

use super::{DeviceId, DeviceRead, LATENCY, State, agents::SharedAgent};
use crate::agent::protocol::DeviceState;

pub(super) fn routes() -> Routes<State> {
    Routes::new().get("/devices", show).get("/api/v1/devices", list).about("Lists the devices of all agents")
}

/// A device, as it is listed.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
struct Device {
    /// Its id.
    id: DeviceId,
    /// Its name by reverse lookup.
    name: Option<String>,
    /// Its address.
    #[serde(serialize_with = "address_text")]
    #[schema(value_type = String)]
    address: IpNet,
    /// Its Ethernet address.
    mac: Option<String>,
    /// up, down or unknown.
    state: String,
    /// Since when it has been in that state.
    since_at: Option<DateTime<Utc>>,
    /// When it was last checked.
    checked_at: Option<DateTime<Utc>>,
    /// How long its last answer took, in microseconds.
    latency_us: Option<i64>,
    /// The name of the agent that watches it.
    agent: String,
}

/// An `inet` is read as a network; a device is one address.
fn address_text<S: serde::Serializer>(net: &IpNet, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&net.addr())
}

const PAGE: i64 = 50;

impl Listed for Device {
    const ORDERS: &'static [Order] = &[
        Order::new("address", "address", OrderBy::Address),
        Order::new("name", "lower(coalesce(name, ''))", OrderBy::Text),
        Order::new("state", "state", OrderBy::Text),
        Order::new("since_at", "coalesce(since_at, '-infinity')", OrderBy::Time),
    ];
}

/// Which devices are listed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListFilter {
    /// Only those in this state.
    state: Option<DeviceState>,
    /// Only those that this agent watches.
    agent: Option<AgentId>,
    /// Only those with this in their name or address.
    q: Option<String>,
}

async fn list(reaching: Reaching<DeviceRead, SharedAgent>, wanted: Wanted<Device, ListFilter>) -> Result<List<Device>, Problem> {
    let (mut tx, seen) = reaching.begin().await?;
    let mut query = wanted.query(
        "select d.id, d.hostname as name, d.address, d.mac, d.state, d.since_at, d.checked_at, d.latency_us, a.name as agent
        from device d
        join agent a on a.tenant_id = d.tenant_id and a.id = d.agent_id
        where d.tenant_id = ",
    );
    query.push_bind(tx.tenant().map(uuid::Uuid::from));
    seen.push(&mut query, "a");
    if let Some(state) = wanted.filter.state {
        query.push(" and d.state = ").push_bind(state.to_string());
    }
    if let Some(agent) = wanted.filter.agent {
        query.push(" and d.agent_id = ").push_bind(uuid::Uuid::from(agent));
    }
    if let Some(q) = &wanted.filter.q {
        query.push(" and (strpos(lower(coalesce(d.hostname, '')), lower(").push_bind(q.clone()).push(")) > 0");
        query.push(" or strpos(host(d.address), ").push_bind(q.clone()).push(") > 0)");
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
struct PageQuery {
    state: Option<DeviceFilter>,
    q: String,
    page: u32,
    fragment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeviceFilter {
    All,
    Up,
    Down,
    Unknown,
}

impl DeviceFilter {
    const EACH: [Self; 4] = [Self::All, Self::Up, Self::Down, Self::Unknown];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// The state that is filtered by; none for all of them.
    fn state(self) -> Option<&'static str> {
        (self != Self::All).then(|| self.as_str())
    }
}

async fn show(
    can: Can<DeviceRead>,
    Extension(conditions): Extension<Conditions>,
    flags: Flags,
    db: TenantDb,
    page: Page,
    Query(query): Query<PageQuery>,
    AxumState(state): AxumState<State>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let filter = query.state.unwrap_or(DeviceFilter::All);
    let wanted: String = query.q.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    let counts = counts_in(&mut tx, &wanted).await?;
    let total: i64 = counts.iter().filter(|(state, _)| filter.state().is_none_or(|wanted| wanted == state)).map(|(_, n)| n).sum();
    let at = i64::from(query.page.max(1) - 1).min((total - 1).max(0) / PAGE);
    let devices = devices_page_in(&mut tx, filter.state(), &wanted, at * PAGE).await?;
    // A device is an agent's.
    let has_agents = !devices.is_empty()
        || query_scalar!(r#"select exists (select from agent where tenant_id = $1) as "some!""#, tx.tenant().map(uuid::Uuid::from))
            .fetch_one(&mut *tx)
            .await?;
    let pointer = match query.fragment {
        None => state.tenancy.onboarding_pointer_in(&mut tx, (can.standing(), &conditions)).await?,
        Some(_) => None,
    };
    let any_devices = !counts.is_empty() || !wanted.is_empty();
    let href = |filter: DeviceFilter, page: i64| address(&wanted, filter, page, false);
    let filters: Vec<_> = DeviceFilter::EACH
        .iter()
        .filter(|_| any_devices)
        .map(|each| {
            let count: i64 = counts.iter().filter(|(state, _)| each.state().is_none_or(|one| one == state)).map(|(_, n)| n).sum();
            json!({ "state": each.as_str(), "count": count, "href": href(*each, 0), "current": *each == filter })
        })
        .collect();
    let shown = i64::try_from(devices.len()).unwrap_or(PAGE);
    let pagination = (total > 0).then(|| {
        json!({
            "first": at * PAGE + 1, "last": at * PAGE + shown, "total": total,
            "previous": (at > 0).then(|| href(filter, at - 1)),
            "next": ((at + 1) * PAGE < total).then(|| href(filter, at + 1)),
        })
    });
    let context = json!({
        "query": { "state": filter.state().unwrap_or_default(), "q": wanted },
        "fragment_href": address(&wanted, filter, at, true),
        "has_agents": has_agents, "clear_href": "/devices", "filters": filters, "page": pagination, "devices": devices,
        "latency": flags.is_on(LATENCY), "pointer": pointer,
    });
    let template = if query.fragment.is_some() { "monitoring/fragments/devices.html" } else { "monitoring/devices.html" };
    Ok(page.render(template, context)?.into_response())
}

/// The address of a page of the list.
fn address(wanted: &str, filter: DeviceFilter, page: i64, fragment: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(state) = filter.state() {
        query.append_pair("state", state);
    }
    if !wanted.is_empty() {
        query.append_pair("q", wanted);
    }
    if page > 0 {
        query.append_pair("page", &(page + 1).to_string());
    }
    if fragment {
        query.append_pair("fragment", "table");
    }
    let query = query.finish();
    if query.is_empty() { "/devices".to_owned() } else { format!("/devices?{query}") }
}

/// How many devices are in each state, among those that match.
async fn counts_in(tx: &mut TenantTx, wanted: &str) -> Result<Vec<(String, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "count!" from device
        where tenant_id = $1 and ($2 = '' or strpos(lower(coalesce(hostname, '')), lower($2)) > 0 or strpos(host(address), $2) > 0)
        group by state"#,
        tx.tenant().map(uuid::Uuid::from),
        wanted,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.count)).collect())
}

async fn devices_page_in(tx: &mut TenantTx, state: Option<&str>, wanted: &str, offset: i64) -> Result<Vec<Device>, DbError> {
    let devices = query_as!(
        Device,
        r#"select d.id as "id: DeviceId", d.hostname as name, d.address as "address: IpNet", d.mac, d.state, d.since_at, d.checked_at,
            d.latency_us, a.name as agent
        from device d
        join agent a on a.tenant_id = d.tenant_id and a.id = d.agent_id
        where d.tenant_id = $1 and ($2::text is null or d.state = $2)
          and ($3 = '' or strpos(lower(coalesce(d.hostname, '')), lower($3)) > 0 or strpos(host(d.address), $3) > 0)
        order by d.address, d.id
        limit $4 offset $5"#,
        tx.tenant().map(uuid::Uuid::from),
        state,
        wanted,
        PAGE,
        offset,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(devices)
}

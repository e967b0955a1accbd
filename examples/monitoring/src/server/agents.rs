//! Agents, as people add, watch and remove them.

mod add;
mod one;
mod shared;

pub(super) use add::AgentAdded;
pub(super) use shared::SharedAgent;

use axum::{extract::State as AxumState, response::Redirect};
use chrono::{DateTime, Utc};
use saas_billing::{Limit, Usage};
use saas_core::{
    AgentId, DbError, Event, Html, List, Listed, NoContent, Order, OrderBy, Page, Permission as _, Problem, Query, Reached, Reaching,
    Routes, Secret, TenantTx, Wanted, Within, WorkspaceId, event_in,
};
use saas_tenancy::workspaces_in;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, QueryBuilder, query};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AGENTS, AgentWrite, DEVICES, DeviceRead, State};

pub(super) fn routes() -> Routes<State> {
    Routes::new()
        .get("/agents", show)
        .post("/agents/{id}/revoke", remove_from_page)
        .get("/api/v1/agents", list)
        .about("Lists the agents")
        .delete("/api/v1/agents/{id}", remove)
        .about("Removes an agent with its devices and its key")
        .merge(add::routes())
        .merge(one::routes())
}

/// An agent, as it is listed.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
struct Agent {
    id: AgentId,
    name: String,
    /// waiting, connected or offline.
    state: String,
    /// The name of its workspace.
    workspace: String,
    last_seen_at: Option<DateTime<Utc>>,
    /// How many it watches.
    devices: i64,
}

/// An agent and its devices were removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentRemoved {
    name: String,
    devices: u64,
}

impl Event for AgentRemoved {
    const NAME: &'static str = "monitoring.agent.removed";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

/// Removes an agent, its devices, its key and its credential, and gives back what they took of the plan.
async fn agent_remove(state: &State, agent: &Reached<AgentWrite, SharedAgent>) -> Result<(), Problem> {
    let ((mut tx, id), actor) = (agent.begin().await?, agent.actor());
    let tenant = tx.tenant().map(Uuid::from);
    // Devices before their agent, in the order in which whoever writes readings locks them.
    query!("select id from device where tenant_id = $1 and agent_id = $2 order by address for update", tenant, Uuid::from(id),)
        .fetch_all(&mut *tx)
        .await?;
    let agent = query!("select name, key_id from agent where tenant_id = $1 and id = $2 for update", tenant, Uuid::from(id))
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(Problem::not_found)?;
    let devices = query!("delete from device where tenant_id = $1 and agent_id = $2", tenant, Uuid::from(id))
        .execute(&mut *tx)
        .await?
        .rows_affected();
    query!("delete from agent where tenant_id = $1 and id = $2", tenant, Uuid::from(id)).execute(&mut *tx).await?;
    state.auth.agent_key_revoke_in(&mut tx, actor, agent.key_id.into()).await?;
    state.billing.release_in(&mut tx, AGENTS, 1).await?;
    state.billing.release_in(&mut tx, DEVICES, u32::try_from(devices).map_err(Problem::internal)?).await?;
    event_in(&mut tx, actor, id, &AgentRemoved { name: agent.name, devices }).await?;
    tx.commit().await?;
    Ok(())
}

/// An agent with what its reader may do with it.
#[derive(FromRow)]
struct Shown {
    #[sqlx(flatten)]
    agent: Agent,
    can_write: bool,
}

async fn agents_in(tx: &mut TenantTx, seen: &Within<SharedAgent>, written: &Within<SharedAgent>) -> Result<Vec<Shown>, DbError> {
    let mut query = QueryBuilder::new(
        "select a.id, a.name, a.state, w.name as workspace, a.last_seen_at,
            (select count(*) from device d where d.tenant_id = a.tenant_id and d.agent_id = a.id) as devices, ",
    );
    written.push_condition(&mut query, "a");
    query.push(
        " as can_write
        from agent a
        join core.workspace w on w.tenant_id = a.tenant_id and w.id = a.workspace_id
        where a.tenant_id = ",
    );
    query.push_bind(tx.tenant().map(Uuid::from));
    seen.push(&mut query, "a");
    query.push(" order by lower(a.name), a.id");
    Ok(query.build_query_as().fetch_all(&mut **tx).await?)
}

impl Listed for Agent {
    const ORDERS: &'static [Order] = &[
        Order::new("name", "lower(name)", OrderBy::Text),
        Order::new("state", "state", OrderBy::Text),
        Order::new("last_seen_at", "coalesce(last_seen_at, '-infinity')", OrderBy::Time),
        Order::new("devices", "devices", OrderBy::Number),
    ];
}

/// Which agents are listed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AgentFilter {
    /// Only those in this state.
    state: Option<AgentState>,
    /// Only those that watch for this workspace.
    workspace: Option<WorkspaceId>,
}

/// Whether an agent is there.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AgentState {
    /// Nobody has registered with its key yet.
    Waiting,
    /// It was heard of lately.
    Connected,
    /// It has been silent.
    Offline,
}

impl AgentState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Connected => "connected",
            Self::Offline => "offline",
        }
    }
}

async fn list(reaching: Reaching<DeviceRead, SharedAgent>, wanted: Wanted<Agent, AgentFilter>) -> Result<List<Agent>, Problem> {
    let (mut tx, seen) = reaching.begin().await?;
    let mut query = wanted.query(
        "select a.id, a.name, a.state, w.name as workspace, a.last_seen_at,
            (select count(*) from device d where d.tenant_id = a.tenant_id and d.agent_id = a.id) as devices
        from agent a
        join core.workspace w on w.tenant_id = a.tenant_id and w.id = a.workspace_id
        where a.tenant_id = ",
    );
    query.push_bind(tx.tenant().map(Uuid::from));
    seen.push(&mut query, "a");
    if let Some(state) = wanted.filter.state {
        query.push(" and a.state = ").push_bind(state.as_str());
    }
    if let Some(workspace) = wanted.filter.workspace {
        query.push(" and a.workspace_id = ").push_bind(Uuid::from(workspace));
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn remove(agent: Reached<AgentWrite, SharedAgent>, AxumState(state): AxumState<State>) -> Result<NoContent, Problem> {
    agent_remove(&state, &agent).await?;
    Ok(NoContent)
}

async fn remove_from_page(agent: Reached<AgentWrite, SharedAgent>, AxumState(state): AxumState<State>) -> Result<Redirect, Problem> {
    agent_remove(&state, &agent).await?;
    Ok(Redirect::to("/agents"))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct FragmentQuery {
    fragment: Option<String>,
}

async fn show(
    reaching: Reaching<DeviceRead, SharedAgent>,
    AxumState(state): AxumState<State>,
    Query(query): Query<FragmentQuery>,
    page: Page,
) -> Result<Html, Problem> {
    let written = reaching.within::<AgentWrite>()?;
    let (mut tx, seen) = reaching.begin().await?;
    let can_add = written.is_all() || reaching.conditions().may_own::<AgentWrite>();
    let agents = agents_in(&mut tx, &seen, &written).await?;
    let workspaces = workspaces_in(&mut tx).await?.len();
    let agents: Vec<_> = agents.iter().map(shown).collect();
    let usage = usage(state.billing.usage_in(&mut tx, AGENTS).await?);
    let template = if query.fragment.is_some() { "monitoring/fragments/agents.html" } else { "monitoring/agents.html" };
    page.render(template, json!({ "agents": agents, "usage": usage, "can_add": can_add, "workspaces": workspaces }))
}

fn shown(Shown { agent, can_write }: &Shown) -> serde_json::Value {
    json!({
        "id": agent.id, "name": agent.name, "state": agent.state, "workspace": agent.workspace, "last_seen_at": agent.last_seen_at,
        "devices": agent.devices, "can_revoke": can_write,
    })
}

fn usage(usage: Usage) -> serde_json::Value {
    let limit = match usage.limit {
        Limit::AtMost(limit) => Some(limit),
        Limit::Unlimited => None,
    };
    json!({ "used": usage.used, "limit": limit })
}

fn command(state: &State, key: &Secret) -> String {
    let server = state.public_url.as_str().trim_end_matches('/');
    format!("monitoring-agent --server {server} --key {} --network 192.168.1.0/24", key.expose())
}

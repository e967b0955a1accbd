//! Agents, as people add, watch and remove them.

use axum::{
    extract::State as AxumState,
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use saas_auth::{AgentKeyError, NewAgentKey};
use saas_billing::{Limit, LimitError, Usage};
use saas_core::{
    Actor, AgentId, Can, DbError, Event, FieldError, Form, FormErrors, Html, Json, Page, Path, Problem, Query, Routes, Secret, TenantDb,
    TenantTx, Validate, event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{query, query_as};
use uuid::Uuid;

use super::{AGENTS, AgentWrite, DEVICES, DeviceRead, State};

pub(super) fn routes() -> Routes<State> {
    Routes::new()
        .get("/agents", show)
        .get("/agents/new", new_page)
        .post("/agents", create_from_page)
        .get("/agents/{id}", show_one)
        .post("/agents/{id}/revoke", remove_from_page)
        .get("/api/v1/agents", list)
        .post("/api/v1/agents", create)
        .delete("/api/v1/agents/{id}", remove)
}

/// An agent, as it is listed.
#[derive(Debug, Clone, Serialize)]
struct Agent {
    id: AgentId,
    name: String,
    /// waiting, connected or offline.
    state: String,
    last_seen_at: Option<DateTime<Utc>>,
    /// How many it watches.
    devices: i64,
}

/// Somebody asked for an agent's key.
#[derive(Debug, Serialize)]
struct AgentAdded {
    name: String,
}

impl Event for AgentAdded {
    const NAME: &'static str = "monitoring.agent.added";
    const TOPIC: &'static str = "agents";
}

/// An agent and its devices were removed.
#[derive(Debug, Serialize)]
struct AgentRemoved {
    name: String,
    devices: u64,
}

impl Event for AgentRemoved {
    const NAME: &'static str = "monitoring.agent.removed";
    const TOPIC: &'static str = "agents";
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    #[serde(default)]
    name: String,
}

impl Validate for NewAgent {
    fn validate(&self) -> Vec<FieldError> {
        match check_name(&self.name) {
            Ok(_) => Vec::new(),
            Err(_) => vec![FieldError::new("/name", "must have 1 to 100 characters, none of them a control character")],
        }
    }
}

/// The name without space around it, or the key of what is wrong with it.
fn check_name(name: &str) -> Result<&str, &'static str> {
    let name = name.trim();
    match name.chars().count() {
        0 => Err("monitoring-agent-error-name-required"),
        1..=100 if !name.contains(char::is_control) => Ok(name),
        _ => Err("monitoring-agent-error-name-long"),
    }
}

/// A new agent and its key, which is shown this once.
struct Added {
    id: AgentId,
    name: String,
    key: Secret,
}

/// An agent cannot be added.
#[derive(Debug, thiserror::Error)]
enum AddError {
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    Key(#[from] AgentKeyError),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<AddError> for Problem {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Limit(error) => error.into(),
            AddError::Key(error) => error.into(),
            AddError::Database(error) => error.into(),
        }
    }
}

async fn agent_add(state: &State, db: &TenantDb, actor: Actor, name: &str) -> Result<Added, AddError> {
    let mut tx = db.begin().await?;
    let new = NewAgentKey { name: name.to_owned(), expires_at: None, networks: Vec::new() };
    let (key, secret) = state.auth.agent_key_create_in(&mut tx, actor, new).await?;
    let id = AgentId::new();
    let (tenant, user, now) = (tx.tenant().map(Uuid::from), tx.user().map(Uuid::from), tx.now());
    query!(
        "insert into agent (tenant_id, id, name, key_id, created_by, created_at) values ($1, $2, $3, $4, $5, $6)",
        tenant,
        Uuid::from(id),
        name,
        Uuid::from(key.id),
        user,
        now,
    )
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    state.billing.reserve_in(&mut tx, AGENTS, 1).await?;
    event_in(&mut tx, actor, id, &AgentAdded { name: name.to_owned() }).await?;
    tx.commit().await?;
    Ok(Added { id, name: name.to_owned(), key: secret })
}

/// Removes an agent, its devices, its key and its credential, and gives back what they took of the plan.
async fn agent_remove(state: &State, db: &TenantDb, actor: Actor, id: AgentId) -> Result<(), Problem> {
    let mut tx = db.begin().await?;
    let tenant = tx.tenant().map(Uuid::from);
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

async fn agents_in(tx: &mut TenantTx) -> Result<Vec<Agent>, DbError> {
    let agents = query_as!(
        Agent,
        r#"select a.id as "id: AgentId", a.name, a.state, a.last_seen_at,
            (select count(*) from device d where d.tenant_id = a.tenant_id and d.agent_id = a.id) as "devices!"
        from agent a
        where a.tenant_id = $1
        order by lower(a.name), a.id"#,
        tx.tenant().map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(agents)
}

#[derive(Debug, Serialize)]
struct Created {
    id: AgentId,
    name: String,
    /// Shown this once.
    key: String,
    /// What to run on a machine of the network.
    command: String,
}

async fn create(
    can: Can<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Json(new): Json<NewAgent>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let name = check_name(&new.name).unwrap_or_default();
    let added = agent_add(&state, &db, can.actor(), name).await?;
    let command = command(&state, &added.key);
    Ok((StatusCode::CREATED, Json(Created { id: added.id, name: added.name, key: added.key.expose().to_owned(), command })))
}

async fn list(_: Can<DeviceRead>, db: TenantDb) -> Result<Json<Vec<Agent>>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(agents_in(&mut tx).await?))
}

async fn remove(
    can: Can<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<AgentId>,
) -> Result<StatusCode, Problem> {
    agent_remove(&state, &db, can.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_from_page(
    can: Can<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Path(id): Path<AgentId>,
) -> Result<Redirect, Problem> {
    agent_remove(&state, &db, can.actor(), id).await?;
    Ok(Redirect::to("/agents"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FragmentQuery {
    fragment: Option<String>,
}

async fn show(
    can: Can<DeviceRead>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Query(query): Query<FragmentQuery>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let can_write = can.standing().may::<AgentWrite>();
    let agents = agents_in(&mut tx).await?;
    let agents: Vec<_> = agents.iter().map(|agent| shown(agent, can_write)).collect();
    let usage = usage(state.billing.usage_in(&mut tx, AGENTS).await?);
    let template = if query.fragment.is_some() { "monitoring/fragments/agents.html" } else { "monitoring/agents.html" };
    page.render(template, json!({ "agents": agents, "usage": usage, "can_add": can_write }))
}

fn shown(agent: &Agent, can_write: bool) -> serde_json::Value {
    json!({
        "id": agent.id, "name": agent.name, "state": agent.state, "last_seen_at": agent.last_seen_at, "devices": agent.devices,
        "can_revoke": can_write,
    })
}

fn usage(usage: Usage) -> serde_json::Value {
    let limit = match usage.limit {
        Limit::AtMost(limit) => Some(limit),
        Limit::Unlimited => None,
    };
    json!({ "used": usage.used, "limit": limit })
}

async fn new_page(_: Can<AgentWrite>, db: TenantDb, AxumState(state): AxumState<State>, page: Page) -> Result<Html, Problem> {
    show_new(&state, &db, &page, "", &FormErrors::default()).await
}

async fn show_new(state: &State, db: &TenantDb, page: &Page, name: &str, errors: &FormErrors) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let usage = usage(state.billing.usage_in(&mut tx, AGENTS).await?);
    page.render("monitoring/agent_new.html", json!({ "usage": usage, "form": page.form(&[("name", name)], errors) }))
}

async fn create_from_page(
    can: Can<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    page: Page,
    Form(new): Form<NewAgent>,
) -> Result<Response, Problem> {
    let name = match check_name(&new.name) {
        Ok(name) => name,
        Err(text) => {
            let mut errors = FormErrors::default();
            errors.add("name", text);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, show_new(&state, &db, &page, &new.name, &errors).await?).into_response());
        }
    };
    match agent_add(&state, &db, can.actor(), name).await {
        Ok(added) => {
            let agent = json!({ "id": added.id, "name": added.name, "state": "waiting", "devices": 0 });
            let context = json!({ "command": command(&state, &added.key), "agent": agent });
            Ok((StatusCode::CREATED, page.render("monitoring/agent_key.html", context)?).into_response())
        }
        // The page itself says what the limit is and what to do.
        Err(AddError::Limit(LimitError::Reached(_))) => {
            Ok((StatusCode::PAYMENT_REQUIRED, show_new(&state, &db, &page, name, &FormErrors::default()).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The part of the key's page that waits for the agent; whoever comes by without the script sees the list.
async fn show_one(
    _: Can<DeviceRead>,
    db: TenantDb,
    Path(id): Path<AgentId>,
    Query(query): Query<FragmentQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let agent = query!(
        r#"select name, state,
            (select count(*) from device d where d.tenant_id = a.tenant_id and d.agent_id = a.id) as "devices!"
        from agent a where tenant_id = $1 and id = $2"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::not_found)?;
    if query.fragment.is_none() {
        return Ok(Redirect::to("/agents").into_response());
    }
    let agent = json!({ "id": id, "name": agent.name, "state": agent.state, "devices": agent.devices });
    Ok(page.render("monitoring/fragments/agent_connected.html", json!({ "agent": agent }))?.into_response())
}

fn command(state: &State, key: &Secret) -> String {
    let server = state.public_url.as_str().trim_end_matches('/');
    format!("monitoring-agent --server {server} --key {} --network 192.168.1.0/24", key.expose())
}

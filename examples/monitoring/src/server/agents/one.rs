//! One agent: what is known of it, from where it may come, and another key.

use axum::{
    extract::State as AxumState,
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, Utc};
use http::StatusCode;
use ipnet::IpNet;
use saas_auth::{AgentKey, AgentKeyId, AllowedFrom, Overlap, RotatedKey};
use saas_core::{
    AgentId, Created, FieldError, Form, FormErrors, Json, NoContent, Page, Problem, Query, Reached, Routes, TenantTx, Validate,
};
use saas_tenancy::workspaces_in;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::query_as;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{super::AgentShare, AgentWrite, DeviceRead, FragmentQuery, SharedAgent, State, command};

pub(super) fn routes() -> Routes<State> {
    Routes::new()
        .get("/agents/{id}", show)
        .post("/agents/{id}/allowed-from", allow_from_page)
        .post("/agents/{id}/key", rotate_from_page)
        .patch("/api/v1/agents/{id}", change)
        .about("Changes from where an agent may come")
        .post("/api/v1/agents/{id}/key", rotate)
        .about("Gives an agent another key, this once")
}

/// How long the old key may go on working, as the page offers it, in hours.
const OVERLAPS: [u16; 4] = [0, 1, 24, 168];

struct One {
    name: String,
    key: AgentKeyId,
    state: String,
    workspace: String,
    hostname: Option<String>,
    version: Option<String>,
    os: Option<String>,
    networks: Vec<String>,
    last_seen_at: Option<DateTime<Utc>>,
    devices: i64,
}

async fn agent_in(tx: &mut TenantTx, id: AgentId) -> Result<One, Problem> {
    query_as!(
        One,
        r#"select a.name, a.key_id as "key: AgentKeyId", a.state, w.name as workspace, a.hostname, a.version, a.os, a.networks, a.last_seen_at,
            (select count(*) from device d where d.tenant_id = a.tenant_id and d.agent_id = a.id) as "devices!"
        from agent a
        join core.workspace w on w.tenant_id = a.tenant_id and w.id = a.workspace_id
        where a.tenant_id = $1 and a.id = $2"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or_else(Problem::not_found)
}

async fn show(
    reached: Reached<DeviceRead, SharedAgent>,
    AxumState(state): AxumState<State>,
    Query(query): Query<FragmentQuery>,
    page: Page,
) -> Result<Response, Problem> {
    let (mut tx, id) = reached.begin().await?;
    let agent = agent_in(&mut tx, id).await?;
    if query.fragment.is_some() {
        let agent = json!({ "id": id, "name": agent.name, "state": agent.state, "devices": agent.devices });
        return Ok(page.render("monitoring/fragments/agent_connected.html", json!({ "agent": agent }))?.into_response());
    }
    let may = May { write: reached.also_in::<AgentWrite>(&mut tx).await?, share: reached.also_in::<AgentShare>(&mut tx).await? };
    render(tx, &state, &page, may, (id, agent), None).await
}

/// What a reader may do with an agent besides.
#[derive(Clone, Copy)]
struct May {
    write: bool,
    share: bool,
}

/// The page, with what was entered where it cannot be taken.
async fn render(
    mut tx: TenantTx,
    state: &State,
    page: &Page,
    may: May,
    (id, agent): (AgentId, One),
    refused: Option<&str>,
) -> Result<Response, Problem> {
    let key = key_in(state, &mut tx, agent.key).await?;
    let workspaces = workspaces_in(&mut tx).await?.len();
    drop(tx);
    let mut errors = FormErrors::default();
    if refused.is_some() {
        errors.add("allowed_from", "monitoring-agent-error-allowed");
    }
    let allowed = AllowedFrom::from(key.networks.clone()).to_string();
    let form = page.form(&[("allowed_from", refused.unwrap_or(&allowed))], &errors);
    let context = json!({
        "agent": {
            "id": id, "name": agent.name, "state": agent.state, "workspace": (workspaces > 1).then_some(agent.workspace),
            "hostname": agent.hostname, "version": agent.version, "os": agent.os, "networks": agent.networks,
            "last_seen_at": agent.last_seen_at, "devices": agent.devices,
        },
        "key": {
            "prefix": key.prefix, "created_at": key.created_at, "last_used_at": key.last_used_at, "previous_until": key.previous_until,
        },
        "allowed_from": allowed, "form": form, "overlaps": OVERLAPS, "can_write": may.write, "can_share": may.share,
    });
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, page.render("monitoring/agent.html", context)?).into_response())
}

async fn key_in(state: &State, tx: &mut TenantTx, key: AgentKeyId) -> Result<AgentKey, Problem> {
    let keys = state.auth.agent_keys_in(tx).await?;
    keys.into_iter().find(|it| it.id == key).ok_or_else(Problem::not_found)
}

async fn allow(state: &State, reached: &Reached<AgentWrite, SharedAgent>, networks: &[IpNet]) -> Result<AgentId, Problem> {
    let (mut tx, id) = reached.begin().await?;
    let agent = agent_in(&mut tx, id).await?;
    state.auth.agent_key_networks_set_in(&mut tx, reached.actor(), agent.key, networks).await?;
    tx.commit().await?;
    Ok(id)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowForm {
    #[serde(default)]
    allowed_from: String,
}

async fn allow_from_page(
    reached: Reached<AgentWrite, SharedAgent>,
    AxumState(state): AxumState<State>,
    page: Page,
    Form(form): Form<AllowForm>,
) -> Result<Response, Problem> {
    let allowed = AllowedFrom::parse(&form.allowed_from).ok().map(|allowed| allowed.networks()).filter(|networks| networks.len() <= 32);
    let Some(networks) = allowed else {
        let (mut tx, id) = reached.begin().await?;
        let agent = agent_in(&mut tx, id).await?;
        let may = May { write: true, share: reached.also_in::<AgentShare>(&mut tx).await? };
        return render(tx, &state, &page, may, (id, agent), Some(&form.allowed_from)).await;
    };
    let id = allow(&state, &reached, &networks).await?;
    Ok(Redirect::to(&format!("/agents/{id}")).into_response())
}

/// What may be changed of an agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AgentChange {
    /// Networks or addresses that the agent may come from, at most 32; everywhere if empty. Holds from its next request on.
    allowed_from: AllowedFrom,
}

impl Validate for AgentChange {}

async fn change(
    reached: Reached<AgentWrite, SharedAgent>,
    AxumState(state): AxumState<State>,
    Json(change): Json<AgentChange>,
) -> Result<NoContent, Problem> {
    allow(&state, &reached, &change.allowed_from.networks()).await?;
    Ok(NoContent)
}

async fn agent_key_rotate(
    state: &State,
    reached: &Reached<AgentWrite, SharedAgent>,
    overlap: Overlap,
) -> Result<(AgentId, One, RotatedKey), Problem> {
    let (mut tx, id) = reached.begin().await?;
    let agent = agent_in(&mut tx, id).await?;
    let rotated = state.auth.agent_key_rotate_in(&mut tx, reached.actor(), agent.key, overlap).await?;
    tx.commit().await?;
    Ok((id, agent, rotated))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateForm {
    overlap_hours: u16,
}

async fn rotate_from_page(
    reached: Reached<AgentWrite, SharedAgent>,
    AxumState(state): AxumState<State>,
    page: Page,
    Form(form): Form<RotateForm>,
) -> Result<Response, Problem> {
    let overlap = overlap(form.overlap_hours)?;
    let (id, agent, rotated) = agent_key_rotate(&state, &reached, overlap).await?;
    let previous_until = (overlap != Overlap::NONE).then_some(rotated.previous_until);
    let agent = json!({ "id": id, "name": agent.name, "state": agent.state, "devices": agent.devices });
    let context = json!({ "command": command(&state, &rotated.secret), "agent": agent, "is_new": false, "previous_until": previous_until });
    Ok((StatusCode::CREATED, page.render("monitoring/agent_key.html", context)?).into_response())
}

fn overlap(hours: u16) -> Result<Overlap, Problem> {
    Overlap::hours(hours).ok_or_else(|| Problem::invalid([FieldError::new("/overlap_hours", "must be at most 168")]))
}

/// How a key is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// For how many hours the old key goes on working: none to 168.
    overlap_hours: u16,
}

impl Validate for Rotate {
    fn validate(&self) -> Vec<FieldError> {
        match Overlap::hours(self.overlap_hours) {
            Some(_) => Vec::new(),
            None => vec![FieldError::new("/overlap_hours", "must be at most 168")],
        }
    }
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
struct Rotated {
    /// Shown this once.
    key: String,
    /// What to run on the agent's machine.
    command: String,
    /// Until when the old key works.
    previous_until: DateTime<Utc>,
}

async fn rotate(
    reached: Reached<AgentWrite, SharedAgent>,
    AxumState(state): AxumState<State>,
    Json(new): Json<Rotate>,
) -> Result<Created<Rotated>, Problem> {
    let (_, _, rotated) = agent_key_rotate(&state, &reached, overlap(new.overlap_hours)?).await?;
    let command = command(&state, &rotated.secret);
    Ok(Created(Rotated { key: rotated.secret.expose().to_owned(), command, previous_until: rotated.previous_until }))
}

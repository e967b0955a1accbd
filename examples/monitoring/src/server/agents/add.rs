//! A new agent, and the key that its machine registers with.

use axum::{
    extract::State as AxumState,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_auth::{AgentKeyError, AllowedFrom, KeyFlaw, NewAgentKey};
use saas_billing::LimitError;
use saas_core::{
    Actor, AgentId, CanOwn, Created, DbError, Event, FieldError, Form, FormErrors, Html, Json, Page, Permission as _, Problem, Routes,
    Secret, TenantDb, Validate, WorkspaceId, event_in,
};
use saas_tenancy::workspaces_in;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AGENTS, AgentWrite, DeviceRead, State, command, usage};

pub(super) fn routes() -> Routes<State> {
    Routes::new()
        .get("/agents/new", new_page)
        .post("/agents", create_from_page)
        .post("/api/v1/agents", create)
        .about("Adds an agent and gives its key, this once")
}

/// Somebody asked for an agent's key.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::server) struct AgentAdded {
    name: String,
    workspace: Uuid,
}

impl Event for AgentAdded {
    const NAME: &'static str = "monitoring.agent.added";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

/// An agent that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    /// What people call it: 1 to 100 characters.
    #[serde(default)]
    name: String,
    /// The workspace that it watches for; the organization's first if it is left out.
    workspace: Option<WorkspaceId>,
    /// Networks or addresses that the agent may come from, at most 32; everywhere if empty.
    #[serde(default)]
    allowed_from: AllowedFrom,
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

async fn agent_add(state: &State, db: &TenantDb, actor: Actor, new: NewAgentKey) -> Result<Added, AddError> {
    let mut tx = db.begin().await?;
    let (key, secret) = state.auth.agent_key_create_in(&mut tx, actor, new).await?;
    let id = AgentId::new();
    let (tenant, user, now) = (tx.tenant().map(Uuid::from), tx.user().map(Uuid::from), tx.now());
    query!(
        "insert into agent (tenant_id, id, name, key_id, workspace_id, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        tenant,
        Uuid::from(id),
        key.name,
        Uuid::from(key.id),
        Uuid::from(key.workspace),
        user,
        now,
    )
    .execute(&mut *tx)
    .await
    .map_err(DbError::from)?;
    state.billing.reserve_in(&mut tx, AGENTS, 1).await?;
    event_in(&mut tx, actor, id, &AgentAdded { name: key.name.clone(), workspace: key.workspace.into() }).await?;
    tx.commit().await?;
    Ok(Added { id, name: key.name, key: secret })
}

/// An agent that was added.
#[derive(Debug, Serialize, ToSchema)]
struct AgentWithKey {
    id: AgentId,
    name: String,
    /// Shown this once.
    key: String,
    /// What to run on a machine of the network.
    command: String,
}

async fn create(
    can: CanOwn<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Json(new): Json<NewAgent>,
) -> Result<Created<AgentWithKey>, Problem> {
    let name = check_name(&new.name).unwrap_or_default().to_owned();
    let new = NewAgentKey { name, workspace: new.workspace, networks: new.allowed_from.networks(), expires_at: None };
    let added = agent_add(&state, &db, can.actor(), new).await?;
    let command = command(&state, &added.key);
    Ok(Created(AgentWithKey { id: added.id, name: added.name, key: added.key.expose().to_owned(), command }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewForm {
    name: String,
    workspace: String,
    allowed_from: String,
}

impl NewForm {
    fn read(&self) -> Result<NewAgentKey, FormErrors> {
        let mut errors = FormErrors::default();
        let name = check_name(&self.name).map_err(|text| errors.add("name", text));
        let workspace = match self.workspace.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| errors.add("workspace", "monitoring-agent-error-workspace")),
        };
        let allowed = AllowedFrom::parse(&self.allowed_from).map_err(|_| errors.add("allowed_from", "monitoring-agent-error-allowed"));
        match (name, workspace, allowed) {
            (Ok(name), Ok(workspace), Ok(allowed)) => {
                Ok(NewAgentKey { name: name.to_owned(), workspace, networks: allowed.networks(), expires_at: None })
            }
            _ => Err(errors),
        }
    }
}

async fn new_page(_: CanOwn<AgentWrite>, db: TenantDb, AxumState(state): AxumState<State>, page: Page) -> Result<Html, Problem> {
    show_new(&state, &db, &page, &NewForm::default(), &FormErrors::default()).await
}

async fn show_new(state: &State, db: &TenantDb, page: &Page, form: &NewForm, errors: &FormErrors) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let usage = usage(state.billing.usage_in(&mut tx, AGENTS).await?);
    let workspaces = workspaces_in(&mut tx).await?;
    let values = [("name", form.name.as_str()), ("workspace", &form.workspace), ("allowed_from", &form.allowed_from)];
    let context = json!({ "usage": usage, "workspaces": workspaces, "form": page.form(&values, errors) });
    page.render("monitoring/agent_new.html", context)
}

async fn create_from_page(
    can: CanOwn<AgentWrite>,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    page: Page,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let added = match form.read() {
        Ok(new) => agent_add(&state, &db, can.actor(), new).await,
        Err(errors) => return refuse(&state, &db, &page, &form, &errors).await,
    };
    let (field, text) = match added {
        Ok(added) => {
            let agent = json!({ "id": added.id, "name": added.name, "state": "waiting", "devices": 0 });
            let context = json!({ "command": command(&state, &added.key), "agent": agent, "is_new": true, "previous_until": null });
            return Ok((StatusCode::CREATED, page.render("monitoring/agent_key.html", context)?).into_response());
        }
        // The page itself says what the limit is and what to do.
        Err(AddError::Limit(LimitError::Reached(_))) => {
            return Ok((StatusCode::PAYMENT_REQUIRED, show_new(&state, &db, &page, &form, &FormErrors::default()).await?).into_response());
        }
        Err(AddError::Key(AgentKeyError::Workspace)) => ("workspace", "monitoring-agent-error-workspace"),
        Err(AddError::Key(AgentKeyError::Flaw(KeyFlaw::Networks))) => ("allowed_from", "monitoring-agent-error-allowed"),
        Err(error) => return Err(error.into()),
    };
    let mut errors = FormErrors::default();
    errors.add(field, text);
    refuse(&state, &db, &page, &form, &errors).await
}

async fn refuse(state: &State, db: &TenantDb, page: &Page, form: &NewForm, errors: &FormErrors) -> Result<Response, Problem> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show_new(state, db, page, form, errors).await?).into_response())
}

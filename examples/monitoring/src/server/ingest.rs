//! What agents send.
//!
//! Every request is idempotent, because an agent sends it again until it was answered: devices are one per agent and address, and a reading
//! counts only if it is newer than what is known.

mod found;
mod readings;

pub(super) use found::{DevicesChanged, DevicesFound};
pub(super) use readings::DeviceStatesChanged;

use axum::extract::{DefaultBodyLimit, State as AxumState};
use chrono::{DateTime, Utc};
use saas_auth::ByAgentKey;
use saas_core::{
    Actor, AgentId, Can, Change, Created, CurrentAgent, DbError, Event, FieldError, Json, Origin, Permission as _, Problem, ProblemType,
    Routes, TenantDb, TenantTx, Validate, event_in,
};
use serde::Serialize;
use sqlx::{query, query_scalar};
use utoipa::ToSchema;

use super::{AgentReport, DeviceRead, State};
use crate::agent::protocol::{
    self, AgentReport as Report, CREDENTIAL_PATH, DEVICES_PATH, HEARTBEAT_PATH, Heartbeat, HeartbeatAnswer, MAX_PER_REQUEST, REGISTER_PATH,
    Register, ReportedAgent, ReportedDevice, STATUS_PATH,
};

/// Room for as many devices or readings as one request may carry.
const BODY_LIMIT: usize = 4 << 20;

pub(super) fn routes() -> Routes<State> {
    Routes::new()
        .post(["/api/v1/agent/heartbeat", HEARTBEAT_PATH], heartbeat)
        .about("Says that the agent is alive")
        .post(["/api/v1/agent/credential", CREDENTIAL_PATH], renew)
        .about("Gives the agent another credential")
        .post(["/api/v1/agent/devices", DEVICES_PATH], found::devices)
        .about("Takes the devices that a sweep found")
        .post(["/api/v1/agent/status", STATUS_PATH], readings::status)
        .about("Takes readings of devices")
        .get(["/api/v1/agent/status", STATUS_PATH], report)
        .about("Says what is known of the agent and its devices")
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

/// Registration comes with a key, before there is an agent, so it stands outside the tenant's layer.
pub(super) fn registration() -> Routes<State> {
    Routes::new()
        .post(["/api/v1/agent/register", REGISTER_PATH], register)
        .about("Registers a machine with its key and gives it a credential")
}

/// An agent was heard of for the first time, or again after a silence.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentConnected {}

impl Event for AgentConnected {
    const NAME: &'static str = "monitoring.agent.connected";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

/// A machine said other things of itself than before, which is nothing the first time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentChanged {
    /// What the machine calls itself, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<Change<Option<String>>>,
    /// The version of its program, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Change<Option<String>>>,
    /// Its operating system, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<Change<Option<String>>>,
    /// The networks that it is in, if those changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<Change<Vec<String>>>,
}

impl Event for AgentChanged {
    const NAME: &'static str = "monitoring.agent.changed";
    const TOPIC: &'static str = "agents";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

impl AgentChanged {
    fn is_empty(&self) -> bool {
        let Self { hostname, version, os, networks } = self;
        hostname.is_none() && version.is_none() && os.is_none() && networks.is_none()
    }
}

/// What changed, if something did.
fn changed<T: PartialEq>(old: T, new: T) -> Option<Change<T>> {
    (old != new).then(|| Change::new(old, new))
}

const CHECK_SECONDS: u64 = 30;
const HEARTBEAT_SECONDS: u64 = 60;
/// A month: what leaked is worth nothing after it.
const CREDENTIAL_SECONDS: u64 = 30 * 24 * 60 * 60;

/// An instance is made once by a machine and kept with its credential.
async fn register(
    key: ByAgentKey,
    AxumState(state): AxumState<State>,
    origin: Origin,
    Json(new): Json<Register>,
) -> Result<Created<protocol::Registered>, Problem> {
    let mut tx = state.auth.db().tenant(key.tenant).caused_by(origin).begin().await?;
    let now = tx.now();
    let networks: Vec<String> = new.networks.iter().map(ToString::to_string).collect();
    let agent = query!(
        // Locked before it is read: of two machines that come at once, the second must see that the first was here.
        r#"with before as (
            select id, state, hostname, version, os, networks from agent where tenant_id = $1 and key_id = $2 for no key update
        )
        update agent a set hostname = $3, version = $4, os = $5, networks = $6, last_seen_at = $7
        from before
        where a.tenant_id = $1 and a.id = before.id
        returning a.id as "id: AgentId", a.name, before.state = 'waiting' as "is_new!",
            before.hostname, before.version, before.os, before.networks"#,
        uuid::Uuid::from(key.tenant),
        uuid::Uuid::from(key.key),
        new.hostname,
        new.version,
        new.os,
        &networks,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::unauthenticated)?;
    let credential = state.auth.agent_credential_issue_in(&mut tx, key.key, agent.id, new.instance).await?;
    if !credential.known && !agent.is_new {
        return Err(Problem::new(&ProblemType::CONFLICT)
            .detail("another machine registered with this key; remove the agent and add it again to get a new key"));
    }
    let event = AgentChanged {
        hostname: changed(agent.hostname, Some(new.hostname)),
        version: changed(agent.version, Some(new.version)),
        os: changed(agent.os, Some(new.os)),
        networks: changed(agent.networks, networks),
    };
    if !event.is_empty() {
        event_in(&mut tx, Actor::Agent(agent.id), agent.id, &event).await?;
    }
    seen_in(&mut tx, agent.id, None).await?;
    tx.commit().await?;
    let answer = protocol::Registered {
        agent: agent.id.into(),
        name: agent.name,
        credential: protocol::Secret::new(credential.expose().to_owned()),
    };
    Ok(Created(answer))
}

async fn heartbeat(
    _: Can<AgentReport>,
    CurrentAgent(me): CurrentAgent,
    db: TenantDb,
    Json(beat): Json<Heartbeat>,
) -> Result<Json<HeartbeatAnswer>, Problem> {
    let mut tx = db.begin().await?;
    seen_in(&mut tx, me.agent, Some(&beat.version)).await?;
    tx.commit().await?;
    Ok(Json(HeartbeatAnswer {
        check_seconds: CHECK_SECONDS,
        heartbeat_seconds: HEARTBEAT_SECONDS,
        credential_seconds: Some(CREDENTIAL_SECONDS),
    }))
}

/// Gives the agent another credential; asking again, because an answer was lost, is harmless.
async fn renew(
    _: Can<AgentReport>,
    CurrentAgent(me): CurrentAgent,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    headers: http::HeaderMap,
) -> Result<Json<protocol::Renewed>, Problem> {
    let mut tx = db.begin().await?;
    let secret = state.auth.agent_credential_rotate_in(&mut tx, &headers, me).await?;
    tx.commit().await?;
    Ok(Json(protocol::Renewed { credential: protocol::Secret::new(secret.expose().to_owned()) }))
}

/// Notes that the agent was heard of, and of which version it is now; telemetry, unless it had been quiet or is of another version. One
/// statement, for it is by far the most frequent.
async fn seen_in(tx: &mut TenantTx, agent: AgentId, version: Option<&str>) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant().map(uuid::Uuid::from), tx.now());
    let before = query!(
        // Locked before it is read: of two that come at once, one finds it quiet.
        r#"with before as (
            select id, state, version from agent where tenant_id = $1 and id = $2 for no key update
        )
        update agent a set state = 'connected', last_seen_at = $3, version = coalesce($4, a.version)
        from before
        where a.tenant_id = $1 and a.id = before.id
        returning before.state <> 'connected' as "was_quiet!", before.version"#,
        tenant,
        uuid::Uuid::from(agent),
        now,
        version,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(before) = before else { return Ok(()) };
    if before.was_quiet {
        event_in(tx, Actor::Agent(agent), agent, &AgentConnected {}).await?;
    }
    if let Some(version) = version.and_then(|version| changed(before.version, Some(version.to_owned()))) {
        let event = AgentChanged { hostname: None, version: Some(version), os: None, networks: None };
        event_in(tx, Actor::Agent(agent), agent, &event).await?;
    }
    Ok(())
}

/// What the server knows of the agent that asks.
async fn report(_: Can<AgentReport>, CurrentAgent(me): CurrentAgent, db: TenantDb) -> Result<Json<Report>, Problem> {
    let mut tx = db.begin().await?;
    let agent = query!(
        "select name, last_seen_at from agent where tenant_id = $1 and id = $2",
        uuid::Uuid::from(me.tenant),
        uuid::Uuid::from(me.agent),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(Problem::not_found)?;
    let devices = query!(
        r#"select address as "address: ipnet::IpNet", hostname, state, latency_us, checked_at from device
        where tenant_id = $1 and agent_id = $2
        order by address"#,
        uuid::Uuid::from(me.tenant),
        uuid::Uuid::from(me.agent),
    )
    .fetch_all(&mut *tx)
    .await?;
    let devices = devices.into_iter().map(|device| ReportedDevice {
        address: device.address.addr(),
        hostname: device.hostname,
        state: match device.state.as_str() {
            "up" => protocol::DeviceState::Up,
            "down" => protocol::DeviceState::Down,
            _ => protocol::DeviceState::Unknown,
        },
        latency_us: device.latency_us.and_then(|latency| u64::try_from(latency).ok()),
        checked_at: device.checked_at,
    });
    Ok(Json(Report {
        agent: ReportedAgent { id: me.agent.into(), name: agent.name, last_seen_at: agent.last_seen_at },
        devices: devices.collect(),
    }))
}

impl Validate for Register {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        for (pointer, text) in [("/hostname", &self.hostname), ("/version", &self.version), ("/os", &self.os)] {
            errors.extend(check_text(pointer, text));
        }
        if self.networks.len() > 64 {
            errors.push(FieldError::new("/networks", "at most 64 networks"));
        }
        errors
    }
}

impl Validate for Heartbeat {
    fn validate(&self) -> Vec<FieldError> {
        check_text("/version", &self.version).into_iter().collect()
    }
}

/// A short text without control characters; PostgreSQL could not store a NUL.
fn check_text(pointer: &str, text: &str) -> Option<FieldError> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.contains(char::is_control);
    (!fits).then(|| FieldError::new(pointer, "must have 1 to 255 characters, none of them a control character"))
}

fn too_many(pointer: &str, count: usize) -> Option<FieldError> {
    (count > MAX_PER_REQUEST).then(|| FieldError::new(pointer, format!("at most {MAX_PER_REQUEST} in one request")))
}

/// No clock is so wrong that this matters, except one that would make every later reading look old.
fn is_from_the_future(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at > now + chrono::TimeDelta::minutes(10)
}

/// New devices of an agent are written by one request at a time: one that was sent again overlaps with itself. Devices are locked before
/// their agent, and in the order of their addresses, by everybody.
async fn lock_agent_in(tx: &mut TenantTx, agent: AgentId) -> Result<(), Problem> {
    let tenant = tx.tenant().map(uuid::Uuid::from);
    query_scalar!("select id from agent where tenant_id = $1 and id = $2 for no key update", tenant, uuid::Uuid::from(agent))
        .fetch_optional(&mut **tx)
        .await?
        .map(drop)
        .ok_or_else(gone)
}

/// The agent was removed while it was sending.
fn gone() -> Problem {
    Problem::new(&ProblemType::UNAUTHENTICATED).detail("this agent was removed")
}

//! Notices agents that have gone quiet.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Actor, AgentId, Db, DbError, Event, EventSeverity, Lifecycle, Permission as _, TenantId, event_in};
use serde::Serialize;
use utoipa::ToSchema;

use super::DeviceRead;

/// Two heartbeats and a half: one may get lost.
const SILENCE: TimeDelta = TimeDelta::seconds(150);
const EVERY: Duration = Duration::from_secs(15);

/// An agent has not been heard of for a while.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentWentOffline {
    name: String,
}

impl Event for AgentWentOffline {
    const NAME: &'static str = "monitoring.agent.went_offline";
    const TOPIC: &'static str = "agents";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

pub(super) fn start(db: &Db, lifecycle: &Lifecycle) {
    let (db, lifecycle) = (db.clone(), lifecycle.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = lifecycle.draining() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = agents_mark_offline(&db).await {
                tracing::warn!(%error, "quiet agents could not be looked for");
            }
        }
    });
}

/// Marks the agents that were not heard of for two and a half heartbeats: finds them across tenants, then marks each inside its own tenant.
/// The server does so by itself every 15 seconds; several may do so at once.
///
/// # Errors
///
/// Fails if the database does.
pub async fn agents_mark_offline(db: &Db) -> Result<(), DbError> {
    let mut tx = db.system("find quiet agents").begin().await?;
    let quiet_since = tx.now() - SILENCE;
    let quiet = sqlx::query!(
        r#"select tenant_id as "tenant: TenantId", id as "id: AgentId" from agent
        where state = 'connected' and last_seen_at < $1
        limit 1000"#,
        quiet_since,
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    for agent in quiet {
        // One that cannot be marked now holds up none of the others; the next look finds it again.
        if let Err(error) = agent_mark_offline(db, agent.tenant, agent.id, quiet_since).await {
            tracing::warn!(%error, agent.id = %agent.id, "a quiet agent could not be marked");
        }
    }
    Ok(())
}

async fn agent_mark_offline(db: &Db, tenant: TenantId, agent: AgentId, quiet_since: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.tenant(tenant).begin().await?;
    let name = sqlx::query_scalar!(
        "update agent set state = 'offline' where tenant_id = $1 and id = $2 and state = 'connected' and last_seen_at < $3
        returning name",
        uuid::Uuid::from(tenant),
        uuid::Uuid::from(agent),
        quiet_since,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(name) = name {
        event_in(&mut tx, Actor::System, agent, &AgentWentOffline { name }).await?;
    }
    tx.commit().await
}

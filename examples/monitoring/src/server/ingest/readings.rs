use std::collections::BTreeMap;

use axum::extract::State as AxumState;
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_billing::By;
use saas_core::{
    AgentId, Can, CurrentAgent, DbError, Event, EventSeverity, FieldError, Json, Permission as _, Problem, TenantDb, TenantTx, Validate,
    event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{is_from_the_future, too_many};
use crate::{
    agent::protocol::{Reading, Status, StatusAnswer},
    server::{AgentReport, DeviceId, DeviceRead, State, usage::READINGS},
};

/// Devices went up or down. One event a request, because an outage changes many at once.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::server) struct DeviceStatesChanged {
    up: Vec<DeviceId>,
    down: Vec<DeviceId>,
    /// What one of those that went down calls itself, or else its address.
    one_down: Option<String>,
}

impl Event for DeviceStatesChanged {
    const NAME: &'static str = "monitoring.devices.states_changed";
    const TOPIC: &'static str = "devices";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

impl Validate for Status {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors: Vec<_> = too_many("/readings", self.readings.len()).into_iter().collect();
        for (at, reading) in self.readings.iter().enumerate() {
            if reading.latency_us.is_some_and(|latency| i64::try_from(latency).is_err()) {
                errors.push(FieldError::new(format!("/readings/{at}/latency_us"), "is no latency"));
            }
            // A clock that was never set begins in 1970; PostgreSQL cannot keep all that chrono can say before.
            if reading.at < DateTime::UNIX_EPOCH {
                errors.push(FieldError::new(format!("/readings/{at}/at"), "must not be before 1970"));
            }
            if errors.len() >= 20 {
                break;
            }
        }
        errors
    }
}

/// Takes readings in bulk. A reading that is older than what is known changes nothing, so a request may come twice or late.
pub(super) async fn status(
    _: Can<AgentReport>,
    CurrentAgent(me): CurrentAgent,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Json(status): Json<Status>,
) -> Result<Json<StatusAnswer>, Problem> {
    let (me, readings) = (&me, &status.readings);
    // Two requests that overlap may lock the same devices in another order each.
    let (addresses, known, applied) = db
        .retry(|mut tx| async move {
            let newest = newest(readings, tx.now());
            let answer = apply_in(&mut tx, me.agent, &newest).await?;
            if !(answer.up.is_empty() && answer.down.is_empty()) {
                let event = DeviceStatesChanged { up: answer.up, down: answer.down, one_down: answer.one_down };
                event_in(&mut tx, me.into(), me.agent, &event).await?;
            }
            tx.commit().await?;
            Ok::<_, Problem>((newest.len(), answer.known, answer.applied))
        })
        .await?;
    // Those that told something new: a request that comes again tells nothing.
    state.counts.count(me.tenant, READINGS, By::Agent(me.agent), u32::try_from(applied).unwrap_or(u32::MAX));
    let count = |n: usize| u64::try_from(n).map_err(Problem::internal);
    let unknown = addresses - known;
    Ok(Json(StatusAnswer { applied: count(applied)?, stale: count(readings.len() - unknown - applied)?, unknown: count(unknown)? }))
}

/// The newest reading of each address, in order. One from the future is taken as of now, or it would outlive every later one.
fn newest(readings: &[Reading], now: DateTime<Utc>) -> BTreeMap<IpNet, Reading> {
    let mut newest: BTreeMap<IpNet, Reading> = BTreeMap::new();
    for mut reading in readings.iter().cloned() {
        if is_from_the_future(reading.at, now) {
            reading.at = now;
        }
        let known = newest.entry(IpNet::from(reading.address)).or_insert_with(|| reading.clone());
        if known.at < reading.at {
            *known = reading;
        }
    }
    newest
}

struct Applied {
    known: usize,
    applied: usize,
    up: Vec<DeviceId>,
    down: Vec<DeviceId>,
    one_down: Option<String>,
}

/// One statement: locks the devices in the order of their addresses, which gives them as they are now, so that of two requests that overlap
/// one announces a change; updates what is older, and says how many devices there were and which of them changed their state.
async fn apply_in(tx: &mut TenantTx, agent: AgentId, readings: &BTreeMap<IpNet, Reading>) -> Result<Applied, DbError> {
    let addresses: Vec<IpNet> = readings.keys().copied().collect();
    let times: Vec<DateTime<Utc>> = readings.values().map(|reading| reading.at).collect();
    let ups: Vec<bool> = readings.values().map(|reading| reading.up).collect();
    let latencies: Vec<Option<i64>> =
        readings.values().map(|reading| reading.latency_us.and_then(|latency| i64::try_from(latency).ok())).collect();
    let tenant = tx.tenant().map(Uuid::from);
    let row = sqlx::query!(
        r#"with reading as materialized (
            select d.id, d.state as before, case when r.up then 'up' else 'down' end as state, r.at, r.latency_us,
                d.checked_at is null or d.checked_at < r.at as fresh
            from unnest($3::inet[], $4::timestamptz[], $5::boolean[], $6::bigint[]) as r (address, at, up, latency_us)
            join device d on d.tenant_id = $1 and d.agent_id = $2 and d.address = r.address
            order by d.address
            for no key update of d
        ), applied as (
            update device d
            set state = r.state, checked_at = r.at, latency_us = r.latency_us,
                since_at = case when d.state = r.state then d.since_at else r.at end
            from reading r
            where d.tenant_id = $1 and d.id = r.id and r.fresh and (d.checked_at is null or d.checked_at < r.at)
            returning d.id, r.before, d.state, coalesce(d.hostname, host(d.address)) as name
        )
        select (select count(*) from reading) as "known!", (select count(*) from applied) as "applied!",
            array(select id from applied where before <> state and state = 'up' order by id) as "up!: Vec<DeviceId>",
            array(select id from applied where before <> state and state = 'down' order by id) as "down!: Vec<DeviceId>",
            (select min(name) from applied where before <> state and state = 'down') as one_down"#,
        tenant,
        Uuid::from(agent),
        &addresses as &[IpNet],
        &times,
        &ups,
        &latencies as &[Option<i64>],
    )
    .fetch_one(&mut **tx)
    .await?;
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(Applied { known: count(row.known), applied: count(row.applied), up: row.up, down: row.down, one_down: row.one_down })
}

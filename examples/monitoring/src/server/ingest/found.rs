use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
    num::NonZeroU32,
};

use axum::extract::State as AxumState;
use ipnet::IpNet;
use saas_billing::{By, Use};
use saas_core::{
    AgentId, Can, Change, CurrentAgent, DbError, Event, FieldError, Json, Permission as _, Problem, TenantDb, TenantTx, Validate, event_in,
};
use serde::Serialize;
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{changed, check_text, lock_agent_in, too_many};
use crate::{
    agent::protocol::{Devices, DevicesAnswer, FoundDevice, Method},
    server::{AgentReport, DEVICES, DeviceId, DeviceRead, State, usage::DEVICES_FOUND},
};

/// How many devices an event names at most, so that it stays small whatever a sweep brings: as many as a network of 256 addresses has.
const MOST_NAMED: usize = 256;

/// New devices were found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::server) struct DevicesFound {
    /// How many.
    count: usize,
    /// The first 256 of them, by their addresses.
    devices: Vec<NewDevice>,
}

#[derive(Debug, Serialize, ToSchema)]
struct NewDevice {
    device: DeviceId,
    #[schema(value_type = String)]
    address: IpAddr,
}

impl Event for DevicesFound {
    const NAME: &'static str = "monitoring.devices.found";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "devices";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

/// A sweep knew more of devices than was known, or something else. One event a request.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::server) struct DevicesChanged {
    /// How many.
    count: usize,
    /// The first 256 of them, by their addresses.
    devices: Vec<ChangedDevice>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChangedDevice {
    device: DeviceId,
    #[schema(value_type = String)]
    address: IpAddr,
    /// Its Ethernet address, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Change<Option<String>>>,
    /// Its name, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<Change<Option<String>>>,
}

impl Event for DevicesChanged {
    const NAME: &'static str = "monitoring.devices.changed";
    const TOPIC: &'static str = "devices";
    const PERMISSION: Option<&'static str> = Some(DeviceRead::NAME);
}

impl Validate for Devices {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors: Vec<_> = too_many("/devices", self.devices.len()).into_iter().collect();
        for (at, device) in self.devices.iter().enumerate() {
            if let Some(hostname) = &device.hostname {
                errors.extend(check_text(&format!("/devices/{at}/hostname"), hostname));
            }
            if device.found_by.is_empty() || device.found_by.len() > Method::ALL.len() {
                errors.push(FieldError::new(format!("/devices/{at}/found_by"), "must name every way once, and at least one"));
            }
            if errors.len() >= 20 {
                break;
            }
        }
        errors
    }
}

/// Takes what a sweep found. What the plan has no room for is refused and the rest is kept; if nothing at all can be kept, 402.
pub(super) async fn devices(
    _: Can<AgentReport>,
    CurrentAgent(me): CurrentAgent,
    db: TenantDb,
    AxumState(state): AxumState<State>,
    Json(found): Json<Devices>,
) -> Result<Json<DevicesAnswer>, Problem> {
    // One of each address, in order, so that two requests lock rows the same way.
    let found: BTreeMap<_, _> = found.devices.into_iter().map(|device| (device.address, device)).collect();
    let mut tx = db.begin().await?;
    let Updated { known: mut addresses, changed } = update_in(&mut tx, me.agent, found.values()).await?;
    if !changed.is_empty() {
        let (count, devices) = (changed.len(), changed.into_iter().take(MOST_NAMED).collect());
        event_in(&mut tx, (&me).into(), me.agent, &DevicesChanged { count, devices }).await?;
    }
    if addresses.len() < found.len() {
        lock_agent_in(&mut tx, me.agent).await?;
        // The same request may have been sent twice, and the other one have come first.
        addresses = known_in(&mut tx, me.agent, &found.keys().map(|address| IpNet::from(*address)).collect::<Vec<_>>()).await?;
    }
    let (known, new): (Vec<_>, Vec<_>) = found.into_values().partition(|device| addresses.contains(&IpNet::from(device.address)));

    let wanted = u32::try_from(new.len()).map_err(Problem::internal)?;
    let granted = if wanted == 0 { 0 } else { state.billing.reserve_up_to_in(&mut tx, DEVICES, wanted).await? };
    let refused = wanted - granted;
    let problem = match refused {
        0 => None,
        _ => Some(Problem::from(state.billing.reached_in(&mut tx, DEVICES).await?)),
    };
    if let (Some(problem), 0, true) = (&problem, granted, known.is_empty()) {
        return Err(problem.clone());
    }
    let kept: Vec<_> = new.into_iter().take(usize::try_from(granted).unwrap_or(usize::MAX)).collect();
    if let Some(count) = NonZeroU32::new(granted) {
        let ids = insert_in(&mut tx, me.agent, &kept).await?;
        // Devices that are there are found once: whoever sends the same again finds them known.
        let first = ids.first().map(ToString::to_string).unwrap_or_default();
        state.billing.record_in(&mut tx, Use::new(DEVICES_FOUND, count, By::Agent(me.agent), &first)).await?;
        let named = ids.into_iter().zip(&kept).map(|(device, found)| NewDevice { device, address: found.address });
        let event = DevicesFound { count: kept.len(), devices: named.take(MOST_NAMED).collect() };
        event_in(&mut tx, (&me).into(), me.agent, &event).await?;
    }
    tx.commit().await?;
    let problem = problem.map(|problem| serde_json::from_value(problem.document())).transpose().map_err(Problem::internal)?;
    let answer = DevicesAnswer {
        added: u64::from(granted),
        known: u64::try_from(known.len()).map_err(Problem::internal)?,
        refused: u64::from(refused),
        problem,
    };
    Ok(Json(answer))
}

async fn known_in(tx: &mut TenantTx, agent: AgentId, addresses: &[IpNet]) -> Result<HashSet<IpNet>, DbError> {
    let tenant = tx.tenant().map(Uuid::from);
    let known = query_scalar!(
        r#"select address as "address: IpNet" from device where tenant_id = $1 and agent_id = $2 and address = any ($3::inet[])"#,
        tenant,
        Uuid::from(agent),
        addresses as &[IpNet],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(known.into_iter().collect())
}

/// The devices as columns, for one statement over all of them.
struct Columns {
    addresses: Vec<IpNet>,
    macs: Vec<Option<String>>,
    hostnames: Vec<Option<String>>,
    found_by: Vec<String>,
}

impl Columns {
    fn of<'a>(devices: impl Iterator<Item = &'a FoundDevice> + Clone) -> Self {
        Self {
            addresses: devices.clone().map(|device| IpNet::from(device.address)).collect(),
            macs: devices.clone().map(|device| device.mac.map(|mac| mac.to_string())).collect(),
            hostnames: devices.clone().map(|device| device.hostname.clone()).collect(),
            // An array of arrays must be rectangular, so the ways travel as text.
            found_by: devices.map(|device| device.found_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")).collect(),
        }
    }
}

/// Says their ids, in their order.
async fn insert_in(tx: &mut TenantTx, agent: AgentId, devices: &[FoundDevice]) -> Result<Vec<DeviceId>, DbError> {
    let columns = Columns::of(devices.iter());
    let ids: Vec<DeviceId> = devices.iter().map(|_| DeviceId::new()).collect();
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    query!(
        r#"insert into device (tenant_id, id, agent_id, address, mac, hostname, found_by, created_at)
        select $1, n.id, $2, n.address, n.mac, n.hostname, string_to_array(n.found_by, ','), $8
        from unnest($3::uuid[], $4::inet[], $5::text[], $6::text[], $7::text[]) as n (id, address, mac, hostname, found_by)"#,
        tenant,
        Uuid::from(agent),
        &ids.iter().copied().map(Uuid::from).collect::<Vec<_>>(),
        &columns.addresses as &[IpNet],
        &columns.macs as &[Option<String>],
        &columns.hostnames as &[Option<String>],
        &columns.found_by,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(ids)
}

/// What became of devices that a sweep found again.
struct Updated {
    /// Which are known at all.
    known: HashSet<IpNet>,
    /// Of which something else is known now.
    changed: Vec<ChangedDevice>,
}

/// Takes what a later sweep knows better. A name that was not found this time is kept; what found it this time is how it is seen, and no change.
///
/// One statement: locks the devices in the order of their addresses, which gives them as they are now, writes those that differ, and says which
/// are known and, in rows of their own, how those were that changed. A join of the two would be planned without knowing how many changed, and
/// takes half a second for 5,000 devices in place of 20 ms.
async fn update_in(tx: &mut TenantTx, agent: AgentId, devices: impl Iterator<Item = &FoundDevice> + Clone) -> Result<Updated, DbError> {
    let columns = Columns::of(devices);
    let tenant = tx.tenant().map(Uuid::from);
    let rows = query!(
        r#"with found as (
            select * from unnest($3::inet[], $4::text[], $5::text[], $6::text[]) as n (address, mac, hostname, found_by)
        ), known as materialized (
            select d.id, d.address, d.mac, d.hostname from device d
            join found n on n.address = d.address
            where d.tenant_id = $1 and d.agent_id = $2
            order by d.address
            for no key update of d
        ), updated as (
            update device d
            set mac = coalesce(n.mac, d.mac), hostname = coalesce(n.hostname, d.hostname), found_by = string_to_array(n.found_by, ',')
            from known k
            join found n on n.address = k.address
            where d.tenant_id = $1 and d.id = k.id
              and (coalesce(n.mac, d.mac), coalesce(n.hostname, d.hostname), string_to_array(n.found_by, ','))
                  is distinct from (d.mac, d.hostname, d.found_by)
            returning d.id, d.address, k.mac as old_mac, d.mac, k.hostname as old_hostname, d.hostname
        )
        select address as "address!: IpNet", null::uuid as "id?: DeviceId", null as old_mac, null as mac, null as old_hostname,
            null as hostname
        from known
        union all
        select address, id, old_mac, mac, old_hostname, hostname from updated
        where (old_mac, old_hostname) is distinct from (mac, hostname)"#,
        tenant,
        Uuid::from(agent),
        &columns.addresses as &[IpNet],
        &columns.macs as &[Option<String>],
        &columns.hostnames as &[Option<String>],
        &columns.found_by,
    )
    .fetch_all(&mut **tx)
    .await?;
    let (mut known, mut changes) = (HashSet::new(), BTreeMap::new());
    for row in rows {
        match row.id {
            None => drop(known.insert(row.address)),
            Some(device) => {
                let (mac, hostname) = (changed(row.old_mac, row.mac), changed(row.old_hostname, row.hostname));
                changes.insert(row.address, ChangedDevice { device, address: row.address.addr(), mac, hostname });
            }
        }
    }
    Ok(Updated { known, changed: changes.into_values().collect() })
}

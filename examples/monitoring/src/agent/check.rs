//! Checks the known devices and records what they answered.

use std::{future::Future, net::IpAddr, sync::Arc};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    buffer::Batch,
    discovery::settled,
    error::{AgentError, Chain, readings as plural},
    host,
    protocol::{MAX_PER_REQUEST, Reading, Status},
    run::{Agent, stopped, unless_stopped},
    sender::with_buffer,
};

/// Devices that are checked at once: packets to as many that are down still fit into the socket.
const CHECKS_AT_ONCE: usize = 128;

/// Checks the devices that answer for themselves, until it is told to stop.
pub(super) async fn check_loop(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) -> Result<(), AgentError> {
    let mut tally = Tally::default();
    loop {
        let started = Instant::now();
        let readings = check_direct(&agent, stopped(&mut stop)).await;
        let was_empty = agent.devices.count() == 0;
        tally.say(&readings, "");
        record(&agent, readings).await?;
        if !rest(&agent, &mut stop, started, was_empty).await {
            return Ok(());
        }
    }
}

/// Checks the devices that show in the neighbour table only, until it is told to stop. A loop of its own, since it takes
/// seconds to know.
pub(super) async fn neighbour_loop(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) -> Result<(), AgentError> {
    let mut tally = Tally::default();
    loop {
        let started = Instant::now();
        let was_empty = agent.devices.count() == 0;
        let Some(readings) = unless_stopped(&mut stop, check_neighbours(&agent)).await else {
            return Ok(());
        };
        tally.say(&readings, " by arp");
        record(&agent, readings).await?;
        if !rest(&agent, &mut stop, started, was_empty).await {
            return Ok(());
        }
    }
}

/// What the last check counted, to say it only when it changes.
#[derive(Default)]
struct Tally {
    said: Option<(usize, usize)>,
}

impl Tally {
    fn say(&mut self, readings: &[Reading], how: &str) {
        let up = readings.iter().filter(|reading| reading.up).count();
        let down = readings.len() - up;
        if !readings.is_empty() && self.said.replace((up, down)) != Some((up, down)) {
            tracing::info!("checked {} devices{how}: {up} up, {down} down", readings.len());
        }
    }
}

/// Asks every device once, or until `enough`; then those that are done count.
pub(super) async fn check_direct(agent: &Agent, enough: impl Future<Output = ()>) -> Vec<Reading> {
    let checks = agent.devices.direct().into_iter().map(|(address, proof)| async move {
        let answer = agent.prober.check(address, &proof).await;
        answer.map(|latency| Reading {
            address,
            at: host::now(),
            up: latency.is_some(),
            latency_us: latency.and_then(|latency| u64::try_from(latency.as_micros()).ok()),
        })
    });
    let readings = stream::iter(checks).buffer_unordered(CHECKS_AT_ONCE).filter_map(std::future::ready);
    let mut readings: Vec<_> = readings.take_until(enough).collect().await;
    readings.sort_unstable_by_key(|reading| (reading.at, reading.address));
    readings
}

/// Asks the neighbour table.
pub(super) async fn check_neighbours(agent: &Agent) -> Vec<Reading> {
    let addresses: Vec<IpAddr> = agent.devices.neighbours();
    if addresses.is_empty() {
        return Vec::new();
    }
    let present = settled(&addresses).await;
    let at = host::now();
    let reading = |address| Reading { address, at, up: present.contains_key(&address), latency_us: None };
    addresses.into_iter().map(reading).collect()
}

/// Puts readings on the disk, in batches that a request can carry. A full disk loses them, and does not end the agent.
pub(super) async fn record(agent: &Arc<Agent>, readings: Vec<Reading>) -> Result<(), AgentError> {
    let Some(last) = readings.last().map(|reading| reading.at) else {
        return Ok(());
    };
    let (count, up) = (readings.len(), readings.iter().filter(|reading| reading.up).count());
    let batches: Vec<_> =
        readings.chunks(MAX_PER_REQUEST).map(|readings| Batch::Readings(Status { readings: readings.to_vec() })).collect();
    match with_buffer(agent, move |agent| agent.buffer.append(&batches)).await {
        Ok(()) => tracing::debug!(%last, "recorded {count} readings, {up} up"),
        Err(AgentError::Buffer(error)) => {
            let lost = plural(count.try_into().unwrap_or(u64::MAX));
            tracing::error!("{lost} could not be recorded and are lost: {}", Chain(&error));
        }
        Err(error) => return Err(error),
    }
    agent.wake.notify_one();
    Ok(())
}

/// Waits for the next check; `false` means stop. The first devices are checked as soon as they are found.
async fn rest(agent: &Agent, stop: &mut watch::Receiver<bool>, started: Instant, was_empty: bool) -> bool {
    let mut intervals = agent.intervals.subscribe();
    let mut first_devices = agent.first_devices.subscribe();
    loop {
        let check = intervals.borrow_and_update().check;
        tokio::select! {
            () = sleep_until(started + check) => return true,
            changed = intervals.changed() => if changed.is_err() { return false },
            found = first_devices.wait_for(|found| *found), if was_empty => return found.is_ok(),
            () = stopped(stop) => return false,
        }
    }
}

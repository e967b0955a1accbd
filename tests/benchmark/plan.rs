use std::time::Duration;

use serde::Serialize;

/// How much data and how much time.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Plan {
    pub(crate) quick: bool,
    pub(crate) tenants: u32,
    /// Per tenant.
    pub(crate) devices: u32,
    /// Per tenant of the small database, which has as many tenants.
    pub(crate) few_devices: u32,
    /// Connections of the load generator; each sends its next request when it has the answer to the last.
    pub(crate) connections: usize,
    /// Connections of each server to the database.
    pub(crate) pool: u32,
    pub(crate) rounds: usize,
    #[serde(serialize_with = "seconds")]
    pub(crate) round: Duration,
    /// Queries of each kind, on one connection.
    pub(crate) policy_queries: usize,
    /// Agents that send readings at the same time, each with as many devices as a request may carry.
    pub(crate) agents: usize,
    pub(crate) ingest_rounds: usize,
    /// Streams that are open, of all tenants together.
    pub(crate) readers: usize,
    /// What these hear of while it is looked how long it takes.
    pub(crate) events_per_second: u32,
    /// How often a round's time it is looked.
    pub(crate) windows: usize,
    /// Events of the tenant whose readers stop.
    pub(crate) busy_events_per_second: u32,
    /// For how long at most these stand still; it ends when they were cut off.
    #[serde(serialize_with = "seconds")]
    pub(crate) stopped: Duration,
    /// Events that are told by webhooks, to nine or ten endpoints each.
    pub(crate) told_events_per_second: u32,
    pub(crate) told_windows: usize,
    pub(crate) jobs: usize,
    /// People who sign in, each again and again.
    pub(crate) sign_ins: usize,
    /// Addresses with an account, and as many without, of each flow whose times are compared.
    pub(crate) pairs: usize,
}

impl Plan {
    pub(crate) const fn full() -> Self {
        Self {
            quick: false,
            tenants: 100,
            devices: 10_000,
            few_devices: 100,
            connections: 32,
            pool: 10,
            rounds: 7,
            round: Duration::from_secs(3),
            policy_queries: 10_000,
            agents: 4,
            ingest_rounds: 3,
            readers: 1_000,
            events_per_second: 100,
            windows: 10,
            busy_events_per_second: 200,
            stopped: Duration::from_secs(180),
            told_events_per_second: 10,
            told_windows: 12,
            jobs: 10_000,
            sign_ins: 1_000,
            pairs: 2_000,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            quick: true,
            devices: 500,
            rounds: 3,
            round: Duration::from_secs(1),
            policy_queries: 2_000,
            ingest_rounds: 1,
            windows: 3,
            stopped: Duration::from_secs(5),
            told_windows: 3,
            jobs: 2_000,
            sign_ins: 100,
            pairs: 50,
            ..Self::full()
        }
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}

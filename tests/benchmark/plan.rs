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
            ..Self::full()
        }
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}

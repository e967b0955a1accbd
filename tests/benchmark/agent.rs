//! Agents, as the product knows them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Outcome,
    data::Tenant,
    http::{call, request},
};

/// An agent that registered by the front door.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) tenant: Uuid,
    pub(crate) id: Uuid,
    credential: String,
}

/// Adds an agent for each of the tenants and registers it, as a person and a machine would.
pub(crate) async fn register(address: SocketAddr, tenants: &[Tenant]) -> Outcome<Vec<Agent>> {
    let mut agents = Vec::new();
    for tenant in tenants {
        let headers = [("cookie", tenant.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let added = call(address, &request("POST", "/api/v1/agents", &headers, br#"{"name":"Sender"}"#)).await?;
        let hello = json!({ "instance": Uuid::now_v7(), "hostname": "bench", "version": "1", "os": "linux", "networks": [] }).to_string();
        let bearer = format!("Bearer {}", text(&added, "key")?);
        let registered = call(address, &request("POST", "/api/agent/register", &[("authorization", &bearer)], hello.as_bytes())).await?;
        let (id, credential) = (text(&added, "id")?.parse()?, text(&registered, "credential")?.to_owned());
        agents.push(Agent { tenant: tenant.id, id, credential });
    }
    Ok(agents)
}

fn text<'a>(answer: &'a Value, name: &str) -> Outcome<&'a str> {
    Ok(answer.get(name).and_then(Value::as_str).ok_or_else(|| format!("no {name} in {answer}"))?)
}

impl Agent {
    /// A request that reports readings.
    pub(crate) fn readings(&self, body: &[u8]) -> Vec<u8> {
        request("POST", "/api/agent/status", &[("authorization", &format!("Bearer {}", self.credential))], body)
    }
}

//! An empty list of devices, asked with a session, with an API key and with an access token; and a route that asks nobody who they are.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::Identity;
use crate::{
    Outcome,
    generator::{Figures, Requests, drive, measured},
    http::request,
    listing::warm_up,
    plan::Plan,
    report::Report,
};

const LIST: &str = "/api/v1/devices";

pub(crate) async fn measure(identity: &Identity, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let (mut sessions, mut keys, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for tenant in &identity.tenants {
        let id = tenant.id.to_string();
        let of_person = [("cookie", tenant.cookie.as_str()), ("x-organization", &id)];
        let new = json!({ "name": "Benchmark", "scopes": ["monitoring.device.read"] });
        let key = identity.post("/api/v1/api-keys", &of_person, &new).await?;
        let pair = identity.post("/api/v1/auth/token", &of_person[..1], &json!({ "organization": id })).await?;
        let bearer = |text: &serde_json::Value| format!("Bearer {}", text.as_str().unwrap_or_default());
        sessions.push(request("GET", LIST, &of_person[..1], b""));
        keys.push(request("GET", LIST, &[("authorization", &bearer(&key["key"]))], b""));
        tokens.push(request("GET", LIST, &[("authorization", &bearer(&pair["access_token"]))], b""));
    }
    let kinds: [(&str, Requests); 4] = [
        ("an open route", Arc::new(vec![request("GET", "/health/live", &[], b"")])),
        ("by session", Arc::new(sessions)),
        ("by API key", Arc::new(keys)),
        ("by token", Arc::new(tokens)),
    ];
    let server = &identity.product;
    let mut rounds: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    for (_, requests) in &kinds {
        drive(server.address, requests, plan.connections, warm_up(plan)).await?;
    }
    for _ in 0..plan.rounds {
        for (name, requests) in &kinds {
            let figures = measured(server, identity.postmaster, requests, plan.connections, plan.round).await?;
            rounds.entry(name).or_default().push(figures);
        }
    }
    let medians: BTreeMap<_, _> = rounds.iter().map(|(name, rounds)| (*name, Figures::median(rounds))).collect();
    report.heading("Who is asking: an empty list", "a second")?;
    for (name, _) in &kinds {
        report.figures(name, &medians[name])?;
    }
    let cost = |name: &str| medians[name].cpu.server_us + medians[name].cpu.postgres_us;
    for name in ["by session", "by API key", "by token"] {
        let more = cost(name) - cost("an open route");
        report.say(&format!("  {name}: {more:.0} µs of processor time more than an open route"))?;
    }
    report.ratio("by token to by session", medians["by token"].per_second / medians["by session"].per_second, "")?;
    report.section("identity", json!({ "medians": medians, "rounds": rounds }))
}

//! Outgoing webhooks, and what one endpoint in ten that is dead costs the others.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    Outcome,
    backbone::Backbone,
    generator::{Figures, median},
    http::{call, request},
    machine::Used,
    plan::Plan,
    receiver::{MORTAL, Receiver},
    report::Report,
    traffic::Writers,
};

/// Tenants whose events are told.
const TENANTS: usize = 10;

/// Endpoints of each that always answer; each has one more, that may not.
const ENDPOINTS: usize = 9;

/// How long a backlog may take to be delivered.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn measure(backbone: &Backbone, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let receiver = Receiver::start().await?;
    for tenant in &backbone.tenants[..TENANTS] {
        for path in (0..ENDPOINTS).map(|nth| format!("/{nth}")).chain([MORTAL.to_owned()]) {
            let url = format!("http://{}{path}", receiver.address);
            let endpoint = json!({ "url": url, "events": ["monitoring.devices.states_changed"] }).to_string();
            let headers = [("cookie", tenant.cookie.as_str()), ("sec-fetch-site", "same-origin")];
            call(backbone.product.address, &request("POST", "/api/v1/webhooks", &headers, endpoint.as_bytes())).await?;
        }
    }
    report.heading(&format!("Webhooks to {ENDPOINTS} of {} endpoints of each of {TENANTS} tenants", ENDPOINTS + 1), "each second")?;
    let all_live = phase(backbone, &receiver, plan).await?;
    let name = format!("{} events a second", plan.told_events_per_second);
    report.figures("all answer, backlog", &all_live.backlog)?;
    report.figures(&format!("  {name}"), &Figures::median(&all_live.steady))?;
    receiver.fall_silent();
    let one_dead = phase(backbone, &receiver, plan).await?;
    report.figures("tenth dead, backlog", &one_dead.backlog)?;
    report.figures(&format!("  {name}"), &Figures::median(&one_dead.steady))?;
    let p99 = |phase: &Phase| median(phase.steady.iter().map(|it| it.p99_ms));
    let (steady, backlog) = (p99(&one_dead) / p99(&all_live), one_dead.backlog.per_second / all_live.backlog.per_second);
    report.ratio(&format!("others' p99 at {name}, with a dead tenth to without"), steady, " (expected: 2.00 or less)")?;
    report.ratio("others' deliveries a second of a backlog, with to without", backlog, "")?;
    report.section(
        "webhooks",
        json!({
            "tenants": TENANTS, "endpoints": ENDPOINTS + 1, "events_per_second": plan.told_events_per_second,
            "all_answer": { "backlog": all_live.backlog, "steady": all_live.steady },
            "one_dead": { "backlog": one_dead.backlog, "steady": one_dead.steady },
            "p99_ratio": steady, "backlog_ratio": backlog,
        }),
    )
}

struct Phase {
    /// As many events as can be written, and then what is left to be told of them.
    backlog: Figures,
    /// Fewer than can be told.
    steady: Vec<Figures>,
}

async fn phase(backbone: &Backbone, receiver: &Receiver, plan: &Plan) -> Outcome<Phase> {
    let writers =
        |per_second| Writers { address: backbone.product.address, lines: &backbone.lines[..TENANTS], connections: TENANTS, per_second };
    let (_, steady) = writers(Some(plan.told_events_per_second)).during(windows(backbone, receiver, plan)).await?;
    settle(receiver).await?;

    let (before, told) = (Used::now(backbone.product.process, backbone.postmaster)?, receiver.messages());
    receiver.latency()?;
    let started = Instant::now();
    let pause = async {
        tokio::time::sleep(plan.round).await;
        Outcome::Ok(())
    };
    let (answered, ()) = writers(None).during(pause).await?;
    let wanted = answered.len() * ENDPOINTS as u64;
    while receiver.messages() < told + wanted {
        if started.elapsed() > PATIENCE {
            return Err(format!("{} of {wanted} webhooks arrived", receiver.messages() - told).into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let seconds = started.elapsed().as_secs_f64();
    let used = Used::now(backbone.product.process, backbone.postmaster)?.since(before, wanted);
    Ok(Phase { backlog: Figures::of(&receiver.latency()?, wanted as f64 / seconds, used), steady })
}

async fn windows(backbone: &Backbone, receiver: &Receiver, plan: &Plan) -> Outcome<Vec<Figures>> {
    let mut windows = Vec::new();
    // The first is for warming up.
    for nth in 0..=plan.told_windows {
        receiver.latency()?;
        let (before, started) = (Used::now(backbone.product.process, backbone.postmaster)?, Instant::now());
        tokio::time::sleep(plan.round).await;
        let latency = receiver.latency()?;
        let used = Used::now(backbone.product.process, backbone.postmaster)?.since(before, latency.len());
        if nth > 0 {
            windows.push(Figures::of(&latency, latency.len() as f64 / started.elapsed().as_secs_f64(), used));
        }
    }
    Ok(windows)
}

/// Waits until nothing more arrives.
async fn settle(receiver: &Receiver) -> Outcome<()> {
    let mut told = u64::MAX;
    while told != receiver.messages() {
        told = receiver.messages();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

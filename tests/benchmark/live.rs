//! Events from the write to a thousand live readers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Outcome,
    backbone::Backbone,
    data,
    generator::{Figures, quantile_ms},
    machine::Used,
    plan::Plan,
    report::Report,
    stream::Readers,
    traffic::Writers,
};

pub(crate) async fn measure(backbone: &Backbone, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let (mut readers, each) = readers(backbone, plan).await?;
    report.heading(
        &format!("Events from the write to {} live readers of {} tenants", each * backbone.tenants.len(), backbone.tenants.len()),
        "events/s",
    )?;

    let mut fast = Vec::new();
    for round in 0..=plan.rounds {
        let figures = flat_out(backbone, &mut readers, each, plan).await?;
        // The first round is for warming up.
        if round > 0 {
            fast.push(figures);
        }
    }
    report.figures("as fast as it goes", &Figures::median(&fast))?;

    let name = format!("{} a second", plan.events_per_second);
    let (answered, steady) = steadily(backbone, plan).during(windows(backbone, &mut readers, each, plan.windows, plan.round)).await?;
    let median = Figures::median(&steady);
    report.figures(&name, &median)?;
    report.say(&format!(
        "  until the write was answered: p50 {:.2}, p99 {:.2} ms; from the request until the reader heard: p99 {:.2} ms (expected from the commit, which is later: 100 or less)",
        quantile_ms(&answered, 0.5),
        quantile_ms(&answered, 0.99),
        median.p99_ms
    ))?;
    report.section(
        "live",
        json!({
            "readers": each * backbone.tenants.len(), "tenants": backbone.tenants.len(), "flat_out": fast,
            "steady_per_second": plan.events_per_second, "steady": steady,
            "answered_p50_ms": quantile_ms(&answered, 0.5), "answered_p99_ms": quantile_ms(&answered, 0.99),
        }),
    )
}

/// Opens as many streams for each tenant; how many these are.
pub(crate) async fn readers(backbone: &Backbone, plan: &Plan) -> Outcome<(Readers, usize)> {
    let each = plan.readers.div_ceil(backbone.tenants.len());
    let cookies = data::sessions(backbone.database.superuser_url(), &backbone.tenants, each).await?;
    let lines = backbone.lines.iter().flat_map(|line| std::iter::repeat_n(Arc::clone(line), each));
    let cookies: Vec<_> = cookies.into_iter().zip(lines).collect();
    Ok((Readers::open(backbone.product.address, &cookies).await?, each))
}

/// So many events a second, of all tenants in turn.
pub(crate) fn steadily<'a>(backbone: &'a Backbone, plan: &Plan) -> Writers<'a> {
    Writers {
        address: backbone.product.address,
        lines: &backbone.lines,
        connections: plan.connections,
        per_second: Some(plan.events_per_second),
    }
}

async fn flat_out(backbone: &Backbone, readers: &mut Readers, each: usize, plan: &Plan) -> Outcome<Figures> {
    let (before, heard) = (Used::now(backbone.product.process, backbone.postmaster)?, readers.heard());
    let started = Instant::now();
    let writers = Writers { address: backbone.product.address, lines: &backbone.lines, connections: plan.connections, per_second: None };
    let pause = async {
        tokio::time::sleep(plan.round).await;
        Outcome::Ok(())
    };
    let (answered, ()) = writers.during(pause).await?;
    readers.all(heard + usize::try_from(answered.len())? * each).await?;
    let seconds = started.elapsed().as_secs_f64();
    let used = Used::now(backbone.product.process, backbone.postmaster)?.since(before, answered.len());
    Ok(Figures::of(&readers.latency()?, answered.len() as f64 / seconds, used))
}

/// What readers hear, one window of time after another.
pub(crate) async fn windows(
    backbone: &Backbone,
    readers: &mut Readers,
    each: usize,
    windows: usize,
    window: Duration,
) -> Outcome<Vec<Figures>> {
    let mut figures = Vec::new();
    for _ in 0..windows {
        figures.push(self::window(backbone, readers, each, window).await?);
    }
    Ok(figures)
}

pub(crate) async fn window(backbone: &Backbone, readers: &mut Readers, each: usize, window: Duration) -> Outcome<Figures> {
    let (before, started) = (Used::now(backbone.product.process, backbone.postmaster)?, Instant::now());
    readers.latency()?;
    tokio::time::sleep(window).await;
    let latency = readers.latency()?;
    let (events, seconds) = (latency.len() / each as u64, started.elapsed().as_secs_f64());
    let used = Used::now(backbone.product.process, backbone.postmaster)?.since(before, events);
    Ok(Figures::of(&latency, events as f64 / seconds, used))
}

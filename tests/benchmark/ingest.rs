//! Readings of agents in bulk, beside a bare bulk upsert into the same table.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;
use ipnet::IpNet;
use saas_core::Clock;
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::task::JoinSet;

use crate::{
    Outcome,
    agent::{self, Agent},
    arrange::Arranged,
    cluster::Cluster,
    data,
    generator::{Figures, histogram, median, micros},
    http::Connection,
    machine::Used,
    plan::Plan,
    report::Report,
};

/// Readings in one request: as many as the product takes, and a fifth of that.
const BATCHES: [usize; 2] = [1_000, 5_000];
const DEVICES: u32 = 5_000;

pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let agents = agent::register(arranged.product.address, &arranged.senders).await?;
    let ids: Vec<_> = agents.iter().map(|agent| (agent.tenant, agent.id)).collect();
    data::devices_of(cluster.big.superuser_url(), &ids, DEVICES).await?;
    let pool = PgPoolOptions::new().max_connections(u32::try_from(plan.agents)?).connect(&arranged.logins.system).await?;
    let postmaster = cluster.postmaster()?;
    report.heading(&format!("Readings of {} agents at a time", plan.agents), "readings/s")?;
    let mut section = Vec::new();
    for batch in BATCHES {
        let (mut ours, mut raw) = (Vec::new(), Vec::new());
        for round in 0..=plan.ingest_rounds {
            let (one, other) =
                (product(arranged, &agents, batch, plan, postmaster).await?, upsert(&pool, &agents, batch, plan, postmaster).await?);
            // The first round is for warming up.
            if round > 0 {
                ours.push(one);
                raw.push(other);
            }
        }
        report.figures(&format!("framework, {batch} each"), &Figures::median(&ours))?;
        report.figures(&format!("upsert, {batch} each"), &Figures::median(&raw))?;
        let ratio = median(ours.iter().zip(&raw).map(|(ours, raw)| ours.per_second / raw.per_second));
        report.ratio(&format!("framework to upsert, {batch} each"), ratio, " (expected: 0.50 or more)")?;
        section.push(json!({ "batch": batch, "framework": ours, "upsert": raw, "ratio": ratio }));
    }
    pool.close().await;
    report.section("ingest", section)
}

/// Readings as a body, whose times are overwritten in place: what counts is what the server does with it.
struct Body {
    request: Vec<u8>,
    times: Vec<usize>,
}

/// Of one length, so that it can be replaced.
fn time_text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

impl Body {
    fn new(agent: &Agent, batch: usize) -> Self {
        let time = time_text(DateTime::UNIX_EPOCH);
        let readings: Vec<_> =
            (1..=batch).map(|n| json!({ "address": address(n).addr(), "at": time, "up": true, "latency_us": 200 + n % 5000 })).collect();
        let body = json!({ "readings": readings }).to_string();
        let request = agent.readings(body.as_bytes());
        let times = request.windows(time.len()).enumerate().filter(|(_, text)| *text == time.as_bytes()).map(|(at, _)| at).collect();
        Self { request, times }
    }

    fn at(&mut self, time: DateTime<Utc>) -> &[u8] {
        let text = time_text(time);
        for at in &self.times {
            self.request[*at..*at + text.len()].copy_from_slice(text.as_bytes());
        }
        &self.request
    }
}

/// The address of the nth device that an agent has.
fn address(n: usize) -> IpNet {
    let number = 0x0a00_0000 + u32::try_from(n).unwrap_or(0);
    IpNet::from(std::net::IpAddr::from(std::net::Ipv4Addr::from(number)))
}

async fn product(arranged: &Arranged, agents: &[Agent], batch: usize, plan: &Plan, postmaster: u32) -> Outcome<Figures> {
    let address = arranged.product.address;
    let mut tasks = JoinSet::new();
    let before = Used::now(arranged.product.process, postmaster)?;
    let started = Instant::now();
    for agent in agents {
        let (agent, round) = (agent.clone(), plan.round);
        tasks.spawn(async move {
            let mut body = Body::new(&agent, batch);
            let mut connection = Connection::open(address).await?;
            let mut latency = histogram()?;
            while started.elapsed() < round {
                let request = body.at(Clock::system().now());
                let sent = Instant::now();
                let (status, answer) = connection.exchange(request).await?;
                let applied: serde_json::Value = serde_json::from_slice(answer)?;
                if status != 200 || applied.get("applied").and_then(serde_json::Value::as_u64) != Some(batch as u64) {
                    return Err(format!("{status}: {applied}").into());
                }
                latency.record(micros(sent.elapsed()))?;
            }
            Outcome::Ok(latency)
        });
    }
    finish(tasks, batch, started, before, arranged.product.process, postmaster).await
}

const UPSERT: &str = "insert into data.device (tenant_id, id, agent_id, address, found_by, state, since_at, checked_at, latency_us, created_at) \
    select $1, gen_random_uuid(), $2, n.address, '{}', n.state, n.at, n.at, n.latency, n.at \
    from unnest($3::inet[], $4::text[], $5::timestamptz[], $6::bigint[]) as n (address, state, at, latency) \
    on conflict (tenant_id, agent_id, address) do update \
    set state = excluded.state, checked_at = excluded.checked_at, latency_us = excluded.latency_us";

async fn upsert(pool: &PgPool, agents: &[Agent], batch: usize, plan: &Plan, postmaster: u32) -> Outcome<Figures> {
    let addresses: Arc<Vec<IpNet>> = Arc::new((1..=batch).map(address).collect());
    let states: Arc<Vec<&'static str>> = Arc::new(vec!["up"; batch]);
    let latencies: Arc<Vec<i64>> = Arc::new((1..=batch).map(|n| i64::try_from(200 + n % 5000).unwrap_or(0)).collect());
    let mut tasks = JoinSet::new();
    let before = Used::now(0, postmaster)?;
    let started = Instant::now();
    for agent in agents {
        let (pool, agent, round) = (pool.clone(), agent.clone(), plan.round);
        let (addresses, states, latencies) = (Arc::clone(&addresses), Arc::clone(&states), Arc::clone(&latencies));
        tasks.spawn(async move {
            let mut connection = pool.acquire().await?;
            let mut latency = histogram()?;
            while started.elapsed() < round {
                let sent = Instant::now();
                let done = sqlx::query(UPSERT)
                    .bind(agent.tenant)
                    .bind(agent.id)
                    .bind(&*addresses)
                    .bind(&*states)
                    .bind(vec![Clock::system().now(); batch])
                    .bind(&*latencies)
                    .execute(&mut *connection)
                    .await?;
                if done.rows_affected() != batch as u64 {
                    return Err(format!("{} rows", done.rows_affected()).into());
                }
                latency.record(micros(sent.elapsed()))?;
            }
            Outcome::Ok(latency)
        });
    }
    finish(tasks, batch, started, before, 0, postmaster).await
}

async fn finish(
    mut tasks: JoinSet<Outcome<Histogram<u64>>>,
    batch: usize,
    started: Instant,
    before: Used,
    server: u32,
    postmaster: u32,
) -> Outcome<Figures> {
    let mut all = histogram()?;
    while let Some(done) = tasks.join_next().await {
        all.add(done??)?;
    }
    let elapsed: Duration = started.elapsed();
    let readings = all.len() * batch as u64;
    let used = Used::now(server, postmaster)?.since(before, readings);
    Ok(Figures::of(&all, readings as f64 / elapsed.as_secs_f64(), used))
}

//! The load: so many connections, each of which sends its next request when it has the answer to the last.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    Outcome,
    http::Connection,
    machine::{Shares, Used},
    server::Server,
};

/// What a server is asked, over and over.
pub(crate) type Requests = Arc<Vec<Vec<u8>>>;

/// What came of a round.
pub(crate) struct Round {
    pub(crate) answered: u64,
    pub(crate) failures: Vec<Failure>,
    pub(crate) elapsed: Duration,
    /// In microseconds.
    pub(crate) latency: Histogram<u64>,
}

/// A request that was not answered with 200.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) started: Instant,
    pub(crate) seen: Instant,
    pub(crate) what: String,
}

pub(crate) fn histogram() -> Outcome<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Drives a server for a while.
pub(crate) async fn drive(address: SocketAddr, requests: &Requests, connections: usize, duration: Duration) -> Outcome<Round> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let requests = Arc::clone(requests);
        tasks.spawn(async move { one(address, &requests, number, started + duration).await });
    }
    let mut all = Round { answered: 0, failures: Vec::new(), elapsed: Duration::ZERO, latency: histogram()? };
    while let Some(done) = tasks.join_next().await {
        let round = done??;
        all.answered += round.answered;
        all.failures.extend(round.failures);
        all.latency.add(round.latency)?;
    }
    all.elapsed = started.elapsed();
    Ok(all)
}

async fn one(address: SocketAddr, requests: &[Vec<u8>], number: usize, until: Instant) -> Outcome<Round> {
    let mut round = Round { answered: 0, failures: Vec::new(), elapsed: Duration::ZERO, latency: histogram()? };
    let mut connection = None;
    // Every connection goes through all requests, each in another order: both numbers are prime.
    let mut next = number * 7919;
    loop {
        let started = Instant::now();
        if started >= until {
            return Ok(round);
        }
        next += 31 + number;
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(address).await?,
        };
        let failure = match open.exchange(&requests[next % requests.len()]).await {
            Ok((200, _)) => {
                round.answered += 1;
                round.latency.record(micros(started.elapsed()))?;
                connection = Some(open);
                continue;
            }
            Ok((status, _)) => {
                let what = status.to_string();
                connection = Some(open);
                what
            }
            Err(error) => error.kind().to_string(),
        };
        round.failures.push(Failure { started, seen: Instant::now(), what: failure });
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn quantile_ms(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}

/// The figures of a round.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu: Shares,
}

/// Drives a server and measures what it takes; a failed request spoils the measurement.
pub(crate) async fn measured(
    server: &Server,
    postmaster: u32,
    requests: &Requests,
    connections: usize,
    duration: Duration,
) -> Outcome<Figures> {
    let before = Used::now(server.process, postmaster)?;
    let round = drive(server.address, requests, connections, duration).await?;
    let used = Used::now(server.process, postmaster)?.since(before, round.answered);
    if let Some(failure) = round.failures.first() {
        return Err(format!("{}: {} requests failed, the first with {}", server.name, round.failures.len(), failure.what).into());
    }
    Ok(Figures::of(&round.latency, round.answered as f64 / round.elapsed.as_secs_f64(), used))
}

impl Figures {
    pub(crate) fn of(latency: &Histogram<u64>, per_second: f64, cpu: Shares) -> Self {
        let ms = |quantile| quantile_ms(latency, quantile);
        Self { per_second, p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99), cpu }
    }

    /// The median of each figure.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure));
        Self {
            per_second: of(|it| it.per_second),
            p50_ms: of(|it| it.p50_ms),
            p95_ms: of(|it| it.p95_ms),
            p99_ms: of(|it| it.p99_ms),
            cpu: Shares {
                server_us: of(|it| it.cpu.server_us),
                postgres_us: of(|it| it.cpu.postgres_us),
                generator_us: of(|it| it.cpu.generator_us),
                others_percent: of(|it| it.cpu.others_percent),
            },
        }
    }
}

/// The middle one.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

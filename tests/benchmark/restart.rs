//! The database goes away under load, and comes back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::{
    Outcome,
    arrange::{Arranged, lists},
    cluster::Cluster,
    generator::{Round, drive},
    plan::Plan,
    report::Report,
};

pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let requests = lists(&arranged.tenants);
    let mut section = BTreeMap::new();
    report.say("\nThe database goes away under load")?;
    for (name, restarts) in [("all its connections are ended", false), ("it is restarted", true)] {
        let load = drive(arranged.product.address, &requests, plan.connections, Duration::from_secs(5));
        let disturbance = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let from = Instant::now();
            if restarts {
                cluster.restart().await?
            } else {
                end_connections(cluster).await?
            }
            Outcome::Ok((from, Instant::now()))
        };
        let (round, (from, to)) = tokio::try_join!(load, disturbance)?;
        // Connections are ended one after another: what was under way when the last one was is in flight.
        let (in_flight, beyond) = failures(&round, (!restarts).then_some(to));
        let worst = round.latency.max() as f64 / 1000.0;
        report.say(&format!(
            "  {name} ({:.2} s): {} answered, {in_flight} of at most {} in flight failed, {beyond} beyond those; the slowest answer took \
             {worst:.0} ms{}",
            (to - from).as_secs_f64(),
            round.answered,
            plan.connections,
            kinds(&round)
        ))?;
        section.insert(
            name,
            json!({
                "seconds": (to - from).as_secs_f64(), "answered": round.answered, "failed_in_flight": in_flight, "failed_beyond": beyond,
                "slowest_ms": worst,
            }),
        );
    }
    report.section("restart", section)
}

/// Failed requests that were under way when the first of them failed, or at this time, and others.
fn failures(round: &Round, ended: Option<Instant>) -> (usize, usize) {
    let first = round.failures.iter().map(|failure| failure.seen).min().max(ended);
    let in_flight = round.failures.iter().filter(|failure| Some(failure.started) <= first).count();
    (in_flight, round.failures.len() - in_flight)
}

fn kinds(round: &Round) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in &round.failures {
        *kinds.entry(&failure.what).or_default() += 1;
    }
    kinds.iter().map(|(kind, count)| format!("; {count} × {kind}")).collect()
}

async fn end_connections(cluster: &Cluster) -> Outcome<()> {
    let mut connection = PgConnection::connect(cluster.big.superuser_url()).await?;
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'bench' and pid <> pg_backend_pid()")
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

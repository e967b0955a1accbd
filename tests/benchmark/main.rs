//! Measures the framework beside hand-written handlers that do the same on the same data. `tests/bench` builds and runs it.
//!
//! It has a cluster of its own, which is gone afterwards; what it found is printed and written to `target/bench/`. `--quick` takes less
//! data and less time, to try it out; its numbers mean little.

mod arrange;
mod cluster;
mod data;
mod generator;
mod hand;
mod http;
mod ingest;
mod limit;
mod listing;
mod machine;
mod plan;
mod policy;
mod report;
mod restart;
mod scale;
mod server;
mod startup;

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use saas_core::Clock;
use serde_json::json;

use crate::{cluster::Cluster, machine::Machine, plan::Plan, report::Report};

/// Nobody branches on what goes wrong here: it is printed.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // A process of its own for each hand-written server; it reads what it should be from its input.
        ["serve"] => hand::serve(),
        [] => measure(Plan::full()),
        ["--quick"] => measure(Plan::quick()),
        _ => Err("usage: tests/bench [--quick]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if even standard error is gone.
            drop(writeln!(io::stderr(), "benchmark: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// One thread: what measures should take little of what is measured.
fn measure(plan: Plan) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = Cluster::start().await?;
        let outcome = tokio::select! {
            outcome = measure_all(&cluster, plan) => outcome,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        };
        cluster.remove().await?;
        outcome
    })
}

async fn measure_all(cluster: &Cluster, plan: Plan) -> Outcome<()> {
    let machine = Machine::look(cluster.version())?;
    let started = Clock::system().now();
    let mut report = Report::begin(&machine, &plan)?;
    let arranged = arrange::arrange(cluster, &plan, &mut report).await?;
    listing::measure(cluster, &arranged, &plan, &mut report).await?;
    policy::measure(cluster, &arranged, &plan, &mut report).await?;
    scale::measure(cluster, &arranged, &plan, &mut report).await?;
    ingest::measure(cluster, &arranged, &plan, &mut report).await?;
    limit::measure(&plan, &mut report).await?;
    startup::measure(cluster, &arranged, &mut report).await?;
    restart::measure(cluster, &arranged, &plan, &mut report).await?;
    let seconds = (Clock::system().now() - started).num_seconds();
    report.section("run", json!({ "seconds": seconds, "load_average_after": machine::load_average()? }))?;
    let folder = cluster.target().join("bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", started.format("%Y-%m-%dT%H-%M-%SZ")));
    fs::write(&path, report.text()?)?;
    report.say(&format!("\n{seconds} s; written to {}", path.display()))
}

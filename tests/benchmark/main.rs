//! Measures the framework beside hand-written handlers that do the same on the same data. `tests/bench` builds and runs it.
//!
//! It has a cluster of its own, which is gone afterwards; what it found is printed and written to `target/bench/`. `--quick` takes less
//! data and less time, to try it out; its numbers mean little. With names of sections it measures these alone.

mod agent;
mod arrange;
mod audit;
mod backbone;
mod cluster;
mod data;
mod event;
mod generator;
mod hand;
mod http;
mod identity;
mod ingest;
mod jobs;
mod library;
mod limit;
mod listing;
mod live;
mod machine;
mod plan;
mod policy;
mod receiver;
mod report;
mod restart;
mod scale;
mod sealed;
mod server;
mod stall;
mod startup;
mod stream;
mod traffic;
mod webhooks;

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use saas_core::Clock;
use serde_json::json;

use crate::{backbone::Backbone, cluster::Cluster, identity::Identity, library::Library, machine::Machine, plan::Plan, report::Report};

/// Nobody branches on what goes wrong here: it is printed.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What can be measured: in this process; of the product with all its rows; of its events; of who is asking; of the framework without a product.
const HERE: [&str; 1] = ["rate_limits"];
const PRODUCT: [&str; 6] = ["list", "policy", "rows", "ingest", "program", "restart"];
const EVENTS: [&str; 3] = ["live", "stall", "webhooks"];
const IDENTITY: [&str; 3] = ["identity", "sign_in", "timing"];
const LIBRARY: [&str; 4] = ["jobs", "audit", "event", "sealed"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // A process of its own for each hand-written server; it reads what it should be from its input.
        ["serve"] => hand::serve(),
        ["--quick", sections @ ..] => measure(Plan::quick(), sections),
        sections => measure(Plan::full(), sections),
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

/// The sections that somebody named; all of them if none.
struct Wanted<'a>(&'a [&'a str]);

impl<'a> Wanted<'a> {
    fn read(named: &'a [&'a str]) -> Outcome<Self> {
        let all = [HERE.as_slice(), &PRODUCT, &EVENTS, &IDENTITY, &LIBRARY].concat();
        match named.iter().find(|name| !all.contains(name)) {
            None => Ok(Self(named)),
            Some(name) => Err(format!("{name}? usage: tests/bench [--quick] [SECTION…], of {}", all.join(", ")).into()),
        }
    }

    fn has(&self, section: &str) -> bool {
        self.0.is_empty() || self.0.contains(&section)
    }

    fn has_any(&self, sections: &[&str]) -> bool {
        sections.iter().any(|section| self.has(section))
    }
}

/// One thread: what measures should take little of what is measured.
fn measure(plan: Plan, sections: &[&str]) -> Outcome<()> {
    let wanted = Wanted::read(sections)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let cluster = Cluster::start().await?;
        let outcome = tokio::select! {
            outcome = measure_all(&cluster, &plan, &wanted) => outcome,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        };
        cluster.remove().await?;
        outcome
    })
}

async fn measure_all(cluster: &Cluster, plan: &Plan, wanted: &Wanted<'_>) -> Outcome<()> {
    let machine = Machine::look(cluster.version())?;
    let started = Clock::system().now();
    let mut report = Report::begin(&machine, plan)?;
    // First: what others leave free in this process would hide what it takes.
    if wanted.has_any(&HERE) {
        limit::measure(plan, &mut report).await?;
    }
    // What one part was measured with is gone before the next one begins.
    if wanted.has_any(&PRODUCT) {
        measure_product(cluster, plan, wanted, &mut report).await?;
    }
    if wanted.has_any(&EVENTS) {
        measure_events(cluster, plan, wanted, &mut report).await?;
    }
    if wanted.has_any(&IDENTITY) {
        measure_identity(cluster, plan, wanted, &mut report).await?;
    }
    if wanted.has_any(&LIBRARY) {
        measure_library(cluster, plan, wanted, &mut report).await?;
    }
    let seconds = (Clock::system().now() - started).num_seconds();
    report.section("run", json!({ "seconds": seconds, "load_average_after": machine::load_average()? }))?;
    let folder = cluster.target().join("bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", started.format("%Y-%m-%dT%H-%M-%SZ")));
    fs::write(&path, report.text()?)?;
    report.say(&format!("\n{seconds} s; written to {}", path.display()))
}

async fn measure_product(cluster: &Cluster, plan: &Plan, wanted: &Wanted<'_>, report: &mut Report) -> Outcome<()> {
    let arranged = arrange::arrange(cluster, plan, report).await?;
    if wanted.has("list") {
        listing::measure(cluster, &arranged, plan, report).await?;
    }
    if wanted.has("policy") {
        policy::measure(cluster, &arranged, plan, report).await?;
    }
    if wanted.has("rows") {
        scale::measure(cluster, &arranged, plan, report).await?;
    }
    if wanted.has("ingest") {
        ingest::measure(cluster, &arranged, plan, report).await?;
    }
    if wanted.has("program") {
        startup::measure(cluster, &arranged, report).await?;
    }
    if wanted.has("restart") {
        restart::measure(cluster, &arranged, plan, report).await?;
    }
    Ok(())
}

async fn measure_events(cluster: &Cluster, plan: &Plan, wanted: &Wanted<'_>, report: &mut Report) -> Outcome<()> {
    let backbone = Backbone::start(cluster, plan).await?;
    if wanted.has("live") {
        live::measure(&backbone, plan, report).await?;
    }
    if wanted.has("stall") {
        stall::measure(&backbone, plan, report).await?;
    }
    if wanted.has("webhooks") {
        webhooks::measure(&backbone, plan, report).await?;
    }
    Ok(())
}

async fn measure_identity(cluster: &Cluster, plan: &Plan, wanted: &Wanted<'_>, report: &mut Report) -> Outcome<()> {
    let identity = Identity::start(cluster, plan).await?;
    if wanted.has("identity") {
        identity::measure_requests(&identity, plan, report).await?;
    }
    if wanted.has("sign_in") {
        identity::measure_sign_in(&identity, plan, report).await?;
    }
    if wanted.has("timing") {
        identity::measure_timing(&identity, plan, report).await?;
    }
    Ok(())
}

async fn measure_library(cluster: &Cluster, plan: &Plan, wanted: &Wanted<'_>, report: &mut Report) -> Outcome<()> {
    let library = Library::start(cluster, plan).await?;
    if wanted.has("jobs") {
        jobs::measure(&library, plan, report).await?;
    }
    if wanted.has("audit") {
        audit::measure(&library, plan, report).await?;
    }
    if wanted.has("event") {
        event::measure(&library, plan, report).await?;
    }
    if wanted.has("sealed") {
        sealed::measure(&library, plan, report).await?;
    }
    Ok(())
}

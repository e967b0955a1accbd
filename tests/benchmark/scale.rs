//! The same list in a database with a hundredth of the rows.

use serde_json::json;

use crate::{
    Outcome,
    arrange::{Arranged, lists},
    cluster::Cluster,
    generator::{Figures, drive, measured, median},
    listing::warm_up,
    plan::Plan,
    report::Report,
};

pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let postmaster = cluster.postmaster()?;
    let (many, few) = (lists(&arranged.tenants), lists(&arranged.few));
    let mut rounds = (Vec::new(), Vec::new());
    for (server, requests) in [(&arranged.product, &many), (&arranged.small, &few)] {
        drive(server.address, requests, plan.connections, warm_up(plan)).await?;
    }
    for _ in 0..plan.rounds {
        rounds.0.push(measured(&arranged.product, postmaster, &many, plan.connections, plan.round).await?);
        rounds.1.push(measured(&arranged.small, postmaster, &few, plan.connections, plan.round).await?);
    }
    let (rows, few_rows) = (plan.tenants * plan.devices, plan.tenants * plan.few_devices);
    report.heading("The same list by the number of rows", "a second")?;
    report.figures(&format!("{rows} rows"), &Figures::median(&rounds.0))?;
    report.figures(&format!("{few_rows} rows"), &Figures::median(&rounds.1))?;
    let ratio = median(rounds.0.iter().zip(&rounds.1).map(|(many, few)| many.p95_ms / few.p95_ms));
    report.ratio(&format!("p95 at {rows} to p95 at {few_rows} rows"), ratio, " (expected: 1.2 or less)")?;
    report.section("rows", json!({ "many": rounds.0, "few": rounds.1, "rows": rows, "few_rows": few_rows, "ratio_p95": ratio }))
}

//! How many people sign in a second, with how much memory, and what others notice of it.

use std::sync::Arc;

use serde_json::json;

use super::{Identity, PASSWORD};
use crate::{
    Outcome,
    arrange::lists,
    generator::{Requests, drive, measured, quantile_ms},
    http::request,
    machine::memory_mib,
    plan::Plan,
    report::Report,
};

/// As many at once as are answered and not sent away, when all cores hash.
const CONNECTIONS: usize = 4;

pub(crate) async fn measure(identity: &Identity, plan: &Plan, report: &mut Report) -> Outcome<()> {
    identity.accounts("in-", plan.sign_ins).await?;
    let sign_in = |number: usize| {
        let body = json!({ "email": format!("in-{number}@example.test"), "password": PASSWORD });
        request("POST", "/api/v1/auth/sign-in", &[("sec-fetch-site", "same-origin")], body.to_string().as_bytes())
    };
    let sign_ins: Requests = Arc::new((0..plan.sign_ins).map(sign_in).collect());
    let (server, others) = (&identity.product, lists(&identity.tenants));
    drive(server.address, &sign_ins, CONNECTIONS, plan.round / 2).await?;
    let alone = drive(server.address, &others, 1, plan.round).await?;
    let (before, _) = memory_mib(server.process)?;
    let figures = measured(server, identity.postmaster, &sign_ins, CONNECTIONS, plan.round * 2).await?;
    let (during, most) = memory_mib(server.process)?;
    let (signing_in, beside) =
        tokio::join!(drive(server.address, &sign_ins, CONNECTIONS, plan.round * 2), drive(server.address, &others, 1, plan.round * 2),);
    let (signing_in, beside) = (signing_in?, beside?);
    let per_second = signing_in.answered as f64 / signing_in.elapsed.as_secs_f64();
    let (p99_alone, p99_beside) = (quantile_ms(&alone.latency, 0.99), quantile_ms(&beside.latency, 0.99));
    report.heading("Signing in", "a second")?;
    report.figures("the right password", &figures)?;
    report.say(&format!(
        "  memory: {before:.0} MiB before, {during:.0} MiB while, {most:.0} MiB at most (expected: 64 or less for the hashing)\n  a list beside \
         {per_second:.0} sign-ins a second: p99 {p99_beside:.2} ms, alone {p99_alone:.2} ms"
    ))?;
    report.section(
        "sign_in",
        json!({
            "figures": figures, "memory_before_mib": before, "memory_during_mib": during, "memory_most_mib": most,
            "list_p99_ms_alone": p99_alone, "list_p99_ms_beside": p99_beside, "sign_ins_per_second_beside": per_second,
        }),
    )
}

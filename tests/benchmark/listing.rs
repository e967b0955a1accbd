//! A list of 50 devices over HTTP: authenticated, of one tenant, permission checked.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::{
    Outcome,
    arrange::{Arranged, bare_lists, lists},
    cluster::Cluster,
    generator::{Figures, Requests, drive, measured, median},
    http::call,
    plan::Plan,
    report::Report,
    server::Server,
};

pub(crate) async fn measure(cluster: &Cluster, arranged: &Arranged, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let (with_session, without) = (lists(&arranged.tenants), bare_lists(&arranged.tenants));
    let servers = [
        (&arranged.product, &with_session),
        (&arranged.quiet, &with_session),
        (&arranged.policy, &with_session),
        (&arranged.filter, &with_session),
        (&arranged.bare, &without),
    ];
    same_answers(&servers).await?;
    let postmaster = cluster.postmaster()?;
    for (server, requests) in servers {
        drive(server.address, requests, plan.connections, warm_up(plan)).await?;
    }
    let mut rounds: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    for _ in 0..plan.rounds {
        for (server, requests) in servers {
            let figures = measured(server, postmaster, requests, plan.connections, plan.round).await?;
            rounds.entry(server.name).or_default().push(figures);
        }
    }
    report.heading("List of 50 devices", "a second")?;
    for (server, _) in servers {
        report.figures(server.name, &Figures::median(&rounds[server.name]))?;
    }
    // Each round beside its neighbours, so that what disturbs the machine for a while disturbs both.
    let ratio = |to: &Server| {
        median(rounds[arranged.product.name].iter().zip(&rounds[to.name]).map(|(ours, theirs)| ours.per_second / theirs.per_second))
    };
    let (to_policy, to_filter, to_bare) = (ratio(&arranged.policy), ratio(&arranged.filter), ratio(&arranged.bare));
    report.ratio("framework to hand-written with RLS", to_policy, " (expected: 0.95 or more)")?;
    report.ratio("framework to hand-written with where", to_filter, "")?;
    report.ratio("framework to the query alone", to_bare, "")?;
    let quiet = 1.0 / ratio(&arranged.quiet);
    report.ratio("framework without a log line for each request to with", quiet, "")?;
    let medians: BTreeMap<_, _> = rounds.iter().map(|(name, rounds)| (*name, Figures::median(rounds))).collect();
    report.section(
        "list",
        json!({
            "medians": medians, "rounds": rounds,
            "ratio_to_by_hand_rls": to_policy, "ratio_to_by_hand_where": to_filter, "ratio_to_query_alone": to_bare,
            "quiet_to_default_log": quiet,
        }),
    )
}

pub(crate) fn warm_up(plan: &Plan) -> Duration {
    plan.round / 2
}

/// The servers are comparable only if they list the same; each has cursors of its own.
async fn same_answers(servers: &[(&Server, &Requests)]) -> Outcome<()> {
    let mut expected = None;
    for (server, requests) in servers {
        let answer = call(server.address, &requests[0]).await?;
        let items = answer.get("items").cloned().ok_or_else(|| format!("{} lists nothing", server.name))?;
        let known = expected.get_or_insert_with(|| items.clone());
        if *known != items {
            return Err(format!("{} does not list what the others list", server.name).into());
        }
    }
    Ok(())
}

//! The audit log with its chain: rows that are written while others are sealed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use saas_core::{Actor, Db, Lifecycle, MasterKey, TenantId, audit::AuditChain, event_in};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    Outcome,
    event::Noted,
    generator::{Figures, histogram, micros},
    library::Library,
    machine::Used,
    plan::Plan,
    report::Report,
};

/// Transactions at the same time, each of which writes a row.
const WRITERS: usize = 8;

/// How many tenants, each with a chain of its own.
const TENANTS: usize = 50;

/// How often it is looked how much waits.
const LOOK: Duration = Duration::from_millis(250);

pub(crate) async fn measure(library: &Library, plan: &Plan, report: &mut Report) -> Outcome<()> {
    let chain = AuditChain::new(&library.db, &MasterKey::generate());
    let all = plan.round * u32::try_from(plan.rounds)?;
    report.heading(&format!("Audit rows of {TENANTS} tenants, {WRITERS} written at once"), "rows/s")?;
    let (unsealed, rows) = write(library, all).await?;
    report.figures("without the chain", &unsealed)?;

    // What waits now is sealed as fast as it goes.
    let (sealing, started) = (chain.clone(), Instant::now());
    let sealed = library.run(async move { Ok(sealing.seal_now().await?) }).await?;
    let backlog = sealed as f64 / started.elapsed().as_secs_f64();
    if sealed < rows {
        return Err(format!("{sealed} of {rows} rows were sealed").into());
    }

    let (lifecycle, sealing) = (Lifecycle::new(), chain.clone());
    let stopping = lifecycle.clone();
    library
        .run(async move {
            sealing.start_sealing(&stopping);
            Ok(())
        })
        .await?;
    let started = Instant::now();
    let watching = async {
        let mut lag = 0.0_f64;
        while started.elapsed() < all {
            tokio::time::sleep(LOOK).await;
            lag = lag.max(state(library, &chain).await?.1);
        }
        Outcome::Ok(lag)
    };
    let (written, lag) = tokio::try_join!(write(library, all), watching)?;
    let (figures, rows) = written;
    while state(library, &chain).await?.0 > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let both = rows as f64 / started.elapsed().as_secs_f64();
    lifecycle.drain();
    report.figures("with it", &figures)?;
    report.say(&format!(
        "  written and sealed: {both:.0} rows a second (expected: 1000 or more); the oldest unsealed row was {lag:.1} s old at most; a backlog of {sealed}: {backlog:.0} \
         rows a second"
    ))?;
    report.ratio("rows a second with the chain to without", figures.per_second / unsealed.per_second, "")?;
    report.section(
        "audit",
        json!({
            "without_chain": unsealed, "with_chain": figures, "written_and_sealed_per_second": both, "lag_most_s": lag,
            "backlog": sealed, "backlog_per_second": backlog,
        }),
    )
}

/// How many rows wait, and how old the oldest is in seconds.
async fn state(library: &Library, chain: &AuditChain) -> Outcome<(i64, f64)> {
    let chain = chain.clone();
    let state = library.run(async move { Ok(chain.state().await?) }).await?;
    Ok((state.unsealed, state.lag_seconds))
}

/// Writes for a while; the figures, and how many rows it were.
async fn write(library: &Library, until: Duration) -> Outcome<(Figures, u64)> {
    let (db, tenants) = (library.db.clone(), Arc::new(library.tenants.iter().copied().take(TENANTS).collect::<Vec<_>>()));
    let (before, started) = (Used::now(0, library.postmaster)?, Instant::now());
    let took = library
        .run(async move {
            let mut tasks = JoinSet::new();
            for nth in 0..WRITERS {
                tasks.spawn(one_after_another(db.clone(), Arc::clone(&tenants), nth, until));
            }
            let mut all = histogram()?;
            while let Some(done) = tasks.join_next().await {
                all.add(done??)?;
            }
            Ok(all)
        })
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    let used = Used::now(0, library.postmaster)?.since(before, took.len());
    Ok((Figures::of(&took, took.len() as f64 / seconds, used), took.len()))
}

async fn one_after_another(db: Db, tenants: Arc<Vec<TenantId>>, nth: usize, until: Duration) -> Outcome<Histogram<u64>> {
    let (mut took, started) = (histogram()?, Instant::now());
    for tenant in tenants.iter().cycle().skip(nth * 13) {
        let began = Instant::now();
        if started.elapsed() >= until {
            break;
        }
        let mut tx = db.tenant(*tenant).begin().await?;
        event_in(&mut tx, Actor::System, "note", &Noted { text: "A note of some length, as notes are.".to_owned() }).await?;
        tx.commit().await?;
        took.record(micros(began.elapsed()))?;
    }
    Ok(took)
}

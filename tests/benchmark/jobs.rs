//! Jobs: enqueued by tenants, done by a node.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use saas_core::{Db, Job, JobError, JobOptions, Jobs, JobsConfig, Lifecycle, TenantId, TenantRun, job_in};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use crate::{Outcome, library::Library, machine::Used, plan::Plan, report::Report};

/// How many are done side by side: what a node does when nothing is said, and more.
const SLOTS: [usize; 2] = [4, 8];

/// Jobs that one transaction enqueues.
const TOGETHER: usize = 50;

/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Something that is quickly done.
#[derive(Debug, Serialize, Deserialize)]
struct Look {}

impl Job for Look {
    const NAME: &'static str = "bench.look";
}

/// How far they are.
#[derive(Default)]
struct Done {
    jobs: AtomicUsize,
    all: Notify,
}

pub(crate) async fn measure(library: &Library, plan: &Plan, report: &mut Report) -> Outcome<()> {
    report.say(&format!(
        "\nJobs of {} tenants, {} in all; each reads in its tenant and is completed in its own transaction",
        library.tenants.len(),
        plan.jobs
    ))?;
    let mut section = Vec::new();
    for slots in SLOTS {
        let (db, tenants, jobs) = (library.db.clone(), library.tenants.clone(), plan.jobs);
        let started = Instant::now();
        library.run(enqueue(db.clone(), tenants, jobs)).await?;
        let enqueued = jobs as f64 / started.elapsed().as_secs_f64();
        let (before, started) = (Used::now(0, library.postmaster)?, Instant::now());
        library.run(work(db, slots, jobs)).await?;
        let done = jobs as f64 / started.elapsed().as_secs_f64();
        let used = Used::now(0, library.postmaster)?.since(before, jobs as u64);
        report.say(&format!(
            "{slots:>3} at once: {done:.0} jobs a second ({:.0} µs of the node's processor each, {:.0} of the database's; others {:.0} %); \
             enqueued {enqueued:.0} a second, {TOGETHER} in a transaction",
            used.generator_us, used.postgres_us, used.others_percent
        ))?;
        section.push(json!({ "slots": slots, "jobs": jobs, "per_second": done, "enqueued_per_second": enqueued, "cpu": used }));
    }
    report.section("jobs", section)
}

async fn enqueue(db: Db, tenants: Vec<TenantId>, jobs: usize) -> Outcome<()> {
    for tenant in tenants.iter().cycle().take(jobs / TOGETHER) {
        let mut tx = db.tenant(*tenant).begin().await?;
        for _ in 0..TOGETHER {
            job_in(&mut tx, &Look {}, JobOptions::new()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Works until all are done.
async fn work(db: Db, slots: usize, jobs: usize) -> Outcome<()> {
    let (handlers, lifecycle, done) = (Jobs::new(&db), Lifecycle::new(), Arc::new(Done::default()));
    handlers.on({
        let done = Arc::clone(&done);
        move |run: TenantRun, _: Look| {
            let done = Arc::clone(&done);
            async move {
                look(&run).await?;
                if done.jobs.fetch_add(1, Ordering::Relaxed) + 1 == jobs {
                    done.all.notify_one();
                }
                Ok(())
            }
        }
    });
    let running = handlers.start(JobsConfig { concurrency: slots, ..JobsConfig::default() }, &lifecycle).await?;
    let outcome = tokio::time::timeout(PATIENCE, done.all.notified()).await;
    lifecycle.drain();
    running.drained().await;
    outcome.map_err(|_| format!("{} of {jobs} jobs were done", done.jobs.load(Ordering::Relaxed)).into())
}

async fn look(run: &TenantRun) -> Result<(), JobError> {
    let mut tx = run.db().begin().await?;
    sqlx::query("select slug from core.tenant where id = $1").bind(run.tenant()).fetch_one(&mut *tx).await?;
    run.complete_in(&mut tx).await?;
    Ok(tx.commit().await?)
}

//! `graphile_worker`: nothing outside this file names its types or calls its functions from a program.

use std::{error::Error, fmt, marker::PhantomData, sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_core::future::BoxFuture;
use graphile_worker::{
    Crontab, CrontabFill, Database, IntoTaskHandlerResult, Schema, TaskHandler, Worker, WorkerContext, WorkerOptions, WorkerUtils,
    parse_crontab,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Executor as _, PgConnection, PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use super::{Job, JobId, JobsConfig, attempt::Unfinished, handlers::Schedule};
use crate::{Clock, Lifecycle, Secret};

type Failure = Box<dyn Error + Send + Sync>;

/// What the library's tables need besides.
pub(crate) const INSTALL: &str = include_str!("install.sql");

/// The notices that the library sends when a job is enqueued.
pub(super) const CHANNEL: &str = "jobs:insert";

/// How far back a missed time of a schedule is made up for.
const MAKE_UP: CrontabFill = CrontabFill::days(1);

/// Makes or updates the library's tables as the owner, whose connection holds the migration lock.
pub(crate) async fn install(owner: &Secret, connection: &mut PgConnection) -> Result<(), Failure> {
    let pool = PgPoolOptions::new().max_connections(1).connect(owner.expose()).await?;
    let migrated = WorkerUtils::new(Database::from(pool.clone()), Schema::default()).migrate().await;
    pool.close().await;
    migrated?;
    connection.execute(INSTALL).await?;
    Ok(())
}

/// Registers jobs of one name.
#[derive(Clone, Copy)]
pub(super) struct Define(fn(WorkerOptions) -> WorkerOptions);

pub(super) fn define<J: Job>() -> Define {
    Define(|options| options.define_job::<Alarm<J>>())
}

/// What the library knows of a job. Without an id it is cron's, and there is no job yet.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Alarm<J> {
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(skip)]
    job: PhantomData<fn() -> J>,
}

impl<J: Job> TaskHandler for Alarm<J> {
    const IDENTIFIER: &'static str = J::NAME;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let ring = Ring { name: J::NAME, job: self.id.map(JobId::from), alarm: *context.job().id() };
        match context.get_ext::<Bell>() {
            Some(bell) => (bell.0)(ring).await.map_err(|error| error.to_string()),
            None => Err("nobody hears the alarm".to_owned()),
        }
    }
}

/// An alarm that rings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub(super) name: &'static str,
    pub(super) job: Option<JobId>,
    pub(super) alarm: i64,
}

/// What is done when an alarm rings. After an error it rings again, if it is still ours.
#[derive(Clone)]
pub(super) struct Bell(pub(super) Arc<dyn Fn(Ring) -> BoxFuture<'static, Result<(), Unfinished>> + Send + Sync>);

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bell")
    }
}

/// One of the jobs that run side by side; each claims under a name of its own.
pub(super) struct Slot(Worker);

impl Slot {
    pub(super) async fn new(
        pool: &PgPool,
        defines: impl Iterator<Item = Define>,
        bell: Bell,
        config: &JobsConfig,
        lifecycle: &Lifecycle,
    ) -> Result<Self, Failure> {
        let options = defines.fold(base(pool, lifecycle), |options, define| (define.0)(options));
        let options = options
            .concurrency(1)
            .add_extension(bell)
            .shutdown_grace_period(config.drain)
            .shutdown_interrupted_job_retry_delay(Duration::ZERO);
        Ok(Self(options.init().await?))
    }

    pub(super) fn name(&self) -> String {
        self.0.worker_id().clone()
    }

    /// Does one job after another until none is due or the program stops. What cannot be claimed is logged by the library, and tried again
    /// the next time.
    pub(super) async fn drain(&self) {
        if let Err(error) = self.0.run_once().await {
            tracing::warn!(error = %error, "jobs could not be claimed");
        }
    }

    /// Gives back what the slot still claims although it does nothing: a server that went away was not told how a job ended, or could not
    /// tell that it had handed one out. The library would leave it claimed for four hours, because the slot lives.
    pub(super) async fn let_go(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let_go(pool, &[self.name()]).await
    }
}

/// What these workers claim is anybody's again.
async fn let_go(pool: &PgPool, workers: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query("update graphile_worker._private_jobs set locked_at = null, locked_by = null where locked_by = any($1)")
        .bind(workers)
        .execute(pool)
        .await?;
    Ok(())
}

fn base(pool: &PgPool, lifecycle: &Lifecycle) -> WorkerOptions {
    let lifecycle = lifecycle.clone();
    WorkerOptions::default()
        .pg_pool(pool.clone())
        .listen_os_shutdown_signals(false)
        .shutdown_signal(async move { lifecycle.draining().await })
}

/// Says that these workers live.
pub(super) async fn heartbeat(pool: &PgPool, workers: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query("select graphile_worker.worker_heartbeat(worker, null) from unnest($1::text[]) worker").bind(workers).execute(pool).await?;
    Ok(())
}

/// Says that these workers are gone for good, and gives back what they still claim: one that was stopped while it was handed a job does not know of
/// it, and nobody else would before the lease of a worker that said good-bye is over.
pub(super) async fn farewell(pool: &PgPool, workers: &[String]) -> Result<(), sqlx::Error> {
    let_go(pool, workers).await?;
    sqlx::query("select graphile_worker.worker_deregister(worker) from unnest($1::text[]) worker").bind(workers).execute(pool).await?;
    Ok(())
}

/// Deletes cron's alarm in the transaction that enqueued its job.
pub(super) async fn silence(connection: &mut PgConnection, alarm: i64) -> Result<(), sqlx::Error> {
    sqlx::query("delete from graphile_worker._private_jobs where id = $1").bind(alarm).execute(connection).await?;
    Ok(())
}

/// Reads the schedules, or names the one that is wrong.
pub(super) fn crontabs(schedules: &[Schedule]) -> Result<Vec<Crontab>, &'static str> {
    schedules
        .iter()
        .map(|schedule| {
            let parsed = parse_crontab(&format!("{} job", schedule.cron)).ok().and_then(|mut parsed| parsed.pop());
            let mut crontab = Crontab::new(parsed.ok_or(schedule.name)?.timer, schedule.name);
            // Several alarms that nobody answered are one.
            crontab.options.job_key = Some(format!("cron {}", schedule.name));
            crontab.options.fill = Some(MAKE_UP);
            crontab.payload = Some(json!({}));
            Ok(crontab)
        })
        .collect()
}

/// Rings what cron wants, and takes jobs away from workers that show no life for as long as the lease. Until the program stops.
pub(super) async fn keep(pool: &PgPool, crontabs: Vec<Crontab>, config: &JobsConfig, lifecycle: &Lifecycle) -> Result<(), Failure> {
    for crontab in &crontabs {
        miss_all_but_the_latest(pool, crontab).await?;
    }
    let beat = config.lease / 4;
    let worker = base(pool, lifecycle)
        .concurrency(1)
        // It claims nothing.
        .use_notification_delivery(false)
        .poll_interval(Duration::from_secs(3600))
        .with_crons(crontabs)
        .heartbeat_interval(beat)
        .sweep_interval(beat)
        .sweep_threshold(config.lease)
        .recovery_delay(Duration::ZERO)
        .init()
        .await?;
    worker.run().await?;
    Ok(())
}

/// The library rings once for each time that was missed. One run makes up for all of them: those before the latest count as rung.
async fn miss_all_but_the_latest(pool: &PgPool, crontab: &Crontab) -> Result<(), sqlx::Error> {
    // As the library does, by the clock of the machine and in UTC.
    let now = Clock::system().now();
    let minutes = i64::from(MAKE_UP.to_secs() / 60);
    let mut times = (0..minutes).map(|ago| now - TimeDelta::minutes(ago)).filter(|time| crontab.should_run_at(&time.naive_utc()));
    let Some(before_the_latest) = times.nth(1) else { return Ok(()) };
    sqlx::query(
        "update graphile_worker._private_known_crontabs set last_execution = $2
         where identifier = $1 and coalesce(last_execution, known_since) < $2",
    )
    .bind(crontab.identifier())
    .bind(before_the_latest)
    .execute(pool)
    .await?;
    Ok(())
}

//! Work for later: enqueued in the transaction that wants it, done at least once, in the tenant that asked.
//!
//! ```
//! use saas_core::{Job, JobError, JobOptions, Jobs, TenantRun, TenantTx, DbError, job_in};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Welcome { name: String }
//!
//! impl Job for Welcome {
//!     const NAME: &'static str = "example.welcome";
//! }
//!
//! // In the transaction that makes it true; a rollback takes the job with it.
//! async fn member_added_in(tx: &mut TenantTx) -> Result<(), DbError> {
//!     job_in(tx, &Welcome { name: "Ada".to_owned() }, JobOptions::new()).await?;
//!     Ok(())
//! }
//!
//! async fn welcome(run: TenantRun, job: Welcome) -> Result<(), JobError> {
//!     let mut tx = run.db().begin().await?;
//!     tracing::info!(tenant.id = %run.tenant(), length = job.name.len(), "welcome");
//!     // What the handler wrote and that it is done are one transaction: it happens once, whatever dies when.
//!     run.complete_in(&mut tx).await?;
//!     tx.commit().await?;
//!     Ok(())
//! }
//!
//! fn compose(jobs: &Jobs) {
//!     jobs.on(welcome);
//! }
//! ```
//!
//! # What holds
//!
//! * A job runs at least once, and again after an error, a panic, its time limit or the death of its process; at last it is a dead letter
//!   that can be read and [replayed](DeadLetters). A payload that does not fit is a dead letter at once.
//! * The handler has a [`TenantDb`](crate::TenantDb) of the tenant that enqueued, or with [`SystemRun`] the system's of a job that has no
//!   tenant. A job without a tenant never reaches a handler that needs one, and a tenant's never one that runs for the system. While the
//!   tenant is suspended its jobs wait; those of a deleted one are deleted.
//! * Only the latest attempt can complete a job. A worker that was stopped for longer than its lease finds its attempt
//!   [superseded](Superseded); with `complete_in` what it wrote is undone too.
//! * Whoever has many jobs waiting delays nobody else by more than one of them.
//! * A job of a tenant is enqueued by the application's login, which can neither read the queue nor name another tenant.
//!
//! # The library beneath
//!
//! `graphile_worker` 0.14 keeps the alarms: which job rings when, who has claimed it, whose worker died, what cron wants. It was chosen over
//! `apalis-postgres` 1.0 because its `add_job` is SQL that runs in anybody's transaction; cron, its memory of missed runs, and the recovery
//! of dead workers after seconds come with it; it deletes what is done. apalis needs the `hstore` extension, keeps all rows until they are
//! vacuumed, retries in the memory of a worker or at once, claims ten at a time, and has cron elsewhere.
//!
//! What it lacks is ours, in `core.job`: it completes a job by its id alone, so a worker that comes back late would complete what another is
//! doing; it gives a dead worker's attempt back, so that a job that kills its process would for ever; it writes payloads to the log and
//! knows no tenants; its `run` takes one job a slot for each notice, so it drains a backlog at the rate of its polling. So an alarm carries
//! an id and nothing else, slots are driven by its `run_once`, and only `job/library.rs` names its types.

mod attempt;
mod dead;
mod error;
mod handlers;
mod inventory;
mod library;
mod options;
mod run;
mod stats;
mod worker;

pub use dead::{DeadLetter, DeadLetters, ReplayError};
pub use error::{JobError, StartError, Superseded};
pub use handlers::{Jobs, RunScope};
pub(crate) use inventory::JOBS;
#[cfg(feature = "testing")]
pub(crate) use library::INSTALL;
pub(crate) use library::install;
pub use options::{JobOptions, Lane};
pub use run::{SystemRun, TenantRun};
pub use stats::JobStats;
pub use worker::{JobsConfig, RunningJobs};

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::{DbError, SystemTx, TenantId, TenantTx};

crate::ids! {
    /// One thing that is to be done.
    pub JobId;
}

/// Something that can be done later. What it carries is kept until it is done, and readable to the operator: ids rather than contents.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// `crate.verb` or `crate.noun.verb`, of up to 100 letters, digits, `.`, `_`, `-`; the same for ever, for jobs of older releases wait.
    const NAME: &'static str;
    /// How often it is tried before it is a dead letter. With the default the last attempt is about nine hours after the first.
    const ATTEMPTS: u16 = 20;
    /// How long one attempt may take.
    const TIME_LIMIT: Duration = Duration::from_secs(300);
}

/// Enqueues a job of the transaction's tenant. It begins after the commit; after a rollback there is none.
///
/// With a [unique key](JobOptions::unique) the id may be that of the job that waits already.
///
/// # Errors
///
/// Fails if the row cannot be written; in a transaction without a tenant, always.
pub async fn job_in<J: Job>(tx: &mut TenantTx, job: &J, options: JobOptions) -> Result<JobId, DbError> {
    let row = options.row(job, tx.now())?;
    let id = sqlx::query_scalar!(
        r#"select core.job_add($1, $2, $3, $4, $5, $6, $7, $8) as "id!""#,
        row.id,
        J::NAME,
        row.payload,
        row.lane,
        row.unique,
        row.attempts,
        row.delay,
        row.at,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(id.into())
}

/// Enqueues a job from the system's side: for a tenant, or for none.
///
/// # Errors
///
/// Fails if the row cannot be written.
pub async fn job_system_in<J: Job>(tx: &mut SystemTx, tenant: Option<TenantId>, job: &J, options: JobOptions) -> Result<JobId, DbError> {
    let row = options.row(job, tx.now())?;
    let id = sqlx::query_scalar!(
        r#"select core.job_put($1, $2, $3, $4, $5, $6, $7, $8, $9) as "id!""#,
        row.id,
        tenant.map(uuid::Uuid::from) as Option<uuid::Uuid>,
        J::NAME,
        row.payload,
        row.lane,
        row.unique,
        row.attempts,
        row.delay,
        row.at,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(id.into())
}

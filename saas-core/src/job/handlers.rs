use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_core::future::BoxFuture;
use serde_json::Value;

use super::{
    Job, JobError, JobsConfig, RunningJobs, StartError, SystemRun, TenantRun, library,
    run::Attempt,
    worker::{self, Work},
};
use crate::{Db, Lifecycle, TenantId};

/// Which handler does which job, and what cron starts. Cheap to clone; clones share the handlers.
#[derive(Clone)]
pub struct Jobs {
    db: Db,
    registered: Arc<Mutex<Registered>>,
}

#[derive(Default)]
struct Registered {
    handlers: BTreeMap<&'static str, Handler>,
    schedules: Vec<Schedule>,
    twice: Option<&'static str>,
}

/// What to do with a job of one name.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) time_limit: Duration,
    pub(super) attempts: u16,
    /// Registers the job's name with the library.
    pub(super) define: library::Define,
    pub(super) call: Arc<Call>,
}

/// Reads the payload and begins the work; a refusal is final.
type Call = dyn Fn(&Db, Attempt, Option<TenantId>, Value) -> Result<BoxFuture<'static, Result<(), JobError>>, JobError> + Send + Sync;

/// When cron enqueues what.
#[derive(Clone)]
pub(super) struct Schedule {
    pub(super) name: &'static str,
    pub(super) cron: &'static str,
    pub(super) payload: Value,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TenantRun {}
    impl Sealed for super::SystemRun {}
}

/// What a handler is given besides the job: [`TenantRun`] or [`SystemRun`]. It decides whose jobs the handler does.
pub trait RunScope: sealed::Sealed + Sized + Send + 'static {
    #[doc(hidden)]
    fn open(db: &Db, attempt: OpaqueAttempt, tenant: Option<TenantId>, name: &'static str) -> Option<Self>;
}

/// Part of a sealed trait; nobody outside can make one.
#[doc(hidden)]
#[derive(Debug)]
pub struct OpaqueAttempt(Attempt);

impl RunScope for TenantRun {
    fn open(db: &Db, attempt: OpaqueAttempt, tenant: Option<TenantId>, _: &'static str) -> Option<Self> {
        tenant.map(|tenant| Self::new(attempt.0, tenant, db))
    }
}

impl RunScope for SystemRun {
    fn open(db: &Db, attempt: OpaqueAttempt, tenant: Option<TenantId>, name: &'static str) -> Option<Self> {
        tenant.is_none().then(|| Self::new(attempt.0, name, db))
    }
}

impl Jobs {
    /// No handlers yet.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), registered: Arc::default() }
    }

    /// Jobs of this kind are done by this handler: an async function of a [`TenantRun`] or a [`SystemRun`] and the job.
    ///
    /// A handler may be cancelled at any await, by its time limit or the program's end, and be called again for the same job.
    pub fn on<J, R, F, T>(&self, handler: F) -> &Self
    where
        J: Job,
        R: RunScope,
        F: Fn(R, J) -> T + Send + Sync + 'static,
        T: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let call = move |db: &Db, attempt, tenant, payload| {
            let run = R::open(db, OpaqueAttempt(attempt), tenant, J::NAME).ok_or_else(|| {
                JobError::fatal(match tenant {
                    None => "the handler works for a tenant, and the job has none",
                    Some(_) => "the handler works for the system, and the job is a tenant's",
                })
            })?;
            let job = J::deserialize(payload).map_err(JobError::fatal)?;
            Ok(Box::pin(handler(run, job)) as BoxFuture<'static, _>)
        };
        let handler = Handler { time_limit: J::TIME_LIMIT, attempts: J::ATTEMPTS, define: library::define::<J>(), call: Arc::new(call) };
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if registered.handlers.insert(J::NAME, handler).is_some() {
            registered.twice = Some(J::NAME);
        }
        drop(registered);
        self
    }

    /// Enqueues the job, without a tenant, at the times of a crontab line in UTC: minute, hour, day of the month, month, day of the week.
    /// Its handler takes a [`SystemRun`]. One schedule for each kind of job.
    ///
    /// However many nodes there are, each time counts once. What was missed while no node ran is made up for by one run, if the last time
    /// was missed within a day. While one waits, no second one is enqueued.
    pub fn cron<J: Job>(&self, cron: &'static str, job: &J) -> &Self {
        // A job that cannot be written down cannot be read either, and would be a dead letter; so it is one.
        let payload = serde_json::to_value(job).unwrap_or_default();
        let schedule = Schedule { name: J::NAME, cron, payload };
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).schedules.push(schedule);
        self
    }

    /// Begins to work, until the program stops. Jobs of kinds without a handler here are left to nodes that have one.
    ///
    /// # Errors
    ///
    /// Fails if a job has two handlers, a schedule is wrong, or the database is away or not migrated.
    pub async fn start(&self, config: JobsConfig, lifecycle: &Lifecycle) -> Result<RunningJobs, StartError> {
        let (handlers, schedules) = {
            let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(name) = registered.twice {
                return Err(StartError::Twice(name));
            }
            (registered.handlers.clone(), registered.schedules.clone())
        };
        worker::start(Work { db: self.db.clone(), handlers, schedules, config }, lifecycle).await
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Jobs").field("handlers", &registered.handlers.keys()).finish_non_exhaustive()
    }
}

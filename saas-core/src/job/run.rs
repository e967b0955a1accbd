use super::{JobId, Superseded};
use crate::{Db, DbError, SystemDb, SystemTx, TenantDb, TenantId, TenantTx};

/// One attempt, as the database handed it out.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) id: JobId,
    /// Which beginning this is; the fence.
    pub(super) run: i32,
    /// The number of the attempt, from 1, and of the last one.
    pub(super) number: i32,
    pub(super) last: i32,
}

/// An attempt at a job of a tenant: what its handler is given.
#[derive(Debug, Clone)]
pub struct TenantRun {
    attempt: Attempt,
    tenant: TenantId,
    db: TenantDb,
}

/// An attempt at a job without a tenant: what its handler is given.
#[derive(Debug, Clone)]
pub struct SystemRun {
    attempt: Attempt,
    db: SystemDb,
}

macro_rules! attempt {
    ($run:ident) => {
        impl $run {
            /// The job. The same in each attempt, so what is done elsewhere can be told apart by it.
            #[must_use]
            pub fn id(&self) -> JobId {
                self.attempt.id
            }

            /// The number of the attempt, from 1.
            #[must_use]
            pub fn attempt(&self) -> u32 {
                self.attempt.number.unsigned_abs()
            }

            /// Whether the job is a dead letter if this attempt fails.
            #[must_use]
            pub fn is_last_attempt(&self) -> bool {
                self.attempt.number >= self.attempt.last
            }
        }
    };
}

attempt!(TenantRun);
attempt!(SystemRun);

impl TenantRun {
    pub(super) fn new(attempt: Attempt, tenant: TenantId, db: &Db) -> Self {
        Self { attempt, tenant, db: db.tenant(tenant) }
    }

    /// The tenant that enqueued the job, whatever the payload says.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The tenant's data.
    #[must_use]
    pub fn db(&self) -> &TenantDb {
        &self.db
    }

    /// Completes the job in this transaction, so that what the handler wrote and that it is done happen together, once. Without it the job
    /// is completed after the handler returns, and what it wrote may be written twice.
    ///
    /// # Errors
    ///
    /// [`Superseded`] if another attempt has begun; return it and the transaction rolls back.
    pub async fn complete_in(&self, tx: &mut TenantTx) -> Result<(), Superseded> {
        let completed =
            sqlx::query_scalar!(r#"select core.job_complete($1, $2) as "completed!""#, uuid::Uuid::from(self.attempt.id), self.attempt.run)
                .fetch_one(&mut **tx)
                .await
                .map_err(DbError::from)?;
        if completed { Ok(()) } else { Err(Superseded::Superseded) }
    }
}

impl SystemRun {
    pub(super) fn new(attempt: Attempt, name: &'static str, db: &Db) -> Self {
        Self { attempt, db: db.system(name) }
    }

    /// All tenants' data. Its uses are counted by the job's name.
    #[must_use]
    pub fn db(&self) -> &SystemDb {
        &self.db
    }

    /// As [`TenantRun::complete_in`].
    ///
    /// # Errors
    ///
    /// [`Superseded`] if another attempt has begun; return it and the transaction rolls back.
    pub async fn complete_in(&self, tx: &mut SystemTx) -> Result<(), Superseded> {
        let completed =
            sqlx::query_scalar!(r#"select core.job_end($1, $2) as "completed!""#, uuid::Uuid::from(self.attempt.id), self.attempt.run)
                .fetch_one(&mut **tx)
                .await
                .map_err(DbError::from)?;
        if completed { Ok(()) } else { Err(Superseded::Superseded) }
    }
}

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::AuditChain;
use crate::{DbError, Job, JobError, Jobs, Ledger, SystemRun, TenantDb};

/// How long the program's own ledger is kept, in which are the sign-ins of everybody.
const OWN: TimeDelta = TimeDelta::days(365);

#[derive(Debug, Serialize, Deserialize)]
struct PruneAudit {}

impl Job for PruneAudit {
    const NAME: &'static str = "core.audit.prune";
}

impl AuditChain {
    /// Each night (UTC) deletes what a tenant's plan does not keep any longer, and what the program's own ledger has kept for a year. `kept`
    /// says for how long the entries of a tenant are kept, with its data at hand; nothing for ever.
    ///
    /// A tenant whose plan cannot be read, or whose chain is broken, keeps what it has and holds up none of the others.
    pub fn prune_daily<F, R>(&self, jobs: &Jobs, kept: F)
    where
        F: Fn(TenantDb) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<Option<TimeDelta>, DbError>> + Send,
    {
        let chain = self.clone();
        jobs.on(move |_: SystemRun, _: PruneAudit| {
            let (chain, kept) = (chain.clone(), kept.clone());
            async move { chain.prune_all(kept).await.map_err(JobError::from) }
        });
        jobs.cron("20 3 * * *", &PruneAudit {});
    }

    /// What [`prune_daily`](Self::prune_daily) does, now.
    ///
    /// # Errors
    ///
    /// Fails if the database does, for one ledger or for all; the others are pruned all the same.
    pub async fn prune_all<F, R>(&self, kept: F) -> Result<(), DbError>
    where
        F: Fn(TenantDb) -> R,
        R: Future<Output = Result<Option<TimeDelta>, DbError>>,
    {
        let mut failed = Ok(());
        for ledger in self.ledgers().await? {
            if let Err(error) = self.prune_kept(ledger, &kept).await {
                tracing::warn!(tenant.id = %ledger.id(), error = &error as &dyn std::error::Error, "an audit log could not be pruned");
                failed = Err(error);
            }
        }
        failed
    }

    async fn prune_kept<F, R>(&self, ledger: Ledger, kept: F) -> Result<(), DbError>
    where
        F: Fn(TenantDb) -> R,
        R: Future<Output = Result<Option<TimeDelta>, DbError>>,
    {
        let kept = match ledger {
            Ledger::Platform => Some(OWN),
            Ledger::Tenant(tenant) => kept(self.db.tenant(tenant)).await?,
        };
        let Some(kept) = kept else { return Ok(()) };
        let pruned = self.prune(ledger, self.db.clock().now() - kept).await?;
        if pruned > 0 {
            tracing::info!(tenant.id = %ledger.id(), entries = pruned, "audit entries were kept as long as the plan says, and deleted");
        }
        Ok(())
    }
}

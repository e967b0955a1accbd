use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{
    Actor, EraseAgain, Erased, ErasedAgain, Erasures, Job, JobError, Jobs, Ledger, PurgeError, SystemDb, SystemRun, TenantId, TenantStore,
    mail::MailInError, system_event_in, tenant_purge, tenant_purged_in,
};
use serde::{Deserialize, Serialize};
use sqlx::query;
use uuid::Uuid;

use super::{
    OrganizationPurged,
    letter::{Reason, Stage, owners_told_in},
};
use crate::Tenancy;

/// How long before the end owners are reminded.
const REMINDER: TimeDelta = TimeDelta::days(3);

#[derive(Debug, Serialize, Deserialize)]
struct PurgeOrganizations {}

impl Job for PurgeOrganizations {
    const NAME: &'static str = "tenancy.purge";
    const TIME_LIMIT: Duration = Duration::from_secs(3600);
}

/// Organizations could not be deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationPurgeError {
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// Of those that are due, so many are not purged yet; the source is what stood in the way of the last.
    #[error("{left} organizations are not purged yet")]
    Left {
        /// How many.
        left: usize,
        /// Why.
        #[source]
        source: PurgeError,
    },
}

impl From<sqlx::Error> for OrganizationPurgeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Mail(error.into())
    }
}

impl From<saas_core::DbError> for OrganizationPurgeError {
    fn from(error: saas_core::DbError) -> Self {
        Self::Mail(error.into())
    }
}

impl Tenancy {
    /// Each night (UTC) [purges](Self::purge) the organizations that have been leaving for 30 days. `stores` is what keeps something of tenants
    /// outside the database, such as [`Files`](saas_core::file::Files). Which are purged stands in the list afterwards, and after a restore they are
    /// purged again by it.
    pub fn purge_daily(&self, jobs: &Jobs, erasures: &Erasures, stores: Vec<Arc<dyn TenantStore>>) {
        let tenancy = self.clone();
        let archives = self.archives().map(|archives| Arc::new(archives.clone()) as Arc<dyn TenantStore>);
        let stores: Vec<_> = stores.into_iter().chain(archives).collect();
        erasures.register(PurgeAgain { tenancy: tenancy.clone(), stores: stores.clone() });
        let erasures = erasures.clone();
        jobs.on(move |run: SystemRun, _: PurgeOrganizations| {
            let (tenancy, stores, erasures) = (tenancy.clone(), stores.clone(), erasures.clone());
            async move {
                let purged = tenancy.purge(run.db(), &stores).await;
                // Whatever stood in the way of one, the others are gone.
                let kept = erasures.keep(run.db()).await;
                purged?;
                kept.map(drop).map_err(JobError::from)
            }
        });
        jobs.cron("5 4 * * *", &PurgeOrganizations {});
    }

    /// Deletes the organizations that have been leaving for 30 days with all that is theirs, in the database and in `stores`, and reminds owners of
    /// those that have three days left. Says how many it deleted.
    ///
    /// An organization is first deleted, from when on nobody can bring it back, and then purged in steps; whatever is killed when, the next one goes
    /// on with it, and two at once do no harm. One that cannot be purged keeps no other.
    ///
    /// # Errors
    ///
    /// Fails if the database or a store does, or a letter cannot be written; what went until then stays gone.
    pub async fn purge(&self, db: &SystemDb, stores: &[Arc<dyn TenantStore>]) -> Result<u64, OrganizationPurgeError> {
        self.remind(db).await?;
        while self.delete_one(db).await? {}
        let (mut purged, mut left) = (0, Vec::new());
        for organization in due(db).await? {
            match self.purge_one(db, stores, organization).await {
                Ok(is_mine) => purged += u64::from(is_mine),
                Err(error) => {
                    tracing::error!(tenant.id = %organization, error = &error as &dyn std::error::Error, "an organization could not be purged");
                    left.push(error);
                }
            }
        }
        let number = left.len();
        match left.pop() {
            None => Ok(purged),
            Some(source) => Err(OrganizationPurgeError::Left { left: number, source }),
        }
    }

    /// A letter is written once, so this says nothing twice.
    async fn remind(&self, db: &SystemDb) -> Result<(), OrganizationPurgeError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let soon = query!(
            r#"select id as "id: TenantId", name, leaves_at as "leaves_at!"
            from core.tenant
            where state = 'leaving' and leaves_at > $1 and leaves_at <= $2
            order by id
            for no key update"#,
            now,
            now + REMINDER,
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in soon {
            let cause = format!("soon {}", row.leaves_at.timestamp());
            let reason = Reason { organization: row.id, name: &row.name, stage: Stage::Soon, until: Some(row.leaves_at), cause };
            owners_told_in(&mut tx, self.outbox(), &reason).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The next one whose time has come; false if none is left. Whoever holds it is waited for: it may be somebody who was cut off.
    async fn delete_one(&self, db: &SystemDb) -> Result<bool, OrganizationPurgeError> {
        let mut tx = db.begin().await?;
        let now = tx.now();
        let next = query!(
            r#"update core.tenant set state = 'deleted', leaves_at = null
            from (
                select id from core.tenant where state = 'leaving' and leaves_at <= $1 order by leaves_at limit 1 for no key update
            ) next
            where tenant.id = next.id
            returning tenant.id as "id: TenantId", tenant.name"#,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(next) = next else { return Ok(false) };
        let reason = Reason { organization: next.id, name: &next.name, stage: Stage::Done, until: None, cause: "done".to_owned() };
        owners_told_in(&mut tx, self.outbox(), &reason).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether it is this one who finished.
    async fn purge_one(&self, db: &SystemDb, stores: &[Arc<dyn TenantStore>], organization: TenantId) -> Result<bool, PurgeError> {
        let rows = tenant_purge(db, &self.db().inventory(), stores, organization).await?;
        let mut tx = db.begin().await?;
        if !tenant_purged_in(&mut tx, organization).await? {
            return Ok(false);
        }
        system_event_in(&mut tx, Ledger::Platform, Actor::System, organization, &OrganizationPurged { rows }).await?;
        tx.commit().await?;
        tracing::info!(tenant.id = %organization, rows, "purged an organization");
        Ok(true)
    }
}

/// Purges organizations that came back with an older state of the database.
struct PurgeAgain {
    tenancy: Tenancy,
    stores: Vec<Arc<dyn TenantStore>>,
}

#[async_trait]
impl EraseAgain for PurgeAgain {
    async fn erase_again(&self, db: &SystemDb, erased: Erased) -> Result<Option<ErasedAgain>, Box<dyn std::error::Error + Send + Sync>> {
        let Erased::Tenant(organization) = erased else { return Ok(None) };
        let mut tx = db.begin().await?;
        query!("update core.tenant set state = 'deleted', leaves_at = null where id = $1 and state <> 'deleted'", Uuid::from(organization))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        self.tenancy.purge_one(db, &self.stores, organization).await?;
        Ok(Some(ErasedAgain::Whole))
    }
}

/// The organizations that are deleted and not purged yet.
async fn due(db: &SystemDb) -> Result<Vec<TenantId>, OrganizationPurgeError> {
    let mut tx = db.begin().await?;
    let due = query!(r#"select id as "id: TenantId" from core.tenant where state = 'deleted' and purged_at is null order by id"#)
        .fetch_all(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(due.into_iter().map(|row| row.id).collect())
}

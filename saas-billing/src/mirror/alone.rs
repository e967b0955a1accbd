//! What changes something at the gateway looks first, and what it does follows from what it saw. So for one customer it is done by one at a time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{SystemDb, TenantId};
use sqlx::query;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::MirrorError;

/// After how long whoever began is taken to be dead.
const DEAD_AFTER: TimeDelta = TimeDelta::minutes(3);

/// How long the work may take: less, with room for the gateway to act on what it was asked last.
const PATIENCE: Duration = Duration::from_secs(150);

/// How often, and how many times, somebody looks whether another one has finished.
const LOOK: (Duration, u32) = (Duration::from_millis(250), 80);

/// Does something for a tenant at the gateway while nobody else does, without a lock or a connection, since the gateway is asked meanwhile. Whoever
/// is cut off in it lets go all the same, and whoever is killed is waited for.
pub(crate) async fn alone<T, E: From<MirrorError>>(
    db: &SystemDb,
    tenant: TenantId,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut turn = Turn::begin(db, tenant).await?;
    let outcome = timeout(PATIENCE, work).await;
    turn.end().await;
    outcome.unwrap_or(Err(MirrorError::Busy.into()))
}

/// Somebody who does something alone.
struct Turn {
    db: SystemDb,
    tenant: TenantId,
    since: Option<DateTime<Utc>>,
}

impl Turn {
    async fn begin(db: &SystemDb, tenant: TenantId) -> Result<Self, MirrorError> {
        let mut turn = Self { db: db.clone(), tenant, since: None };
        for _ in 0..LOOK.1 {
            let mut tx = db.begin().await?;
            let now = tx.now();
            // Whoever is cut off from here on may have begun.
            turn.since = Some(now);
            let begun = query!(
                "update billing.customer set changing_since = $2 where tenant_id = $1 and (changing_since is null or changing_since < $3)",
                Uuid::from(tenant),
                now,
                now - DEAD_AFTER,
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            if begun.rows_affected() > 0 {
                return Ok(turn);
            }
            turn.since = None;
            sleep(LOOK.0).await;
        }
        Err(MirrorError::Busy)
    }

    async fn end(&mut self) {
        if let Some(since) = self.since {
            finish(&self.db, self.tenant, since).await;
        }
        self.since = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A handler, for example, whose client went away.
        if let (Some(since), Ok(runtime)) = (self.since.take(), Handle::try_current()) {
            let (db, tenant) = (self.db.clone(), self.tenant);
            runtime.spawn(async move { finish(&db, tenant, since).await });
        }
    }
}

/// If it fails nobody else does anything until this one is taken to be dead.
async fn finish(db: &SystemDb, tenant: TenantId, since: DateTime<Utc>) {
    let let_go = async {
        let mut tx = db.begin().await?;
        query!("update billing.customer set changing_since = null where tenant_id = $1 and changing_since = $2", Uuid::from(tenant), since)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    if let Err(error) = let_go.await {
        tracing::warn!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "what a tenant pays for stays as it is for some minutes");
    }
}

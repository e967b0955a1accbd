//! What a tenant pays for ends with the tenant. From the moment that somebody wants it deleted nothing is charged any more: what is paid for ends with
//! its period, and what is owed ends at once. Whoever brings the tenant back has what is left go on. At its end the gateway forgets the customer. The one
//! thing that is charged still is what somebody pays on a page of the gateway that was open then; it ends with its period.
//!
//! What is to happen follows from the tenant's state alone, so it does not matter who changed it, who heard of that, or how often somebody asks.

use std::time::Duration;

use async_trait::async_trait;
use saas_core::{
    Actor, Consumer, ConsumerError, DbError, Event, EventSeverity, Job, JobError, JobOptions, Jobs, Lane, Permission as _, RecordedEvent,
    SystemDb, SystemRun, SystemTx, TenantId, TenantStore, job_system_in, system_event_in,
};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    BillingRead, Change, CustomerId, IdempotencyKey, Mirror, MirrorError, Payments, SubscriptionId,
    mirror::{ROUNDS, alone, customer_of_tenant, failed, is_interrupted, turn_draw},
};

/// A subscription that ended while its organization was to be deleted does not go on, though the organization does.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubscriptionNotResumed {
    /// The plan.
    pub plan: String,
}

impl Event for SubscriptionNotResumed {
    const NAME: &'static str = "billing.subscription.not_resumed";
    const TOPIC: &'static str = "billing";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = Some(BillingRead::NAME);
}

/// A tenant began to leave, came back, or is no more.
#[derive(Debug, Serialize, Deserialize)]
struct SettleTenant {
    tenant: TenantId,
}

impl Job for SettleTenant {
    const NAME: &'static str = "billing.settle";
    /// Two readings and a change for each subscription.
    const TIME_LIMIT: Duration = Duration::from_secs(180);
}

/// Whatever nobody was told of.
#[derive(Debug, Serialize, Deserialize)]
struct SettleTenants {}

impl Job for SettleTenants {
    const NAME: &'static str = "billing.settle_all";
    const TIME_LIMIT: Duration = Duration::from_secs(3_600);
}

/// Has what a tenant pays for follow the tenant's state, as soon as somebody gets to it.
pub(crate) async fn settle_later_in(tx: &mut SystemTx, tenant: TenantId) -> Result<(), DbError> {
    // As the system's: a tenant that nobody can come into has its own jobs wait.
    let options = JobOptions::new().unique(tenant.to_string()).lane(Lane::Urgent);
    job_system_in(tx, None, &SettleTenant { tenant }, options).await?;
    Ok(())
}

/// Somebody decides what becomes of a subscription, so it does not follow the tenant's state any more.
pub(crate) async fn decided_in(tx: &mut SystemTx, tenant: TenantId, subscription: &SubscriptionId) -> Result<(), DbError> {
    query!(
        "update billing.subscription set ends_with_tenant = false where tenant_id = $1 and id = $2",
        Uuid::from(tenant),
        subscription.as_str()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The tenants whose subscriptions are not as their state wants them, or whether this one is among them.
pub(crate) async fn unsettled_in(tx: &mut SystemTx, tenant: Option<TenantId>) -> Result<Vec<TenantId>, DbError> {
    let unsettled = query_scalar!(
        r#"select customer.tenant_id as "tenant: TenantId"
        from billing.customer join core.tenant on tenant.id = customer.tenant_id
        where ($1::uuid is null or tenant.id = $1) and case tenant.state
            when 'deleted' then customer.deleted_at is null
            when 'leaving' then exists (
                select from billing.subscription held
                where held.tenant_id = tenant.id and (
                    held.state in ('trialing', 'active') and held.cancel_at is null
                    or held.state in ('incomplete', 'past_due', 'unpaid', 'paused')
                )
            )
            else exists (select from billing.subscription held where held.tenant_id = tenant.id and held.ends_with_tenant)
        end"#,
        tenant.map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(unsettled)
}

/// Where a tenant stands, as far as it pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// It is there.
    Stays,
    /// Somebody wants it deleted, and may think better of it.
    Leaves,
    /// It is no more.
    Gone,
}

impl Stay {
    async fn read(db: &SystemDb, tenant: TenantId) -> Result<Self, DbError> {
        let mut tx = db.begin().await?;
        let state = query_scalar!("select state from core.tenant where id = $1", Uuid::from(tenant)).fetch_optional(&mut *tx).await?;
        Ok(match state.as_deref() {
            Some("leaving") => Self::Leaves,
            Some("deleted") | None => Self::Gone,
            Some(_) => Self::Stays,
        })
    }
}

/// A subscription that something comes of still.
struct Held {
    id: SubscriptionId,
    change: Change,
}

impl Mirror {
    /// Has what a tenant pays for follow the tenant's state. It may be killed at each step and asked again, and two at once do no harm.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer, or the database fails; what was done until then stays done.
    pub async fn settle(&self, db: &SystemDb, tenant: TenantId) -> Result<(), MirrorError> {
        for _ in 0..ROUNDS {
            let Some(customer) = customer_of_tenant(db, tenant).await? else { return Ok(()) };
            let stay = alone(db, tenant, async {
                let stay = Stay::read(db, tenant).await?;
                match stay {
                    Stay::Stays => self.go_on(db, tenant, &customer).await?,
                    Stay::Leaves => self.wind_up(db, tenant, &customer).await?,
                    // What it had ends with it.
                    Stay::Gone => self.gateway().customer_delete(&customer).await?,
                }
                self.customer(db, &customer).await?;
                Ok::<_, MirrorError>(stay)
            })
            .await?;
            // Somebody may have thought better of it while the gateway was asked.
            if Stay::read(db, tenant).await? == stay {
                return Ok(());
            }
        }
        Err(MirrorError::Busy)
    }

    /// Nothing is charged any more. What is to go on if the tenant comes back is noted before it is ended.
    async fn wind_up(&self, db: &SystemDb, tenant: TenantId, customer: &CustomerId) -> Result<(), MirrorError> {
        readable(self.customer(db, customer).await)?;
        let mut tx = db.begin().await?;
        let held = query!(
            r#"update billing.subscription set ends_with_tenant = true
            where tenant_id = $1 and (state in ('trialing', 'active') and cancel_at is null or state in ('incomplete', 'past_due', 'unpaid', 'paused'))
            returning id, state in ('trialing', 'active') as "is_paid!""#,
            Uuid::from(tenant),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let held = held.into_iter().map(|held| Held {
            id: SubscriptionId::new(held.id),
            // What is owed would be tried again, and is for a time that is not paid.
            change: if held.is_paid { Change::Cancel } else { Change::End },
        });
        self.change_all(db, customer, held).await
    }

    /// What was to end with the tenant goes on; what has ended is told of, once.
    async fn go_on(&self, db: &SystemDb, tenant: TenantId, customer: &CustomerId) -> Result<(), MirrorError> {
        let mut tx = db.begin().await?;
        let noted = query_scalar!(
            r#"select exists (select from billing.subscription where tenant_id = $1 and ends_with_tenant) as "is!""#,
            Uuid::from(tenant)
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        if !noted {
            return Ok(());
        }
        readable(self.customer(db, customer).await)?;
        let mut tx = db.begin().await?;
        let held = query_scalar!(
            "select id from billing.subscription
            where tenant_id = $1 and ends_with_tenant and cancel_at is not null and state not in ('canceled', 'incomplete_expired')",
            Uuid::from(tenant),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let held = held.into_iter().map(|id| Held { id: SubscriptionId::new(id), change: Change::Resume });
        self.change_all(db, customer, held).await?;
        readable(self.customer(db, customer).await)?;
        let mut tx = db.begin().await?;
        let settled = query!(
            r#"update billing.subscription set ends_with_tenant = false
            where tenant_id = $1 and ends_with_tenant and (cancel_at is null or state in ('canceled', 'incomplete_expired'))
            returning id, plan, state = 'canceled' as "is_over!""#,
            Uuid::from(tenant),
        )
        .fetch_all(&mut *tx)
        .await?;
        for it in settled.into_iter().filter(|it| it.is_over) {
            system_event_in(&mut tx, tenant.into(), Actor::System, it.id, &SubscriptionNotResumed { plan: it.plan }).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn change_all(&self, db: &SystemDb, customer: &CustomerId, held: impl Iterator<Item = Held>) -> Result<(), MirrorError> {
        for Held { id, change } in held {
            let turn = turn_draw(db, customer).await?.ok_or_else(|| MirrorError::Unknown(customer.clone()))?;
            let key = IdempotencyKey::of(change.as_str(), format_args!("{customer}:{}", turn.number));
            self.gateway().subscription_change(&id, change, &key).await?;
        }
        Ok(())
    }

    /// Settles all tenants with which something is to be settled, and says with how many.
    ///
    /// # Errors
    ///
    /// Fails if one of them could not be settled, after all others were; at once if the gateway is away and not asked any more.
    pub async fn settle_all(&self, db: &SystemDb) -> Result<u64, MirrorError> {
        let mut tx = db.begin().await?;
        let due = unsettled_in(&mut tx, None).await?;
        tx.commit().await?;
        let (mut settled, mut failure) = (0, None);
        for tenant in due {
            match self.settle(db, tenant).await {
                Ok(()) => settled += 1,
                Err(error) if is_interrupted(&error) => return Err(error),
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, error = &error as &dyn std::error::Error, "what a tenant pays for could not follow it");
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(settled), Err)
    }

    /// Settles tenants when they are heard of, and every five minutes those that were not.
    pub(crate) fn settle_for(&self, jobs: &Jobs) {
        let it = self.clone();
        jobs.on(move |run: SystemRun, job: SettleTenant| {
            let it = it.clone();
            async move { it.settle(run.db(), job.tenant).await.map_err(failed) }
        });
        let it = self.clone();
        jobs.on(move |run: SystemRun, _: SettleTenants| {
            let it = it.clone();
            async move { it.settle_all(run.db()).await.map(drop).map_err(failed_for_all) }
        });
        jobs.cron("*/5 * * * *", &SettleTenants {});
    }
}

/// What one tenant has that nobody can read is no end of settling all: they are tried again, as after any failure.
fn failed_for_all(error: MirrorError) -> JobError {
    if is_interrupted(&error) { failed(error) } else { error.into() }
}

/// What cannot be read keeps nothing else from being settled; it is told at the end.
fn readable(followed: Result<(), MirrorError>) -> Result<(), MirrorError> {
    match followed {
        Err(MirrorError::Unread { .. }) => Ok(()),
        followed => followed,
    }
}

/// Hears that tenants leave and come back.
pub(crate) struct Departures(pub(crate) &'static [&'static str]);

#[async_trait]
impl Consumer for Departures {
    fn name(&self) -> &'static str {
        "billing"
    }

    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        for tenant in events.iter().filter(|event| self.0.contains(&event.name.as_str())).filter_map(|event| event.ledger.tenant()) {
            for tenant in unsettled_in(tx, Some(tenant)).await? {
                settle_later_in(tx, tenant).await?;
            }
        }
        Ok(())
    }
}

/// At a tenant's end its customer is deleted at the gateway, with all that it pays for. If the gateway is away the tenant is not purged yet;
/// that is an attempt of the purge, which is tried again as after any failure.
#[async_trait]
impl TenantStore for Payments {
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.mirror().settle(&self.db().system("a tenant's end reaches the payment gateway"), tenant).await?)
    }
}

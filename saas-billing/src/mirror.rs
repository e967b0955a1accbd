//! What is stored follows the gateway: whatever it tells us, we ask it how things stand, and keep that.
//!
//! An event says only that something happened to a customer. So events may come twice, late, in any order or never: each leads to the same
//! reading, and a reading that changes nothing has no effect. Coming back from the gateway's page does the same.
//!
//! Nobody waits for the gateway with a lock or a connection. Whoever asks draws a number first, and with it notes whose answer is kept. Whoever finds
//! another one kept when their own answer is there keeps nothing: one that was asked for later knows all that theirs does, and one that was asked
//! for earlier may be the newer all the same, so they ask again.

mod alone;
mod customer;

use std::{mem, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use saas_core::{Actor, Change, DbError, Job, JobError, Jobs, SystemDb, SystemRun, SystemTx, TenantId, system_event_in};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use self::customer::bind_in;
pub(crate) use self::{
    alone::alone,
    customer::{customer_at_gateway, customer_of_tenant},
};
use crate::{
    Account, CustomerId, Gateway, GatewayError, Interval, InvoicePaid, InvoiceState, PaymentFailed, SubscriptionChanged, SubscriptionId,
    SubscriptionState, Unread,
    departure::{settle_later_in, unsettled_in},
    invoice::invoice_put_in,
    subscription_put_in,
};

/// An event of the gateway was kept and waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventArrived {
    pub(crate) id: String,
}

impl Job for EventArrived {
    const NAME: &'static str = "billing.event";
    /// Two readings, of which each asks for the customer and then for pages of what they have; longer than a gateway that is slow may take.
    const TIME_LIMIT: Duration = Duration::from_secs(180);
}

/// What is stored could not follow the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// Nobody here is this customer, or not yet.
    #[error("no organization is the customer {0}")]
    Unknown(CustomerId),
    /// The customer says that it is an organization which is bound to another customer.
    #[error("the customer {0} belongs to an organization that has another one")]
    Bound(CustomerId),
    /// Too many ask about this customer at once.
    #[error("too many ask about one customer at once")]
    Busy,
    /// Some of what the gateway says cannot be read; everything else is kept.
    #[error("of the customer {customer} cannot be read: {}", .unread.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unread {
        /// Whose it is.
        customer: CustomerId,
        /// What it is.
        unread: Vec<Unread>,
    },
    /// The gateway did not answer.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for MirrorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The gateway is away, so whatever comes next is not asked for either.
pub(crate) const fn is_interrupted(error: &MirrorError) -> bool {
    matches!(error, MirrorError::Gateway(GatewayError::Interrupted(_)))
}

/// Tried again after what the gateway asks for, and waiting for one that is away is no attempt; a mistake of ours is not tried again.
pub(crate) fn failed(error: MirrorError) -> JobError {
    match error {
        MirrorError::Gateway(GatewayError::Interrupted(interrupted)) => JobError::put_off(interrupted.retry_in, error),
        MirrorError::Gateway(GatewayError::Away { retry_after: Some(after), .. }) => JobError::retry_after(after, error),
        // A newer program may read it: until then it is a dead letter, which can be replayed.
        MirrorError::Gateway(GatewayError::KeyReused) | MirrorError::Bound(_) | MirrorError::Unread { .. } => JobError::fatal(error),
        _ => error.into(),
    }
}

/// Keeps what is stored as it is at the gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirror(Arc<dyn Gateway>);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// What is stored is as it is at the gateway.
    Done,
    /// It concerns nothing that is stored.
    Ignored,
    /// Somebody has worked on it already.
    Already,
}

impl Mirror {
    /// Follows this gateway.
    #[must_use]
    pub fn new(gateway: impl Gateway + 'static) -> Self {
        Self(Arc::new(gateway))
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &dyn Gateway {
        &*self.0
    }

    /// Works on the events that [`Inbox`](crate::Inbox) keeps. What fails for good is a dead letter of the jobs, where it can be looked at and
    /// replayed.
    pub fn work_for(&self, jobs: &Jobs) {
        let it = self.clone();
        jobs.on(move |run: SystemRun, job: EventArrived| {
            let it = it.clone();
            // Twice is as good as once, so the job need not be completed with it.
            async move { it.event(run.db(), &job.id).await.map(drop).map_err(failed) }
        });
    }

    /// Works on one event, once.
    ///
    /// # Errors
    ///
    /// Fails if the customer is unknown still, the gateway does not answer, or the database fails; then nothing has happened, and it can be
    /// tried again.
    pub async fn event(&self, db: &SystemDb, id: &str) -> Result<Worked, MirrorError> {
        let mut tx = db.begin().await?;
        let body = query_scalar!("select body from billing.gateway_event where id = $1 and state = 'waiting'", id)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(body) = body else { return Ok(Worked::Already) };
        if let Some(customer) = customer_of(&body) {
            tx.rollback().await;
            return self.follow(db, &customer, Some(id)).await;
        }
        worked_on_in(&mut tx, id, "ignored").await?;
        tx.commit().await?;
        Ok(Worked::Ignored)
    }

    /// Brings what is stored of a customer to what the gateway says.
    ///
    /// # Errors
    ///
    /// As [`event`](Self::event).
    pub async fn customer(&self, db: &SystemDb, customer: &CustomerId) -> Result<(), MirrorError> {
        self.follow(db, customer, None).await.map(drop)
    }

    /// The same for a tenant, for whoever comes back from the gateway's page. Nothing if it never was a customer.
    ///
    /// # Errors
    ///
    /// As [`event`](Self::event).
    pub async fn tenant(&self, db: &SystemDb, tenant: TenantId) -> Result<(), MirrorError> {
        match customer_of_tenant(db, tenant).await? {
            Some(customer) => self.customer(db, &customer).await,
            None => Ok(()),
        }
    }

    /// Asks, and keeps the answer; what led to it is worked on then.
    async fn follow(&self, db: &SystemDb, customer: &CustomerId, event: Option<&str>) -> Result<Worked, MirrorError> {
        for _ in 0..ROUNDS {
            let Some(turn) = self.turn(db, customer).await? else { return self.ignore(db, event).await };
            let mut account = self.0.read(customer).await?;
            let unread = account.as_mut().map(|account| mem::take(&mut account.unread)).unwrap_or_default();
            let mut tx = db.begin().await?;
            // Another customer may have taken the place of one that is deleted.
            let Some((tenant, kept)) = locked_in(&mut tx, customer).await? else { continue };
            if kept == turn.kept {
                keep_in(&mut tx, tenant, customer, (account, &unread), turn.number).await?;
            } else if kept < turn.number {
                tx.rollback().await;
                continue;
            }
            if !unread.is_empty() {
                // Everything else is kept, and whoever told us of it is not done.
                tx.commit().await?;
                return Err(MirrorError::Unread { customer: customer.clone(), unread });
            }
            if let Some(event) = event {
                worked_on_in(&mut tx, event, "done").await?;
                // Somebody paid on a page that was open when the tenant began to leave.
                for tenant in unsettled_in(&mut tx, Some(tenant)).await? {
                    settle_later_in(&mut tx, tenant).await?;
                }
            }
            tx.commit().await?;
            return Ok(Worked::Done);
        }
        Err(MirrorError::Busy)
    }

    /// There is nothing to follow.
    async fn ignore(&self, db: &SystemDb, event: Option<&str>) -> Result<Worked, MirrorError> {
        if let Some(event) = event {
            let mut tx = db.begin().await?;
            worked_on_in(&mut tx, event, "ignored").await?;
            tx.commit().await?;
        }
        Ok(Worked::Ignored)
    }

    /// Draws a number, and binds the customer first if it is not known yet; none if it is nobody's and deleted.
    async fn turn(&self, db: &SystemDb, customer: &CustomerId) -> Result<Option<Turn>, MirrorError> {
        if let Some(turn) = turn_draw(db, customer).await? {
            return Ok(Some(turn));
        }
        // We may not have heard the answer to our own request, or have died before we kept it: the customer says whose it is.
        let account = self.0.read(customer).await?.unwrap_or_default();
        if account.is_deleted {
            return Ok(None);
        }
        let tenant = account.tenant.ok_or_else(|| MirrorError::Unknown(customer.clone()))?;
        let mut tx = db.begin().await?;
        bind_in(&mut tx, tenant, customer).await?;
        tx.commit().await?;
        match turn_draw(db, customer).await? {
            // One that was made twice, since nobody heard that it was made, and that nobody pays with, is nobody's.
            None if account.is_unused() && customer_of_tenant(db, tenant).await?.is_some() => {
                tracing::warn!(customer.id = %customer, tenant.id = %tenant, "an organization has two customers at the gateway, and pays with one");
                Ok(None)
            }
            turn => turn.map(Some).ok_or_else(|| MirrorError::Bound(customer.clone())),
        }
    }
}

/// How often somebody asks again because others keep their answers meanwhile. Each time at least one of them has finished.
pub(crate) const ROUNDS: u32 = 20;

/// A number that somebody drew before they asked.
pub(crate) struct Turn {
    pub(crate) number: i64,
    /// Whose answer was kept then.
    kept: i64,
}

/// Draws a customer's next number. It also tells one write of ours from the next: see [`IdempotencyKey`](crate::IdempotencyKey).
pub(crate) async fn turn_draw(db: &SystemDb, customer: &CustomerId) -> Result<Option<Turn>, DbError> {
    let mut tx = db.begin().await?;
    let turn = query_as!(
        Turn,
        r#"update billing.customer set asked = asked + 1 where id = $1 returning asked as number, kept"#,
        customer.as_str()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(turn)
}

async fn worked_on_in(tx: &mut SystemTx, id: &str, state: &str) -> Result<(), DbError> {
    let now = tx.now();
    query!("update billing.gateway_event set state = $2, done_at = $3 where id = $1 and state = 'waiting'", id, state, now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whose customer it is and whose answer is kept; the row stays locked until the transaction ends.
async fn locked_in(tx: &mut SystemTx, customer: &CustomerId) -> Result<Option<(TenantId, i64)>, DbError> {
    let row = query!("select tenant_id, kept from billing.customer where id = $1 for update", customer.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| (row.tenant_id.into(), row.kept)))
}

/// Keeps what was read; of what cannot be read, what was read before stays.
async fn keep_in(
    tx: &mut SystemTx,
    tenant: TenantId,
    customer: &CustomerId,
    (account, unread): (Option<Account>, &[Unread]),
    number: i64,
) -> Result<(), MirrorError> {
    let now = tx.now();
    let account = account.filter(|account| !account.is_deleted);
    query!(
        "update billing.customer set kept = $2, deleted_at = case when $3 then coalesce(deleted_at, $4) end where id = $1",
        customer.as_str(),
        number,
        account.is_none(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    let Account { subscriptions, invoices, .. } = account.unwrap_or_default();
    for subscription in &subscriptions {
        let before = query_as!(
            Stored,
            r#"select plan, state, period as "interval", quantity, cancel_at from billing.subscription where tenant_id = $1 and id = $2"#,
            Uuid::from(tenant),
            subscription.id.as_str(),
        )
        .fetch_optional(&mut **tx)
        .await?;
        subscription_put_in(tx, tenant, subscription).await?;
        let now = Stored {
            plan: subscription.plan.clone(),
            state: subscription.state.as_str().to_owned(),
            interval: subscription.interval.as_str().to_owned(),
            quantity: subscription.quantity.into(),
            cancel_at: subscription.cancel_at,
        };
        if before.as_ref() != Some(&now) {
            changed_in(tx, tenant, &subscription.id, (before, now)).await?;
        }
    }
    // What the gateway knows no longer is over.
    let held: Vec<_> = subscriptions.iter().map(|held| &held.id).chain(unread.iter().filter_map(Unread::subscription)).collect();
    let held: Vec<_> = held.into_iter().map(|id| id.as_str().to_owned()).collect();
    let gone = query!(
        "update billing.subscription s set state = 'canceled', ended_at = coalesce(s.ended_at, $3), read_at = $3
        from (
            select id, state from billing.subscription
            where tenant_id = $1 and state not in ('canceled', 'incomplete_expired') and id <> all($2)
            for no key update
        ) old
        where s.tenant_id = $1 and s.id = old.id
        returning s.id, s.plan, old.state, s.period, s.quantity, s.cancel_at",
        Uuid::from(tenant),
        &held,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    for gone in gone {
        let before =
            Stored { plan: gone.plan, state: gone.state, interval: gone.period, quantity: gone.quantity, cancel_at: gone.cancel_at };
        let now = Stored { state: SubscriptionState::Canceled.as_str().to_owned(), ..before.clone() };
        changed_in(tx, tenant, &SubscriptionId::new(gone.id), (Some(before), now)).await?;
    }
    for invoice in &invoices {
        let before = invoice_put_in(tx, tenant, invoice).await?;
        let (was_paid, attempts) = before.map_or((false, 0), |before| (before.state == InvoiceState::Paid, before.attempts));
        if invoice.state == InvoiceState::Paid && !was_paid {
            // What stands open has failed as often as it was tried.
            let paid = InvoicePaid { number: invoice.number.clone(), amount: invoice.total, failed_attempts: attempts };
            system_event_in(tx, tenant.into(), Actor::System, &invoice.id, &paid).await?;
        }
        if invoice.state == InvoiceState::Open && invoice.attempts > attempts {
            let failed = PaymentFailed {
                number: invoice.number.clone(),
                amount: invoice.total,
                attempt: invoice.attempts,
                next_attempt_at: invoice.next_attempt_at,
            };
            system_event_in(tx, tenant.into(), Actor::System, &invoice.id, &failed).await?;
        }
    }
    Ok(())
}

/// What of a subscription is told when it changes, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    plan: String,
    state: String,
    interval: String,
    quantity: i64,
    cancel_at: Option<DateTime<Utc>>,
}

async fn changed_in(
    tx: &mut SystemTx,
    tenant: TenantId,
    id: &SubscriptionId,
    (before, now): (Option<Stored>, Stored),
) -> Result<(), DbError> {
    fn change<T>(stored: (Option<&Stored>, &Stored), of: impl Fn(&Stored) -> Option<T>) -> Change<Option<T>> {
        Change::new(stored.0.and_then(&of), of(stored.1))
    }
    let stored = (before.as_ref(), &now);
    // The table's constraints let in no other state and no other interval.
    let changed = SubscriptionChanged {
        plan: change(stored, |it| Some(it.plan.clone())),
        state: change(stored, |it| it.state.parse().ok()),
        interval: change(stored, |it| Interval::ALL.iter().copied().find(|interval| interval.as_str() == it.interval)),
        quantity: change(stored, |it| u32::try_from(it.quantity).ok()),
        cancel_at: change(stored, |it| it.cancel_at),
    };
    system_event_in(tx, tenant.into(), Actor::System, id, &changed).await?;
    Ok(())
}

/// The customer that an event is about; none for what concerns no customer, or is none that we keep.
fn customer_of(body: &[u8]) -> Option<CustomerId> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let (kind, object) = (event["type"].as_str()?, &event["data"]["object"]);
    let is_ours = ["customer.", "checkout.session.", "invoice.", "charge.", "payment_intent.", "entitlements."];
    if !is_ours.iter().any(|prefix| kind.starts_with(prefix)) {
        return None;
    }
    // Elsewhere the customer is named, and may have been expanded.
    let named = object["customer"].as_str().or_else(|| object["customer"]["id"].as_str());
    let own = object["id"].as_str().filter(|_| object["object"] == "customer");
    named.or(own).map(CustomerId::new)
}

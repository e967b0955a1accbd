//! What the gateway told nobody of is found all the same: each quarter of an hour all subscriptions that are not over are listed there, a hundred a request, and
//! compared with what is stored. Whoever differs is read as if an event had come.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use saas_core::{Counters, DbError, Job, Jobs, Metrics, SystemDb, SystemRun};
use serde::{Deserialize, Serialize};
use sqlx::query;

use crate::{
    CustomerId, ListedSubscription, Mirror, MirrorError, Payments, SubscriptionId, SubscriptionState,
    mirror::{failed, is_interrupted},
};

#[derive(Debug, Serialize, Deserialize)]
struct Reconcile {}

impl Job for Reconcile {
    const NAME: &'static str = "billing.reconcile";
    const TIME_LIMIT: Duration = Duration::from_secs(3_600);
}

/// What one round found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// How many subscriptions the gateway listed.
    pub listed: u64,
    /// How many customers were not as they are there, and are now.
    pub mended: u64,
    /// How many could not be read, and are tried again in the next round.
    pub failed: u64,
}

/// What is compared of a subscription.
#[derive(PartialEq)]
struct Print {
    plan: String,
    period: String,
    quantity: i64,
    state: String,
    period_end: chrono::DateTime<chrono::Utc>,
    cancel_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Mirror {
    /// Compares all subscriptions that are not over with what is stored, there and here, and reads whoever differs.
    ///
    /// # Errors
    ///
    /// Fails if the gateway does not list them, is away and not asked any more, or the database fails; what was mended until then stays so.
    pub async fn reconcile(&self, db: &SystemDb) -> Result<Reconciled, MirrorError> {
        let (mut round, mut seen, mut differ) = (Reconciled::default(), BTreeSet::new(), BTreeSet::new());
        let mut stored = live(db).await?;
        let mut after = None;
        loop {
            let page = self.gateway().subscriptions(after.as_ref()).await?;
            for ListedSubscription { customer, id, subscription } in page.listed {
                round.listed += 1;
                let there = subscription.map(|there| Print {
                    plan: there.plan,
                    period: there.interval.as_str().to_owned(),
                    quantity: there.quantity.into(),
                    state: there.state.as_str().to_owned(),
                    period_end: there.period_end,
                    cancel_at: there.cancel_at,
                });
                let here = stored.get(&id).map(|(_, here)| here);
                // What never came to be is listed for a while, and is nothing here.
                let is_over =
                    here.is_none() && there.as_ref().is_some_and(|there| there.state == SubscriptionState::IncompleteExpired.as_str());
                if there.is_some() && there.as_ref() != here && !is_over {
                    differ.insert(customer);
                }
                seen.insert(id);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        // What is over there and goes on here.
        stored.retain(|id, _| !seen.contains(id));
        differ.extend(stored.into_values().map(|(customer, _)| customer));
        for customer in differ {
            match self.customer(db, &customer).await {
                Ok(()) => round.mended += 1,
                // Somebody else's: one account at the gateway may serve several programs.
                Err(MirrorError::Unknown(_)) => {}
                // What is not asked for is no drift.
                Err(error) if is_interrupted(&error) => return Err(error),
                Err(error) => {
                    round.failed += 1;
                    tracing::error!(customer.id = %customer, error = &error as &dyn std::error::Error, "a customer could not be reconciled");
                }
            }
        }
        Ok(round)
    }
}

/// All that goes on here, with whose it is.
async fn live(db: &SystemDb) -> Result<BTreeMap<SubscriptionId, (CustomerId, Print)>, DbError> {
    let mut tx = db.begin().await?;
    let rows = query!(
        r#"select customer.id as "customer!", held.id, held.plan, held.period, held.quantity, held.state, held.period_end, held.cancel_at
        from billing.subscription held join billing.customer on customer.tenant_id = held.tenant_id
        where held.state not in ('canceled', 'incomplete_expired')"#
    )
    .fetch_all(&mut *tx)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let print = Print {
            plan: row.plan,
            period: row.period,
            quantity: row.quantity,
            state: row.state,
            period_end: row.period_end,
            cancel_at: row.cancel_at,
        };
        (SubscriptionId::new(row.id), (CustomerId::new(row.customer), print))
    });
    Ok(rows.collect())
}

/// Counts what a round found.
#[derive(Clone)]
struct Drift(Counters<1>);

impl Drift {
    fn count(&self, round: Reconciled) {
        self.0.of(["mended"]).inc_by(round.mended);
        self.0.of(["failed"]).inc_by(round.failed);
    }
}

impl Payments {
    /// Finds what nobody was told of, each quarter of an hour, and counts it: `billing_drift_total`. More than now and then means that events do not arrive.
    pub fn reconcile_for(&self, jobs: &Jobs, metrics: &Metrics) {
        let drift = Drift(metrics.counters("billing_drift", "Customers that were not as the payment gateway has them", ["outcome"]));
        let mirror = self.mirror().clone();
        jobs.on(move |run: SystemRun, _: Reconcile| {
            let (mirror, drift) = (mirror.clone(), drift.clone());
            async move {
                let round = mirror.reconcile(run.db()).await.map_err(failed)?;
                drift.count(round);
                Ok(())
            }
        });
        jobs.cron("*/15 * * * *", &Reconcile {});
    }
}

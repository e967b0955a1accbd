//! What becomes of a subscription: it ends with what is paid for, or goes on after all.

use axum::{extract::State, response::Redirect};
use saas_core::{Can, Event, NoContent, Origin, Problem, ProblemType, Routes, system_event_in};

use super::{Till, buy::next_key, read_in_part};
use crate::{
    BillingWrite, CancellationWanted, CancellationWithdrawn, Change, CustomerId, SubscriptionId, departure::decided_in, mirror::alone,
};

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .post("/billing/cancel", submit_cancel)
        .post("/billing/resume", submit_resume)
        .post(["/api/v1/billing/cancel", "/api/billing/cancel"], cancel)
        .about("Has the subscription end with what is paid for. Until then all is as it was.")
        .post(["/api/v1/billing/resume", "/api/billing/resume"], resume)
        .about("Has a subscription that was to end go on after all.")
}

impl Till {
    async fn change<E: Event>(
        &self,
        can: &Can<BillingWrite>,
        origin: Origin,
        change: Change,
        event: impl FnOnce(String) -> E,
    ) -> Result<(), Problem> {
        let (mirror, system, tenant) = (self.mirror()?, self.system(origin), can.standing().tenant);
        let held = self.billing.holding(&self.db, tenant).await?;
        let held = held.subscriptions.into_iter().find(|held| !held.state.is_over());
        let held = held.ok_or_else(|| Problem::new(&ProblemType::CONFLICT).detail("The organization pays for nothing."))?;
        let customer: CustomerId = mirror.customer_of(&system, tenant).await?;
        let subscription: &SubscriptionId = &held.id;
        alone(&system, tenant, async {
            // It is wanted, whatever comes of it: whoever dies from here on has said so.
            let mut tx = system.begin().await?;
            decided_in(&mut tx, tenant, subscription).await?;
            system_event_in(&mut tx, tenant.into(), can.actor(), subscription, &event(held.plan)).await?;
            tx.commit().await?;
            mirror.gateway().subscription_change(subscription, change, &next_key(&system, change.as_str(), &customer).await?).await?;
            // What the page shows next is what the gateway has now, whenever it tells us.
            read_in_part(mirror.customer(&system, &customer).await)
        })
        .await
    }

    async fn cancel(&self, can: &Can<BillingWrite>, origin: Origin) -> Result<(), Problem> {
        self.change(can, origin, Change::Cancel, |plan| CancellationWanted { plan }).await
    }

    async fn resume(&self, can: &Can<BillingWrite>, origin: Origin) -> Result<(), Problem> {
        self.change(can, origin, Change::Resume, |plan| CancellationWithdrawn { plan }).await
    }
}

async fn submit_cancel(can: Can<BillingWrite>, State(till): State<Till>, origin: Origin) -> Result<Redirect, Problem> {
    till.cancel(&can, origin).await?;
    Ok(Redirect::to("/billing"))
}

async fn submit_resume(can: Can<BillingWrite>, State(till): State<Till>, origin: Origin) -> Result<Redirect, Problem> {
    till.resume(&can, origin).await?;
    Ok(Redirect::to("/billing"))
}

async fn cancel(can: Can<BillingWrite>, State(till): State<Till>, origin: Origin) -> Result<NoContent, Problem> {
    till.cancel(&can, origin).await?;
    Ok(NoContent)
}

async fn resume(can: Can<BillingWrite>, State(till): State<Till>, origin: Origin) -> Result<NoContent, Problem> {
    till.resume(&can, origin).await?;
    Ok(NoContent)
}

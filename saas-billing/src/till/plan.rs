//! Another plan in the place of the one that is paid for: what that costs at once is shown first, and what was shown is what is charged.
//!
//! A smaller plan holds at once as a larger one does, and what is not used of the larger one is credited: nothing waits that something later could
//! contradict. Nobody loses what they have more of than the smaller plan allows; only more is refused, and they are told so before.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use saas_core::{
    Can, FieldError, Form, Html, Json, Origin, Page, Problem, ProblemType, Query, Routes, SystemDb, TenantDb, TenantId, Validate,
    system_event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Till,
    account::{InvoiceShown, invoices_in},
    buy::next_key,
    read_in_part,
};
use crate::{
    BillingWrite, Currency, CustomerId, Interval, Limit, PlanChange, PlanChangeWanted, Preview, Subscription, SubscriptionState,
    mirror::{alone, customer_of_tenant},
};

/// For how long what was shown is what is charged.
const SHOWN_FOR: TimeDelta = TimeDelta::hours(1);

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .get("/billing/change", show)
        .post("/billing/change", submit)
        .get(["/api/v1/billing/change-plan", "/api/billing/change-plan"], preview)
        .about("What another plan would cost at once, and what of it is exceeded already. It changes nothing.")
        .post(["/api/v1/billing/change-plan", "/api/billing/change-plan"], change)
        .about("Has the subscription be for another plan, once what that costs at once is paid.")
}

/// A plan that somebody may want in the place of theirs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
struct Target {
    /// Its name in the catalogue.
    plan: String,
    /// How often it is to be paid.
    interval: Interval,
    /// Whether what was shown before does not hold any more.
    #[serde(default)]
    again: bool,
}

/// A plan that somebody wants in the place of theirs.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its name in the catalogue.
    plan: String,
    /// How often it is to be paid.
    interval: Interval,
    /// The moment that a preview was reckoned from; now if none. It is good for an hour.
    #[serde(default)]
    at: Option<DateTime<Utc>>,
    /// What the preview said is due. If it is another amount, nothing is changed.
    #[serde(default)]
    due: Option<i64>,
}

impl Validate for Wanted {}

/// Something of which there is more than a plan allows.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Exceeded {
    /// What is limited.
    meter: String,
    /// How many there are.
    used: u64,
    /// How many the plan allows.
    limit: u32,
}

/// What another plan costs at once, in the currency's minor unit: cents for dollars, yen for yen.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PreviewShown {
    /// The plan.
    plan: String,
    /// How often it is to be paid.
    interval: Interval,
    /// In what.
    currency: Currency,
    /// For the new plan, until it is paid next.
    charge: i64,
    /// What was paid for the old one and is not used.
    credit: i64,
    /// What is charged at once. What is credited beyond the charge goes into what is paid next.
    due: i64,
    /// When it is paid next.
    renews_at: DateTime<Utc>,
    /// The moment that this is reckoned from, to be sent with the change.
    at: DateTime<Utc>,
    /// Of what there is more than the plan allows. It stays, and nothing can be added until there is less.
    exceeded: Vec<Exceeded>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeOutcome {
    /// The plan holds.
    Changed,
    /// It holds once what is due is paid, which could not be charged.
    Unpaid,
    /// What was shown does not hold any more, and nothing was changed.
    Stale,
}

/// What became of a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ChangeShown {
    /// What became of it.
    state: ChangeOutcome,
    /// Where to pay, if it waits for that.
    pay: Option<String>,
}

/// A change, with what it costs.
struct Quote {
    change: PlanChange,
    preview: Preview,
    exceeded: Vec<Exceeded>,
}

impl Till {
    /// The subscription that can be for another plan.
    async fn changeable(&self, tenant: TenantId) -> Result<Subscription, Problem> {
        let conflict = |detail: &'static str| Problem::new(&ProblemType::CONFLICT).detail(detail);
        let held = self.billing.holding(&self.db, tenant).await?.subscriptions.into_iter().find(|held| !held.state.is_over());
        let held = held.ok_or_else(|| conflict("The organization pays for nothing: buy a plan."))?;
        match held.state {
            SubscriptionState::Trialing | SubscriptionState::Active if held.cancel_at.is_some() => {
                Err(conflict("The subscription is to end: keep it first."))
            }
            SubscriptionState::Trialing | SubscriptionState::Active => Ok(held),
            _ => Err(conflict("What is due is not paid: pay it first.")),
        }
    }

    /// What another plan costs, reckoned from then.
    async fn quote(
        &self,
        db: &TenantDb,
        customer: &CustomerId,
        held: &Subscription,
        (plan, interval): (&str, Interval),
        at: DateTime<Utc>,
    ) -> Result<Quote, Problem> {
        let plan = self.billing.plans().sold().find(|known| known.name() == plan && known.price_of(interval, held.currency).is_some());
        let plan = plan.ok_or_else(|| Problem::invalid([FieldError::new("/plan", "has no price in this currency and interval")]))?;
        let change = PlanChange {
            customer: customer.clone(),
            subscription: held.id.clone(),
            plan: plan.name().to_owned(),
            interval,
            currency: held.currency,
            quantity: held.quantity,
            at,
        };
        let preview = self.mirror()?.gateway().plan_preview(&change).await?;
        let mut tx = db.begin().await?;
        let usage = self.account_in(&mut tx).await?.usage;
        // What the organization is given besides holds with each plan.
        let mut then = self.billing.holding_in(&mut tx).await?;
        then.subscriptions.iter_mut().filter(|other| other.id == held.id).for_each(|held| plan.name().clone_into(&mut held.plan));
        let then = self.billing.plans().entitlement(&then, tx.now());
        let exceeded = usage.into_iter().filter_map(|usage| match (usage.used, then.limit_named(&usage.meter), usage.resets_at) {
            (Some(used), Limit::AtMost(limit), None) if used > limit.into() => Some(Exceeded { meter: usage.meter, used, limit }),
            _ => None,
        });
        Ok(Quote { change, preview, exceeded: exceeded.collect() })
    }

    async fn preview(&self, tenant: TenantId, db: &TenantDb, target: &Target) -> Result<(Subscription, Quote), Problem> {
        let system = self.system(Origin::default());
        self.mirror()?;
        let held = self.changeable(tenant).await?;
        if is(&held, &target.plan, target.interval) {
            return Err(Problem::new(&ProblemType::CONFLICT).detail("The organization has this plan."));
        }
        let customer = self.payer(&system, tenant).await?;
        // Whole seconds, as the gateway reckons, and not before the period began.
        let at = self.db.clock().now().trunc_subsecs(0).clamp(held.period_start, held.period_end);
        let quote = self.quote(db, &customer, &held, (&target.plan, target.interval), at).await?;
        Ok((held, quote))
    }

    async fn payer(&self, system: &SystemDb, tenant: TenantId) -> Result<CustomerId, Problem> {
        let payer = customer_of_tenant(system, tenant).await?;
        payer.ok_or_else(|| Problem::new(&ProblemType::CONFLICT).detail("The organization pays for nothing: buy a plan."))
    }

    /// Changes the plan, one at a time: whoever wants the same at once finds it done.
    async fn change_plan(&self, can: &Can<BillingWrite>, db: &TenantDb, origin: Origin, wanted: &Wanted) -> Result<ChangeShown, Problem> {
        let (system, tenant) = (self.system(origin), can.standing().tenant);
        self.mirror()?;
        let customer = self.payer(&system, tenant).await?;
        let state = alone(&system, tenant, self.change_alone(can, db, &system, &customer, wanted)).await?;
        let mut tx = db.begin().await?;
        let invoices = if state == ChangeOutcome::Unpaid { invoices_in(&mut tx, 24).await? } else { Vec::new() };
        Ok(ChangeShown { state, pay: invoices.iter().find_map(InvoiceShown::pay).map(Into::into) })
    }

    async fn change_alone(
        &self,
        can: &Can<BillingWrite>,
        db: &TenantDb,
        system: &SystemDb,
        customer: &CustomerId,
        wanted: &Wanted,
    ) -> Result<ChangeOutcome, Problem> {
        let (mirror, tenant, now) = (self.mirror()?, can.standing().tenant, self.db.clock().now().trunc_subsecs(0));
        // Whoever died over it may have changed it.
        read_in_part(mirror.customer(system, customer).await)?;
        let held = self.changeable(tenant).await?;
        if is(&held, &wanted.plan, wanted.interval) {
            return Ok(ChangeOutcome::Changed);
        }
        let at = wanted.at.unwrap_or_else(|| now.clamp(held.period_start, held.period_end));
        if at < held.period_start || at > held.period_end || at > now.max(held.period_start) || at < now - SHOWN_FOR {
            return Ok(ChangeOutcome::Stale);
        }
        let quote = self.quote(db, customer, &held, (&wanted.plan, wanted.interval), at).await?;
        if wanted.due.is_some_and(|due| due != quote.preview.due.minor()) {
            return Ok(ChangeOutcome::Stale);
        }
        // It is wanted, whatever comes of it: whoever dies from here on has said so.
        let mut tx = system.begin().await?;
        let event = PlanChangeWanted { from: held.plan, to: wanted.plan.clone(), interval: wanted.interval, due: quote.preview.due };
        system_event_in(&mut tx, tenant.into(), can.actor(), &held.id, &event).await?;
        tx.commit().await?;
        mirror.gateway().plan_change(&quote.change, &next_key(system, "plan", customer).await?).await?;
        read_in_part(mirror.customer(system, customer).await)?;
        let held = self.billing.holding(&self.db, tenant).await?.subscriptions.into_iter().find(|other| other.id == held.id);
        let holds = held.is_some_and(|held| is(&held, &wanted.plan, wanted.interval));
        Ok(if holds { ChangeOutcome::Changed } else { ChangeOutcome::Unpaid })
    }
}

fn is(held: &Subscription, plan: &str, interval: Interval) -> bool {
    held.plan == plan && held.interval == interval
}

async fn preview(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    Query(target): Query<Target>,
) -> Result<Json<PreviewShown>, Problem> {
    let (_, Quote { change, preview, exceeded }) = till.preview(can.standing().tenant, &db, &target).await?;
    Ok(Json(PreviewShown {
        plan: change.plan,
        interval: change.interval,
        currency: change.currency,
        charge: preview.charge.minor(),
        credit: preview.credit.minor(),
        due: preview.due.minor(),
        renews_at: preview.renews_at,
        at: change.at,
        exceeded,
    }))
}

async fn change(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    Json(wanted): Json<Wanted>,
) -> Result<Json<ChangeShown>, Problem> {
    let shown = till.change_plan(&can, &db, origin, &wanted).await?;
    if shown.state == ChangeOutcome::Stale {
        return Err(Problem::new(&ProblemType::CONFLICT).detail("What the preview said does not hold any more: ask for another one."));
    }
    Ok(Json(shown))
}

async fn show(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    Query(target): Query<Target>,
    page: Page,
) -> Result<Html, Problem> {
    let (held, Quote { change, preview, exceeded }) = till.preview(can.standing().tenant, &db, &target).await?;
    let title = |plan: &str| page.text_or(&format!("{}-plan-{plan}", till.texts), plan);
    let price = till.billing.plans().get(&change.plan).and_then(|plan| plan.price_of(change.interval, change.currency));
    let left = crate::Money::of((preview.credit.minor() - preview.charge.minor()).max(0), change.currency);
    let exceeded = exceeded
        .iter()
        .map(|it| json!({ "label": page.text(&format!("{}-meter-{}", till.texts, it.meter)), "used": it.used, "limit": it.limit }));
    page.render(
        "billing/change.html",
        json!({
            "from": title(&held.plan), "to": title(&change.plan), "plan": change.plan, "interval": change.interval,
            "at": change.at.to_rfc3339(), "due": preview.due.minor(), "due_shown": preview.due.shown(),
            "charge": preview.charge.shown(), "credit": (preview.credit.minor() > 0).then(|| preview.credit.shown()),
            "left": (left.minor() > 0).then(|| left.shown()), "is_due": preview.due.minor() > 0,
            "trial": held.state == SubscriptionState::Trialing,
            "price": price.map(crate::Money::shown), "renews_at": preview.renews_at, "again": target.again,
            "exceeded": exceeded.collect::<Vec<_>>(),
        }),
    )
}

async fn submit(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let shown = till.change_plan(&can, &db, origin, &wanted).await?;
    let to = match shown.state {
        ChangeOutcome::Changed => "/billing?from=changed".to_owned(),
        ChangeOutcome::Unpaid => "/billing?from=unpaid".to_owned(),
        // A name of the catalogue's, or it would have been refused.
        ChangeOutcome::Stale => format!("/billing/change?plan={}&interval={}&again=true", wanted.plan, wanted.interval.as_str()),
    };
    Ok(Redirect::to(&to).into_response())
}

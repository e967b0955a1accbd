//! Buying a plan: a page of the gateway's, on which somebody pays.

use axum::extract::State;
use saas_core::{
    Can, DbError, FieldError, Form, Html, Json, Origin, Page, Problem, ProblemType, Routes, SystemDb, TenantDb, TenantId, Validate,
    event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::query;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Till, read_in_part};
use crate::{
    BillingWrite, Checkout, CheckoutBegun, Currency, CustomerId, IdempotencyKey, Interval, MirrorError, Money, Order, Plan,
    mirror::turn_draw,
};

pub(super) fn routes() -> Routes<Till> {
    Routes::new()
        .post("/billing/checkout", submit)
        .post(["/api/v1/billing/checkout", "/api/billing/checkout", "/api/billing/subscribe"], start)
        .about("Says where to send a browser whose person wants to buy a plan. Nothing is bought before they have paid there.")
}

/// A plan that somebody wants.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Its name in the catalogue.
    plan: String,
    /// How often it is to be paid.
    interval: Interval,
    /// In what; the first currency that plans are sold in if none is.
    #[serde(default)]
    currency: Option<Currency>,
}

impl Validate for Wish {}

/// Where the browser is to be sent.
#[derive(Debug, Serialize, ToSchema)]
struct CheckoutShown {
    /// The page on which somebody pays, for a day.
    url: String,
}

impl Till {
    /// What of the catalogue is wished for, if it is sold.
    fn sold(&self, wish: &Wish) -> Result<(&Plan, Money), Problem> {
        let plans = self.billing.plans();
        let plan = plans.sold().find(|plan| plan.name() == wish.plan && !plan.prices().is_empty());
        let plan = plan.ok_or_else(|| Problem::invalid([FieldError::new("/plan", "is none that can be bought")]))?;
        let currency = wish.currency.or_else(|| plans.currencies().first().copied());
        let price = currency.and_then(|currency| plan.price_of(wish.interval, currency));
        Ok((plan, price.ok_or_else(|| Problem::invalid([FieldError::new("/currency", "the plan has no price in it each such interval")]))?))
    }

    async fn begin(&self, can: &Can<BillingWrite>, db: &TenantDb, origin: Origin, wish: &Wish) -> Result<Checkout, Problem> {
        let (mirror, system, tenant) = (self.mirror()?, self.system(origin), can.standing().tenant);
        let (plan, price) = self.sold(wish)?;
        // Somebody may have paid, and nobody has told us yet.
        read_in_part(mirror.tenant(&system, tenant).await)?;
        let history = History::read(&system, tenant).await?;
        if history.pays {
            return Err(Problem::new(&ProblemType::CONFLICT).detail("The organization pays for a plan already: change or cancel that one."));
        }
        let customer = mirror.customer_of(&system, tenant).await?;
        let trial_days = if history.had_one { 0 } else { plan.trial() };
        let at = |path: &str| self.public_url.join(path).map_err(Problem::internal);
        let order = Order {
            customer,
            plan: plan.name().to_owned(),
            interval: wish.interval,
            currency: price.currency(),
            quantity: 1,
            trial_days,
            paid_url: at(&format!("/billing/return?organization={tenant}"))?,
            back_url: at("/billing?from=left")?,
        };
        let checkout = mirror.gateway().checkout_create(&order, &next_key(&system, "checkout", &order.customer).await?).await?;
        let mut tx = db.begin().await?;
        let begun = CheckoutBegun { plan: order.plan, interval: order.interval, price, trial_days };
        event_in(&mut tx, can.actor(), &checkout.id, &begun).await?;
        tx.commit().await?;
        Ok(checkout)
    }
}

/// The key of a customer's next write, by a number that nobody else draws.
pub(super) async fn next_key(system: &SystemDb, kind: &'static str, customer: &CustomerId) -> Result<IdempotencyKey, Problem> {
    let turn = turn_draw(system, customer).await?.ok_or_else(|| MirrorError::Unknown(customer.clone()))?;
    Ok(IdempotencyKey::of(kind, format_args!("{customer}:{}", turn.number)))
}

/// What an organization paid for before.
struct History {
    /// It pays for something now, or should.
    pays: bool,
    /// It had something ever.
    had_one: bool,
}

impl History {
    async fn read(system: &SystemDb, tenant: TenantId) -> Result<Self, DbError> {
        let mut tx = system.begin().await?;
        let row = query!(
            r#"select
                coalesce(bool_or(state in ('trialing', 'active', 'past_due', 'unpaid', 'paused')), false) as "pays!",
                coalesce(bool_or(state not in ('incomplete', 'incomplete_expired')), false) as "had_one!"
            from billing.subscription where tenant_id = $1"#,
            Uuid::from(tenant),
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok(Self { pays: row.pays, had_one: row.had_one })
    }
}

/// A page that leads on by itself. A redirect would not do: browsers follow none from a form to where the content policy allows no form.
async fn submit(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    page: Page,
    Form(wish): Form<Wish>,
) -> Result<Html, Problem> {
    let checkout = till.begin(&can, &db, origin, &wish).await?;
    page.render("billing/leave.html", json!({ "url": checkout.url.as_str() }))
}

async fn start(
    can: Can<BillingWrite>,
    db: TenantDb,
    State(till): State<Till>,
    origin: Origin,
    Json(wish): Json<Wish>,
) -> Result<Json<CheckoutShown>, Problem> {
    let checkout = till.begin(&can, &db, origin, &wish).await?;
    Ok(Json(CheckoutShown { url: checkout.url.into() }))
}

//! The page of an organization's plan, and the way back to it from paying.

use axum::{extract::State, response::Redirect};
use saas_core::{Can, Html, Origin, Page, Problem, Query, Routes, TenantDb, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    Till,
    account::{AccountShown, InvoiceShown, SubscriptionShown, UsageShown, invoices_in},
    read_in_part,
};
use crate::{Access, BillingRead, BillingWrite, Interval, Plan, SubscriptionState};

/// How many invoices the page shows: two years of months.
const SHOWN: i64 = 24;

pub(super) fn routes() -> Routes<Till> {
    Routes::new().get("/billing", show).get("/billing/return", back).post("/billing/return", submit_back)
}

/// Where somebody comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CameFrom {
    /// From paying.
    Paid,
    /// From the page where they could have paid.
    Left,
    /// From changing the plan.
    Changed,
    /// From changing the plan, and what that costs could not be charged.
    Unpaid,
    /// From the gateway's page of cards and invoices.
    Portal,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct BillingQuery {
    from: Option<CameFrom>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct ReturnQuery {
    /// For which somebody paid; they may work in another one by now.
    organization: Option<TenantId>,
    /// Where from, if it is not from paying.
    from: Option<CameFrom>,
}

impl ReturnQuery {
    fn from(&self) -> CameFrom {
        self.from.unwrap_or(CameFrom::Paid)
    }
}

async fn show(
    can: Can<BillingRead>,
    db: TenantDb,
    State(till): State<Till>,
    Query(query): Query<BillingQuery>,
    page: Page,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let account = till.account_in(&mut tx).await?;
    let invoices = invoices_in(&mut tx, SHOWN).await?;
    let may_write = can.standing().may::<BillingWrite>() && till.mirror.is_some();
    let title = |plan: &str| page.text_or(&format!("{}-plan-{plan}", till.texts), plan);
    let subscription = account.subscription.as_ref().map(|held| {
        json!({
            "title": title(&held.plan), "interval": held.interval, "state": held.state, "period_end": held.period_end,
            "trial_end": held.trial_end.filter(|_| held.state == SubscriptionState::Trialing), "cancel_at": held.cancel_at,
        })
    });
    let pay = invoices.iter().find_map(InvoiceShown::pay);
    let is_kept = account.subscription.as_ref().is_some_and(SubscriptionShown::is_changeable);
    page.render(
        "billing/account.html",
        json!({
            "plan": { "title": title(&account.plan), "text": page.text_or(&format!("{}-plan-{}-text", till.texts, account.plan), "") },
            "notice": notice(&account, query.from, pay.is_some()),
            "subscription": subscription,
            "usage": account.usage.iter().map(|usage| till.usage(&page, usage)).collect::<Vec<_>>(),
            "has_usage": !till.charted.is_empty(),
            "plans": till.offers(&page, &account),
            "can_buy": may_write && account.subscription.is_none(),
            "can_change": may_write && account.subscription.is_some(),
            "can_switch": may_write && is_kept,
            "can_see_card": may_write && (account.subscription.is_some() || !invoices.is_empty()),
            "pay": pay.filter(|_| may_write),
            "invoices": invoices.iter().map(invoice).collect::<Vec<_>>(),
        }),
    )
}

/// What stands above everything: what matters most of how things are, and of where the reader comes from. It says nothing that is not stored.
fn notice(account: &AccountShown, from: Option<CameFrom>, owes: bool) -> Value {
    let (word, kind, until) = match (account.access, account.subscription.as_ref().map(|held| held.state), from) {
        (Access::Suspended, ..) => ("suspended", "bad", None),
        (Access::SoftLocked, ..) => ("locked", "bad", None),
        (Access::Grace { until }, ..) => ("grace", "warn", Some(until)),
        (Access::Active, Some(SubscriptionState::Active | SubscriptionState::Trialing), Some(CameFrom::Paid)) => ("paid", "good", None),
        (Access::Active, Some(SubscriptionState::Active | SubscriptionState::Trialing), Some(CameFrom::Changed)) => ("paid", "good", None),
        (Access::Active, Some(_), Some(CameFrom::Unpaid)) if owes => ("unpaid", "warn", None),
        (Access::Active, _, Some(CameFrom::Paid)) => ("waiting", "", None),
        (Access::Active, None, Some(CameFrom::Left)) => ("left", "", None),
        (Access::Active, ..) => return Value::Null,
    };
    json!({ "word": word, "kind": kind, "until": until })
}

fn invoice(invoice: &InvoiceShown) -> Value {
    json!({
        "id": invoice.id, "number": invoice.number, "state": invoice.state, "amount": invoice.amount().shown(),
        "created_at": invoice.created_at, "page": invoice.page, "pdf": invoice.pdf,
    })
}

impl Till {
    fn usage(&self, page: &Page, usage: &UsageShown) -> Value {
        let per = self.billing.plans().meters().iter().find(|meter| meter.name() == usage.meter).and_then(crate::Metered::per);
        let share = usage.used.zip(usage.limit).map(|(used, limit)| (used * 100).checked_div(limit.into()).unwrap_or(100).min(100));
        json!({
            "label": page.text(&format!("{}-meter-{}", self.texts, usage.meter)), "used": usage.used, "limit": usage.limit, "per": per,
            "share": share, "resets_at": usage.resets_at,
        })
    }

    /// The plans that can be bought, in the currency that is paid or else stands first.
    fn offers(&self, page: &Page, account: &AccountShown) -> Vec<Value> {
        let plans = self.billing.plans();
        let paid = account.subscription.as_ref();
        let currency = paid.map(|held| held.currency).or_else(|| plans.currencies().first().copied());
        let is_held = |plan: &Plan, interval| paid.is_some_and(|held| held.plan == plan.name() && held.interval == interval);
        let prices = |plan: &Plan| {
            let each = Interval::ALL.iter().filter_map(|interval| Some((*interval, plan.price_of(*interval, currency?)?)));
            each.map(|(interval, price)| json!({ "interval": interval, "amount": price.shown(), "held": is_held(plan, interval) }))
                .collect::<Vec<_>>()
        };
        let priced = plans.sold().filter(|plan| !plan.prices().is_empty());
        let shown = priced.map(|plan| {
            json!({
                "name": plan.name(), "title": page.text(&format!("{}-plan-{}", self.texts, plan.name())),
                "text": page.text(&format!("{}-plan-{}-text", self.texts, plan.name())), "prices": prices(plan),
                "trial_days": if account.had_one { 0 } else { plan.trial() }, "current": plan.name() == account.plan,
            })
        });
        shown.collect()
    }
}

/// A `GET` changes nothing, so it shows a form that asks the gateway how things stand; the page's script sends it at once. Whoever comes here by
/// another way is told the same.
async fn back(_: Can<BillingWrite>, Query(query): Query<ReturnQuery>, page: Page) -> Result<Html, Problem> {
    page.render("billing/return.html", json!({ "organization": query.organization, "from": query.from() }))
}

async fn submit_back(
    can: Can<BillingWrite>,
    State(till): State<Till>,
    Query(query): Query<ReturnQuery>,
    origin: Origin,
) -> Result<Redirect, Problem> {
    read_in_part(till.mirror()?.tenant(&till.system(origin), can.standing().tenant).await)?;
    Ok(Redirect::to(match query.from() {
        CameFrom::Portal => "/billing?from=portal",
        _ => "/billing?from=paid",
    }))
}

//! What is sold: the page that people compare plans on, and the same for programs.

use axum::extract::State;
use saas_core::{Html, Json, Page, Problem, Query, Routes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::{Billing, Currency, Interval, Metered, Money, Period, Plan};

/// Where people compare plans.
pub(crate) const PATH: &str = "/pricing";

/// What the handlers share.
#[derive(Debug, Clone)]
struct Shop {
    billing: Billing,
    texts: &'static str,
}

impl Billing {
    /// The page with the prices and the table that compares plans, and the same as JSON. Anybody may see it.
    ///
    /// Plans, meters and features are called by texts of the product, whose keys begin with `texts`: for `monitoring` they are
    /// `monitoring-plan-NAME` and `monitoring-plan-NAME-text`, `monitoring-meter-NAME`, `monitoring-feature-NAME`.
    pub fn pricing_routes(&self, texts: &'static str) -> Routes {
        Routes::new()
            .get(PATH, show)
            .get("/api/v1/plans", list)
            .about("Lists the plans that are sold, with prices, limits and features")
            .with_state(Shop { billing: self.clone(), texts })
    }
}

/// A price of a plan.
#[derive(Debug, Serialize, ToSchema)]
struct PriceShown {
    interval: Interval,
    #[serde(flatten)]
    price: Money,
}

/// A plan that is sold.
#[derive(Debug, Serialize, ToSchema)]
struct PlanShown {
    /// Its name, which stays the same.
    name: String,
    /// What it costs; empty for one that costs nothing or is agreed upon.
    prices: Vec<PriceShown>,
    /// Whether its price is agreed with each customer.
    quoted: bool,
    /// For how many days it costs nothing.
    trial_days: u32,
    /// How many of each there may be, within a period if the meter has one; null for no limit.
    limits: BTreeMap<String, Option<u32>>,
    /// What it has.
    features: Vec<String>,
}

/// Something that plans limit.
#[derive(Debug, Serialize, ToSchema)]
struct MeterShown {
    name: String,
    /// After how long it is counted anew; null for what is held.
    per: Option<Period>,
}

/// What is sold.
#[derive(Debug, Serialize, ToSchema)]
struct Catalogue {
    /// The plans, the one that everybody begins on first.
    plans: Vec<PlanShown>,
    /// What they limit.
    meters: Vec<MeterShown>,
    /// What they have, or have not.
    features: Vec<String>,
}

async fn list(State(shop): State<Shop>) -> Json<Catalogue> {
    let plans = shop.billing.plans();
    let shown = |plan: &Plan| PlanShown {
        name: plan.name().to_owned(),
        prices: plan.prices().iter().map(|(interval, price)| PriceShown { interval: *interval, price: *price }).collect(),
        quoted: plan.is_quoted(),
        trial_days: plan.trial(),
        limits: plans.meters().iter().map(|meter| (meter.name().to_owned(), plan.limit_named(meter.name()).at_most())).collect(),
        features: plan.features().map(ToOwned::to_owned).collect(),
    };
    Json(Catalogue {
        plans: plans.sold().map(shown).collect(),
        meters: plans.meters().iter().map(|meter| MeterShown { name: meter.name().to_owned(), per: meter.per() }).collect(),
        features: plans.features().map(ToOwned::to_owned).collect(),
    })
}

/// In which currency prices are shown.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct PricingQuery {
    /// Its code; the first one that plans are sold in if none is.
    currency: Option<Currency>,
}

async fn show(State(shop): State<Shop>, Query(query): Query<PricingQuery>, page: Page) -> Result<Html, Problem> {
    let plans = shop.billing.plans();
    let currencies = plans.currencies();
    let currency = query.currency.filter(|wanted| currencies.contains(wanted)).or_else(|| currencies.first().copied());
    let text = |kind: &str, name: &str| page.text(&format!("{}-{kind}-{name}", shop.texts));
    let price = |plan: &Plan, interval| currency.and_then(|currency| plan.price_of(interval, currency)).map(Money::shown);
    // What costs nothing costs nothing each month.
    let free =
        |plan: &Plan| currency.filter(|_| plan.prices().is_empty() && !plan.is_quoted()).map(|currency| Money::of(0, currency).shown());
    let names: Vec<_> = plans.sold().map(|plan| text("plan", plan.name())).collect();
    let cards: Vec<_> = plans
        .sold()
        .zip(&names)
        .map(|(plan, title)| {
            json!({
                "name": plan.name(), "title": title, "text": text("plan", &format!("{}-text", plan.name())),
                "month": price(plan, Interval::Month).or_else(|| free(plan)), "year": price(plan, Interval::Year),
                "quoted": plan.is_quoted(), "trial_days": plan.trial(),
            })
        })
        .collect();
    let limits = plans.meters().iter().map(|meter| {
        let cells: Vec<_> = plans.sold().map(|plan| limit_cell(plan, meter)).collect();
        json!({ "label": text("meter", meter.name()), "cells": cells })
    });
    let features = plans.features().map(|feature| {
        let cells: Vec<_> = plans.sold().map(|plan| json!({ "kind": if plan.has_named(feature) { "yes" } else { "no" } })).collect();
        json!({ "label": text("feature", feature), "cells": cells })
    });
    let rows: Vec<Value> = limits.chain(features).collect();
    let currencies: Vec<_> = currencies.iter().map(|other| json!({ "code": other, "current": Some(*other) == currency })).collect();
    page.render("billing/pricing.html", json!({ "plans": cards, "names": names, "rows": rows, "currencies": currencies }))
}

fn limit_cell(plan: &Plan, meter: &Metered) -> Value {
    match plan.limit_named(meter.name()).at_most() {
        Some(0) => json!({ "kind": "no" }),
        Some(count) => json!({ "kind": "count", "count": count, "per": meter.per() }),
        None => json!({ "kind": "unlimited" }),
    }
}

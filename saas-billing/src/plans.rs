//! The catalogue: all plans, and what holds for each of them.

mod file;
mod flaw;

use std::sync::Arc;

pub use flaw::{PlanFlaw, PlansError};

use crate::{Currency, Meter, Metered, Period, Plan};

/// What happens while a subscription is not paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dunning {
    /// After how many days each further attempt is made, counted from the one before.
    pub retry_days: Vec<u32>,
    /// After how many failed attempts nothing can be changed any more.
    pub lock_after: u32,
}

impl Default for Dunning {
    /// Three more attempts within fifteen days; the third failure locks.
    fn default() -> Self {
        Self { retry_days: vec![3, 5, 7], lock_after: 3 }
    }
}

/// All plans. The first is the one that a tenant is on until it chooses another.
///
/// ```
/// use saas_billing::{Currency, Interval, Meter, Money, Plan, Plans};
///
/// const DEVICES: Meter = Meter::new("devices");
/// let team = Plan::new("team").limit(DEVICES, 10_000).price(Interval::Month, Money::of(4_900, Currency::Usd));
/// let plans = Plans::new(Plan::new("free").limit(DEVICES, 50)).with(team);
///
/// // The same as a file.
/// let read = Plans::from_toml(
///     r#"
///     meters = [{ name = "devices" }]
///
///     [[plans]]
///     name = "free"
///     limits = { devices = 50 }
///
///     [[plans]]
///     name = "team"
///     limits = { devices = 10000 }
///     prices.month = { usd = "49" }
///     "#,
/// )?;
/// assert_eq!(read, plans.checked()?);
/// # Ok::<(), saas_billing::PlansError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    default: Plan,
    others: Vec<Plan>,
    meters: Vec<Metered>,
    features: Vec<Arc<str>>,
    grace_days: u32,
    dunning: Dunning,
}

impl Plans {
    /// A catalogue with the default plan.
    #[must_use]
    pub fn new(default: Plan) -> Self {
        let mut plans =
            Self { default, others: Vec::new(), meters: Vec::new(), features: Vec::new(), grace_days: 7, dunning: Dunning::default() };
        plans.know(&plans.default.clone());
        plans
    }

    /// Adds a plan.
    #[must_use]
    pub fn with(mut self, plan: Plan) -> Self {
        self.know(&plan);
        self.others.push(plan);
        self
    }

    /// What a plan names is known from then on, in that order.
    fn know(&mut self, plan: &Plan) {
        for (meter, _) in plan.limits() {
            self.know_meter(meter);
        }
        for feature in plan.shared_features() {
            if !self.features.contains(feature) {
                self.features.push(Arc::clone(feature));
            }
        }
    }

    fn know_meter(&mut self, name: &Arc<str>) -> &mut Metered {
        let at = self.meters.iter().position(|meter| meter.name == *name).unwrap_or_else(|| {
            self.meters.push(Metered { name: Arc::clone(name), per: None });
            self.meters.len() - 1
        });
        &mut self.meters[at]
    }

    /// Says that a meter counts what happens and begins anew with each period; other meters count what there is.
    #[must_use]
    pub fn counted(mut self, meter: Meter, per: Period) -> Self {
        self.know_meter(&meter.name().into()).per = Some(per);
        self
    }

    /// For how many days a plan goes on after it should have been paid.
    #[must_use]
    pub fn grace_days(mut self, days: u32) -> Self {
        self.grace_days = days;
        self
    }

    /// What happens while a subscription is not paid.
    #[must_use]
    pub fn dunning(mut self, dunning: Dunning) -> Self {
        self.dunning = dunning;
        self
    }

    /// The plan of tenants that have chosen none.
    #[must_use]
    pub const fn default_plan(&self) -> &Plan {
        &self.default
    }

    /// The plan of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Plan> {
        self.iter().find(|plan| plan.name() == name)
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// Those that are sold or given to everybody.
    pub fn sold(&self) -> impl Iterator<Item = &Plan> {
        self.iter().filter(|plan| !plan.is_retired())
    }

    /// What is limited in any of them, in the order in which people compare it.
    #[must_use]
    pub fn meters(&self) -> &[Metered] {
        &self.meters
    }

    /// The features of any of them, in the order in which people compare them.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| &**feature)
    }

    /// After how long a meter begins anew, if it does.
    #[must_use]
    pub fn period_of(&self, meter: Meter) -> Option<Period> {
        self.meters.iter().find(|metered| *metered.name == *meter.name()).and_then(Metered::per)
    }

    /// The currencies that plans are sold in.
    #[must_use]
    pub fn currencies(&self) -> Vec<Currency> {
        let mut found = Vec::new();
        for (_, price) in self.iter().flat_map(Plan::prices) {
            if !found.contains(&price.currency()) {
                found.push(price.currency());
            }
        }
        found
    }

    /// For how many days a plan goes on after it should have been paid.
    #[must_use]
    pub const fn grace(&self) -> u32 {
        self.grace_days
    }

    /// What happens while a subscription is not paid.
    #[must_use]
    pub const fn dunning_rules(&self) -> &Dunning {
        &self.dunning
    }

    /// The catalogue, if nothing is wrong with it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn checked(self) -> Result<Self, PlansError> {
        let flaws = flaw::flaws(&self);
        if flaws.is_empty() { Ok(self) } else { Err(PlansError(flaws)) }
    }
}

/// The catalogue has no plan of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such plan")]
pub struct UnknownPlan;

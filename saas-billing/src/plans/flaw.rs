use std::{collections::BTreeSet, fmt, sync::Arc};

use super::Plans;
use crate::{Currency, Interval, Money, Plan};

/// One thing that is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFlaw {
    /// It is no TOML, or has a key that means nothing.
    #[error("the file cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// There is no plan at all.
    #[error("there is no plan; the first is the one that everybody begins on")]
    Empty,
    /// A name is stored and stands in addresses and keys of texts.
    #[error("the name {name:?} must be 1 to 40 lower-case letters, digits and hyphens, and begin with a letter")]
    Name {
        /// The name.
        name: Arc<str>,
    },
    /// Two have one name.
    #[error("{name:?} is there twice")]
    Twice {
        /// The name.
        name: Arc<str>,
    },
    /// A plan limits what the catalogue does not list.
    #[error("plan {plan:?}: {name:?} is neither among the meters nor among the features")]
    Unknown {
        /// The plan.
        plan: Arc<str>,
        /// What it names.
        name: Arc<str>,
    },
    /// Everybody is on the first plan without having bought it.
    #[error("plan {plan:?} is the first, which everybody begins on: it has no price, no trial and is not agreed upon")]
    DefaultCosts {
        /// The plan.
        plan: Arc<str>,
    },
    /// Nobody can get a plan that has no price.
    #[error("plan {plan:?} has neither a price nor `quoted = true`, or both")]
    Price {
        /// The plan.
        plan: Arc<str>,
    },
    /// An amount cannot be charged.
    #[error("plan {plan:?}: {text:?} is no amount of {currency} that can be charged each {}", interval.as_str())]
    Amount {
        /// The plan.
        plan: Arc<str>,
        /// The interval.
        interval: Interval,
        /// The currency.
        currency: Currency,
        /// What stands there.
        text: String,
    },
    /// Whoever pays in a currency must find each plan and interval in it.
    #[error("plan {plan:?} has no price in {currency} each {}, which others have", interval.as_str())]
    Currency {
        /// The plan.
        plan: Arc<str>,
        /// The interval.
        interval: Interval,
        /// The currency.
        currency: Currency,
    },
    /// Days that nothing is known to wait for.
    #[error("{what} has {days} days, which is more than {most}")]
    Days {
        /// What lasts so long.
        what: &'static str,
        /// How many there are.
        days: u32,
        /// How many there may be.
        most: u32,
    },
    /// The schedule of attempts cannot be kept.
    #[error("dunning: one to eight attempts, each at least a day after the one before, and a lock after one of all of them")]
    Dunning,
}

/// Everything that is wrong with a catalogue.
#[derive(Debug, thiserror::Error)]
pub struct PlansError(pub(super) Vec<PlanFlaw>);

impl PlansError {
    /// Each flaw.
    #[must_use]
    pub fn flaws(&self) -> &[PlanFlaw] {
        &self.0
    }
}

impl fmt::Display for PlansError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the plans cannot be used:")?;
        self.0.iter().try_for_each(|flaw| match flaw {
            // The place in the file is worth more than one line.
            PlanFlaw::Syntax(error) => write!(f, "\n* {error}"),
            flaw => write!(f, "\n* {flaw}"),
        })
    }
}

/// Stripe takes eight digits (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
const MOST: i64 = 99_999_999;
/// Two years, as Stripe has it.
const MOST_TRIAL_DAYS: u32 = 730;
const MOST_GRACE_DAYS: u32 = 90;
const MOST_ATTEMPTS: usize = 8;

pub(super) fn flaws(plans: &Plans) -> Vec<PlanFlaw> {
    let mut flaws = Vec::new();
    names(plans, &mut flaws);
    let priced: BTreeSet<(Interval, Currency)> =
        plans.iter().flat_map(Plan::prices).map(|(interval, price)| (*interval, price.currency())).collect();
    for (at, plan) in plans.iter().enumerate() {
        let name = plan.shared_name();
        let is_sold = !plan.prices().is_empty();
        if at == 0 && (is_sold || plan.is_quoted() || plan.trial() > 0) {
            flaws.push(PlanFlaw::DefaultCosts { plan: Arc::clone(&name) });
        }
        if at > 0 && is_sold == plan.is_quoted() {
            flaws.push(PlanFlaw::Price { plan: Arc::clone(&name) });
        }
        flaws.extend(plan.prices().iter().filter(|(_, price)| !is_charged(*price)).map(|(interval, price)| PlanFlaw::Amount {
            plan: Arc::clone(&name),
            interval: *interval,
            currency: price.currency(),
            text: price.to_string(),
        }));
        let missing = priced.iter().filter(|(interval, currency)| is_sold && plan.price_of(*interval, *currency).is_none());
        flaws.extend(missing.map(|(interval, currency)| PlanFlaw::Currency {
            plan: Arc::clone(&name),
            interval: *interval,
            currency: *currency,
        }));
        if plan.trial() > MOST_TRIAL_DAYS {
            flaws.push(PlanFlaw::Days { what: "a trial", days: plan.trial(), most: MOST_TRIAL_DAYS });
        }
    }
    if plans.grace() > MOST_GRACE_DAYS {
        flaws.push(PlanFlaw::Days { what: "the time of grace", days: plans.grace(), most: MOST_GRACE_DAYS });
    }
    let dunning = plans.dunning_rules();
    let attempts = dunning.retry_days.len() + 1;
    let can_lock = (1..=attempts).contains(&usize::try_from(dunning.lock_after).unwrap_or(usize::MAX));
    if !(2..=MOST_ATTEMPTS).contains(&attempts) || dunning.retry_days.iter().any(|days| !(1..=60).contains(days)) || !can_lock {
        flaws.push(PlanFlaw::Dunning);
    }
    flaws
}

fn names(plans: &Plans, flaws: &mut Vec<PlanFlaw>) {
    let (mut of_plans, mut of_things) = (BTreeSet::new(), BTreeSet::new());
    let plan_names = plans.iter().map(|plan| (plan.shared_name(), of_plans.insert(plan.shared_name()))).collect::<Vec<_>>();
    let things = plans.meters.iter().map(|meter| &meter.name).chain(&plans.features);
    let thing_names = things.map(|name| (Arc::clone(name), of_things.insert(Arc::clone(name)))).collect::<Vec<_>>();
    let twice_in_one = plans.iter().flat_map(|plan| {
        let mut seen = BTreeSet::new();
        plan.shared_features().iter().map(move |name| (Arc::clone(name), seen.insert(Arc::clone(name)))).filter(|(_, is_first)| !is_first)
    });
    for (name, is_first) in plan_names.into_iter().chain(thing_names).chain(twice_in_one) {
        if !is_first {
            flaws.push(PlanFlaw::Twice { name: Arc::clone(&name) });
        } else if !is_name(&name) {
            flaws.push(PlanFlaw::Name { name });
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 40 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_part)
}

/// A price of nothing is no price. Of currencies with three digits the last one is 0 (https://docs.stripe.com/currencies#three-decimal).
fn is_charged(price: Money) -> bool {
    (1..=MOST).contains(&price.minor()) && (price.currency().digits() < 3 || price.minor() % 10 == 0)
}

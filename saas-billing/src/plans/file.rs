//! The catalogue as a file.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{Dunning, PlanFlaw, Plans, PlansError, flaw};
use crate::{Currency, Interval, Limit, Metered, Money, Period, Plan};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    grace_days: Option<u32>,
    dunning: Option<DunningRow>,
    #[serde(default)]
    meters: Vec<MeterRow>,
    #[serde(default)]
    features: Vec<Arc<str>>,
    #[serde(default)]
    plans: Vec<PlanRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DunningRow {
    retry_days: Vec<u32>,
    lock_after: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeterRow {
    name: Arc<str>,
    per: Option<Period>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanRow {
    name: Arc<str>,
    #[serde(default)]
    limits: BTreeMap<Arc<str>, LimitCell>,
    #[serde(default)]
    features: Vec<Arc<str>>,
    #[serde(default)]
    prices: BTreeMap<Interval, BTreeMap<Currency, String>>,
    #[serde(default)]
    trial_days: u32,
    #[serde(default)]
    quoted: bool,
    #[serde(default)]
    retired: bool,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a limit is a whole number or \"unlimited\"")]
enum LimitCell {
    AtMost(u32),
    Word(Unlimited),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unlimited {
    Unlimited,
}

impl LimitCell {
    fn limit(&self) -> Limit {
        match self {
            Self::AtMost(most) => Limit::AtMost(*most),
            Self::Word(Unlimited::Unlimited) => Limit::Unlimited,
        }
    }
}

impl Plans {
    /// Reads a catalogue and checks it. What is compared first stands first in the lists of meters and features.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; what comes after something that is no TOML is not looked at.
    pub fn from_toml(text: &str) -> Result<Self, PlansError> {
        let file: File = toml::from_str(text).map_err(|error| PlansError(vec![error.into()]))?;
        let mut flaws = Vec::new();
        let mut read = file.plans.iter().map(|row| row.plan(&file, &mut flaws)).collect::<Vec<_>>().into_iter();
        let Some(default) = read.next() else { return Err(PlansError(vec![PlanFlaw::Empty])) };
        let plans = Self {
            default,
            others: read.collect(),
            meters: file.meters.into_iter().map(|MeterRow { name, per }| Metered { name, per }).collect(),
            features: file.features,
            grace_days: file.grace_days.unwrap_or(7),
            dunning: file.dunning.map_or_else(Dunning::default, |DunningRow { retry_days, lock_after }| Dunning { retry_days, lock_after }),
        };
        // What an unreadable amount lacks is lacking because of that.
        let is_unreadable = |plan: &str| flaws.iter().any(|flaw| matches!(flaw, PlanFlaw::Amount { plan: other, .. } if **other == *plan));
        let others: Vec<_> = flaw::flaws(&plans)
            .into_iter()
            .filter(|flaw| !matches!(flaw, PlanFlaw::Price { plan } | PlanFlaw::Currency { plan, .. } if is_unreadable(plan)))
            .collect();
        flaws.extend(others);
        if flaws.is_empty() { Ok(plans) } else { Err(PlansError(flaws)) }
    }
}

impl PlanRow {
    fn plan(&self, file: &File, flaws: &mut Vec<PlanFlaw>) -> Plan {
        let mut plan = Plan::new(Arc::clone(&self.name)).trial_days(self.trial_days);
        if self.quoted {
            plan = plan.quoted();
        }
        if self.retired {
            plan = plan.retired();
        }
        // In the order of the catalogue, whatever the order of the row.
        for meter in &file.meters {
            if let Some(limit) = self.limits.get(&meter.name) {
                plan = plan.allowing(Arc::clone(&meter.name), limit.limit());
            }
        }
        for feature in &self.features {
            plan = plan.having(Arc::clone(feature));
        }
        let unknown_meters = self.limits.keys().filter(|name| !file.meters.iter().any(|meter| meter.name == **name));
        let unknown_features = self.features.iter().filter(|name| !file.features.contains(name));
        let unknown = unknown_meters.chain(unknown_features);
        flaws.extend(unknown.map(|name| PlanFlaw::Unknown { plan: Arc::clone(&self.name), name: Arc::clone(name) }));
        for (interval, amounts) in &self.prices {
            for (currency, text) in amounts {
                match Money::parse(text, *currency) {
                    Ok(price) => plan = plan.price(*interval, price),
                    Err(_) => flaws.push(PlanFlaw::Amount {
                        plan: Arc::clone(&self.name),
                        interval: *interval,
                        currency: *currency,
                        text: text.clone(),
                    }),
                }
            }
        }
        plan
    }
}

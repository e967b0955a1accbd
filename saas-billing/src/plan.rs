use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Currency, Feature, Meter, Money};

/// How much of a meter a plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Limit {
    /// This many and no more.
    AtMost(u32),
    /// As many as one likes.
    Unlimited,
}

impl Limit {
    /// As the database and JSON have it: nothing for no limit.
    #[must_use]
    pub fn at_most(self) -> Option<u32> {
        match self {
            Self::AtMost(most) => Some(most),
            Self::Unlimited => None,
        }
    }
}

/// How often a price is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// Each month.
    Month,
    /// Each year.
    Year,
}

impl Interval {
    /// Both, the shorter first.
    pub const ALL: &'static [Self] = &[Self::Month, Self::Year];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// What a tenant may use, and what that costs. A meter or feature that a plan does not name is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    name: Arc<str>,
    limits: Vec<(Arc<str>, Limit)>,
    features: Vec<Arc<str>>,
    prices: Vec<(Interval, Money)>,
    trial_days: u32,
    quoted: bool,
    retired: bool,
}

impl Plan {
    /// A plan with nothing in it yet. The name is stored with each tenant and never changes.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            limits: Vec::new(),
            features: Vec::new(),
            prices: Vec::new(),
            trial_days: 0,
            quoted: false,
            retired: false,
        }
    }

    /// Allows so many.
    #[must_use]
    pub fn limit(self, meter: Meter, at_most: u32) -> Self {
        self.allowing(meter.name(), Limit::AtMost(at_most))
    }

    /// Allows as many as one likes.
    #[must_use]
    pub fn unlimited(self, meter: Meter) -> Self {
        self.allowing(meter.name(), Limit::Unlimited)
    }

    pub(crate) fn allowing(mut self, meter: impl Into<Arc<str>>, limit: Limit) -> Self {
        let meter = meter.into();
        self.limits.retain(|(other, _)| *other != meter);
        self.limits.push((meter, limit));
        self
    }

    /// Has a feature.
    #[must_use]
    pub fn feature(self, feature: Feature) -> Self {
        self.having(feature.name())
    }

    pub(crate) fn having(mut self, feature: impl Into<Arc<str>>) -> Self {
        self.features.push(feature.into());
        self
    }

    /// Costs so much in each interval, in one more currency or interval.
    #[must_use]
    pub fn price(mut self, interval: Interval, price: Money) -> Self {
        self.prices.retain(|(other, money)| (*other, money.currency()) != (interval, price.currency()));
        self.prices.push((interval, price));
        self
    }

    /// Begins with so many days that cost nothing.
    #[must_use]
    pub fn trial_days(mut self, days: u32) -> Self {
        self.trial_days = days;
        self
    }

    /// Costs what is agreed with each customer, so nobody buys it by themselves.
    #[must_use]
    pub fn quoted(mut self) -> Self {
        self.quoted = true;
        self
    }

    /// Is no longer sold nor shown; whoever has it keeps it.
    #[must_use]
    pub fn retired(mut self) -> Self {
        self.retired = true;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// What it allows any of.
    pub fn meters(&self) -> impl Iterator<Item = &str> {
        self.limits.iter().filter(|(_, limit)| *limit != Limit::AtMost(0)).map(|(meter, _)| &**meter)
    }

    pub(crate) fn limits(&self) -> &[(Arc<str>, Limit)] {
        &self.limits
    }

    /// How much of a meter it allows.
    #[must_use]
    pub fn limit_of(&self, meter: Meter) -> Limit {
        self.limit_named(meter.name())
    }

    pub(crate) fn limit_named(&self, meter: &str) -> Limit {
        self.limits.iter().find(|(name, _)| **name == *meter).map_or(Limit::AtMost(0), |(_, limit)| *limit)
    }

    /// Whether it has a feature.
    #[must_use]
    pub fn allows(&self, feature: Feature) -> bool {
        self.has_named(feature.name())
    }

    pub(crate) fn has_named(&self, feature: &str) -> bool {
        self.features.iter().any(|name| **name == *feature)
    }

    /// The features that it has.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| &**feature)
    }

    pub(crate) fn shared_features(&self) -> &[Arc<str>] {
        &self.features
    }

    /// What it costs, in the order in which the catalogue says so.
    #[must_use]
    pub fn prices(&self) -> &[(Interval, Money)] {
        &self.prices
    }

    /// What it costs in an interval and currency, if it is sold by it.
    #[must_use]
    pub fn price_of(&self, interval: Interval, currency: Currency) -> Option<Money> {
        self.prices.iter().find(|(other, price)| *other == interval && price.currency() == currency).map(|(_, price)| *price)
    }

    /// For how many days it costs nothing.
    #[must_use]
    pub const fn trial(&self) -> u32 {
        self.trial_days
    }

    /// Whether its price is agreed with each customer.
    #[must_use]
    pub const fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// Whether it is no longer sold.
    #[must_use]
    pub const fn is_retired(&self) -> bool {
        self.retired
    }
}

use std::collections::BTreeMap;

use serde::Serialize;

/// Something that a plan limits: devices, seats, messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Meter(&'static str);

impl Meter {
    /// Names it, in lower case and the plural, as it stands in problem documents and in the database.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

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
    /// As the database compares it: nothing for no limit.
    pub(crate) fn at_most(self) -> Option<i64> {
        match self {
            Self::AtMost(most) => Some(i64::from(most)),
            Self::Unlimited => None,
        }
    }
}

/// What a tenant may use. A meter that a plan does not name is not part of it: its limit is 0.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    name: &'static str,
    limits: BTreeMap<Meter, Limit>,
}

impl Plan {
    /// A plan with nothing in it yet. The name is stored with each tenant and never changes.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, limits: BTreeMap::new() }
    }

    /// Allows so many.
    #[must_use]
    pub fn limit(mut self, meter: Meter, at_most: u32) -> Self {
        self.limits.insert(meter, Limit::AtMost(at_most));
        self
    }

    /// Allows as many as one likes.
    #[must_use]
    pub fn unlimited(mut self, meter: Meter) -> Self {
        self.limits.insert(meter, Limit::Unlimited);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it allows any of, in the order of the names.
    pub fn meters(&self) -> impl Iterator<Item = Meter> {
        self.limits.iter().filter(|(_, limit)| **limit != Limit::AtMost(0)).map(|(meter, _)| *meter)
    }

    /// How much of a meter it allows.
    #[must_use]
    pub fn limit_of(&self, meter: Meter) -> Limit {
        self.limits.get(&meter).copied().unwrap_or(Limit::AtMost(0))
    }
}

/// All plans. The first is the one that a tenant is on until it chooses another.
#[derive(Debug, Clone, Serialize)]
pub struct Plans {
    default: Plan,
    others: Vec<Plan>,
}

impl Plans {
    /// A catalogue with the default plan.
    #[must_use]
    pub const fn new(default: Plan) -> Self {
        Self { default, others: Vec::new() }
    }

    /// Adds a plan; one of the same name takes the other's place.
    #[must_use]
    pub fn with(mut self, plan: Plan) -> Self {
        self.others.retain(|other| other.name != plan.name);
        self.others.push(plan);
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
        self.iter().find(|plan| plan.name == name)
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        std::iter::once(&self.default).chain(&self.others)
    }
}

/// The catalogue has no plan of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such plan")]
pub struct UnknownPlan;

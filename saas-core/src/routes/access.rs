use std::collections::BTreeSet;

use serde::Serialize;

use crate::operator::OperatorRole;

/// Who may call a route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Access {
    /// The kind of caller.
    pub caller: Caller,
    /// The permissions that the caller must hold, all of them.
    pub permissions: BTreeSet<&'static str>,
    /// Those of them that need not be held in full: for what is the caller's own, or was shared with them, they are enough.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub in_part: BTreeSet<&'static str>,
    /// The features that the plan must have.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<&'static str>,
    /// What the caller must at least be among those who run the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorRole>,
}

/// A kind of caller, from the most open to the narrowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Anybody.
    #[default]
    Public,
    /// A signed provider: the handler checks a signature over the body.
    Provider,
    /// A person who is signed in.
    SignedIn,
    /// Somebody with a standing in the tenant of the request.
    Member,
    /// A machine with a credential.
    Agent,
    /// A person who runs the product.
    Operator,
}

impl Access {
    /// Anybody.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// A person who is signed in.
    #[must_use]
    pub fn signed_in() -> Self {
        Self { caller: Caller::SignedIn, ..Self::default() }
    }

    /// Somebody with a standing in the tenant of the request.
    #[must_use]
    pub fn member() -> Self {
        Self { caller: Caller::Member, ..Self::default() }
    }

    /// A machine.
    #[must_use]
    pub fn agent() -> Self {
        Self { caller: Caller::Agent, ..Self::default() }
    }

    /// A person who runs the product and is at least this there.
    #[must_use]
    pub fn operator(role: OperatorRole) -> Self {
        Self { caller: Caller::Operator, operator: Some(role), ..Self::default() }
    }

    /// A provider whose signature the handler checks.
    #[must_use]
    pub fn provider() -> Self {
        Self { caller: Caller::Provider, ..Self::default() }
    }

    /// Somebody who holds this permission in the tenant of the request.
    #[must_use]
    pub fn permission(name: &'static str) -> Self {
        Self { caller: Caller::Member, permissions: BTreeSet::from([name]), ..Self::default() }
    }

    /// Somebody who holds this permission there, at least for what is their own or was shared with them.
    #[must_use]
    pub fn in_part(name: &'static str) -> Self {
        Self { in_part: BTreeSet::from([name]), ..Self::permission(name) }
    }

    /// What satisfies both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.caller = self.caller.max(other.caller);
        // Where one demands it in full, that is what it takes.
        let in_part: BTreeSet<_> = self.in_part.union(&other.in_part).copied().collect();
        let in_full = |it: &Self| it.permissions.difference(&it.in_part).copied().collect::<Vec<_>>();
        let full: Vec<_> = in_full(&self).into_iter().chain(in_full(&other)).collect();
        self.in_part = in_part.into_iter().filter(|name| !full.contains(name)).collect();
        self.permissions.extend(other.permissions);
        self.features.extend(other.features);
        self.operator = self.operator.max(other.operator);
        self
    }
}

//! How Stripe writes each kind of object, as of API version 2025-03-31.basil and later: period bounds stand on items.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

/// One object of each kind with nothing in it yet; a list in `shapes.json`, by kind.
static SHAPES: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("shapes.json")).unwrap_or_else(|error| panic!("shapes.json: {error}")));

/// What ids of a kind begin with.
const PREFIXES: &[(&str, &str)] = &[
    ("billing_portal.session", "bps"),
    ("checkout.session", "cs_test"),
    ("customer", "cus"),
    ("event", "evt"),
    ("invoice", "in"),
    ("line_item", "il"),
    ("price", "price"),
    ("product", "prod"),
    ("subscription", "sub"),
    ("subscription_item", "si"),
    ("test_helpers.test_clock", "clock"),
    ("webhook_endpoint", "we"),
];

pub(super) fn of(kind: &str) -> Value {
    SHAPES.get(kind).cloned().unwrap_or_default()
}

/// All kinds, and what is left of a customer that was deleted.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    PREFIXES.iter().map(|(kind, _)| *kind).chain(["deleted_customer"])
}

pub(super) fn prefix(kind: &str) -> &'static str {
    PREFIXES.iter().find(|(known, _)| *known == kind).map_or("obj", |(_, prefix)| prefix)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_kind_has_a_shape_that_says_its_name() {
        for (kind, _) in super::PREFIXES {
            assert_eq!(super::of(kind)["object"], *kind);
        }
    }
}

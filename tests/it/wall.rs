//! Nothing but the wall itself says which tenant a transaction is of (T31).

use std::{collections::BTreeSet, path::Path};

use saas_core::testing::isolation;

/// What opens a transaction, and what attacks it.
const WALL: [&str; 4] = [
    "saas-core/migrations/control/0165_enter.sql",
    "saas-core/migrations/control/0240_sealed.sql",
    "saas-core/src/testing/isolation/attacker.rs",
    "saas-core/src/testing/isolation/context.rs",
];

#[test]
fn no_source_moves_a_transaction_to_another_tenant() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = BTreeSet::new();
    for member in ["saas-core", "saas-auth", "saas-tenancy", "saas-billing", "saas-admin", "examples/monitoring"] {
        for folder in ["src", "migrations"].map(|folder| root.join(member).join(folder)).iter().filter(|folder| folder.is_dir()) {
            let setters = isolation::setters(folder).unwrap();
            files.extend(setters.into_iter().map(|setter| setter.file.strip_prefix(root).unwrap().display().to_string()));
        }
    }
    assert_eq!(files, WALL.map(str::to_owned).into());
}

//! The tenant wall around every table of this crate.

use saas_billing::MIGRATIONS;
use saas_core::testing::{
    TestDb,
    isolation::{self, Seed},
};

/// TEN-03: the attacks of core's suite, on all tables.
#[tokio::test]
async fn no_table_gives_anything_away_to_another_organization() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    let billing = ["tenant_plan", "customer", "subscription", "invoice", "override"].map(|table| format!("billing.{table}"));
    let data = ["quota", "usage_event", "usage_hour"].map(|table| format!("data.{table}"));
    for table in billing.into_iter().chain(data) {
        assert!(report.tables.contains(&table), "{table} was not attacked: {:?}", report.tables);
    }
}

/// CMP-06: every column is in the inventory, and nothing is open that should not be.
#[tokio::test]
async fn the_doctor_finds_nothing() {
    let test = TestDb::new(&[MIGRATIONS]).await.unwrap();
    let findings = test.db.findings().await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

//! The tenant wall around every table of the product, those of the crates that it is made of included.

use monitoring::server::ALL_MIGRATIONS;
use saas_core::testing::{
    TestDb,
    isolation::{self, Seed},
};

/// TEN-03: the attacks of core's suite, on all tables.
#[tokio::test]
async fn no_table_gives_anything_away_to_another_organization() {
    let test = TestDb::new(ALL_MIGRATIONS).await.unwrap();
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    let ours = [
        "data.agent",
        "data.device",
        "data.quota",
        "data.usage_event",
        "data.usage_hour",
        "data.outbox",
        "data.audit_entry",
        "data.audit_head",
        "data.chat_channel",
        "data.chat_message",
        "data.push_message",
        "auth.agent_key",
        "auth.agent_credential",
        "auth.api_key",
        "auth.token_family",
        "billing.tenant_plan",
        "billing.customer",
        "billing.subscription",
        "billing.invoice",
        "billing.override",
        "core.role",
        "core.share",
        "tenancy.invitation",
    ];
    for table in ours {
        assert!(report.tables.iter().any(|attacked| attacked == table), "{table} was not attacked: {:?}", report.tables);
    }
}

/// CMP-06: what the doctor looks for, the inventory of all columns among it, is not there.
#[tokio::test]
async fn the_doctor_finds_nothing_in_a_fresh_database() {
    let test = TestDb::new(ALL_MIGRATIONS).await.unwrap();
    let findings = test.db.findings().await.unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
    assert_eq!(test.db.pending_migrations().await.unwrap(), 0);
}

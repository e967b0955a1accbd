//! The audit log: append-only, sealed without gaps, and nothing done to it afterwards goes unseen.

mod fork;
mod prune;
mod rate;
mod search;
mod tamper;

use saas_core::{
    Clock, Ledger, MasterKey, TenantId,
    audit::{AuditChain, Fault, FaultKind},
    testing::TestDb,
};

use crate::{happening::happen, planted::as_superuser};

/// A database with a chain of so many sealed entries of one tenant.
struct Chain {
    test: TestDb,
    tenant: TenantId,
    chain: AuditChain,
    keys: MasterKey,
}

impl Chain {
    async fn of(count: usize) -> Self {
        Self::at(Clock::system(), count).await
    }

    async fn at(clock: Clock, count: usize) -> Self {
        let test = TestDb::at(&[], clock, 5).await.unwrap();
        let tenant = test.tenant("acme").await;
        let keys = MasterKey::generate();
        let chain = AuditChain::new(&test.db, &keys);
        happen(&test, tenant, count).await;
        chain.seal_now().await.unwrap();
        Self { test, tenant, chain, keys }
    }

    async fn fault(&self) -> Option<Fault> {
        self.chain.verify(Ledger::Tenant(self.tenant), &[]).await.unwrap().fault
    }

    /// What was found, and at which number.
    async fn found(&self) -> Option<(FaultKind, i64)> {
        self.fault().await.map(|fault| (fault.kind, fault.number))
    }

    /// Runs statements as somebody who has the whole database, past triggers and constraints.
    async fn tamper(&self, statements: &str) {
        as_superuser(&self.test, &format!("set session_replication_role = replica; {statements}")).await;
    }
}

/// AUD-02
#[tokio::test]
async fn entries_are_sealed_with_numbers_without_a_gap_and_verify() {
    let it = Chain::of(25).await;
    let found = it.chain.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap();
    assert_eq!((found.sealed, found.intact, found.unsealed, found.fault), (25, 25, 0, None));
    // What came since waits, and says so.
    happen(&it.test, it.tenant, 2).await;
    let found = it.chain.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap();
    assert_eq!((found.sealed, found.unsealed, found.fault), (25, 2, None));
    assert_eq!(it.chain.state().await.unwrap().unsealed, 2);
    assert_eq!(it.chain.seal_now().await.unwrap(), 2);
    let found = it.chain.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap();
    assert_eq!((found.intact, found.unsealed, found.fault), (27, 0, None));
}

/// AUD-02: a chain is made with a key that the database does not hold.
#[tokio::test]
async fn a_chain_verifies_with_its_key_alone_also_after_that_was_rotated() {
    let it = Chain::of(3).await;
    let other = AuditChain::new(&it.test.db, &MasterKey::generate());
    assert!(other.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap().fault.is_some());
    // Who has another key adds nothing to the chain either.
    happen(&it.test, it.tenant, 1).await;
    assert_eq!(other.seal_now().await.unwrap(), 0);

    let rotated: MasterKey = format!("{},{}", *MasterKey::generate().text(), *it.keys.text()).parse().unwrap();
    let rotated = AuditChain::new(&it.test.db, &rotated);
    assert_eq!(rotated.seal_now().await.unwrap(), 1);
    let found = rotated.verify(Ledger::Tenant(it.tenant), &[]).await.unwrap();
    assert_eq!((found.intact, found.fault), (4, None));
}

/// AUD-02: append-only for the application.
#[tokio::test]
async fn the_application_adds_entries_and_can_do_nothing_else_with_them() {
    let it = Chain::of(2).await;
    let insert = |columns: &str, values: &str| {
        format!(
            "insert into audit_entry (tenant_id, id, at, action, version, severity, actor_kind, resource, data{columns})
             values (current_setting('saas.tenant_id')::uuid, gen_random_uuid(), now(), 'x', 1, 'info', 'system', 'x', '{{}}'{values})"
        )
    };
    for statement in [
        "update audit_entry set action = 'x'".to_owned(),
        "update audit_entry set number = null, mac = null".to_owned(),
        "delete from audit_entry".to_owned(),
        "truncate audit_entry".to_owned(),
        "select from audit_entry for update".to_owned(),
        "update audit_head set sealed = 0".to_owned(),
        "delete from audit_head".to_owned(),
        "truncate audit_head".to_owned(),
        "insert into audit_head select * from audit_head".to_owned(),
        // Nor does it number or seal one.
        insert(", number, mac, origin_digest", ", 3, '\\x00', '\\x00'"),
        insert(", number", ", 3"),
    ] {
        let mut tx = it.test.db.tenant(it.tenant).begin().await.unwrap();
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *tx).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{statement}");
    }
    let mut tx = it.test.db.tenant(it.tenant).begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(insert("", ""))).execute(&mut *tx).await.unwrap();
    assert_eq!(it.fault().await, None);
}

/// TEN-01, AUD-02: a tenant's log goes with the tenant, whole, and a tenant that is deleted never comes back to be without one.
#[tokio::test]
async fn a_log_is_deleted_with_its_tenant_alone() {
    let it = Chain::of(3).await;
    let execute = async |statement: &'static str| -> Result<u64, saas_core::DbError> {
        let mut tx = it.test.db.system("test").begin().await?;
        let done = sqlx::query(statement).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done)
    };
    assert_eq!(execute("delete from audit_head").await.unwrap_err().constraint(), Some("audit_head_kept"));
    execute("update core.tenant set state = 'deleted'").await.unwrap();
    assert_eq!(execute("update core.tenant set state = 'active'").await.unwrap_err().constraint(), Some("tenant_stays_deleted"));
    assert_eq!(execute("delete from audit_entry").await.unwrap(), 3);
    assert_eq!(execute("delete from audit_head").await.unwrap(), 1);
}

/// AUD-02: the system's login seals, and cannot change what is sealed.
#[tokio::test]
async fn the_system_login_cannot_change_or_delete_what_is_sealed() {
    let it = Chain::of(3).await;
    for (statement, refusal) in [
        ("update audit_entry set action = 'x'", "42501"),
        ("update audit_entry set data = '{}'", "42501"),
        ("update audit_entry set mac = '\\x00'", "23514"),
        ("update audit_entry set number = number + 10", "23514"),
        ("update audit_entry set number = null, mac = null, origin_digest = null", "23514"),
        ("update audit_entry set address = '192.0.2.8'", "23514"),
        ("delete from audit_entry where number = 3", "23514"),
        ("delete from audit_entry", "23514"),
        ("truncate audit_entry", "42501"),
        ("delete from audit_head", "23514"),
        ("truncate audit_head", "42501"),
    ] {
        let mut tx = it.test.db.system("test").begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), refusal, "{statement}");
    }
    assert_eq!(it.fault().await, None);
}

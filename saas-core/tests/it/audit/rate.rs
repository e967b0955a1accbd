//! Much is written and sealed at once.

use std::time::Duration;

use futures_util::future::join_all;
use saas_core::{Actor, Clock, Ledger, Lifecycle, MasterKey, TenantId, UserId, audit::AuditChain, event_in, testing::TestDb};

use crate::{
    happening::{Happened, origin},
    planted::truth,
};

const TENANTS: usize = 50;
const EACH: usize = 200;
/// How many changes a transaction makes.
const AT_ONCE: usize = 10;

/// AUD-02, topic 15: entries of fifty tenants are sealed while more are written, and each chain is whole. How many a second is measured by
/// `tests/bench` (`audit`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_fifty_tenants_are_sealed_while_more_are_written() {
    let test = TestDb::at(&[], Clock::system(), 8).await.unwrap();
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        tenants.push(test.tenant(&format!("tenant-{number}")).await);
    }
    let (chain, lifecycle) = (AuditChain::new(&test.db, &MasterKey::generate()), Lifecycle::new());
    chain.start_sealing(&lifecycle);
    join_all(tenants.chunks(TENANTS / 5).map(|tenants| write(&test, tenants))).await;
    while chain.state().await.unwrap().unsealed > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    lifecycle.drain();
    let sealed = truth(&test, "select count(*)::text from data.audit_entry where number is not null").await;
    assert_eq!(sealed, [(TENANTS * EACH).to_string()]);
    for tenant in tenants {
        let found = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
        assert_eq!((found.sealed, found.intact, found.fault), (EACH as i64, EACH as i64, None));
    }
}

/// Writes the entries of some tenants, a few of each in turn.
async fn write(test: &TestDb, tenants: &[TenantId]) {
    let user = UserId::new();
    for _ in 0..EACH / AT_ONCE {
        for tenant in tenants {
            let mut tx = test.db.tenant(*tenant).caused_by(origin()).begin().await.unwrap();
            for number in 0..AT_ONCE {
                event_in(&mut tx, Actor::User(user), number, &Happened { number }).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
    }
}

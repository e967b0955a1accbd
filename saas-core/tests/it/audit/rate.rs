//! How much can be written and sealed.

use std::time::{Duration, Instant};

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
/// What must be written and sealed in a second, of all tenants together.
const RATE: u32 = 1_000;

/// AUD-02, topic 15: a thousand entries a second of fifty tenants, sealed while more are written, and each chain is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_entries_a_second_of_fifty_tenants_are_written_and_sealed() {
    let test = TestDb::at(&[], Clock::system(), 8).await.unwrap();
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        tenants.push(test.tenant(&format!("tenant-{number}")).await);
    }
    let (chain, lifecycle) = (AuditChain::new(&test.db, &MasterKey::generate()), Lifecycle::new());
    let began = Instant::now();
    chain.start_sealing(&lifecycle);
    join_all(tenants.chunks(TENANTS / 5).map(|tenants| write(&test, tenants))).await;
    while chain.state().await.unwrap().unsealed > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = began.elapsed();
    lifecycle.drain();
    let all = u32::try_from(TENANTS * EACH).unwrap();
    assert_eq!(truth(&test, "select count(*)::text from data.audit_entry where number is not null").await, [all.to_string()]);
    for tenant in tenants {
        let found = chain.verify(Ledger::Tenant(tenant), &[]).await.unwrap();
        assert_eq!((found.sealed, found.intact, found.fault), (EACH as i64, EACH as i64, None));
    }
    assert!(took < Duration::from_secs(1) * all / RATE, "{all} entries took {took:?}");
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

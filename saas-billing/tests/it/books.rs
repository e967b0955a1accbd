//! How long what the law asks for is kept.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use saas_core::{Clock, testing::TestDb};
use sqlx::AssertSqlSafe;

/// CMP-03, § 147 AO: eight years from the end of the year; what invoices rest on goes after them, and what still runs does not.
#[tokio::test]
async fn books_are_kept_for_eight_years_and_no_longer() {
    let clock = Clock::fixed("2035-12-31T12:00:00Z".parse().unwrap());
    let test = TestDb::at(&[saas_billing::MIGRATIONS], clock.clone(), 3).await.unwrap();
    let (gone, still) = (test.tenant("gone").await, test.tenant("still").await);
    let rows = format!(
        "insert into billing.customer (tenant_id, id, created_at, deleted_at)
            values ('{gone}', 'cus_gone', '2027-01-01Z', '2027-06-01Z'), ('{still}', 'cus_still', '2027-01-01Z', null);
        insert into billing.subscription
            (tenant_id, id, plan, period, currency, quantity, state, created_at, period_start, period_end, ended_at, read_at)
            select tenant_id, 'sub' || id, 'pro', 'month', 'EUR', 1, 'active', created_at, created_at, created_at, deleted_at, created_at
            from billing.customer;
        insert into billing.invoice
            (tenant_id, id, subscription_id, state, currency, total, paid, due, attempts, created_at, read_at)
            select tenant_id, id || at, 'sub' || id, 'paid', 'EUR', 100, 100, 0, 1, at, at
            from billing.customer, unnest(array[timestamptz '2027-05-01Z', timestamptz '2028-01-01Z']) at
            where deleted_at is null or at < deleted_at"
    );
    let mut tx = test.db.system("arrange a test").begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(test.sweep().await, BTreeMap::new());
    clock.advance(TimeDelta::days(1));
    let all_of_one = [("billing.customer", 1), ("billing.subscription", 1), ("billing.invoice", 2)];
    assert_eq!(test.sweep().await, BTreeMap::from(all_of_one), "and the other's invoice of that year");
    clock.advance(TimeDelta::days(366));
    assert_eq!(test.sweep().await, BTreeMap::from([("billing.invoice", 1)]));
}

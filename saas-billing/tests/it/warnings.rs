//! MET-03: people are warned when 80 and 90 per cent of a limit are used, once each in a period.

use chrono::TimeDelta;
use futures_util::future::join_all;
use saas_billing::{Billing, MIGRATIONS, Meter, Period, Plan, Plans};
use saas_core::{Clock, TenantId, testing::TestDb};
use uuid::Uuid;

use crate::given::{DEVICES, billing, by_us, database};

const MESSAGES: Meter = Meter::new("messages");

async fn takes(test: &TestDb, billing: &Billing, tenant: TenantId, meter: Meter, quantity: u32) {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    if billing.reserve_in(&mut tx, meter, quantity).await.is_ok() {
        tx.commit().await.unwrap();
    }
}

async fn gives_back(test: &TestDb, billing: &Billing, tenant: TenantId, meter: Meter, quantity: u32) {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.release_in(&mut tx, meter, quantity).await.unwrap();
    tx.commit().await.unwrap();
}

/// What a tenant was warned of: what, at how many per cent, and how many were used then.
async fn warned(test: &TestDb, tenant: TenantId) -> Vec<(String, i32, i32)> {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let told = sqlx::query_as(
        "select data ->> 'meter', (data ->> 'percent')::integer, (data ->> 'used')::integer from outbox
        where tenant_id = $1 and name = 'billing.limit.near' order by at, id",
    );
    told.bind(Uuid::from(tenant)).fetch_all(&mut *tx).await.unwrap()
}

fn of_devices(marks: &[(i32, i32)]) -> Vec<(String, i32, i32)> {
    marks.iter().map(|(percent, used)| ("devices".to_owned(), *percent, *used)).collect()
}

/// However many take at once, each mark is told of once, by whoever reached it.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_are_warned_of_each_mark_once() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    join_all((0..200).map(|_| takes(&test, &billing, tenant, DEVICES, 1))).await;
    assert_eq!(warned(&test, tenant).await, of_devices(&[(80, 40), (90, 45)]));
}

/// What is undone or refused warns of nothing, and nor does what was warned of in this month already, until the next one.
#[tokio::test]
async fn a_mark_is_told_of_once_in_a_month_for_what_is_held() {
    let clock = Clock::fixed("2026-11-20T10:00:00Z".parse().unwrap());
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 5).await.unwrap(), billing());
    let tenant = test.tenant("acme").await;
    takes(&test, &billing, tenant, DEVICES, 30).await;
    takes(&test, &billing, tenant, DEVICES, 21).await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.reserve_in(&mut tx, DEVICES, 20).await.unwrap();
    drop(tx);
    assert_eq!(warned(&test, tenant).await, []);
    // Both marks at once are one warning, of the higher one.
    for _ in 0..3 {
        takes(&test, &billing, tenant, DEVICES, 17).await;
        gives_back(&test, &billing, tenant, DEVICES, 17).await;
    }
    assert_eq!(warned(&test, tenant).await, of_devices(&[(90, 47)]));
    clock.advance(TimeDelta::days(15));
    takes(&test, &billing, tenant, DEVICES, 10).await;
    takes(&test, &billing, tenant, DEVICES, 10).await;
    assert_eq!(warned(&test, tenant).await, of_devices(&[(90, 47), (80, 40), (90, 50)]));
}

/// What is counted is warned of in each of its periods; a part of a batch that is taken counts; a larger plan has marks of its own.
#[tokio::test]
async fn what_is_counted_is_warned_of_in_each_period() {
    let clock = Clock::fixed("2026-11-20T10:00:00Z".parse().unwrap());
    let test = TestDb::at(&[MIGRATIONS], clock.clone(), 5).await.unwrap();
    let plans = Plans::new(Plan::new("free").limit(MESSAGES, 10)).with(Plan::new("team").limit(MESSAGES, 100).quoted());
    let billing = Billing::new(plans.counted(MESSAGES, Period::Day)).unwrap();
    let tenant = test.tenant("acme").await;
    let told = async || warned(&test, tenant).await.into_iter().map(|(_, percent, used)| (percent, used)).collect::<Vec<_>>();
    for day in 1..=2 {
        takes(&test, &billing, tenant, MESSAGES, 8).await;
        takes(&test, &billing, tenant, MESSAGES, 1).await;
        assert_eq!(told().await.len(), day * 2);
        clock.advance(TimeDelta::days(1));
    }
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert_eq!(billing.reserve_up_to_in(&mut tx, MESSAGES, 50).await.unwrap(), 10);
    tx.commit().await.unwrap();
    let mut tx = test.db.system("a test changes a plan").begin().await.unwrap();
    billing.plan_grant_in(&mut tx, tenant, "team", &by_us()).await.unwrap();
    tx.commit().await.unwrap();
    takes(&test, &billing, tenant, MESSAGES, 65).await;
    takes(&test, &billing, tenant, MESSAGES, 10).await;
    assert_eq!(told().await, [(80, 8), (90, 9), (80, 8), (90, 9), (90, 10), (80, 85)]);
}

/// Of what there may be one or a few, nobody is warned before it is full.
#[tokio::test]
async fn a_limit_of_a_few_warns_of_nothing() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    takes(&test, &billing, tenant, Meter::new("seats"), 1).await;
    assert_eq!(warned(&test, tenant).await, []);
}

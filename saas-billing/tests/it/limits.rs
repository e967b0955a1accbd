use chrono::TimeDelta;
use futures_util::future::join_all;
use saas_billing::{Billing, Limit, LimitError, MIGRATIONS, Meter, Period, Plan, Plans, Usage};
use saas_core::{Clock, DbError, Problem, TenantId, testing::TestDb};

use crate::given::{DEVICES, billing, by_us, database};

const SEATS: Meter = Meter::new("seats");
const MESSAGES: Meter = Meter::new("messages");

async fn reserve(test: &TestDb, billing: &Billing, tenant: TenantId, quantity: u32) -> Result<(), LimitError> {
    let mut tx = test.db.tenant(tenant).begin().await?;
    billing.reserve_in(&mut tx, DEVICES, quantity).await?;
    Ok(tx.commit().await?)
}

async fn usage(test: &TestDb, billing: &Billing, tenant: TenantId) -> Usage {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.usage_in(&mut tx, DEVICES).await.unwrap()
}

/// MET-03: an exact limit holds under concurrency.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_get_exactly_what_the_plan_allows() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let results = join_all((0..200).map(|_| {
        let (test, billing) = (&test, &billing);
        async move { reserve(test, billing, tenant, 1).await }
    }))
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 50);
    assert!(results.iter().filter_map(|result| result.as_ref().err()).all(|error| matches!(error, LimitError::Reached(_))));
    assert_eq!(usage(&test, &billing, tenant).await, Usage { meter: DEVICES, used: 50, limit: Limit::AtMost(50), resets_at: None });
}

#[tokio::test]
async fn a_reservation_is_undone_with_its_transaction() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.reserve_in(&mut tx, DEVICES, 50).await.unwrap();
    drop(tx);
    assert_eq!(usage(&test, &billing, tenant).await.used, 0);
    reserve(&test, &billing, tenant, 50).await.unwrap();
}

#[tokio::test]
async fn too_many_at_once_take_nothing() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    reserve(&test, &billing, tenant, 30).await.unwrap();
    let LimitError::Reached(reached) = reserve(&test, &billing, tenant, 21).await.unwrap_err() else { panic!("not refused by the limit") };
    assert_eq!((reached.limit, reached.used, &*reached.plan), (50, 30, "free"));
    assert_eq!(usage(&test, &billing, tenant).await.used, 30);
}

#[tokio::test]
async fn a_refused_reservation_leaves_the_transaction_usable() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert!(billing.reserve_in(&mut tx, DEVICES, 51).await.is_err());
    billing.reserve_in(&mut tx, DEVICES, 7).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(usage(&test, &billing, tenant).await.used, 7);
}

#[tokio::test]
async fn as_much_of_a_batch_as_fits_is_taken() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert_eq!(billing.reserve_up_to_in(&mut tx, DEVICES, 40).await.unwrap(), 40);
    assert_eq!(billing.reserve_up_to_in(&mut tx, DEVICES, 40).await.unwrap(), 10);
    assert_eq!(billing.reserve_up_to_in(&mut tx, DEVICES, 40).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_given_back_can_be_taken_again() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    reserve(&test, &billing, tenant, 50).await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.release_in(&mut tx, DEVICES, 1).await.unwrap();
    tx.commit().await.unwrap();
    reserve(&test, &billing, tenant, 1).await.unwrap();
    assert!(reserve(&test, &billing, tenant, 1).await.is_err());
}

#[tokio::test]
async fn more_cannot_be_given_back_than_was_taken() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    reserve(&test, &billing, tenant, 1).await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let error: DbError = billing.release_in(&mut tx, DEVICES, 2).await.unwrap_err();
    assert_eq!(error.constraint(), Some("quota_used_check"));
}

#[tokio::test]
async fn another_plan_holds_at_once() {
    let (test, billing) = (database().await, billing());
    let (acme, other) = (test.tenant("acme").await, test.tenant("other").await);
    let mut tx = test.db.system("a test changes a plan").begin().await.unwrap();
    billing.plan_grant_in(&mut tx, acme, "team", &by_us()).await.unwrap();
    assert!(billing.plan_grant_in(&mut tx, acme, "no such plan", &by_us()).await.is_err());
    tx.commit().await.unwrap();
    reserve(&test, &billing, acme, 10_000).await.unwrap();
    assert_eq!(usage(&test, &billing, acme).await.limit, Limit::Unlimited);
    assert!(reserve(&test, &billing, other, 51).await.is_err(), "the other tenant is still on its own plan");
}

/// T43: the plan is not the tenant's to write.
#[tokio::test]
async fn a_tenant_cannot_change_its_own_plan() {
    let (test, _) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let refused = sqlx::query("insert into billing.tenant_plan (tenant_id, plan, since) values ($1, 'team', now())")
        .bind(tenant)
        .execute(&mut *tx)
        .await
        .map_err(DbError::from)
        .unwrap_err();
    assert_eq!(refused.code().as_deref(), Some("42501"));
}

#[tokio::test]
async fn a_meter_that_the_plan_does_not_name_is_not_part_of_it() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert!(billing.reserve_in(&mut tx, Meter::new("reports"), 1).await.is_err());
}

/// MET-04: the refusal says limit, use and what to do.
#[tokio::test]
async fn the_refusal_is_a_problem_that_says_what_to_do() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    reserve(&test, &billing, tenant, 50).await.unwrap();
    let problem = Problem::from(reserve(&test, &billing, tenant, 1).await.unwrap_err());
    assert_eq!(
        problem.document(),
        serde_json::json!({
            "type": "/problems/limit-reached", "title": "The limit of your plan is reached", "status": 402,
            "detail": "the limit of the free plan is reached: 50 of 50 devices; remove some or choose a larger plan",
            "meter": "devices", "limit": 50, "used": 50, "plan": "free", "upgrade": "/pricing",
        })
    );
}

/// Ten messages a day.
fn by_day() -> Billing {
    Billing::new(Plans::new(Plan::new("free").limit(MESSAGES, 10).limit(SEATS, 1)).counted(MESSAGES, Period::Day)).unwrap()
}

async fn send(test: &TestDb, billing: &Billing, tenant: TenantId, count: u32) -> Result<(), LimitError> {
    let mut tx = test.db.tenant(tenant).begin().await?;
    billing.reserve_in(&mut tx, MESSAGES, count).await?;
    Ok(tx.commit().await?)
}

/// MET-01, MET-04: what is counted by day begins anew at midnight in UTC, and the refusal says when.
#[tokio::test]
async fn what_is_counted_by_day_begins_anew_at_midnight() {
    let clock = Clock::fixed("2026-10-25T23:59:59Z".parse().unwrap());
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 5).await.unwrap(), by_day());
    let tenant = test.tenant("acme").await;
    send(&test, &billing, tenant, 10).await.unwrap();
    let problem = Problem::from(send(&test, &billing, tenant, 1).await.unwrap_err()).document();
    assert_eq!((&problem["used"], &problem["resets_at"]), (&10.into(), &"2026-10-26T00:00:00Z".into()), "{problem}");
    clock.advance(TimeDelta::seconds(1));
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let usage = billing.usage_in(&mut tx, MESSAGES).await.unwrap();
    assert_eq!((usage.used, usage.resets_at), (0, Some("2026-10-27T00:00:00Z".parse().unwrap())));
    drop(tx);
    // What failed today is given back today, and what failed yesterday was yesterday's.
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.release_in(&mut tx, MESSAGES, 3).await.unwrap();
    tx.commit().await.unwrap();
    send(&test, &billing, tenant, 7).await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    billing.release_in(&mut tx, MESSAGES, 2).await.unwrap();
    tx.commit().await.unwrap();
    send(&test, &billing, tenant, 5).await.unwrap();
    assert!(send(&test, &billing, tenant, 1).await.is_err());
}

/// Of two hundred who come around midnight, each day gets what the plan allows and no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_by_day_is_exact_around_midnight() {
    let clock = Clock::fixed("2026-12-31T23:59:59Z".parse().unwrap());
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 20).await.unwrap(), by_day());
    let tenant = test.tenant("acme").await;
    let round = async || {
        let results = join_all((0..100).map(|_| send(&test, &billing, tenant, 1))).await;
        results.iter().filter(|result| result.is_ok()).count()
    };
    assert_eq!(round().await, 10);
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(round().await, 10);
}

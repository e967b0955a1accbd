//! What the tests have in common.

use saas_billing::{
    Billing, Currency, Feature, Interval, MIGRATIONS, Meter, Money, Plan, Plans, Subscription, SubscriptionId, SubscriptionState, Terms,
    subscription_put_in,
};
use saas_core::{Actor, Clock, TenantId, testing::TestDb};

pub(crate) const DEVICES: Meter = Meter::new("devices");
pub(crate) const SSO: Feature = Feature::new("sso");

/// Free with 50 devices, team with as many as one likes.
pub(crate) fn billing() -> Billing {
    let team = Plan::new("team").unlimited(DEVICES).feature(SSO).price(Interval::Month, Money::of(4_900, Currency::Usd));
    Billing::new(Plans::new(Plan::new("free").limit(DEVICES, 50).limit(Meter::new("seats"), 1)).with(team)).unwrap()
}

pub(crate) async fn database() -> TestDb {
    TestDb::at(&[MIGRATIONS], Clock::system(), 20).await.unwrap()
}

/// For good, because we want it.
pub(crate) fn by_us() -> Terms {
    Terms { actor: Actor::System, reason: "a test wants it".to_owned(), until: None }
}

/// A month of the team plan that began just now.
pub(crate) fn month(test: &TestDb, tenant: TenantId, state: SubscriptionState) -> Subscription {
    let now = test.db.clock().now();
    Subscription {
        id: SubscriptionId::new(format!("sub_{tenant}")),
        plan: "team".to_owned(),
        interval: Interval::Month,
        currency: Currency::Usd,
        quantity: 1,
        state,
        created_at: now,
        period_start: now,
        period_end: now + chrono::TimeDelta::days(30),
        trial_end: None,
        cancel_at: None,
        ended_at: None,
        past_due_since: None,
        failed_attempts: 0,
    }
}

/// What was read at the gateway is stored.
pub(crate) async fn read(test: &TestDb, tenant: TenantId, subscription: &Subscription) {
    let mut tx = test.db.system("a test reads a subscription").begin().await.unwrap();
    subscription_put_in(&mut tx, tenant, subscription).await.unwrap();
    tx.commit().await.unwrap();
}

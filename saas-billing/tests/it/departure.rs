//! What a tenant pays for ends with the tenant, and goes on if it comes back.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use saas_billing::{
    Access, Account, Change, CustomerId, GatewayError, IdempotencyKey, MemoryGateway, Mirror, MirrorError, Mode, Payments, Subscription,
    SubscriptionId, SubscriptionState, Unread,
};
use saas_core::{
    Job, JobOptions, Jobs, JobsConfig, Lifecycle, PurgeError, Secret, SystemDb, TenantId, TenantStore, job_system_in, tenant_purge,
    testing::TestDb,
};
use serde::{Deserialize, Serialize};

use crate::{
    gated::Gated,
    given::{billing, by_us},
    shop::{SECRET, Shop, event},
};

/// Polls so often, and then drops it.
pub(crate) async fn cut_short<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| match polls.checked_sub(1) {
        None => Poll::Ready(None),
        Some(left) => {
            polls = left;
            future.as_mut().poll(context).map(Some)
        }
    })
    .await
}

/// A tenant is in this state from now on.
pub(crate) async fn becomes(test: &TestDb, tenant: TenantId, state: &str) {
    let mut tx = test.db.system("a test changes a tenant's state").begin().await.unwrap();
    let now = tx.now();
    sqlx::query("update core.tenant set state = $2, leaves_at = case when $2 = 'leaving' then $3 end where id = $1")
        .bind(tenant)
        .bind(state)
        .bind(now)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn system(shop: &Shop) -> SystemDb {
    shop.test.db.system("a test settles")
}

/// What the gateway knows of a customer's only subscription.
async fn held(shop: &Shop, customer: &CustomerId) -> Subscription {
    shop.mirror.gateway().read(customer).await.unwrap().unwrap().subscriptions[0].clone()
}

async fn bought(shop: &Shop, slug: &str, state: SubscriptionState) -> (TenantId, CustomerId, Subscription) {
    let (tenant, customer) = shop.customer(slug).await;
    let held = shop.month(tenant, state);
    shop.gateway.subscription_set(&customer, held.clone());
    shop.mirror.tenant(&system(shop), tenant).await.unwrap();
    (tenant, customer, held)
}

/// What is paid for ends with its period and goes on if the tenant comes back; what is owed ends at once, and does not.
#[tokio::test]
async fn what_is_paid_for_ends_with_its_period_and_what_is_owed_at_once() {
    use SubscriptionState::{Active, Canceled, Incomplete, PastDue, Paused, Trialing, Unpaid};
    let shop = Shop::new().await;
    for (state, leaves, comes_back) in [
        (Active, Active, Active),
        (Trialing, Trialing, Trialing),
        (PastDue, Canceled, Canceled),
        (Unpaid, Canceled, Canceled),
        (Paused, Canceled, Canceled),
        (Incomplete, Canceled, Canceled),
    ] {
        let (tenant, customer, bought) = bought(&shop, &state.as_str().replace('_', "-"), state).await;
        becomes(&shop.test, tenant, "leaving").await;
        shop.mirror.settle(&system(&shop), tenant).await.unwrap();
        let ends = (leaves != Canceled).then_some(bought.period_end);
        let now = held(&shop, &customer).await;
        assert_eq!((now.state, now.cancel_at), (leaves, ends), "{state:?}");
        // Nothing is left to do.
        assert_eq!(shop.mirror.settle_all(&system(&shop)).await.unwrap(), 0, "{state:?}");

        becomes(&shop.test, tenant, "active").await;
        for _ in 0..2 {
            shop.mirror.settle(&system(&shop), tenant).await.unwrap();
        }
        let now = held(&shop, &customer).await;
        assert_eq!((now.state, now.cancel_at), (comes_back, None), "{state:?}");
        let told = shop.told(tenant).await;
        let sorry = told.iter().filter(|name| *name == "billing.subscription.not_resumed").count();
        assert_eq!(sorry, usize::from(leaves == Canceled), "{state:?}: {told:?}");
    }
}

/// What somebody cancelled before they deleted the organization stays cancelled, and nothing was promised.
#[tokio::test]
async fn what_was_cancelled_before_stays_so() {
    let shop = Shop::new().await;
    let (tenant, customer, bought) = bought(&shop, "acme", SubscriptionState::Active).await;
    let key = IdempotencyKey::of("cancel", "1");
    shop.mirror.gateway().subscription_change(&bought.id, Change::Cancel, &key).await.unwrap();
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    for state in ["leaving", "active"] {
        becomes(&shop.test, tenant, state).await;
        shop.mirror.settle(&system(&shop), tenant).await.unwrap();
        assert_eq!(held(&shop, &customer).await.cancel_at, Some(bought.period_end), "{state}");
    }
    assert!(!shop.told(tenant).await.contains(&"billing.subscription.not_resumed".to_owned()));
}

/// Somebody thinks better of it while the gateway is asked: what holds in the end is what they want last.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_while_it_is_being_ended_keeps_it() {
    // It is looked at, or ended just now.
    for (hold, asked) in [(Gated::hold as fn(&Gated), 1), (Gated::hold_change, 2)] {
        let shop = Shop::new().await;
        let (tenant, customer, _) = bought(&shop, "acme", SubscriptionState::Active).await;
        becomes(&shop.test, tenant, "leaving").await;
        let gateway = Gated::new(&shop.gateway);
        let (mirror, db) = (Mirror::new(gateway.clone()), system(&shop));
        hold(&gateway);
        let ending = tokio::spawn(async move { mirror.settle(&db, tenant).await });
        gateway.until_asked(asked).await;
        becomes(&shop.test, tenant, "active").await;
        // Somebody settles what is so now; the other one still has what was so before.
        let (mirror, db) = (shop.mirror.clone(), system(&shop));
        let going_on = tokio::spawn(async move { mirror.settle(&db, tenant).await });
        gateway.release();
        ending.await.unwrap().unwrap();
        going_on.await.unwrap().unwrap();
        assert_eq!(held(&shop, &customer).await.cancel_at, None);
        assert_eq!(shop.mirror.settle_all(&system(&shop)).await.unwrap(), 0);
    }
}

/// S47: what somebody pays on a page that was open ends as well, and an event of an organization that is no more brings nothing back.
#[tokio::test]
async fn what_is_bought_too_late_ends_too() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    becomes(&shop.test, tenant, "leaving").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    shop.hears(&event("evt_1", "checkout.session.completed", &customer)).await;
    shop.works_on("evt_1").await.unwrap();
    assert_eq!(shop.count("select count(*) from core.job where name = 'billing.settle'").await, 1);
    assert_eq!(shop.mirror.settle_all(&system(&shop)).await.unwrap(), 1);
    assert!(held(&shop, &customer).await.cancel_at.is_some());

    // A customer that nobody here knew of says that it is an organization which is deleted.
    let (gone, late) = (shop.test.tenant("gone").await, CustomerId::new("cus_late"));
    becomes(&shop.test, gone, "deleted").await;
    let held = shop.month(gone, SubscriptionState::Active);
    shop.gateway.account_set(&late, Account { tenant: Some(gone), subscriptions: vec![held], ..Account::default() });
    shop.hears(&event("evt_2", "customer.subscription.created", &late)).await;
    shop.works_on("evt_2").await.unwrap();
    assert_eq!(shop.mirror.settle_all(&system(&shop)).await.unwrap(), 1);
    assert!(shop.mirror.gateway().read(&late).await.unwrap().unwrap().is_deleted);
    assert_eq!((shop.states(gone).await, shop.mirror.settle_all(&system(&shop)).await.unwrap()), (vec!["canceled".to_owned()], 0));
    assert_eq!(billing().entitlement(&shop.test.db, gone).await.unwrap().access(), Access::Active);
}

/// While the gateway is away nothing of a tenant is purged, so that it is asked again; one tenant keeps no other.
#[tokio::test]
async fn while_the_gateway_is_away_nothing_is_purged() {
    let shop = Shop::new().await;
    let (tenant, customer, _) = bought(&shop, "acme", SubscriptionState::Active).await;
    let mut tx = system(&shop).begin().await.unwrap();
    billing().plan_grant_in(&mut tx, tenant, "team", &by_us()).await.unwrap();
    tx.commit().await.unwrap();
    becomes(&shop.test, tenant, "deleted").await;
    let payments = Payments::new(&shop.test.db, shop.gateway.clone(), [Secret::new(SECRET)], Mode::Test).unwrap();
    let stores: [Arc<dyn TenantStore>; 1] = [Arc::new(payments)];
    let purge = async || tenant_purge(&system(&shop), &shop.test.db.inventory(), &stores, tenant).await;
    for _ in 0..3 {
        shop.gateway.away_once(Some(Duration::from_secs(1)));
        assert!(matches!(purge().await, Err(PurgeError::Store(_))));
        assert_eq!(shop.count("select count(*) from billing.tenant_plan").await, 1, "its rows wait for the gateway");
        assert_eq!(shop.states(tenant).await, ["active"], "and nobody says that it ended");
    }
    shop.gateway.away_once(None);
    assert!(matches!(shop.mirror.settle_all(&system(&shop)).await, Err(MirrorError::Gateway(GatewayError::Away { .. }))));
    purge().await.unwrap();
    assert!(shop.mirror.gateway().read(&customer).await.unwrap().unwrap().is_deleted);
    assert_eq!((shop.states(tenant).await, shop.count("select count(*) from billing.tenant_plan").await), (vec!["canceled".to_owned()], 0));
    // Once more is no harm.
    purge().await.unwrap();
}

/// The program's own job, by its name.
#[derive(Debug, Serialize, Deserialize)]
struct SettleAll {}

impl Job for SettleAll {
    const NAME: &'static str = "billing.settle_all";
}

/// What one customer has that nobody can read is no dead letter of settling all, which comes each five minutes.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_makes_no_dead_letter_of_settling_all() {
    let shop = Shop::new().await;
    let (tenant, customer, held) = bought(&shop, "acme", SubscriptionState::Active).await;
    let unread = vec![Unread::Subscription { id: SubscriptionId::new("sub_odd"), why: "the state frozen".to_owned() }];
    let account = Account { tenant: Some(tenant), subscriptions: vec![held], unread, ..Account::default() };
    shop.gateway.account_set(&customer, account);
    becomes(&shop.test, tenant, "leaving").await;
    let mut tx = system(&shop).begin().await.unwrap();
    job_system_in(&mut tx, None, &SettleAll {}, JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();

    let (jobs, lifecycle) = (Jobs::new(&shop.test.db), Lifecycle::new());
    let payments = Payments::new(&shop.test.db, shop.gateway.clone(), [Secret::new(SECRET)], Mode::Test).unwrap();
    payments.work_for(&jobs);
    let running = jobs.start(JobsConfig { poll: Duration::from_millis(50), ..JobsConfig::default() }, &lifecycle).await.unwrap();
    let mut waited = 0;
    while shop.count("select count(*) from core.job where name = 'billing.settle_all' and error like '%cannot be read%'").await == 0 {
        waited += 1;
        assert!(waited < 3_000, "it is not worked on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shop.count("select count(*) from core.job where name = 'billing.settle_all' and state = 'dead'").await, 0);
    assert!(self::held(&shop, &customer).await.cancel_at.is_some(), "all else is settled");
    lifecycle.drain();
    running.drained().await;
}

/// Killed at ever later moments and begun again each time, it comes to the same, told once.
#[tokio::test]
async fn killed_at_every_step_it_comes_to_the_same() {
    let shop = Shop::new().await;
    let mut cuts = 0;
    let mut settled = async |mirror: &Mirror, tenant| {
        for polls in (1..).step_by(3) {
            if let Some(done) = cut_short(mirror.settle(&system(&shop), tenant), polls).await {
                return done.unwrap();
            }
            cuts += 1;
        }
    };
    let (tenant, customer, _) = bought(&shop, "acme", SubscriptionState::Active).await;
    becomes(&shop.test, tenant, "leaving").await;
    settled(&shop.mirror, tenant).await;
    assert!(held(&shop, &customer).await.cancel_at.is_some());
    becomes(&shop.test, tenant, "active").await;
    settled(&shop.mirror, tenant).await;
    assert_eq!(held(&shop, &customer).await.cancel_at, None);
    assert_eq!(shop.told(tenant).await, ["billing.subscription.changed"; 3]);

    let gateway: &MemoryGateway = &shop.gateway;
    gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::PastDue));
    becomes(&shop.test, tenant, "leaving").await;
    settled(&shop.mirror, tenant).await;
    becomes(&shop.test, tenant, "active").await;
    settled(&shop.mirror, tenant).await;
    let told = shop.told(tenant).await;
    assert_eq!(told.iter().filter(|name| *name == "billing.subscription.not_resumed").count(), 1, "{told:?}");
    becomes(&shop.test, tenant, "deleted").await;
    settled(&shop.mirror, tenant).await;
    assert!(shop.mirror.gateway().read(&customer).await.unwrap().unwrap().is_deleted);
    assert!(cuts > 30, "it was cut short {cuts} times alone");
}

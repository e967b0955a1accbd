//! What is stored follows the gateway, whatever comes in which order and how often.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use saas_billing::{
    Access, Account, CustomerId, GatewayError, Interval, InvoiceState, Mirror, MirrorError, Subscription, SubscriptionState, Worked,
};
use saas_core::{Jobs, JobsConfig, Lifecycle, TenantId};
use serde_json::{Value, json};

use crate::{
    gated::Gated,
    given::billing,
    shop::{Shop, event},
};

/// How often a race is run.
fn rounds() -> usize {
    if std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1") { 1_000 } else { 25 }
}

/// All orders of five things.
fn permutations() -> Vec<[usize; 5]> {
    let mut found = Vec::new();
    for code in 0..3_125_usize {
        let order = [code / 625, code / 125 % 5, code / 25 % 5, code / 5 % 5, code % 5];
        if (0..5).all(|which| order.contains(&which)) {
            found.push(order);
        }
    }
    found
}

const KINDS: [&str; 5] = [
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.paid",
    "checkout.session.completed",
];

/// S22: five events in each of their 120 orders, while the subscription goes through its life.
#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_events_come_what_is_stored_is_as_at_the_gateway() {
    let shop = Shop::new().await;
    let orders = permutations();
    assert_eq!(orders.len(), 120);
    for (round, order) in orders.iter().enumerate() {
        let (tenant, customer) = shop.customer(&format!("t{round}")).await;
        let mut held = shop.month(tenant, SubscriptionState::Incomplete);
        // The first half of the events comes before the last change, the second half after it.
        for (place, which) in order.iter().enumerate() {
            held.state = if place < 2 { SubscriptionState::Active } else { SubscriptionState::Canceled };
            shop.gateway.subscription_set(&customer, held.clone());
            shop.gateway.invoice_set(&customer, shop.invoice(&held, InvoiceState::Paid, 1));
            let id = format!("evt_{round}_{which}");
            assert_eq!(shop.hears(&event(&id, KINDS[*which], &customer)).await, StatusCode::OK);
            assert_eq!(shop.works_on(&id).await.unwrap(), Worked::Done);
        }
        assert_eq!(shop.states(tenant).await, ["canceled"], "{order:?}");
        let told = shop.told(tenant).await;
        let effects = ["billing.subscription.changed", "billing.invoice.paid", "billing.subscription.changed"];
        assert_eq!(told, effects, "{order:?}");
    }
}

/// S18, S20: the same event twice, and two events of one change, have one effect.
#[tokio::test]
async fn one_change_has_one_effect() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    for id in ["evt_1", "evt_2", "evt_1"] {
        shop.hears(&event(id, KINDS[1], &customer)).await;
    }
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Done);
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Already);
    assert_eq!(shop.works_on("evt_2").await.unwrap(), Worked::Done);
    assert_eq!(shop.told(tenant).await, ["billing.subscription.changed"]);
    assert_eq!(shop.gateway.reads(&customer), 2, "an event that was worked on asks nobody anything");
}

/// AUD-01: what is said of a subscription says how it was before, also where it is gone.
#[tokio::test]
async fn what_changes_of_a_subscription_is_in_the_log_with_how_it_was() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let month = shop.month(tenant, SubscriptionState::Active);
    let year = Subscription { interval: Interval::Year, quantity: 2, state: SubscriptionState::PastDue, ..month.clone() };
    for (id, held) in [("evt_1", Some(month.clone())), ("evt_2", Some(year)), ("evt_3", None)] {
        let account = Account { tenant: Some(tenant), subscriptions: held.into_iter().collect(), ..Account::default() };
        shop.gateway.account_set(&customer, account);
        shop.hears(&event(id, KINDS[1], &customer)).await;
        assert_eq!(shop.works_on(id).await.unwrap(), Worked::Done);
    }
    let mut tx = shop.test.db.tenant(tenant).begin().await.unwrap();
    let kept = "select data::jsonb from audit_entry where action = 'billing.subscription.changed' order by at, id";
    let kept: Vec<Value> = sqlx::query_scalar(kept).fetch_all(&mut *tx).await.unwrap();
    let said = |values: [(Value, Value); 5]| {
        let [plan, state, interval, quantity, cancel_at] = values.map(|(old, new)| json!({ "old": old, "new": new }));
        json!({ "plan": plan, "state": state, "interval": interval, "quantity": quantity, "cancel_at": cancel_at })
    };
    let stays = |value: Value| (value.clone(), value);
    let (none, plan) = (Value::Null, json!(month.plan));
    let from_nothing = |value: Value| (Value::Null, value);
    let expected = [
        said([
            from_nothing(plan.clone()),
            from_nothing(json!("active")),
            from_nothing(json!("month")),
            from_nothing(json!(1)),
            stays(none.clone()),
        ]),
        said([
            stays(plan.clone()),
            (json!("active"), json!("past_due")),
            (json!("month"), json!("year")),
            (json!(1), json!(2)),
            stays(none.clone()),
        ]),
        said([stays(plan), (json!("past_due"), json!("canceled")), stays(json!("year")), stays(json!(2)), stays(none)]),
    ];
    assert_eq!(kept, expected);
}

/// S16: what concerns no customer is put aside, and asks nobody anything.
#[tokio::test]
async fn what_concerns_no_customer_is_put_aside() {
    let shop = Shop::new().await;
    let customer = CustomerId::new("cus_1");
    for (id, kind) in [("evt_1", "balance.available"), ("evt_2", "imagined.by.nobody")] {
        shop.hears(&event(id, kind, &customer)).await;
        assert_eq!(shop.works_on(id).await.unwrap(), Worked::Ignored);
    }
    assert_eq!(shop.gateway.reads(&customer), 0);
}

/// S23: an event may come before we have heard the answer to our own request. It waits, and is bound by what the customer itself says.
#[tokio::test]
async fn an_event_of_a_customer_that_is_not_known_yet_waits() {
    let shop = Shop::new().await;
    let (tenant, customer) = (shop.test.tenant("acme").await, CustomerId::new("cus_9"));
    shop.hears(&event("evt_1", KINDS[0], &customer)).await;
    assert!(matches!(shop.works_on("evt_1").await, Err(MirrorError::Unknown(unknown)) if unknown == customer));
    let held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.account_set(&customer, Account { tenant: Some(tenant), subscriptions: vec![held], ..Account::default() });
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Done);
    assert_eq!(shop.states(tenant).await, ["active"]);
}

/// Whoever is bound stays bound: a customer that says it is an organization which has another one gets nothing of it.
#[tokio::test]
async fn an_organization_that_is_a_customer_never_becomes_another() {
    let shop = Shop::new().await;
    let (tenant, first) = shop.customer("acme").await;
    let second = CustomerId::new("cus_forged");
    let held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.account_set(&second, Account { tenant: Some(tenant), subscriptions: vec![held], ..Account::default() });
    shop.hears(&event("evt_1", KINDS[0], &second)).await;
    assert!(matches!(shop.works_on("evt_1").await, Err(MirrorError::Bound(bound)) if bound == second));
    assert_eq!(shop.states(tenant).await, [] as [&str; 0]);
    let mut tx = shop.test.db.tenant(tenant).begin().await.unwrap();
    let bound: String = sqlx::query_scalar("select id from billing.customer").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(bound, first.as_str());
    // A tenant that never was is nobody's.
    let third = CustomerId::new("cus_of_nobody");
    shop.gateway.account_set(&third, Account { tenant: Some(TenantId::new()), ..Account::default() });
    shop.hears(&event("evt_2", KINDS[0], &third)).await;
    assert!(matches!(shop.works_on("evt_2").await, Err(MirrorError::Bound(_))));
}

/// S33, S34: while the gateway is away nothing happens and nothing is lost.
#[tokio::test]
async fn while_the_gateway_is_away_an_event_waits() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    shop.hears(&event("evt_1", KINDS[0], &customer)).await;
    shop.gateway.away_once(Some(Duration::from_secs(7)));
    let away = shop.works_on("evt_1").await.unwrap_err();
    assert!(matches!(away, MirrorError::Gateway(GatewayError::Away { retry_after: Some(after), .. }) if after.as_secs() == 7));
    shop.gateway.refuse_once();
    assert!(matches!(shop.works_on("evt_1").await, Err(MirrorError::Gateway(GatewayError::Refused(_)))));
    assert_eq!(shop.states(tenant).await, [] as [&str; 0]);
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Done);
    assert_eq!(shop.states(tenant).await, ["active"]);
}

/// S39: whoever comes back from paying and the event that says so meet; one of them is first, and there is one effect.
#[tokio::test(flavor = "multi_thread")]
async fn coming_back_and_being_told_have_one_effect_together() {
    let shop = Shop::new().await;
    for round in 0..rounds() {
        let (tenant, customer) = shop.customer(&format!("t{round}")).await;
        let held = shop.month(tenant, SubscriptionState::Active);
        shop.gateway.subscription_set(&customer, held.clone());
        shop.gateway.invoice_set(&customer, shop.invoice(&held, InvoiceState::Paid, 1));
        let id = format!("evt_{round}");
        shop.hears(&event(&id, KINDS[4], &customer)).await;
        let db = shop.test.db.system("a test comes back");
        let (back, told) = tokio::join!(shop.mirror.tenant(&db, tenant), shop.works_on(&id));
        back.unwrap();
        assert_eq!(told.unwrap(), Worked::Done);
        assert_eq!(shop.states(tenant).await, ["active"]);
        assert_eq!(shop.told(tenant).await, ["billing.subscription.changed", "billing.invoice.paid"]);
    }
}

/// S40: what is read later is what is kept, because nobody reads before the lock.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_answer_never_overwrites_a_newer_one() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let mut held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.subscription_set(&customer, held.clone());
    let db = shop.test.db.system("a test follows the gateway");
    // The first answer is on its way for long; meanwhile the subscription ends, and a quick second answer says so.
    shop.gateway.slow(Duration::from_millis(500));
    let mirror = shop.mirror.clone();
    let slow = tokio::spawn({
        let (mirror, db) = (mirror.clone(), db.clone());
        async move { mirror.tenant(&db, tenant).await }
    });
    while shop.gateway.reads(&customer) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shop.gateway.slow(Duration::ZERO);
    held.state = SubscriptionState::Canceled;
    shop.gateway.subscription_set(&customer, held);
    mirror.tenant(&db, tenant).await.unwrap();
    slow.await.unwrap().unwrap();
    assert_eq!(shop.states(tenant).await, ["canceled"]);
}

/// S34: while the gateway takes its time, nobody holds a connection for it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_gateway_with_a_connection() {
    let shop = Shop::new().await;
    let gateway = Gated::new(&shop.gateway);
    let (mirror, db) = (Mirror::new(gateway.clone()), shop.test.db.system("a test follows the gateway"));
    // More at once than there are connections for; none of them is answered.
    let mut waiting = Vec::new();
    for round in 0..25 {
        let (tenant, _) = shop.customer(&format!("t{round}")).await;
        let (mirror, db) = (mirror.clone(), db.clone());
        gateway.hold();
        waiting.push(tokio::spawn(async move { mirror.tenant(&db, tenant).await }));
    }
    gateway.until_asked(25).await;
    assert_eq!(shop.count("select count(*) from billing.customer where asked = 1 and kept = 0").await, 25);
    (0..25).for_each(|_| gateway.release());
    for it in join_all(waiting).await {
        it.unwrap().unwrap();
    }
    assert_eq!(shop.count("select count(*) from billing.customer where asked = 1 and kept = 1").await, 25);
}

/// S40: of two who ask at once, whoever began first may have the newer answer. The other asks again, and what is kept is what is so.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_another_answer_kept_asks_again() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let mut held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.subscription_set(&customer, held.clone());
    let gateway = Gated::new(&shop.gateway);
    let (mirror, db) = (Mirror::new(gateway.clone()), shop.test.db.system("a test follows the gateway"));
    let follows = || {
        gateway.hold();
        let (mirror, db) = (mirror.clone(), db.clone());
        tokio::spawn(async move { mirror.tenant(&db, tenant).await })
    };
    let first = follows();
    gateway.until_asked(1).await;
    let second = follows();
    gateway.until_asked(2).await;
    held.state = SubscriptionState::Canceled;
    shop.gateway.subscription_set(&customer, held);
    gateway.release();
    first.await.unwrap().unwrap();
    assert_eq!(shop.states(tenant).await, ["active"]);
    gateway.release();
    second.await.unwrap().unwrap();
    assert_eq!(shop.states(tenant).await, ["canceled"]);
    assert_eq!(shop.gateway.reads(&customer), 3);
}

/// S41, S42: two tabs, twenty of them, and one whose process died after it had asked, make one customer.
#[tokio::test(flavor = "multi_thread")]
async fn an_organization_becomes_one_customer_however_often_it_is_asked_for() {
    let shop = Shop::new().await;
    let tenant = shop.test.tenant("acme").await;
    let db = shop.test.db.system("a test makes a customer");
    let key = saas_billing::IdempotencyKey::of("customer", tenant);
    let lost = shop.mirror.gateway().customer_create(tenant, &key).await.unwrap();
    let made = join_all((0..20).map(|_| shop.mirror.customer_of(&db, tenant))).await;
    assert!(made.iter().all(|customer| customer.as_ref().is_ok_and(|customer| *customer == lost)), "{made:?}");
    assert_eq!(shop.gateway.customers(), 1);
    assert_eq!(shop.count("select count(*) from billing.customer").await, 1);
}

/// S48: a customer that was deleted holds nothing any more, and stays bound.
#[tokio::test]
async fn a_deleted_customer_holds_nothing() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    let db = shop.test.db.system("a test follows the gateway");
    shop.mirror.tenant(&db, tenant).await.unwrap();
    assert_eq!(billing().entitlement(&shop.test.db, tenant).await.unwrap().plan().name(), "team");
    shop.gateway.account_set(&customer, Account { tenant: Some(tenant), is_deleted: true, ..Account::default() });
    shop.hears(&event("evt_1", "customer.deleted", &customer)).await;
    shop.works_on("evt_1").await.unwrap();
    assert_eq!(billing().entitlement(&shop.test.db, tenant).await.unwrap().plan().name(), "free");
    assert_eq!(shop.count("select count(*) from billing.customer where deleted_at is not null").await, 1);
    assert_eq!(shop.told(tenant).await, ["billing.subscription.changed", "billing.subscription.changed"]);
}

/// S79, BIL-06: each failed attempt is told once, however its events come; payment ends it, and unlocks at once.
#[tokio::test]
async fn each_failed_attempt_is_told_once_and_payment_unlocks_at_once() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let mut held: Subscription = shop.month(tenant, SubscriptionState::PastDue);
    held.past_due_since = Some(held.created_at);
    let mut accesses = Vec::new();
    for attempt in 1..=4 {
        held.failed_attempts = attempt;
        shop.gateway.subscription_set(&customer, held.clone());
        shop.gateway.invoice_set(&customer, shop.invoice(&held, InvoiceState::Open, attempt));
        for again in 0..3 {
            let id = format!("evt_{attempt}_{again}");
            shop.hears(&event(&id, "invoice.payment_failed", &customer)).await;
            shop.works_on(&id).await.unwrap();
        }
        accesses.push(billing().entitlement(&shop.test.db, tenant).await.unwrap().access().as_str());
    }
    assert_eq!(accesses, ["grace", "grace", "soft_locked", "soft_locked"]);
    held = Subscription { state: SubscriptionState::Active, past_due_since: None, failed_attempts: 0, ..held };
    shop.gateway.subscription_set(&customer, held.clone());
    shop.gateway.invoice_set(&customer, shop.invoice(&held, InvoiceState::Paid, 4));
    shop.hears(&event("evt_paid", "invoice.paid", &customer)).await;
    shop.works_on("evt_paid").await.unwrap();
    assert_eq!(billing().entitlement(&shop.test.db, tenant).await.unwrap().access(), Access::Active);
    let told = shop.told(tenant).await;
    let count = |name: &str| told.iter().filter(|told| *told == name).count();
    assert_eq!((count("billing.payment.failed"), count("billing.invoice.paid"), count("billing.subscription.changed")), (4, 1, 2));
}

/// The jobs of a running program do what the tests do by hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_works_on_what_it_hears() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    // The first answer is none; the job comes again after what the gateway asked for.
    shop.gateway.away_once(Some(Duration::from_millis(10)));
    let (jobs, lifecycle) = (Jobs::new(&shop.test.db), Lifecycle::new());
    Mirror::new(shop.gateway.clone()).work_for(&jobs);
    let config = JobsConfig { concurrency: 2, poll: Duration::from_millis(50), ..JobsConfig::default() };
    let running = jobs.start(config, &lifecycle).await.unwrap();
    shop.hears(&event("evt_1", KINDS[0], &customer)).await;
    let mut waited = 0;
    while shop.count("select count(*) from billing.gateway_event where state = 'done'").await == 0 {
        waited += 1;
        assert!(waited < 3_000, "it is not worked on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shop.states(tenant).await, ["active"]);
    lifecycle.drain();
    running.drained().await;
}

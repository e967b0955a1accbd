//! What is told of payments that fail.

use http::StatusCode;
use saas_billing::{InvoiceState, SubscriptionState, Worked};
use saas_core::TenantId;
use uuid::Uuid;

use crate::shop::{Shop, event};

/// How often each case is run.
fn rounds() -> u64 {
    if std::env::var_os("SAAS_FULL").is_some_and(|value| value == "1") { 200 } else { 20 }
}

/// The events of failures and payments of a tenant, in order: each attempt's number, and for what was paid how often that had failed, negative.
async fn told(shop: &Shop, tenant: TenantId) -> Vec<i32> {
    let mut tx = shop.test.db.tenant(tenant).begin().await.unwrap();
    let told = sqlx::query_scalar(
        "select coalesce((data ->> 'attempt')::integer, -(data ->> 'failed_attempts')::integer) from outbox
        where tenant_id = $1 and name in ('billing.payment.failed', 'billing.invoice.paid') order by at, id",
    );
    told.bind(Uuid::from(tenant)).fetch_all(&mut *tx).await.unwrap()
}

/// A different order for each seed.
fn shuffled(mut these: Vec<String>, mut seed: u64) -> Vec<String> {
    for last in (1..these.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        these.swap(last, usize::try_from(seed >> 33).unwrap() % (last + 1));
    }
    these
}

/// S79: four failures, each told twice and all that came before once more, in any order, and the payment in the end: each is told of once.
#[tokio::test]
async fn each_attempt_is_told_of_once_whatever_is_told_twice_or_in_another_order() {
    let shop = Shop::new().await;
    for round in 0..rounds() {
        let (tenant, customer) = shop.customer(&format!("t{round}")).await;
        let mut held = shop.month(tenant, SubscriptionState::PastDue);
        let mut heard = Vec::new();
        for attempt in 1..=5 {
            let is_paid = attempt == 5;
            held.state = if is_paid { SubscriptionState::Active } else { SubscriptionState::PastDue };
            let state = if is_paid { InvoiceState::Paid } else { InvoiceState::Open };
            shop.gateway.subscription_set(&customer, held.clone());
            shop.gateway.invoice_set(&customer, shop.invoice(&held, state, attempt.min(4)));
            heard.extend(["a", "b"].map(|twice| format!("evt_{round}_{attempt}_{twice}")));
            for id in shuffled(heard.clone(), round * 10 + u64::from(attempt)) {
                let kind = if is_paid { "invoice.paid" } else { "invoice.payment_failed" };
                assert_eq!(shop.hears(&event(&id, kind, &customer)).await, StatusCode::OK);
                assert!(matches!(shop.works_on(&id).await.unwrap(), Worked::Done | Worked::Already));
            }
        }
        assert_eq!(told(&shop, tenant).await, [1, 2, 3, 4, -4], "{round}");
    }
}

/// Whoever hears of several at once is told of the last one, and of none that was paid before anybody looked.
#[tokio::test]
async fn what_nobody_looked_at_in_time_is_told_as_it_is_now() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let held = shop.month(tenant, SubscriptionState::PastDue);
    let looks = async |state: InvoiceState, attempts: u32| {
        shop.gateway.subscription_set(&customer, held.clone());
        shop.gateway.invoice_set(&customer, shop.invoice(&held, state, attempts));
        shop.mirror.customer(&shop.test.db.system("a test looks"), &customer).await.unwrap();
    };
    looks(InvoiceState::Open, 3).await;
    looks(InvoiceState::Open, 3).await;
    looks(InvoiceState::Paid, 4).await;
    assert_eq!(told(&shop, tenant).await, [3, -3]);
    let (tenant, customer) = shop.customer("other").await;
    let held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.subscription_set(&customer, held.clone());
    shop.gateway.invoice_set(&customer, shop.invoice(&held, InvoiceState::Paid, 2));
    shop.mirror.customer(&shop.test.db.system("a test looks"), &customer).await.unwrap();
    assert_eq!(told(&shop, tenant).await, [0], "nobody was told that it failed");
}

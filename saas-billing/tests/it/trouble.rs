//! What goes wrong at the gateway and does not stay wrong: customers that are deleted there, keys under which it failed, answers that nobody can read.

use saas_billing::{
    Account, CustomerId, Gateway as _, GatewayError, IdempotencyKey, Invoice, InvoiceState, MirrorError, SubscriptionId, SubscriptionState,
    Unread, Worked,
};
use saas_core::SystemDb;

use crate::shop::{Shop, event};

fn system(shop: &Shop) -> SystemDb {
    shop.test.db.system("a test asks the gateway")
}

async fn stored(shop: &Shop) -> Vec<(String, bool)> {
    let mut tx = system(shop).begin().await.unwrap();
    sqlx::query_as("select id, deleted_at is not null from billing.customer order by created_at").fetch_all(&mut *tx).await.unwrap()
}

/// S48: whoever was deleted at the gateway can buy again, as a new customer: one, however many ask at once. What they had is kept.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_deleted_at_the_gateway_becomes_a_new_customer() {
    let shop = Shop::new().await;
    let (tenant, first) = shop.customer("acme").await;
    let held = shop.month(tenant, SubscriptionState::Active);
    shop.gateway.subscription_set(&first, held.clone());
    shop.gateway.invoice_set(&first, shop.invoice(&held, InvoiceState::Paid, 1));
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    shop.gateway.customer_delete(&first).await.unwrap();
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    assert_eq!(stored(&shop).await, [(first.to_string(), true)]);

    let made =
        futures_util::future::join_all((0..20).map(|_| async { shop.mirror.customer_of(&system(&shop), tenant).await.unwrap() })).await;
    let second = made[0].clone();
    assert!(second != first && made.iter().all(|customer| *customer == second), "{made:?}");
    assert_eq!((stored(&shop).await, shop.gateway.customers()), (vec![(second.to_string(), false)], 2));
    assert_eq!(shop.count("select count(*) from billing.invoice where state = 'paid'").await, 1);
    assert_eq!(shop.states(tenant).await, ["canceled"]);

    // What is told of the old one late is nobody's, and takes nothing from the new one.
    let held = saas_billing::Subscription { id: SubscriptionId::new("sub_2"), ..shop.month(tenant, SubscriptionState::Active) };
    shop.gateway.subscription_set(&second, held);
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    shop.hears(&event("evt_1", "customer.deleted", &first)).await;
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Ignored);
    let mut states = shop.states(tenant).await;
    states.sort();
    assert_eq!(states, ["active", "canceled"]);

    // And once more.
    shop.gateway.customer_delete(&second).await.unwrap();
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    let third = shop.mirror.customer_of(&system(&shop), tenant).await.unwrap();
    assert!(third != first && third != second);
}

/// A customer that the gateway did not find for a while is the same one when it does again.
#[tokio::test]
async fn a_customer_that_is_found_again_is_the_same() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.account_set(&customer, Account { is_deleted: true, ..Account::default() });
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    shop.gateway.account_set(&customer, Account { tenant: Some(tenant), ..Account::default() });
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();
    assert_eq!(shop.mirror.customer_of(&system(&shop), tenant).await.unwrap(), customer);
    assert_eq!(stored(&shop).await, [(customer.to_string(), false)]);
}

/// S50: what the gateway keeps of a failure is told from a failure, and another key is used, of the same derivation.
#[tokio::test]
async fn a_failure_that_is_kept_under_a_key_blocks_nobody() {
    let shop = Shop::new().await;
    let tenant = shop.test.tenant("acme").await;
    shop.gateway.break_once();
    let away = shop.mirror.customer_of(&system(&shop), tenant).await.unwrap_err();
    assert!(matches!(away, MirrorError::Gateway(GatewayError::Away { .. })), "{away:?}");
    let spent = shop.gateway.customer_create(tenant, &IdempotencyKey::of("customer", tenant)).await.unwrap_err();
    assert!(matches!(spent, GatewayError::KeySpent(_)), "{spent:?}");
    let made = shop.mirror.customer_of(&system(&shop), tenant).await.unwrap();
    assert_eq!((stored(&shop).await, shop.gateway.customers()), (vec![(made.to_string(), false)], 1));
}

/// S17: what nobody can read is a dead letter that says so; all else of the customer is kept, and what was read before stays.
#[tokio::test]
async fn what_cannot_be_read_is_named_and_keeps_nothing_else() {
    let shop = Shop::new().await;
    let (tenant, customer) = shop.customer("acme").await;
    let odd = shop.month(tenant, SubscriptionState::Active);
    let bill: Invoice = shop.invoice(&odd, InvoiceState::Open, 1);
    shop.gateway.subscription_set(&customer, odd.clone());
    shop.gateway.invoice_set(&customer, bill.clone());
    shop.mirror.tenant(&system(&shop), tenant).await.unwrap();

    let new = saas_billing::Subscription { id: SubscriptionId::new("sub_2"), ..odd.clone() };
    let unread = vec![Unread::Subscription { id: odd.id.clone(), why: "the state frozen".to_owned() }];
    let paid = Invoice { subscription: None, ..shop.invoice(&odd, InvoiceState::Paid, 1) };
    let account = Account { tenant: Some(tenant), subscriptions: vec![new], invoices: vec![paid], unread, ..Account::default() };
    shop.gateway.account_set(&customer, account);
    shop.hears(&event("evt_1", "customer.subscription.updated", &customer)).await;
    let error = shop.works_on("evt_1").await.unwrap_err();
    let said = format!("of the customer {customer} cannot be read: the subscription {}: the state frozen", odd.id);
    assert!(matches!(error, MirrorError::Unread { .. }) && error.to_string() == said, "{error}");
    assert_eq!(shop.states(tenant).await, ["active", "active"], "what was read before stays, and what is new is kept");
    let kept = "select count(*) from billing.invoice where state = 'paid' and subscription_id is not null";
    assert_eq!(shop.count(kept).await, 1, "whose the invoice is, is still known");
    assert_eq!(shop.count("select count(*) from billing.gateway_event where state = 'waiting'").await, 1);

    // Replayed by a program that can read it, it is done.
    shop.gateway.subscription_set(&customer, odd);
    let account = shop.gateway.read(&customer).await.unwrap().unwrap();
    shop.gateway.account_set(&customer, Account { unread: vec![], ..account });
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Done);
}

/// One that was made twice, because nobody heard that it was made, and that nobody pays with, is no alarm.
#[tokio::test]
async fn a_second_customer_that_nobody_pays_with_is_nobodys() {
    let shop = Shop::new().await;
    let (tenant, _) = shop.customer("acme").await;
    let orphan = CustomerId::new("cus_orphan");
    shop.gateway.account_set(&orphan, Account { tenant: Some(tenant), ..Account::default() });
    shop.hears(&event("evt_1", "customer.created", &orphan)).await;
    assert_eq!(shop.works_on("evt_1").await.unwrap(), Worked::Ignored);
}

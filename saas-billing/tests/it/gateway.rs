//! What every gateway must do, whatever is behind it.

use saas_billing::{Checkout, Currency, CustomerId, Gateway, GatewayError, IdempotencyKey, Interval, MemoryGateway, Order};
use saas_core::TenantId;
use url::Url;

fn order(customer: &CustomerId) -> Order {
    Order {
        customer: customer.clone(),
        plan: "team".to_owned(),
        interval: Interval::Month,
        currency: Currency::Usd,
        quantity: 1,
        trial_days: 0,
        paid_url: Url::parse("http://localhost:3000/billing/return").unwrap(),
        back_url: Url::parse("http://localhost:3000/billing").unwrap(),
    }
}

/// The sentences at [`Gateway`] that say "must".
async fn conforms(gateway: &dyn Gateway) {
    assert_eq!(gateway.read(&CustomerId::new("cus_of_nobody")).await.unwrap(), None);

    // A customer says whose it is, and is made once with one key.
    let (tenant, other) = (TenantId::new(), TenantId::new());
    let key = IdempotencyKey::of("customer", tenant);
    let customer = gateway.customer_create(tenant, &key).await.unwrap();
    assert_eq!(gateway.customer_create(tenant, &key).await.unwrap(), customer);
    let account = gateway.read(&customer).await.unwrap().unwrap();
    assert_eq!((account.tenant, account.is_deleted), (Some(tenant), false));
    assert!(account.subscriptions.is_empty() && account.invoices.is_empty());
    assert!(matches!(gateway.customer_create(other, &key).await, Err(GatewayError::KeyReused)));
    let second = gateway.customer_create(other, &IdempotencyKey::of("customer", other)).await.unwrap();
    assert_ne!(second, customer);

    // A page is made once with one key, for one order, and buys nothing by itself.
    let key = IdempotencyKey::of("checkout", &customer);
    let page: Checkout = gateway.checkout_create(&order(&customer), &key).await.unwrap();
    assert_eq!(gateway.checkout_create(&order(&customer), &key).await.unwrap(), page);
    let larger = Order { quantity: 2, ..order(&customer) };
    assert!(matches!(gateway.checkout_create(&larger, &key).await, Err(GatewayError::KeyReused)));
    let again = gateway.checkout_create(&larger, &IdempotencyKey::of("checkout", "another")).await.unwrap();
    assert_ne!(again.id, page.id);
    assert!(gateway.read(&customer).await.unwrap().unwrap().subscriptions.is_empty());
}

#[tokio::test]
async fn the_gateway_in_memory_does_what_every_gateway_must() {
    let gateway = MemoryGateway::new();
    conforms(&gateway).await;
    assert_eq!(gateway.customers(), 2);
}

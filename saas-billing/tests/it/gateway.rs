//! What every gateway must do, whatever is behind it.

#[cfg(feature = "dev-stripe")]
mod away;
#[cfg(feature = "dev-stripe")]
mod stripe;

use chrono::{DateTime, TimeDelta, Utc};
use saas_billing::{
    Change, Checkout, Currency, CustomerId, Gateway, GatewayError, IdempotencyKey, Interval, Invoice, InvoiceId, InvoiceState,
    MemoryGateway, Meter, Money, Order, Plan, PlanChange, Plans, Portal, PortalPage, Subscription, SubscriptionId, SubscriptionState,
};
use saas_core::{Clock, TenantId};
use url::Url;

/// One plan that costs this much a month, and ten times as much a year, and one that costs three times as much.
fn plans(cents: i64) -> Plans {
    let price = |times: i64| Money::of(cents * times, Currency::Usd);
    let team = Plan::new("team").price(Interval::Month, price(1)).price(Interval::Year, price(10));
    let business = Plan::new("business").price(Interval::Month, price(3)).price(Interval::Year, price(30));
    Plans::new(Plan::new("free").limit(Meter::new("devices"), 1)).with(team).with(business).checked().unwrap()
}

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

/// The sentences at [`Gateway`] that say "must". `pays` is somebody with a good card.
async fn conforms(gateway: &dyn Gateway, pays: impl AsyncFn(CustomerId, Checkout)) {
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

    // What is not in the catalogue is not sold; what is, is put there once, and another price takes the place of one.
    let key = IdempotencyKey::of("checkout", &customer);
    assert!(matches!(gateway.checkout_create(&order(&customer), &key).await, Err(GatewayError::Refused(_))));
    let made = gateway.catalogue_put(&plans(3_900)).await.unwrap();
    assert!(made.made.len() >= 2 && made.retired.is_empty(), "{made:?}");
    let dearer = gateway.catalogue_put(&plans(4_900)).await.unwrap();
    assert_eq!((dearer.made.len(), dearer.retired.len()), (4, 4), "{dearer:?}");
    assert_eq!(gateway.catalogue_put(&plans(4_900)).await.unwrap(), Default::default());
    let unknown = Order { plan: "gold".to_owned(), ..order(&customer) };
    assert!(matches!(gateway.checkout_create(&unknown, &IdempotencyKey::of("checkout", "gold")).await, Err(GatewayError::Refused(_))));

    // A page is made once with one key, for one order, and buys nothing by itself.
    let page: Checkout = gateway.checkout_create(&order(&customer), &key).await.unwrap();
    assert_eq!(gateway.checkout_create(&order(&customer), &key).await.unwrap(), page);
    let larger = Order { quantity: 2, ..order(&customer) };
    assert!(matches!(gateway.checkout_create(&larger, &key).await, Err(GatewayError::KeyReused)));
    let again = gateway.checkout_create(&order(&customer), &IdempotencyKey::of("checkout", "another")).await.unwrap();
    assert_ne!(again.id, page.id);
    assert!(gateway.read(&customer).await.unwrap().unwrap().subscriptions.is_empty());

    // Once somebody has paid, all of it is read.
    pays(customer.clone(), again).await;
    let account = gateway.read(&customer).await.unwrap().unwrap();
    let [held] = &account.subscriptions[..] else { panic!("{account:?}") };
    assert_eq!((held.plan.as_str(), held.state, held.interval), ("team", SubscriptionState::Active, Interval::Month));
    assert_eq!((held.quantity, held.cancel_at, held.failed_attempts), (1, None, 0));
    assert!(held.period_start < held.period_end);
    let [bill] = &account.invoices[..] else { panic!("{account:?}") };
    assert_eq!((bill.state, bill.total, bill.due), (InvoiceState::Paid, Money::of(4_900, Currency::Usd), 0));
    assert_eq!(bill.subscription.as_ref(), Some(&held.id));

    shows_the_card(gateway, &customer).await;
    let held = changes_plan(gateway, &customer).await;

    // It ends with what is paid for, and goes on after all.
    let becomes = async |change: Change, subject: &str| {
        let key = IdempotencyKey::of(change.as_str(), subject);
        gateway.subscription_change(&held.id, change, &key).await.unwrap();
        gateway.subscription_change(&held.id, change, &key).await.unwrap();
        gateway.read(&customer).await.unwrap().unwrap().subscriptions[0].clone()
    };
    assert_eq!(becomes(Change::Cancel, "1").await.cancel_at, Some(held.period_end));
    assert_eq!(becomes(Change::Resume, "2").await.cancel_at, None);
    assert_eq!(becomes(Change::Cancel, "3").await.cancel_at, Some(held.period_end));
    let (nothing, key) = (SubscriptionId::new("sub_of_nobody"), IdempotencyKey::of("cancel", "4"));
    assert!(matches!(gateway.subscription_change(&nothing, Change::Cancel, &key).await, Err(GatewayError::Refused(_))));

    // It ends at once, and again; a customer is gone with all that it pays for, and again.
    for subject in ["5", "6"] {
        gateway.subscription_change(&held.id, Change::End, &IdempotencyKey::of("end", subject)).await.unwrap();
    }
    assert_eq!(gateway.read(&customer).await.unwrap().unwrap().subscriptions[0].state, SubscriptionState::Canceled);
    for _ in 0..2 {
        gateway.customer_delete(&customer).await.unwrap();
        assert!(gateway.read(&customer).await.unwrap().unwrap().is_deleted);
    }
    assert!(matches!(
        gateway.checkout_create(&order(&customer), &IdempotencyKey::of("checkout", "late")).await,
        Err(GatewayError::Refused(_))
    ));
    let late = gateway.portal_create(&portal(&customer, PortalPage::Home), &IdempotencyKey::of("portal", "late")).await;
    assert!(matches!(late, Err(GatewayError::Refused(_))));
}

fn portal(customer: &CustomerId, page: PortalPage) -> Portal {
    Portal { customer: customer.clone(), page, back_url: Url::parse("http://localhost:3000/billing/return").unwrap() }
}

/// What one pays with is seen on a page, which is made once with one key.
async fn shows_the_card(gateway: &dyn Gateway, customer: &CustomerId) {
    let (home, card, key) =
        (portal(customer, PortalPage::Home), portal(customer, PortalPage::Card), IdempotencyKey::of("portal", customer));
    let url = gateway.portal_create(&home, &key).await.unwrap();
    assert_eq!(gateway.portal_create(&home, &key).await.unwrap(), url);
    assert!(matches!(gateway.portal_create(&card, &key).await, Err(GatewayError::KeyReused)));
    assert_ne!(gateway.portal_create(&card, &IdempotencyKey::of("portal", "another")).await.unwrap(), url);
    let nobody = portal(&CustomerId::new("cus_of_nobody"), PortalPage::Home);
    assert!(matches!(gateway.portal_create(&nobody, &IdempotencyKey::of("portal", "3")).await, Err(GatewayError::Refused(_))));
}

/// What another plan costs is what was said, and the one that is paid for last is left.
async fn changes_plan(gateway: &dyn Gateway, customer: &CustomerId) -> Subscription {
    let read = async || gateway.read(customer).await.unwrap().unwrap();
    let held = read().await.subscriptions[0].clone();
    let half = held.period_start + (held.period_end - held.period_start) / 2;
    let to = |plan: &str, interval: Interval, at: DateTime<Utc>| PlanChange {
        customer: customer.clone(),
        subscription: held.id.clone(),
        plan: plan.to_owned(),
        interval,
        currency: Currency::Usd,
        quantity: 1,
        at,
    };
    for wrong in [
        to("gold", Interval::Month, half),
        PlanChange { currency: Currency::Eur, ..to("business", Interval::Month, half) },
        to("business", Interval::Month, held.period_end + TimeDelta::days(1)),
        to("business", Interval::Month, held.period_start - TimeDelta::days(1)),
    ] {
        assert!(matches!(gateway.plan_preview(&wrong).await, Err(GatewayError::Refused(_))), "{wrong:?}");
        let key = IdempotencyKey::of("plan", format_args!("{} {} {}", wrong.plan, wrong.at, wrong.currency));
        assert!(matches!(gateway.plan_change(&wrong, &key).await, Err(GatewayError::Refused(_))), "{wrong:?}");
    }
    // Half of the period is left: a larger plan is charged, another interval begins anew, and a smaller one is credited.
    let changes = [(to("business", Interval::Month, half), 7_350, 2_450, 4_900), (to("team", Interval::Year, half), 49_000, 7_350, 41_650)];
    for (change, charge, credit, due) in changes {
        let preview = gateway.plan_preview(&change).await.unwrap();
        let minor = [preview.charge, preview.credit, preview.due].map(Money::minor);
        assert_eq!(minor, [charge, credit, due], "{change:?}");
        let before = read().await;
        assert_eq!(gateway.plan_preview(&change).await.unwrap().due, preview.due, "it changed nothing");
        let key = IdempotencyKey::of("plan", &change.plan);
        gateway.plan_change(&change, &key).await.unwrap();
        gateway.plan_change(&change, &key).await.unwrap();
        let after = read().await;
        let now = &after.subscriptions[0];
        assert_eq!((now.plan.as_str(), now.interval, now.state), (change.plan.as_str(), change.interval, SubscriptionState::Active));
        let new: Vec<_> = after.invoices.iter().filter(|bill| before.invoices.iter().all(|old| old.id != bill.id)).collect();
        let [bill] = new[..] else { panic!("{new:?}") };
        assert_eq!((bill.state, bill.paid, bill.total.minor()), (InvoiceState::Paid, due, charge - credit), "{bill:?}");
    }
    let yearly = read().await.subscriptions[0].clone();
    assert!(yearly.period_end > held.period_end + TimeDelta::days(300));
    let smaller = to("team", Interval::Month, yearly.period_start);
    let preview = gateway.plan_preview(&smaller).await.unwrap();
    assert_eq!([preview.charge, preview.credit, preview.due].map(Money::minor), [4_900, 49_000, 0]);
    gateway.plan_change(&smaller, &IdempotencyKey::of("plan", "smaller")).await.unwrap();
    let account = read().await;
    assert!(account.invoices.iter().any(|bill| (bill.total.minor(), bill.due, bill.paid) == (-44_100, 0, 0)), "{account:?}");
    account.subscriptions[0].clone()
}

#[tokio::test]
async fn the_gateway_in_memory_does_what_every_gateway_must() {
    let gateway = MemoryGateway::new();
    conforms(&gateway, async |customer, page| {
        let (order, now) = (gateway.order(&page).unwrap(), Clock::system().now());
        let id = SubscriptionId::new("sub_1");
        gateway.subscription_set(
            &customer,
            Subscription {
                id: id.clone(),
                plan: order.plan,
                interval: order.interval,
                currency: order.currency,
                quantity: order.quantity,
                state: SubscriptionState::Active,
                created_at: now,
                period_start: now,
                period_end: now + TimeDelta::days(30),
                trial_end: None,
                cancel_at: None,
                ended_at: None,
                past_due_since: None,
                failed_attempts: 0,
            },
        );
        gateway.invoice_set(
            &customer,
            Invoice {
                id: InvoiceId::new("in_1"),
                subscription: Some(id),
                number: None,
                state: InvoiceState::Paid,
                total: Money::of(4_900, order.currency),
                paid: 4_900,
                due: 0,
                attempts: 1,
                next_attempt_at: None,
                page: None,
                pdf: None,
                created_at: now,
                paid_at: Some(now),
            },
        );
    })
    .await;
    assert_eq!(gateway.customers(), 2);
}

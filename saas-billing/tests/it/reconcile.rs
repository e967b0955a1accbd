//! What nobody was told of is found all the same.

use axum::Router;
use http::{StatusCode, Uri};
use saas_billing::{GatewayError, Mirror, MirrorError, Reconciled, StripeGateway, Subscription, SubscriptionState};
use saas_core::Secret;
use tokio::net::TcpListener;
use url::Url;

use crate::shop::Shop;

/// S24, S25: the last event of each kind was dropped. One round finds it, over several pages, and the next one finds nothing.
#[tokio::test]
async fn what_nobody_was_told_of_is_found_in_one_round() {
    let shop = Shop::new().await;
    let db = shop.test.db.system("a test reconciles");
    let mut held = Vec::new();
    for number in 0..25 {
        let (tenant, customer) = shop.customer(&format!("t{number}")).await;
        let it = shop.month(tenant, SubscriptionState::Active);
        shop.gateway.subscription_set(&customer, it.clone());
        held.push((tenant, customer, it));
    }
    // Nobody was told of any of them.
    assert_eq!(shop.mirror.reconcile(&db).await.unwrap(), Reconciled { listed: 25, mended: 25, failed: 0 });
    assert_eq!(shop.count("select count(*) from billing.subscription where state = 'active'").await, 25);
    assert_eq!(shop.mirror.reconcile(&db).await.unwrap(), Reconciled { listed: 25, mended: 0, failed: 0 });

    // Nor of what became of them: renewed, cancelled, failed, over, another plan, and gone with its customer.
    let changed = |place: usize, change: &dyn Fn(&mut Subscription)| {
        let (_, customer, it) = &held[place];
        let mut it = it.clone();
        change(&mut it);
        shop.gateway.subscription_set(customer, it);
    };
    changed(0, &|it| (it.period_start, it.period_end) = (it.period_end, it.period_end + chrono::TimeDelta::days(30)));
    changed(1, &|it| it.cancel_at = Some(it.period_end));
    changed(2, &|it| it.state = SubscriptionState::PastDue);
    changed(13, &|it| it.state = SubscriptionState::Canceled);
    // It stays in the list, though nothing comes of it.
    changed(17, &|it| it.state = SubscriptionState::IncompleteExpired);
    changed(24, &|it| it.plan = "business".to_owned());
    shop.mirror.gateway().customer_delete(&held[7].1).await.unwrap();
    assert_eq!(shop.mirror.reconcile(&db).await.unwrap(), Reconciled { listed: 23, mended: 7, failed: 0 });
    assert_eq!(shop.count("select count(*) from billing.subscription where state = 'canceled'").await, 2);
    assert_eq!(shop.states(held[2].0).await, ["past_due"]);
    assert_eq!(shop.told(held[1].0).await, ["billing.subscription.changed"; 2]);
    assert_eq!(shop.mirror.reconcile(&db).await.unwrap(), Reconciled { listed: 23, mended: 0, failed: 0 });
}

/// While the gateway is away nothing is taken to be over.
#[tokio::test]
async fn while_the_gateway_is_away_nothing_is_taken_to_be_over() {
    let shop = Shop::new().await;
    let db = shop.test.db.system("a test reconciles");
    let (tenant, customer) = shop.customer("acme").await;
    shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
    shop.mirror.tenant(&db, tenant).await.unwrap();
    shop.gateway.away_once(None);
    assert!(matches!(shop.mirror.reconcile(&db).await, Err(MirrorError::Gateway(GatewayError::Away { .. }))));
    assert_eq!(shop.states(tenant).await, ["active"]);
    let others = saas_billing::CustomerId::new("cus_of_another_program");
    shop.gateway.subscription_set(
        &others,
        Subscription { id: saas_billing::SubscriptionId::new("sub_0"), ..shop.month(tenant, SubscriptionState::Active) },
    );
    assert_eq!(shop.mirror.reconcile(&db).await.unwrap(), Reconciled { listed: 2, mended: 0, failed: 0 });
}

/// OPS-04: whoever was not asked for, because the gateway is away, is no drift.
#[tokio::test]
async fn a_round_ends_where_the_gateway_is_found_to_be_away() {
    let shop = Shop::new().await;
    let db = shop.test.db.system("a test reconciles");
    for number in 0..5 {
        let (tenant, customer) = shop.customer(&format!("t{number}")).await;
        shop.gateway.subscription_set(&customer, shop.month(tenant, SubscriptionState::Active));
        shop.mirror.tenant(&db, tenant).await.unwrap();
    }
    // It lists nothing, so that all that is stored is looked up, and fails then.
    let server = Router::new().fallback(async move |uri: Uri| match uri.path() {
        "/v1/subscriptions" => (StatusCode::OK, r#"{"object":"list","data":[],"has_more":false,"url":"/v1/subscriptions"}"#),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
    let mirror = Mirror::new(StripeGateway::new(&Secret::new("sk_test_1"), &url).unwrap());
    let round = mirror.reconcile(&db).await;
    assert!(matches!(round, Err(MirrorError::Gateway(GatewayError::Interrupted(_)))), "{round:?}");
    assert_eq!(shop.count("select count(*) from billing.subscription where state = 'active'").await, 5);
}

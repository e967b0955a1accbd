//! Stripe as the gateway: against the stand-in, over HTTP, and against servers that fail.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use saas_billing::{
    Checkout, CustomerId, DevStripe, Gateway, GatewayError, IdempotencyKey, StripeConfigError, StripeGateway, SubscriptionState,
};
use saas_core::{Clock, Secret, TenantId};
use tokio::net::TcpListener;
use url::Url;

use super::{conforms, order, plans};

fn gateway(stripe: &DevStripe) -> StripeGateway {
    StripeGateway::new(&Secret::new(DevStripe::KEY), stripe.url()).unwrap()
}

/// Somebody enters a card on a page, and what they see then.
async fn pays(page: &Checkout, number: &str) -> String {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("number", number).finish();
    let asked = http.post(page.url.clone()).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
    asked.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn stripe_does_what_every_gateway_must() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    conforms(&gateway(&stripe), async |_, page| drop(pays(&page, "4242 4242 4242 4242").await)).await;
}

/// Who has two tabs open pays once: of the pages of a customer the last one is open.
#[tokio::test]
async fn the_page_that_somebody_left_is_closed_by_the_next_one() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    gateway.catalogue_put(&plans(4_900)).await.unwrap();
    let customer = gateway.customer_create(TenantId::new(), &IdempotencyKey::of("customer", "a")).await.unwrap();
    let first = gateway.checkout_create(&order(&customer), &IdempotencyKey::of("checkout", "1")).await.unwrap();
    let second = gateway.checkout_create(&order(&customer), &IdempotencyKey::of("checkout", "2")).await.unwrap();
    assert!(pays(&first, "4242424242424242").await.contains("Nothing is left to pay"));
    pays(&second, "4242424242424242").await;
    assert_eq!(gateway.read(&customer).await.unwrap().unwrap().subscriptions.len(), 1);
}

/// A price that was raised is paid by whoever buys from then on, and by nobody who has bought.
#[tokio::test]
async fn whoever_has_bought_keeps_the_price() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let mut totals = Vec::new();
    for cents in [4_900, 5_900, 4_900] {
        gateway.catalogue_put(&plans(cents)).await.unwrap();
        let key = IdempotencyKey::of("customer", totals.len());
        let customer = gateway.customer_create(TenantId::new(), &key).await.unwrap();
        let page = gateway.checkout_create(&order(&customer), &IdempotencyKey::of("checkout", totals.len())).await.unwrap();
        pays(&page, "4242424242424242").await;
        let account = gateway.read(&customer).await.unwrap().unwrap();
        assert_eq!(account.subscriptions[0].plan, "team");
        totals.push(account.invoices[0].total.minor());
    }
    assert_eq!(totals, [4_900, 5_900, 4_900]);
}

/// What failed is told with how often and since when; more invoices than one page holds are all read.
#[tokio::test]
async fn what_is_owed_and_all_that_was_paid_is_read() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let client = crate::dev_stripe::client::Client::with(stripe);
    let start = "2027-01-31T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let clock = client.post("/v1/test_helpers/test_clocks", &[("frozen_time", &start.timestamp().to_string())]).await;
    let clock = clock["id"].as_str().unwrap();
    let (customer, price) = client.shop(&[("test_clock", clock), ("payment_method", "pm_card_visa")]).await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &price), ("metadata[saas_plan]", "team")];
    client.post("/v1/subscriptions", &form).await;
    let moved = async |days: i64| {
        let to = (start + chrono::TimeDelta::days(days)).timestamp().to_string();
        client.post(&format!("/v1/test_helpers/test_clocks/{clock}/advance"), &[("frozen_time", &to)]).await;
    };
    let read = async || gateway.read(&CustomerId::new(customer.as_str())).await.unwrap().unwrap();
    moved(3_700).await;
    let account = read().await;
    assert!(account.invoices.len() > 120, "{}", account.invoices.len());
    client.post(&format!("/v1/customers/{customer}"), &[("payment_method", "pm_card_chargeCustomerFail")]).await;
    moved(3_714).await;
    let held = read().await.subscriptions[0].clone();
    assert_eq!((held.state, held.failed_attempts), (SubscriptionState::PastDue, 1), "{held:?}");
    assert_eq!(held.past_due_since, Some(held.period_start));
}

/// A deleted customer says that it is; what was sold by somebody else is not ours.
#[tokio::test]
async fn a_deleted_customer_and_what_others_sold_are_told_apart() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let client = crate::dev_stripe::client::Client::with(stripe);
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    let account = gateway.read(&CustomerId::new(customer.as_str())).await.unwrap().unwrap();
    assert_eq!((account.tenant, account.subscriptions.len(), account.invoices.len()), (None, 0, 1));
    assert_eq!(account.invoices[0].subscription, None);
    client.asked(reqwest::Method::DELETE, &format!("/v1/customers/{customer}"), &[]).await;
    assert!(gateway.read(&CustomerId::new(customer.as_str())).await.unwrap().unwrap().is_deleted);
}

/// The key of an API never travels readable, and is one.
#[tokio::test]
async fn a_key_travels_over_https_or_stays_on_this_machine() {
    let key = Secret::new("sk_test_1");
    for (key, api, is_taken) in [
        (&key, "https://api.stripe.com/", true),
        (&key, "http://127.0.0.1:12111/", true),
        (&key, "http://[::1]:12111/", true),
        (&key, "http://localhost:12111/", true),
        (&key, "http://api.stripe.com/", false),
        (&key, "http://127.0.0.1.example.com/", false),
        (&Secret::new("pk_test_1"), "https://api.stripe.com/", false),
        (&Secret::new("sk_test_1\r\nx: y"), "https://api.stripe.com/", false),
        (&Secret::new(""), "https://api.stripe.com/", false),
    ] {
        let made: Result<_, StripeConfigError> = StripeGateway::new(key, &Url::parse(api).unwrap());
        assert_eq!(made.is_ok(), is_taken, "{api}");
        assert!(!format!("{made:?}").contains("test_1"));
    }
}

/// A server that answers everything alike, and keeps the keys of what it was asked.
#[derive(Clone)]
struct Failing {
    status: StatusCode,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Failing {
    /// What a write comes to there, and the keys that it was tried under.
    async fn answers(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static str) -> (GatewayError, Vec<String>) {
        let it = Self { status: StatusCode::from_u16(status).unwrap(), headers, body, keys: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let server = Router::new().fallback(Self::answer).with_state(it.clone());
        tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
        let gateway = StripeGateway::new(&Secret::new("sk_test_1"), &url).unwrap();
        let error = gateway.customer_create(TenantId::new(), &IdempotencyKey::of("customer", "acme")).await.unwrap_err();
        let keys = it.keys.lock().unwrap().clone();
        (error, keys)
    }

    async fn answer(State(it): State<Self>, request: Request) -> Response {
        let key = request.headers().get("idempotency-key").map_or("none", |key| key.to_str().unwrap());
        it.keys.lock().unwrap().push(key.to_owned());
        let mut answer = (it.status, it.body).into_response();
        for (name, value) in it.headers {
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        answer
    }
}

/// S34, S49: what passes by itself is told from what does not, with when to come back; and nothing is tried twice.
#[tokio::test]
async fn failures_are_told_apart_and_no_write_is_repeated() {
    const REUSED: &str = r#"{"error":{"type":"idempotency_error","message":"Keys for idempotent requests…"}}"#;
    const REFUSED: &str = r#"{"error":{"type":"invalid_request_error","code":"resource_missing","param":"customer","message":"No such…"}}"#;
    const JSON: &str = r#"{"error":{"type":"api_error","message":"…"}}"#;
    for (status, headers, body, expected) in [
        (429, &[("retry-after", "7")][..], JSON, "away 7"),
        (429, &[], JSON, "away"),
        (500, &[], JSON, "away"),
        (502, &[], "<html>Bad gateway</html>", "away"),
        (503, &[("retry-after", "never")], "", "away"),
        (409, &[], JSON, "away"),
        (400, &[], REUSED, "reused"),
        (400, &[], REFUSED, "refused"),
        (401, &[], "", "refused"),
        (402, &[], JSON, "refused"),
        (404, &[], REFUSED, "refused"),
        (302, &[("location", "http://127.0.0.1:9/")], "", "refused"),
        (200, &[], "{}", "refused"),
        (200, &[], "no JSON", "refused"),
    ] {
        let (error, keys) = Failing::answers(status, headers, body).await;
        let seen = match &error {
            GatewayError::Away { retry_after: Some(after), .. } => format!("away {}", after.as_secs()),
            GatewayError::Away { .. } => "away".to_owned(),
            GatewayError::KeyReused => "reused".to_owned(),
            GatewayError::Refused(_) => "refused".to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(seen, expected, "{status} {body}: {error:?}");
        assert_eq!(keys, ["saas:customer:acme"], "{status} {body}");
    }
}

/// Nobody there, somebody who says nothing, and somebody who stops in the middle.
#[tokio::test]
async fn whoever_does_not_answer_is_away() {
    let asks = async |url: String| {
        let gateway = StripeGateway::within(&Secret::new("sk_test_1"), &Url::parse(&url).unwrap(), Duration::from_millis(300)).unwrap();
        gateway.read(&CustomerId::new("cus_1")).await.unwrap_err()
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (nobody, nothing) = (format!("http://{gone}/"), format!("http://{}/", silent.local_addr().unwrap()));
    let half = format!("http://{}/", broken.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = broken.accept().await {
            use tokio::io::AsyncWriteExt as _;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{").await.unwrap();
        }
    });
    for url in [nobody, nothing, half] {
        let error = asks(url.clone()).await;
        assert!(matches!(error, GatewayError::Away { .. }), "{url}: {error:?}");
    }
}

/// S50: Stripe keeps a failure under its key and says it again; what is put where it is not yet is put under another key, and who makes a customer is
/// told that the key is spent.
#[tokio::test]
async fn a_failure_that_stripe_keeps_is_told_from_one_that_passes() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let key = IdempotencyKey::of("customer", "acme");
    let tenant = TenantId::new();
    stripe.fail_next();
    assert!(matches!(gateway.customer_create(tenant, &key).await, Err(GatewayError::Away { .. })));
    for _ in 0..2 {
        assert!(matches!(gateway.customer_create(tenant, &key).await, Err(GatewayError::KeySpent(_))));
    }
    gateway.customer_create(tenant, &IdempotencyKey::of("customer", "acme:1")).await.unwrap();

    stripe.fail_next();
    assert!(matches!(gateway.catalogue_put(&plans(4_900)).await, Err(GatewayError::Away { .. })));
    assert!(gateway.catalogue_put(&plans(4_900)).await.unwrap().made.len() >= 2);
    assert_eq!(gateway.catalogue_put(&plans(4_900)).await.unwrap(), Default::default());
}

/// S17: a state and a currency that nobody knew of when this was written keep nothing else from being read.
#[tokio::test]
async fn what_is_in_a_state_that_nobody_knows_is_named() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let client = crate::dev_stripe::client::Client::with(stripe.clone());
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &price), ("metadata[saas_plan]", "team")];
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(client.post("/v1/subscriptions", &form).await);
    }
    let [odd, foreign, _] = &made[..] else { panic!("{made:?}") };
    let (odd, bill) = (odd["id"].as_str().unwrap(), foreign["latest_invoice"].as_str().unwrap());
    stripe.corrupt(odd, "status", "frozen");
    stripe.corrupt(bill, "currency", "xts");
    let account = gateway.read(&CustomerId::new(customer.as_str())).await.unwrap().unwrap();
    assert_eq!((account.subscriptions.len(), account.invoices.len()), (2, 2));
    let mut said: Vec<_> = account.unread.iter().map(ToString::to_string).collect();
    said.sort();
    assert_eq!(said, [format!("the invoice {bill}: the currency xts"), format!("the subscription {odd}: the state frozen")]);
}

/// All that goes on is listed in pages, each once, with whose it is; what is over is not.
#[tokio::test]
async fn what_goes_on_is_listed_in_pages() {
    let stripe = DevStripe::start(Clock::system()).await.unwrap();
    let gateway = gateway(&stripe);
    let client = crate::dev_stripe::client::Client::with(stripe);
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &price), ("metadata[saas_plan]", "team")];
    let mut made = std::collections::BTreeSet::new();
    for _ in 0..105 {
        made.insert(client.post("/v1/subscriptions", &form).await["id"].as_str().unwrap().to_owned());
    }
    let over = made.pop_first().unwrap();
    client.asked(reqwest::Method::DELETE, &format!("/v1/subscriptions/{over}"), &[]).await;
    let (mut seen, mut pages, mut after) = (std::collections::BTreeSet::new(), 0, None);
    loop {
        let page = gateway.subscriptions(after.as_ref()).await.unwrap();
        pages += 1;
        for it in page.listed {
            let held = it.subscription.unwrap();
            assert_eq!((it.customer.as_str(), held.plan.as_str(), held.state), (customer.as_str(), "team", SubscriptionState::Active));
            assert!(seen.insert(it.id.to_string()));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), (made, 2));
}

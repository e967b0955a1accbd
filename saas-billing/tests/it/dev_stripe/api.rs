use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use saas_billing::DevStripe;
use saas_core::Clock;

use super::client::{Client, filled, id};

/// Nobody but this machine reaches it, and nobody with a key for real money is answered.
#[tokio::test]
async fn it_is_for_this_machine_and_for_test_keys() {
    let client = Client::new().await;
    assert!(client.stripe.url().host_str() == Some("127.0.0.1"));
    assert!(DevStripe::listen(Clock::system(), "0.0.0.0:0".parse().unwrap()).await.is_err());
    for key in ["", "sk_live_x", "whsec_x"] {
        let answer = client.sent(client.request(Method::GET, "/v1/customers").bearer_auth(key)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.body["error"]["type"], "invalid_request_error");
    }
    let basic = client.request(Method::GET, "/v1/customers").basic_auth("sk_test_x", Some(""));
    assert_eq!(client.sent(basic).await.status, StatusCode::OK);
}

/// What it does not have is refused, so that nothing only seems to work.
#[tokio::test]
async fn what_it_does_not_have_is_refused_as_stripe_refuses() {
    let client = Client::new().await;
    let invalid = "invalid_request_error";
    for (method, path, form, status, error) in [
        (Method::GET, "/v1/nowhere", &[][..], 404, format!("{invalid} - -")),
        (Method::GET, "/v1/customers/cus_none", &[], 404, format!("{invalid} resource_missing id")),
        (Method::POST, "/v1/products", &[], 400, format!("{invalid} parameter_missing name")),
        (Method::POST, "/v1/products", &[("name", "x"), ("colour", "red")], 400, format!("{invalid} parameter_unknown colour")),
        (Method::POST, "/v1/prices", &[("currency", "usd"), ("product", "prod_none")], 400, format!("{invalid} resource_missing product")),
        (Method::POST, "/v1/subscriptions", &[("customer", "cus_none")], 400, format!("{invalid} resource_missing customer")),
        (Method::POST, "/v1/customers", &[("payment_method", "pm_none")], 400, format!("{invalid} resource_missing payment_method")),
    ] {
        assert_eq!(client.refused(method, path, form).await, (status, error), "{path}");
    }
}

/// The same key has the same answer, also at once; another request with it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_one_answer() {
    let client = Client::new().await;
    let ask = |form: &'static [(&'static str, &'static str)]| {
        let request = client.request(Method::POST, "/v1/customers").bearer_auth(DevStripe::KEY).header("idempotency-key", "k1");
        client.sent(filled(request, form))
    };
    let made = join_all((0..20).map(|_| ask(&[("name", "Acme")]))).await;
    let ids: std::collections::BTreeSet<_> = made.iter().map(|answer| id(&answer.body).to_owned()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(made.iter().filter(|answer| answer.headers.contains_key("idempotent-replayed")).count(), 19);
    let other = ask(&[("name", "Other")]).await;
    assert_eq!((other.status, &other.body["error"]["type"]), (StatusCode::BAD_REQUEST, &"idempotency_error".into()));
    assert_eq!(client.get("/v1/customers").await["data"].as_array().unwrap().len(), 1);
    // A refusal leaves the key free.
    let request = |name: &'static str| {
        let request = client.request(Method::POST, "/v1/products").bearer_auth(DevStripe::KEY).header("idempotency-key", "k2");
        client.sent(filled(request, &[(name, "Team")]))
    };
    assert_eq!(request("nmae").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(request("name").await.status, StatusCode::OK);
}

/// Lists come in pages, the newest first, in both directions.
#[tokio::test]
async fn lists_come_in_pages() {
    let client = Client::new().await;
    let mut made = Vec::new();
    for number in 0..25 {
        made.push(id(&client.post("/v1/customers", &[("name", &number.to_string())]).await).to_owned());
    }
    made.reverse();
    let (mut seen, mut after): (Vec<String>, String) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/customers?limit=10{after}")).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|customer| id(customer).to_owned()));
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", seen[seen.len() - 1]);
    }
    assert_eq!(seen, made);
    let before = client.get(&format!("/v1/customers?limit=3&ending_before={}", made[10])).await;
    let before: Vec<_> = before["data"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(before, made[7..10]);
    assert_eq!(client.get("/v1/customers").await["data"].as_array().unwrap().len(), 10);
    assert_eq!(client.refused(Method::GET, "/v1/customers?limit=101", &[]).await.0, 400);
    assert_eq!(client.refused(Method::GET, "/v1/customers?starting_after=cus_none", &[]).await.0, 400);
}

/// A price is found by its lookup key, which is one price's at a time; a product with prices stays.
#[tokio::test]
async fn a_lookup_key_is_one_prices_at_a_time() {
    let client = Client::new().await;
    let product = client.post("/v1/products", &[("id", "team"), ("name", "Team"), ("metadata[plan]", "team")]).await;
    assert_eq!((id(&product), &product["metadata"]["plan"]), ("team", &"team".into()));
    let price = |amount: &'static str, more: &'static [(&'static str, &'static str)]| {
        let mut form = vec![
            ("product", "team"),
            ("currency", "usd"),
            ("unit_amount", amount),
            ("recurring[interval]", "month"),
            ("lookup_key", "team-month"),
        ];
        form.extend(more);
        let client = &client;
        async move { client.asked(Method::POST, "/v1/prices", &form).await }
    };
    let first = price("4900", &[]).await;
    assert_eq!((first.status, &first.body["recurring"]["interval"]), (StatusCode::OK, &"month".into()));
    assert_eq!(price("5900", &[]).await.status, StatusCode::BAD_REQUEST);
    let second = price("5900", &[("transfer_lookup_key", "true")]).await.body;
    let found = client.get("/v1/prices?lookup_keys[]=team-month").await;
    assert_eq!(found["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [id(&second)]);
    assert_eq!(client.refused(Method::DELETE, "/v1/products/team", &[]).await.0, 400);
    let archived = client.post(&format!("/v1/prices/{}", id(&second)), &[("active", "false")]).await;
    assert_eq!(archived["active"], false);
    assert_eq!(client.get("/v1/prices?active=true").await["data"].as_array().unwrap().len(), 1);
}

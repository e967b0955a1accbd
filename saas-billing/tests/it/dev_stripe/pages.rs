//! The stand-in's pages: an invoice, the portal and the clock.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use saas_billing::DevStripe;
use saas_core::Clock;
use serde_json::Value;
use tokio::{net::TcpListener, time::timeout};

use super::client::{Answer, Client, filled, id};

/// Somebody posts a form of a page.
async fn posts(client: &Client, path: &str, form: &[(&str, &str)]) -> Answer {
    client.sent(filled(client.request(Method::POST, path), form)).await
}

async fn sees(client: &Client, path: &str) -> String {
    let page = client.sent(client.request(Method::GET, path)).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    assert_eq!(page.headers["x-frame-options"], "DENY", "{path} may not be framed");
    page.text
}

/// The clock is moved to what happens next.
async fn goes_on(client: &Client) {
    assert_eq!(posts(client, "/clock", &[("to", "next")]).await.status, StatusCode::SEE_OTHER);
}

/// Somebody who pays each month, and the path of their subscription.
async fn payer(client: &Client) -> (String, String) {
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    (customer, format!("/v1/subscriptions/{}?expand[]=latest_invoice", id(&made)))
}

/// What is compared of an invoice.
fn stands(bill: &Value) -> (String, i64, Option<i64>) {
    (bill["status"].as_str().unwrap().to_owned(), bill["attempt_count"].as_i64().unwrap(), bill["next_payment_attempt"].as_i64())
}

/// A renewal that failed is paid on the page of its invoice. What is tried there does not count as one of the schedule's attempts.
#[tokio::test]
async fn an_open_invoice_is_paid_on_its_page_or_declined() {
    let client = Client::at(Clock::movable()).await;
    client.stripe.retry_after(&[1]);
    let (customer, held) = payer(&client).await;
    client.post(&format!("/v1/customers/{customer}"), &[("payment_method", "pm_card_chargeCustomerFail")]).await;
    goes_on(&client).await;
    let bill = client.get(&held).await["latest_invoice"].clone();
    let before = stands(&bill);
    assert_eq!((before.0.as_str(), before.1, before.2.is_some()), ("open", 1, true));
    let page = bill["hosted_invoice_url"].as_str().unwrap().strip_prefix(client.stripe.url().as_str()).unwrap().to_owned();
    let text = sees(&client, &page).await;
    assert!(["49 USD are due", "Subscription", "is tried again on", "<form"].iter().all(|part| text.contains(part)), "{text}");

    for (number, said) in
        [("1", "none of the cards"), ("4000 0000 0000 0002", "was declined"), ("4000 0027 6000 3184", "is it you who pays")]
    {
        assert!(posts(&client, &page, &[("number", number)]).await.text.contains(said), "{number}");
    }
    let refused = posts(&client, &page, &[("number", "4000002760003184"), ("bank", "refuse")]).await;
    assert!(refused.text.contains("was declined"));
    let now = client.get(&held).await;
    assert_eq!((stands(&now["latest_invoice"]), &now["status"]), (before, &"past_due".into()));

    goes_on(&client).await;
    assert_eq!(stands(&client.get(&held).await["latest_invoice"]), ("open".to_owned(), 2, None), "it is tried as often as was said");
    assert_eq!(client.get(&held).await["status"], "unpaid");
    let paid = posts(&client, &page, &[("number", "4242 4242 4242 4242")]).await;
    assert_eq!((paid.status, paid.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, format!("/{page}").as_str()));
    let now = client.get(&held).await;
    assert_eq!((stands(&now["latest_invoice"]), &now["status"]), (("paid".to_owned(), 2, None), &"active".into()));
    // Nobody pays twice.
    assert_eq!(posts(&client, &page, &[("number", "4000 0000 0000 0341")]).await.status, StatusCode::SEE_OTHER);
    let text = sees(&client, &page).await;
    assert!(text.contains("Paid on") && !text.contains("<form"), "{text}");
    // The card is kept.
    goes_on(&client).await;
    assert_eq!(client.get(&held).await["latest_invoice"]["status"], "paid");
    assert_eq!(client.sent(client.request(Method::GET, "/i/in_of_nobody")).await.status, StatusCode::NOT_FOUND);
}

/// BIL-13: the clock that the product lives by is moved ahead, by the stand-in's own page alone.
#[tokio::test]
async fn the_page_of_the_clock_moves_the_one_that_the_product_lives_by() {
    let clock = Clock::movable();
    let client = Client::at(clock.clone()).await;
    assert_eq!(client.stripe.clock_page(), client.stripe.url().join("/clock").unwrap());
    let text = sees(&client, "/clock").await;
    assert!(text.contains("As late as on this computer") && text.contains("nobody pays for anything"), "{text}");
    goes_on(&client).await;
    assert_eq!(posts(&client, "/clock", &[("by", "year")]).await.status, StatusCode::SEE_OTHER);
    let foreign = client.request(Method::POST, "/clock").header("origin", "https://evil.example");
    assert_eq!(client.sent(filled(foreign, &[("by", "day")])).await.status, StatusCode::FORBIDDEN);
    assert_eq!(clock.ahead(), Some(TimeDelta::zero()));

    let (_, held) = payer(&client).await;
    posts(&client, "/clock", &[("by", "day")]).await;
    posts(&client, "/clock", &[("by", "hour")]).await;
    assert_eq!(clock.ahead(), Some(TimeDelta::hours(25)));
    let text = sees(&client, "/clock").await;
    assert!(text.contains("1 days and 1 hours ahead") && text.contains("Team is paid once more"), "{text}");
    let ends = async || client.get(&held).await["items"]["data"][0]["current_period_end"].as_i64().unwrap();
    let first = ends().await;
    goes_on(&client).await;
    assert!(first < ends().await && clock.now().timestamp() >= first, "the next period has begun");

    // A clock that goes by itself stays as it is.
    let client = Client::new().await;
    assert!(sees(&client, "/clock").await.contains("cannot be moved"));
    assert_eq!(posts(&client, "/clock", &[("by", "day")]).await.status, StatusCode::SEE_OTHER);
}

/// What a product keeps of its addresses, and the time that it has come to, are as they were when it is started again.
#[tokio::test]
async fn a_stand_in_with_a_file_is_where_and_when_it_was() {
    let folder = std::env::temp_dir().join(format!("saas-stand-in-{}", uuid::Uuid::now_v7()));
    let file = folder.join("stripe.json");
    let open = async |clock: &Clock| Client::with(DevStripe::open(clock.clone(), &file).await.unwrap());
    let client = open(&Clock::movable()).await;
    payer(&client).await;
    posts(&client, "/clock", &[("by", "week")]).await;
    let (url, port) = (client.stripe.url().clone(), client.stripe.url().port().unwrap());
    let page = client.get("/v1/invoices").await["data"][0]["hosted_invoice_url"].clone();
    drop(client);
    // The server lets go a moment later.
    let free = async {
        while TcpListener::bind(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(std::time::Duration::from_secs(30), free).await.unwrap();

    let clock = Clock::movable();
    let client = open(&clock).await;
    assert_eq!((client.stripe.url(), clock.ahead()), (&url, Some(TimeDelta::days(7))));
    assert_eq!(client.get("/v1/invoices").await["data"][0]["hosted_invoice_url"], page);

    // Somebody else is there: its pages are elsewhere, and say so.
    let other = open(&Clock::movable()).await;
    assert_ne!(other.stripe.url(), &url);
    let page = other.get("/v1/invoices").await["data"][0]["hosted_invoice_url"].as_str().unwrap().to_owned();
    assert!(page.starts_with(other.stripe.url().as_str()), "{page}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The portal shows what a customer pays for and with what, lets them change the card, end it and keep it, and is over after an hour.
#[tokio::test]
async fn the_portal_shows_and_changes_what_is_paid_for() {
    let client = Client::at(Clock::movable()).await;
    let (customer, held) = payer(&client).await;
    let back = ("return_url", "http://localhost:3000/billing");
    let session = client.post("/v1/billing_portal/sessions", &[("customer", &customer), back]).await;
    assert_eq!((&session["object"], &session["flow"]), (&"billing_portal.session".into(), &Value::Null));
    let page = session["url"].as_str().unwrap().strip_prefix(client.stripe.url().as_str()).unwrap().to_owned();
    let text = sees(&client, &page).await;
    for part in ["Team", "49 USD each month", "4242 4242 4242 4242 pays", "STANDIN-", "Cancel it"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(posts(&client, &page, &[("number", "4000 0000 0000 0002")]).await.text.contains("was declined"));
    assert!(sees(&client, &page).await.contains("4242 4242 4242 4242 pays"));
    assert!(posts(&client, &page, &[("number", "4000 0000 0000 0341")]).await.text.contains("From now on 4000 0000 0000 0341 pays"));
    let kept = client.get(&format!("/v1/customers/{customer}")).await;
    assert!(kept["invoice_settings"]["default_payment_method"].as_str().unwrap().starts_with("pm_"));
    assert_eq!(client.happened().await.last().unwrap(), "customer.updated");

    let subscription = client.get(&held).await;
    for (change, ends) in [("cancel", true), ("resume", false)] {
        posts(&client, &page, &[("subscription", id(&subscription)), ("change", change)]).await;
        assert_eq!(client.get(&held).await["cancel_at_period_end"], ends);
    }
    // What is another's stays as it is.
    let (_, other) = payer(&client).await;
    posts(&client, &page, &[("subscription", id(&client.get(&other).await)), ("change", "cancel")]).await;
    assert_eq!(client.get(&other).await["cancel_at_period_end"], false);

    let flow = [
        ("customer", customer.as_str()),
        back,
        ("flow_data[type]", "payment_method_update"),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", "http://localhost:3000/done"),
    ];
    let session = client.post("/v1/billing_portal/sessions", &flow).await;
    let card = session["url"].as_str().unwrap().strip_prefix(client.stripe.url().as_str()).unwrap().to_owned();
    let text = sees(&client, &card).await;
    assert!(!text.contains("Cancel it") && text.contains("0341 pays"), "{text}");
    let changed = posts(&client, &card, &[("number", "4242 4242 4242 4242")]).await;
    assert_eq!((changed.status, changed.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "http://localhost:3000/done"));

    posts(&client, "/clock", &[("by", "hour")]).await;
    assert!(sees(&client, &page).await.contains("This page is over"));
    posts(&client, &page, &[("number", "4000 0000 0000 0341")]).await;
    posts(&client, &page, &[("subscription", id(&subscription)), ("change", "cancel")]).await;
    assert_eq!(client.get(&held).await["cancel_at_period_end"], false);

    let refused = async |form: &[(&str, &str)]| client.refused(Method::POST, "/v1/billing_portal/sessions", form).await.0;
    assert_eq!(refused(&[]).await, 400);
    assert_eq!(refused(&[("customer", "cus_of_nobody")]).await, 400);
    assert_eq!(refused(&[("customer", &customer), ("flow_data[type]", "subscription_cancel")]).await, 400);
    assert_eq!(client.sent(client.request(Method::GET, "/p/session/bps_of_nobody")).await.status, StatusCode::NOT_FOUND);
}

use reqwest::{Method, StatusCode};
use saas_core::Clock;

use super::client::{Client, id};

const GOOD: &[(&str, &str)] = &[("number", "4242 4242 4242 4242")];

/// Somebody pays on the page and comes back; the subscription is there, paid.
#[tokio::test]
async fn whoever_pays_on_the_page_has_a_subscription() {
    let client = Client::new().await;
    let (customer, price) = client.shop(&[]).await;
    let session = client.session(&customer, &price, &[("subscription_data[metadata][plan]", "team")]).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&"open".into(), &"unpaid".into()));
    let page = client.sent(client.request(Method::GET, &format!("/c/pay/{}", id(&session)))).await;
    assert!(["49 USD", "Team, paid each month", "<form"].iter().all(|part| page.text.contains(part)), "{}", page.text);
    assert_eq!(client.get("/v1/subscriptions").await["data"].as_array().unwrap().len(), 0);

    let back = client.pays(&session, GOOD).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let expected = format!("http://localhost:3000/billing/return?session_id={}", id(&session));
    assert_eq!(back.headers["location"], *expected);
    let session = client.get(&format!("/v1/checkout/sessions/{}?expand[]=subscription.latest_invoice", id(&session))).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&"complete".into(), &"paid".into()));
    let subscription = &session["subscription"];
    assert_eq!((&subscription["status"], &subscription["metadata"]["plan"]), (&"active".into(), &"team".into()));
    let item = &subscription["items"]["data"][0];
    let days = item["current_period_end"].as_i64().unwrap() - item["current_period_start"].as_i64().unwrap();
    assert!((28 * 86_400..=31 * 86_400).contains(&days), "{days}");
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["total"], &invoice["attempt_count"]), (&"paid".into(), &4_900.into(), &1.into()));
    // Nobody pays twice.
    assert!(client.pays(&session, GOOD).await.text.contains("Nothing is left to pay"));
    assert_eq!(client.get("/v1/subscriptions").await["data"].as_array().unwrap().len(), 1);
    let happened = client.happened().await;
    for kind in ["customer.subscription.created", "invoice.paid", "checkout.session.completed"] {
        assert_eq!(happened.iter().filter(|other| *other == kind).count(), 1, "{kind}: {happened:?}");
    }
}

/// A card that is declined buys nothing; one whose bank asks buys once its holder has answered.
#[tokio::test]
async fn a_declined_card_buys_nothing_and_a_bank_that_asks_is_answered() {
    let client = Client::new().await;
    let (customer, price) = client.shop(&[]).await;
    let session = client.session(&customer, &price, &[]).await;
    assert!(client.pays(&session, &[("number", "4000000000000002")]).await.text.contains("declined"));
    assert!(client.pays(&session, &[("number", "1")]).await.text.contains("none of the cards"));
    let asked = client.pays(&session, &[("number", "4000 0027 6000 3184")]).await;
    assert!(asked.text.contains("is it you who pays"), "{}", asked.text);
    let refused = client.pays(&session, &[("number", "4000002760003184"), ("bank", "refuse")]).await;
    assert!(refused.text.contains("declined"));
    assert_eq!(client.get("/v1/subscriptions?status=all").await["data"].as_array().unwrap().len(), 0);
    let confirmed = client.pays(&session, &[("number", "4000002760003184"), ("bank", "confirm")]).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER);
    assert_eq!(client.get("/v1/subscriptions").await["data"][0]["status"], "active");
}

/// A clock of one's own: what it holds, and what a test moves on.
async fn clocked(client: &Client) -> (String, i64) {
    let start = "2027-01-31T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    let clock = client.post("/v1/test_helpers/test_clocks", &[("frozen_time", &start.to_string())]).await;
    (id(&clock).to_owned(), start)
}

async fn moved(client: &Client, clock: &str, to: i64) {
    client.post(&format!("/v1/test_helpers/test_clocks/{clock}/advance"), &[("frozen_time", &to.to_string())]).await;
}

const DAY: i64 = 86_400;

/// BIL-13: a year passes in a moment, each renewal at its time and on its day.
#[tokio::test]
async fn a_clock_that_is_moved_renews_each_period() {
    let client = Client::new().await;
    let (clock, start) = clocked(&client).await;
    let (customer, price) = client.shop(&[("test_clock", &clock), ("payment_method", "pm_card_visa")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    moved(&client, &clock, start + 366 * DAY).await;
    let invoices = client.get(&format!("/v1/invoices?limit=100&subscription={}", id(&made))).await;
    let invoices = invoices["data"].as_array().unwrap();
    assert_eq!(invoices.len(), 13);
    assert!(invoices.iter().all(|invoice| invoice["status"] == "paid"));
    let days: Vec<_> = invoices
        .iter()
        .rev()
        .map(|invoice| chrono::DateTime::from_timestamp(invoice["period_start"].as_i64().unwrap(), 0).unwrap().format("%m-%d").to_string())
        .collect();
    assert_eq!(days[..4], ["01-31", "02-28", "03-31", "04-30"]);
    assert_eq!(
        client.refused(Method::POST, &format!("/v1/test_helpers/test_clocks/{clock}/advance"), &[("frozen_time", "1")]).await.0,
        400
    );
}

/// Dunning: a renewal fails, is tried again, and is given up; or somebody pays, and it is as before.
#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_given_up_and_paid() {
    let client = Client::new().await;
    let (clock, start) = clocked(&client).await;
    let (customer, price) = client.shop(&[("test_clock", &clock), ("payment_method", "pm_card_visa")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    let path = format!("/v1/subscriptions/{}?expand[]=latest_invoice", id(&made));
    client.post(&format!("/v1/customers/{customer}"), &[("payment_method", "pm_card_chargeCustomerFail")]).await;
    let mut seen = Vec::new();
    for day in [28, 31, 36, 43] {
        moved(&client, &clock, start + day * DAY).await;
        let held = client.get(&path).await;
        seen.push((held["status"].as_str().unwrap().to_owned(), held["latest_invoice"]["attempt_count"].as_i64().unwrap()));
    }
    let expected = [("past_due", 1), ("past_due", 2), ("past_due", 3), ("unpaid", 4)];
    assert_eq!(seen, expected.map(|(state, attempts)| (state.to_owned(), attempts)));
    let failed = client.happened().await.iter().filter(|kind| *kind == "invoice.payment_failed").count();
    assert_eq!(failed, 4);
    let invoice = client.get(&path).await["latest_invoice"]["id"].as_str().unwrap().to_owned();
    let pay = format!("/v1/invoices/{invoice}/pay");
    assert_eq!(
        client.refused(Method::POST, &pay, &[("payment_method", "pm_card_chargeDeclined")]).await,
        (402, "card_error card_declined -".to_owned())
    );
    client.post(&pay, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(client.get(&path).await["status"], "active");
}

/// A trial costs nothing and ends in a payment; what is to end at the period's end ends there, unless it is not to any more.
#[tokio::test]
async fn trials_end_and_what_is_canceled_ends_with_its_period() {
    let client = Client::new().await;
    let (clock, start) = clocked(&client).await;
    let (customer, price) = client.shop(&[("test_clock", &clock), ("payment_method", "pm_card_visa")]).await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &price), ("trial_period_days", "14")];
    let made = client.post("/v1/subscriptions", &form).await;
    let path = format!("/v1/subscriptions/{}", id(&made));
    assert_eq!((&made["status"], &made["trial_end"]), (&"trialing".into(), &(start + 14 * DAY).into()));
    moved(&client, &clock, start + 15 * DAY).await;
    assert_eq!(client.get(&path).await["status"], "active");
    let ending = client.post(&path, &[("cancel_at_period_end", "true")]).await;
    assert_eq!(ending["cancel_at"], ending["items"]["data"][0]["current_period_end"]);
    let resumed = client.post(&path, &[("cancel_at_period_end", "false")]).await;
    assert!(resumed["cancel_at"].is_null());
    client.post(&path, &[("cancel_at_period_end", "true")]).await;
    moved(&client, &clock, start + 60 * DAY).await;
    let ended = client.get(&path).await;
    assert_eq!((&ended["status"], &ended["ended_at"]), (&"canceled".into(), &ending["cancel_at"]));
    assert_eq!(client.happened().await.iter().filter(|kind| *kind == "customer.subscription.deleted").count(), 1);
    // What is over is listed only where it is asked for.
    assert_eq!(client.get("/v1/subscriptions").await["data"].as_array().unwrap().len(), 0);
    assert_eq!(client.get("/v1/subscriptions?status=all").await["data"].as_array().unwrap().len(), 1);
}

/// A first payment that fails and that nobody completes is given up after a day; by the program's own clock too.
#[tokio::test]
async fn a_first_payment_that_nobody_completes_is_given_up() {
    let time = Clock::fixed("2027-03-01T00:00:00Z".parse().unwrap());
    let client = Client::at(time.clone()).await;
    let (customer, price) = client.shop(&[("payment_method", "pm_card_chargeDeclined")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    assert_eq!(made["status"], "incomplete");
    time.advance(chrono::TimeDelta::hours(23));
    assert_eq!(client.get(&format!("/v1/subscriptions/{}", id(&made))).await["status"], "incomplete_expired");
}

/// A customer that is deleted takes its subscriptions along, and says so when it is asked for.
#[tokio::test]
async fn a_deleted_customer_says_that_it_is() {
    let client = Client::new().await;
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    let path = format!("/v1/customers/{customer}");
    assert_eq!(client.asked(Method::DELETE, &path, &[]).await.body["deleted"], true);
    assert_eq!(client.get(&path).await["deleted"], true);
    assert_eq!(client.get("/v1/subscriptions?status=all").await["data"][0]["status"], "canceled");
    let session = [("mode", "subscription"), ("customer", &customer)];
    assert_eq!(client.refused(Method::POST, "/v1/checkout/sessions", &session).await.0, 400);
}

/// A stand-in that is started again knows its customers, and tells whoever it is told to; what it did not write is put aside.
#[tokio::test]
async fn a_stand_in_with_a_file_knows_its_customers_the_next_time() {
    let folder = std::env::temp_dir().join(format!("saas-stand-in-{}", uuid::Uuid::now_v7()));
    let file = folder.join("stripe.json");
    let open = async || Client::with(saas_billing::DevStripe::open(Clock::system(), &file).await.unwrap());
    let client = open().await;
    let (customer, price) = client.shop(&[("payment_method", "pm_card_visa")]).await;
    let session = client.session(&customer, &price, &[]).await;
    let again = client.session(&customer, &price, &[]).await;
    client.pays(&session, GOOD).await;
    let before = client.get("/v1/subscriptions").await;
    client.asked(Method::DELETE, &format!("/v1/customers/{customer}"), &[]).await;
    drop(client);

    let client = open().await;
    assert_eq!(client.get(&format!("/v1/customers/{customer}")).await["deleted"], true);
    let held = client.get("/v1/subscriptions?status=all").await;
    assert_eq!((&held["data"][0]["id"], &held["data"][0]["status"]), (&before["data"][0]["id"], &"canceled".into()));
    assert!(client.sent(client.request(Method::GET, &format!("/c/pay/{}", id(&again)))).await.text.contains("49 USD"));
    drop(client);

    std::fs::write(&file, "{\"objects\": 1}").unwrap();
    assert_eq!(open().await.get("/v1/subscriptions?status=all").await["data"], serde_json::json!([]));
    assert!(file.with_extension("unreadable").exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// S63: what cannot be charged waits for its payment while the old price holds; paid, it holds; not paid for a day, it is forgotten.
#[tokio::test]
async fn a_dearer_price_that_cannot_be_charged_waits_for_its_payment() {
    let client = Client::new().await;
    let (clock, start) = clocked(&client).await;
    let (customer, price) = client.shop(&[("test_clock", &clock), ("payment_method", "pm_card_visa")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    let dearer =
        [("product", made["items"]["data"][0]["price"]["product"].as_str().unwrap()), ("currency", "usd"), ("unit_amount", "9900")];
    let dearer = client.post("/v1/prices", &[&dearer[..], &[("recurring[interval]", "month")]].concat()).await;
    client.post(&format!("/v1/customers/{customer}"), &[("payment_method", "pm_card_chargeCustomerFail")]).await;
    let (path, at) = (format!("/v1/subscriptions/{}", id(&made)), start.to_string());
    let item = id(&made["items"]["data"][0]);
    let change = [
        ("items[0][id]", item),
        ("items[0][price]", id(&dearer)),
        ("proration_behavior", "always_invoice"),
        ("proration_date", &at),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let costs = |held: &serde_json::Value| held["items"]["data"][0]["price"]["unit_amount"].as_i64().unwrap();
    let asked = async || {
        let held = client.post(&path, &change).await;
        assert_eq!((costs(&held), &held["status"], held["pending_update"].is_null()), (4_900, &"active".into(), false));
        held["latest_invoice"].as_str().unwrap().to_owned()
    };
    let bill = asked().await;
    moved(&client, &clock, start + DAY).await;
    let held = client.get(&path).await;
    assert_eq!((costs(&held), held["pending_update"].is_null()), (4_900, true));
    assert_eq!(client.get(&format!("/v1/invoices/{bill}")).await["status"], "void");

    let bill = asked().await;
    let paid = client.post(&format!("/v1/invoices/{bill}/pay"), &[("payment_method", "pm_card_visa")]).await;
    assert_eq!((&paid["status"], &paid["total"]), (&"paid".into(), &5_000.into()));
    let held = client.get(&path).await;
    assert_eq!((costs(&held), held["pending_update"].is_null(), &held["status"]), (9_900, true, &"active".into()));
}

/// What is credited goes into what is paid next.
#[tokio::test]
async fn what_is_credited_is_taken_off_the_next_invoice() {
    let client = Client::new().await;
    let (clock, start) = clocked(&client).await;
    let (customer, price) = client.shop(&[("test_clock", &clock), ("payment_method", "pm_card_visa")]).await;
    let made = client.post("/v1/subscriptions", &[("customer", &customer), ("items[0][price]", &price)]).await;
    let cheaper =
        [("product", made["items"]["data"][0]["price"]["product"].as_str().unwrap()), ("currency", "usd"), ("unit_amount", "900")];
    let cheaper = client.post("/v1/prices", &[&cheaper[..], &[("recurring[interval]", "month")]].concat()).await;
    let form = [("items[0][price]", id(&cheaper)), ("proration_behavior", "always_invoice"), ("proration_date", &start.to_string())];
    client.post(&format!("/v1/subscriptions/{}", id(&made)), &form).await;
    let mut due = Vec::new();
    // 40 dollars are credited; 9 are due each month.
    for month in 1..=6 {
        moved(&client, &clock, start + month * 31 * DAY).await;
        let bill = client.get(&format!("/v1/invoices?customer={customer}&limit=1")).await["data"][0].clone();
        assert_eq!((&bill["status"], &bill["total"]), (&"paid".into(), &900.into()));
        due.push(bill["amount_due"].as_i64().unwrap());
    }
    assert_eq!(due, [0, 0, 0, 0, 500, 900]);
}

//! Checkout sessions: made by us, paid on a page by whoever has a card (<https://docs.stripe.com/api/checkout/sessions>).

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    card::{Card, Payment},
    list::list,
    params::Params,
    subscription::{self, Wanted, text},
};

const CREATE: &[&str] = &[
    "mode",
    "customer",
    "client_reference_id",
    "line_items",
    "success_url",
    "cancel_url",
    "metadata",
    "subscription_data",
    "payment_method_types",
    "locale",
    "allow_promotion_codes",
];

/// A page that nobody pays on is no page after a day.
const OPEN_FOR: i64 = 86_400;

pub(super) fn sessions(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "checkout.session", "/v1/checkout/sessions", params, &["customer", "status", "subscription"]),
        ("GET", [id]) => books.find("checkout.session", id).cloned(),
        ("POST", []) => make(books, params),
        ("POST", [id, "expire"]) => {
            if books.find("checkout.session", id)?["status"] != "open" {
                return Err(Refusal::invalid("session", "Only Checkout Sessions with a status in [\"open\"] can be expired."));
            }
            books.update("checkout.session", id, json!({ "status": "expired", "url": null }), "checkout.session.expired");
            books.find("checkout.session", id).cloned()
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/checkout/sessions")),
    }
}

fn make(books: &mut Books, params: &Params) -> Answer {
    params.only(CREATE)?;
    if params.required("mode")? != "subscription" {
        return Err(Refusal::invalid("mode", "This stand-in sells subscriptions."));
    }
    let customer = params.required("customer")?.to_owned();
    books.named("customer", &customer, "customer")?;
    let lines = params.list("line_items");
    let line = lines.first().ok_or_else(|| Refusal::parameter_missing("line_items"))?;
    let price = books.named("price", line.required("price")?, "line_items[0][price]")?.clone();
    let quantity = line.number("quantity")?.ok_or_else(|| Refusal::parameter_missing("line_items[0][quantity]"))?;
    if price["recurring"].is_null() || price["active"] == false || !(1..=1_000_000).contains(&quantity) {
        return Err(Refusal::invalid("line_items[0]", "The price is not active and recurring, or the quantity is none."));
    }
    let data = params.below("subscription_data");
    data.only(&["metadata", "trial_period_days"])?;
    let total = price["unit_amount"].as_i64().unwrap_or(0) * quantity;
    let now = books.now();
    let session = books.make(
        "checkout.session",
        json!({
            "customer": customer, "currency": price["currency"], "amount_subtotal": total, "amount_total": total,
            "client_reference_id": params.text("client_reference_id"), "metadata": params.below("metadata").0,
            "success_url": params.required("success_url")?, "cancel_url": params.text("cancel_url"), "expires_at": now + OPEN_FOR,
        }),
    );
    let id = text(&session, "id");
    books.orders.insert(
        id.clone(),
        Order {
            price: text(&price, "id"),
            quantity,
            trial_days: data.number("trial_period_days")?.unwrap_or(0),
            metadata: data.below("metadata").0,
        },
    );
    let url = format!("{}/c/pay/{id}", books.pages);
    books.change("checkout.session", &id, json!({ "url": url }));
    books.find("checkout.session", &id).cloned()
}

/// What is bought on a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    price: String,
    quantity: i64,
    trial_days: i64,
    metadata: serde_json::Map<String, Value>,
}

/// What is bought on a page, in words.
pub(super) fn bought(books: &Books, id: &str) -> String {
    let Some(order) = books.orders.get(id) else { return String::new() };
    let price = books.get("price", &order.price).cloned().unwrap_or_default();
    let name = books.get("product", &text(&price, "product")).map(|product| text(product, "name")).unwrap_or_default();
    let each = text(&price["recurring"], "interval");
    let times = if order.quantity == 1 { String::new() } else { format!("{} × ", order.quantity) };
    let trial = if order.trial_days > 0 { format!(", the first {} days free", order.trial_days) } else { String::new() };
    format!("{times}{name}, paid each {each}{trial}")
}

/// What came of a payment on a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Whoever paid goes on there.
    Paid(String),
    /// The bank wants to hear from them first.
    Asked,
    Declined,
    /// Nobody can pay there, or no longer.
    Over,
}

/// Somebody pays with a card; `confirmed` when their bank has heard from them.
pub(super) fn pay(books: &mut Books, id: &str, card: Card, confirmed: bool) -> Outcome {
    let (Some(session), Some(order)) = (books.get("checkout.session", id).cloned(), books.orders.get(id).cloned()) else {
        return Outcome::Over;
    };
    if session["status"] != "open" || session["expires_at"].as_i64().is_none_or(|at| at <= books.now()) {
        return Outcome::Over;
    }
    match card.pays_here() {
        Payment::Declined => return Outcome::Declined,
        Payment::Asked if !confirmed => return Outcome::Asked,
        Payment::Asked | Payment::Paid => {}
    }
    let customer = text(&session, "customer");
    let Order { price, quantity, trial_days, metadata } = order;
    books.cards.insert(customer.clone(), card);
    let Ok(subscription) = subscription::begin(books, &Wanted { customer, price, quantity, trial_days, metadata }, Payment::Paid) else {
        return Outcome::Over;
    };
    let invoice = books.get("subscription", &subscription).map(|held| held["latest_invoice"].clone());
    let paid = if trial_days > 0 { "no_payment_required" } else { "paid" };
    books.change(
        "checkout.session",
        id,
        json!({ "status": "complete", "payment_status": paid, "subscription": subscription, "invoice": invoice, "url": null }),
    );
    if let Some(done) = books.get("checkout.session", id).cloned() {
        books.happened("checkout.session.completed", &done, None);
    }
    Outcome::Paid(text(&session, "success_url").replace("{CHECKOUT_SESSION_ID}", id))
}

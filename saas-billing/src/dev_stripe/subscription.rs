//! Subscriptions: how they begin, are renewed, fail, and end (<https://docs.stripe.com/billing/subscriptions/overview>).

use chrono::Months;
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Refusal},
    books::{Books, merge, time},
    card::Payment,
    invoice::{self, Attempt, Line, Reason},
    list::list_of,
    params::Params,
    proration,
};

const DAY: i64 = 86_400;

/// A first payment that nobody completes is given up.
const INCOMPLETE_FOR: i64 = 23 * 3_600;

const CREATE: &[&str] = &[
    "customer",
    "items",
    "metadata",
    "trial_period_days",
    "cancel_at_period_end",
    "payment_behavior",
    "default_payment_method",
    "currency",
];
const UPDATE: &[&str] = &[
    "items",
    "metadata",
    "cancel_at_period_end",
    "cancel_at",
    "trial_end",
    "pause_collection",
    "proration_behavior",
    "proration_date",
    "payment_behavior",
];

pub(super) fn subscriptions(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => {
            let all = params.text("status").is_some();
            let is_listed = |held: &Value| all || held["status"] != "canceled";
            list_of(books, "subscription", "/v1/subscriptions", params, &["customer", "status", "price"], &is_listed)
        }
        ("GET", [id]) => books.find("subscription", id).cloned(),
        ("POST", []) => {
            params.only(CREATE)?;
            let customer = params.required("customer")?.to_owned();
            books.named("customer", &customer, "customer")?;
            let items = params.list("items");
            let item = items.first().ok_or_else(|| Refusal::parameter_missing("items"))?;
            let wanted = Wanted {
                customer: customer.clone(),
                price: item.required("price")?.to_owned(),
                quantity: item.number("quantity")?.unwrap_or(1),
                trial_days: params.number("trial_period_days")?.unwrap_or(0),
                metadata: params.below("metadata").0,
            };
            let payment = books.cards.get(&customer).map_or(Payment::Declined, |card| card.pays_later());
            let id = begin(books, &wanted, payment)?;
            books.find("subscription", &id).cloned()
        }
        ("POST", [id]) => change(books, id, params),
        ("DELETE", [id]) => {
            if !books.find("subscription", id)?["ended_at"].is_null() {
                return Err(Refusal::missing("subscription", id));
            }
            end(books, id);
            books.find("subscription", id).cloned()
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/subscriptions")),
    }
}

/// A subscription that is to be.
pub(super) struct Wanted {
    pub(super) customer: String,
    pub(super) price: String,
    pub(super) quantity: i64,
    pub(super) trial_days: i64,
    pub(super) metadata: Map<String, Value>,
}

/// Begins a subscription, and has its first invoice paid unless a trial comes first.
pub(super) fn begin(books: &mut Books, wanted: &Wanted, payment: Payment) -> Result<String, Refusal> {
    let price = books.named("price", &wanted.price, "items[0][price]")?.clone();
    if price["recurring"].is_null() {
        return Err(Refusal::invalid("items[0][price]", "The price specified is set to `type=one_time`."));
    }
    if !(1..=1_000_000).contains(&wanted.quantity) {
        return Err(Refusal::invalid("items[0][quantity]", "Invalid quantity."));
    }
    let now = books.time_of(&wanted.customer);
    let trial_end = (wanted.trial_days > 0).then(|| now + wanted.trial_days * DAY);
    let period_end = trial_end.unwrap_or_else(|| next(&price, now, now));
    let made = books.make(
        "subscription",
        json!({
            "customer": wanted.customer, "currency": price["currency"], "metadata": wanted.metadata, "created": now, "start_date": now,
            "billing_cycle_anchor": trial_end.unwrap_or(now), "trial_start": trial_end.map(|_| now), "trial_end": trial_end,
            "test_clock": books.get("customer", &wanted.customer).map(|customer| customer["test_clock"].clone()),
        }),
    );
    let id = text(&made, "id");
    let item = books.make(
        "subscription_item",
        json!({
            "subscription": id, "price": price, "quantity": wanted.quantity, "current_period_start": now, "current_period_end": period_end,
        }),
    );
    books.change("subscription", &id, json!({ "items": items(&id, item) }));
    let held = books.get("subscription", &id).cloned().unwrap_or_default();
    let line = Line::period(&held["items"]["data"][0], if trial_end.is_some() { 0 } else { 1 }, (now, period_end));
    let bill = invoice::make(books, &id, Reason::Create, (now, period_end), &[line]);
    let paid = invoice::pay(books, &bill, payment, Attempt::Automatic);
    let status = match (trial_end, paid) {
        (Some(_), _) => "trialing",
        (None, Payment::Paid) => "active",
        (None, _) => "incomplete",
    };
    books.change("subscription", &id, json!({ "status": status, "latest_invoice": bill }));
    if let Some(subscription) = books.get("subscription", &id).cloned() {
        books.happened("customer.subscription.created", &subscription, None);
    }
    Ok(id)
}

/// The one item of a subscription. Its price stands there twice, also as the older kind of object that Stripe still writes.
pub(super) fn items(id: &str, mut item: Value) -> Value {
    let price = &item["price"];
    item["plan"] = json!({
        "object": "plan", "id": price["id"], "active": price["active"], "amount": price["unit_amount"], "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit", "created": price["created"], "currency": price["currency"], "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"], "livemode": false, "metadata": price["metadata"], "meter": null,
        "nickname": price["nickname"], "product": price["product"], "tiers_mode": null, "transform_usage": null, "trial_period_days": null,
        "usage_type": "licensed",
    });
    json!({ "object": "list", "data": [item], "has_more": false, "url": format!("/v1/subscription_items?subscription={id}") })
}

fn change(books: &mut Books, id: &str, params: &Params) -> Answer {
    params.only(UPDATE)?;
    let held = books.find("subscription", id)?.clone();
    if held["status"] == "canceled" || held["status"] == "incomplete_expired" {
        return Err(Refusal::invalid("id", "A canceled subscription can only update its metadata."));
    }
    let mut fields = json!({ "metadata": params.below("metadata").0 });
    if let Some(ends) = params.is("cancel_at_period_end")? {
        merge(&mut fields, ending(books, &held, ends));
    }
    if let Some(item) = params.list("items").first() {
        merge(&mut fields, proration::change(books, &held, item, params)?);
    }
    match params.value("pause_collection") {
        Some(Value::Object(pause)) => fields["pause_collection"] = json!({ "behavior": pause.get("behavior"), "resumes_at": null }),
        Some(_) => fields["pause_collection"] = Value::Null,
        None => {}
    }
    books.update("subscription", id, fields, "customer.subscription.updated");
    books.find("subscription", id).cloned()
}

/// What is otherwise of a subscription that ends with its period, or does not any more.
fn ending(books: &Books, held: &Value, ends: bool) -> Value {
    let now = books.time_of(&text(held, "customer"));
    json!({
        "cancel_at_period_end": ends, "canceled_at": ends.then_some(now),
        "cancel_at": if ends { held["items"]["data"][0]["current_period_end"].clone() } else { Value::Null },
    })
}

/// Has a subscription end with its period, or go on after all.
pub(super) fn end_with_period(books: &mut Books, id: &str, ends: bool) {
    let Some(held) = books.get("subscription", id).cloned() else { return };
    let fields = ending(books, &held, ends);
    books.update("subscription", id, fields, "customer.subscription.updated");
}

/// Ends a subscription now.
pub(super) fn end(books: &mut Books, id: &str) {
    let Some(held) = books.get("subscription", id).cloned() else { return };
    if held["ended_at"].is_null() {
        let now = books.time_of(&text(&held, "customer"));
        books.change(
            "subscription",
            id,
            json!({ "status": "canceled", "ended_at": now, "canceled_at": now, "cancel_at_period_end": false }),
        );
        // What is open is not tried again.
        for bill in books.ids("invoice", |bill| bill["parent"]["subscription_details"]["subscription"] == id && bill["status"] == "open") {
            books.change("invoice", &bill, json!({ "auto_advance": false, "next_payment_attempt": null }));
        }
        if let Some(ended) = books.get("subscription", id).cloned() {
            books.happened("customer.subscription.deleted", &ended, None);
        }
    }
}

/// Ends all subscriptions of a customer.
pub(super) fn end_all(books: &mut Books, customer: &str) {
    for id in books.ids("subscription", |subscription| subscription["customer"] == customer) {
        end(books, &id);
    }
}

/// When a subscription does something by itself, if it ever does.
pub(super) fn due(books: &Books, subscription: &Value) -> Option<i64> {
    let ends = subscription["items"]["data"][0]["current_period_end"].as_i64()?;
    match subscription["status"].as_str()? {
        "trialing" | "active" => {
            [Some(ends), subscription["cancel_at"].as_i64(), proration::expires(subscription)].into_iter().flatten().min()
        }
        "incomplete" => Some(subscription["created"].as_i64()? + INCOMPLETE_FOR),
        "past_due" => books.get("invoice", subscription["latest_invoice"].as_str()?)?["next_payment_attempt"].as_i64(),
        _ => None,
    }
}

/// Does what is due at this moment.
pub(super) fn pass(books: &mut Books, id: &str) {
    let Some(held) = books.get("subscription", id).cloned() else { return };
    let now = books.now();
    match held["status"].as_str() {
        Some("incomplete") => {
            books.update("subscription", id, json!({ "status": "incomplete_expired", "ended_at": now }), "customer.subscription.updated");
        }
        Some("past_due") => {
            let bill = text(&held, "latest_invoice");
            let payment = books.cards.get(&text(&held, "customer")).map_or(Payment::Declined, |card| card.pays_later());
            invoice::pay(books, &bill, payment, Attempt::Automatic);
            settle(books, id, &bill);
        }
        Some("trialing" | "active") if proration::expires(&held).is_some_and(|at| at <= now) => proration::expire(books, &held),
        Some("trialing" | "active") if held["cancel_at"].as_i64().is_some_and(|at| at <= now) => end(books, id),
        Some("trialing" | "active") => renew(books, id, &held),
        _ => {}
    }
}

fn renew(books: &mut Books, id: &str, held: &Value) {
    let mut item = held["items"]["data"][0].clone();
    let start = item["current_period_end"].as_i64().unwrap_or_default();
    let end = next(&item["price"], held["billing_cycle_anchor"].as_i64().unwrap_or(start), start);
    item["current_period_start"] = start.into();
    item["current_period_end"] = end.into();
    let line = Line::period(&item, 1, (start, end));
    let bill = invoice::make(books, id, Reason::Cycle, (start, end), &[line]);
    let payment = books.cards.get(&text(held, "customer")).map_or(Payment::Declined, |card| card.pays_later());
    invoice::pay(books, &bill, payment, Attempt::Automatic);
    books.change("subscription", id, json!({ "items": items(id, item), "latest_invoice": bill }));
    settle(books, id, &bill);
}

/// A subscription stands as its last invoice does.
pub(super) fn settle(books: &mut Books, id: &str, bill: &str) {
    let Some(bill) = books.get("invoice", bill) else { return };
    let status = match (bill["status"].as_str(), bill["next_payment_attempt"].is_null(), bill["billing_reason"].as_str()) {
        (Some("paid"), ..) => "active",
        (_, _, Some("subscription_create")) => "incomplete",
        (_, false, _) => "past_due",
        (_, true, _) => "unpaid",
    };
    books.update("subscription", id, json!({ "status": status }), "customer.subscription.updated");
}

/// The end of the period that begins at `start`, counted from the anchor, so that the 31st comes back after February.
pub(super) fn next(price: &Value, anchor: i64, start: i64) -> i64 {
    let count = price["recurring"]["interval_count"].as_i64().unwrap_or(1).max(1);
    let step = match price["recurring"]["interval"].as_str() {
        Some("day") => return start + count * DAY,
        Some("week") => return start + 7 * count * DAY,
        Some("year") => 12 * count,
        _ => count,
    };
    let step = u32::try_from(step).unwrap_or(1);
    let after = (1..10_000).map(|times| (time(anchor) + Months::new(step * times)).timestamp()).find(|end| *end > start);
    after.unwrap_or(start + DAY)
}

pub(super) fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{next, time};

    /// S71: the 31st, and leap days.
    #[test]
    fn a_period_that_began_on_the_31st_comes_back_to_it() {
        let price = json!({ "recurring": { "interval": "month", "interval_count": 1 } });
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
        let anchor = at("2028-01-31T10:00:00Z");
        let mut ends = vec![anchor];
        for _ in 0..3 {
            ends.push(next(&price, anchor, ends[ends.len() - 1]));
        }
        let days: Vec<_> = ends.into_iter().map(|end| time(end).format("%m-%d").to_string()).collect();
        assert_eq!(days, ["01-31", "02-29", "03-31", "04-30"]);
        let yearly = json!({ "recurring": { "interval": "year", "interval_count": 1 } });
        let leap = at("2028-02-29T00:00:00Z");
        assert_eq!(time(next(&yearly, leap, leap)).format("%Y-%m-%d").to_string(), "2029-02-28");
    }
}

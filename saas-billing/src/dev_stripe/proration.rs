//! Another price in the middle of a period (<https://docs.stripe.com/billing/subscriptions/prorations>): what is not used is credited, what is left is
//! charged; with another interval a new period begins.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::{Books, merge},
    card::Payment,
    invoice::{self, Attempt, Line, Reason},
    params::Params,
    shape,
    subscription::{items, next, text},
};
use crate::gateway::proration::share;

/// For how long an update waits for its payment.
const PENDING_FOR: i64 = 23 * 3_600;

/// What another price comes to.
struct Change {
    /// The item as it will be.
    item: Value,
    /// Where periods are counted from, if that is another time.
    anchor: Option<i64>,
    lines: Vec<Line>,
}

impl Change {
    fn of(books: &Books, held: &Value, wanted: &Params, at: Option<i64>) -> Result<Self, Refusal> {
        let old = &held["items"]["data"][0];
        if wanted.text("id").is_some_and(|id| old["id"] != id) {
            return Err(Refusal::invalid("items[0][id]", "This stand-in has subscriptions of one item."));
        }
        let mut item = old.clone();
        if let Some(price) = wanted.text("price") {
            item["price"] = books.named("price", price, "items[0][price]")?.clone();
            item["quantity"] = 1.into();
        }
        if let Some(quantity) = wanted.number("quantity")? {
            item["quantity"] = quantity.into();
        }
        let number = |item: &Value, name: &str| item[name].as_i64().unwrap_or_default();
        let (start, end) = (number(old, "current_period_start"), number(old, "current_period_end"));
        let now = books.time_of(&text(held, "customer"));
        let at = at.unwrap_or(now);
        if !(start..=end).contains(&at) {
            return Err(Refusal::invalid("proration_date", "The proration date must be within the current period."));
        }
        let amount = |item: &Value| item["price"]["unit_amount"].as_i64().unwrap_or(0) * number(item, "quantity");
        let each = |item: &Value| (item["price"]["recurring"]["interval"].clone(), item["price"]["recurring"]["interval_count"].clone());
        if held["status"] == "trialing" {
            return Ok(Self { item, anchor: None, lines: Vec::new() });
        }
        let credit = Line::part(old, -share(amount(old), end - at, end - start), (at, end), "Unused time");
        if each(&item) == each(old) {
            let charge = Line::part(&item, share(amount(&item), end - at, end - start), (at, end), "Remaining time");
            return Ok(Self { item, anchor: None, lines: vec![credit, charge] });
        }
        let renews = next(&item["price"], now, now);
        item["current_period_start"] = now.into();
        item["current_period_end"] = renews.into();
        let charge = Line::part(&item, amount(&item), (now, renews), "Subscription");
        Ok(Self { item, anchor: Some(now), lines: vec![credit, charge] })
    }

    fn fields(&self, id: &str) -> Value {
        let mut fields = json!({ "items": items(id, self.item.clone()), "pending_update": null });
        if let Some(anchor) = self.anchor {
            fields["billing_cycle_anchor"] = anchor.into();
        }
        fields
    }
}

/// What another price would come to, as an invoice that there is not.
pub(super) fn preview(books: &Books, params: &Params) -> Answer {
    params.only(&["subscription", "subscription_details", "customer"])?;
    let id = params.required("subscription")?;
    let held = books.named("subscription", id, "subscription")?;
    let details = params.below("subscription_details");
    details.only(&["items", "proration_behavior", "proration_date"])?;
    let wanted = details.list("items");
    let wanted = wanted.first().ok_or_else(|| Refusal::parameter_missing("subscription_details[items]"))?;
    let change = Change::of(books, held, wanted, details.number("proration_date")?)?;
    let mut bill = shape::of("invoice");
    merge(&mut bill, invoice::fields(books, held, Reason::Update, period(held, &change), &change.lines));
    bill["id"] = format!("upcoming_in_{id}").into();
    bill["status"] = "draft".into();
    let lines = change.lines.iter().enumerate().map(|(place, line)| {
        let mut shown = shape::of("line_item");
        merge(&mut shown, line.fields(held, "upcoming"));
        shown["id"] = format!("il_upcoming_{place}").into();
        shown
    });
    bill["lines"]["data"] = lines.collect();
    Ok(bill)
}

fn period(held: &Value, change: &Change) -> (i64, i64) {
    let of = |name: &str| change.item[name].as_i64().or_else(|| held["items"]["data"][0][name].as_i64()).unwrap_or_default();
    (of("current_period_start"), of("current_period_end"))
}

/// Has a subscription cost another price, invoiced at once if that is asked for; if nobody pays it may wait for that.
pub(super) fn change(books: &mut Books, held: &Value, wanted: &Params, params: &Params) -> Result<Value, Refusal> {
    let id = text(held, "id");
    let change = Change::of(books, held, wanted, params.number("proration_date")?)?;
    if params.text("proration_behavior") != Some("always_invoice") || change.lines.is_empty() {
        return Ok(change.fields(&id));
    }
    let bill = invoice::make(books, &id, Reason::Update, period(held, &change), &change.lines);
    let payment = books.cards.get(&text(held, "customer")).map_or(Payment::Declined, |card| card.pays_later());
    let is_paid = invoice::pay(books, &bill, payment, Attempt::Automatic) == Payment::Paid;
    let mut fields = change.fields(&id);
    match (is_paid, params.text("payment_behavior")) {
        (true, _) => {}
        (false, Some("pending_if_incomplete")) => {
            let expires = books.time_of(&text(held, "customer")) + PENDING_FOR;
            fields = json!({ "pending_update": {
                "billing_cycle_anchor": change.anchor, "expires_at": expires, "subscription_items": fields["items"]["data"],
                "trial_end": null, "trial_from_plan": null,
            } });
        }
        _ => return Err(Refusal::invalid("payment_behavior", "What is not paid waits here, with pending_if_incomplete.")),
    }
    fields["latest_invoice"] = bill.into();
    Ok(fields)
}

/// The update that waited for an invoice holds now that it is paid.
pub(super) fn paid(books: &mut Books, id: &str, bill: &str) {
    let Some(held) = books.get("subscription", id).cloned() else { return };
    let pending = &held["pending_update"];
    if held["latest_invoice"] != bill || pending.is_null() {
        return;
    }
    let mut fields = json!({ "items": items(id, pending["subscription_items"][0].clone()), "pending_update": null });
    if !pending["billing_cycle_anchor"].is_null() {
        fields["billing_cycle_anchor"] = pending["billing_cycle_anchor"].clone();
    }
    books.update("subscription", id, fields, "customer.subscription.updated");
}

/// When an update is no longer waited for, if one is.
pub(super) fn expires(held: &Value) -> Option<i64> {
    held["pending_update"]["expires_at"].as_i64()
}

/// Nobody paid for it.
pub(super) fn expire(books: &mut Books, held: &Value) {
    let (id, bill) = (text(held, "id"), text(held, "latest_invoice"));
    if let Err(refusal) = invoice::void(books, &bill) {
        tracing::warn!(?refusal, "an invoice of the stand-in for Stripe is not open any more");
    }
    books.update("subscription", &id, json!({ "pending_update": null }), "customer.subscription.pending_update_expired");
}

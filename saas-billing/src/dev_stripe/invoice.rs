//! Invoices, and the attempts to have them paid.

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    card::{Card, Payment},
    list::list,
    params::Params,
    subscription::{self, text},
};

const DAY: i64 = 86_400;

/// After how many days a failed payment is tried again.
const RETRIES: &[i64] = &[3, 5, 7];

/// Why there is an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// A subscription began.
    Create,
    /// A period began.
    Cycle,
}

pub(super) fn invoices(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "invoice", "/v1/invoices", params, &["customer", "status", "subscription", "collection_method"]),
        ("GET", [id]) => books.find("invoice", id).cloned(),
        ("POST", [id, "pay"]) => {
            params.only(&["payment_method"])?;
            let held = books.find("invoice", id)?.clone();
            if held["status"] != "open" {
                return Err(Refusal::invalid("id", "Invoice is already paid or not open."));
            }
            let given = params
                .text("payment_method")
                .map(|name| Card::of(name).ok_or_else(|| Refusal::no_such("PaymentMethod", name, "payment_method")));
            let card = given.transpose()?.or_else(|| books.cards.get(&text(&held, "customer")).copied());
            let payment = card.map_or(Payment::Declined, Card::pays_here);
            if pay_now(books, id, payment) == Payment::Paid { books.find("invoice", id).cloned() } else { Err(Refusal::declined()) }
        }
        ("POST", [id, "void"]) => over(books, id, "void", "voided_at", "invoice.voided"),
        ("POST", [id, "mark_uncollectible"]) => over(books, id, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible"),
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/invoices")),
    }
}

/// A final invoice of a period of a subscription: `times` its price, so none for a trial.
pub(super) fn make(books: &mut Books, subscription: &str, reason: Reason, (start, end): (i64, i64), times: i64) -> String {
    let Some(held) = books.get("subscription", subscription).cloned() else { return String::new() };
    let item = &held["items"]["data"][0];
    let (unit, quantity) = (item["price"]["unit_amount"].as_i64().unwrap_or(0), item["quantity"].as_i64().unwrap_or(1));
    let total = unit * quantity * times;
    let customer = text(&held, "customer");
    let now = books.time_of(&customer);
    let sequence = books.get("customer", &customer).and_then(|customer| customer["next_invoice_sequence"].as_i64()).unwrap_or(1);
    books.change("customer", &customer, json!({ "next_invoice_sequence": sequence + 1 }));
    let made = books.make(
        "invoice",
        json!({
            "customer": customer, "currency": held["currency"], "created": now, "status": "open", "effective_at": now,
            "billing_reason": match reason { Reason::Create => "subscription_create", Reason::Cycle => "subscription_cycle" },
            "amount_due": total, "amount_remaining": total, "total": total, "subtotal": total,
            "subtotal_excluding_tax": total, "total_excluding_tax": total, "period_start": start, "period_end": end,
            "parent": {
                "type": "subscription_details", "quote_details": null,
                "subscription_details": { "subscription": subscription, "metadata": held["metadata"] },
            },
            "status_transitions": { "finalized_at": now, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
            "test_clock": held["test_clock"],
        }),
    );
    let id = text(&made, "id");
    let line = books.make(
        "line_item",
        json!({
            "invoice": id, "amount": total, "subtotal": total, "currency": held["currency"], "quantity": quantity,
            "description": "Subscription", "period": { "start": start, "end": end },
            "pricing": {
                "type": "price_details", "unit_amount_decimal": unit.to_string(),
                "price_details": { "price": item["price"]["id"], "product": item["price"]["product"] },
            },
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": {
                    "subscription": subscription, "subscription_item": item["id"], "proration": false,
                    "invoice_item": null, "proration_details": null,
                },
            },
        }),
    );
    let number = format!("STANDIN-{}-{sequence:04}", &id[id.len().saturating_sub(6)..].to_uppercase());
    let lines = json!({ "object": "list", "data": [line], "has_more": false, "url": format!("/v1/invoices/{id}/lines") });
    books.change("invoice", &id, json!({ "number": number, "lines": lines }));
    for event in ["invoice.created", "invoice.finalized"] {
        if let Some(made) = books.get("invoice", &id).cloned() {
            books.happened(event, &made, None);
        }
    }
    id
}

/// Tries to have an invoice paid; nothing is needed for one of nothing.
pub(super) fn pay(books: &mut Books, id: &str, payment: Payment) -> Payment {
    let Some(held) = books.get("invoice", id).cloned() else { return Payment::Declined };
    let due = held["amount_due"].as_i64().unwrap_or(0);
    let payment = if due == 0 { Payment::Paid } else { payment };
    let now = books.time_of(&text(&held, "customer"));
    let attempts = held["attempt_count"].as_i64().unwrap_or(0) + i64::from(due > 0);
    let mut transitions = held["status_transitions"].clone();
    let (fields, events): (Value, &[&str]) = match payment {
        Payment::Paid => {
            transitions["paid_at"] = now.into();
            let fields = json!({
                "status": "paid", "attempted": true, "attempt_count": attempts, "amount_paid": due, "amount_remaining": 0,
                "next_payment_attempt": null, "status_transitions": transitions,
            });
            (fields, &["invoice.paid", "invoice.payment_succeeded"][..])
        }
        refused => {
            let is_first = held["billing_reason"] == "subscription_create";
            let again = usize::try_from(attempts - 1).ok().and_then(|place| RETRIES.get(place)).filter(|_| !is_first);
            let fields = json!({
                "attempted": true, "attempt_count": attempts, "next_payment_attempt": again.map(|days| now + days * DAY),
            });
            let asked: &[&str] = &["invoice.payment_failed", "invoice.payment_action_required"];
            (fields, if refused == Payment::Asked { asked } else { &asked[..1] })
        }
    };
    books.change("invoice", id, fields);
    for event in events {
        if let Some(now) = books.get("invoice", id).cloned() {
            books.happened(event, &now, None);
        }
    }
    payment
}

/// The same with whoever pays at hand; its subscription follows.
pub(super) fn pay_now(books: &mut Books, id: &str, payment: Payment) -> Payment {
    let paid = pay(books, id, payment);
    let of = books.get("invoice", id).map(|bill| text(&bill["parent"]["subscription_details"], "subscription"));
    if let Some(of) = of.filter(|of| books.get("subscription", of).is_some_and(|held| held["ended_at"].is_null())) {
        subscription::settle(books, &of, id);
    }
    paid
}

fn over(books: &mut Books, id: &str, status: &str, transition: &str, event: &str) -> Answer {
    let held = books.find("invoice", id)?.clone();
    if held["status"] != "open" {
        return Err(Refusal::invalid("id", "This invoice is not open."));
    }
    let mut transitions = held["status_transitions"].clone();
    transitions[transition] = books.time_of(&text(&held, "customer")).into();
    books.update("invoice", id, json!({ "status": status, "status_transitions": transitions, "next_payment_attempt": null }), event);
    books.find("invoice", id).cloned()
}

//! Invoices, and the attempts to have them paid.

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    card::{Card, Payment},
    list::list,
    params::Params,
    proration,
    subscription::{self, text},
};

const DAY: i64 = 86_400;

/// Why there is an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// A subscription began.
    Create,
    /// A period began.
    Cycle,
    /// It costs another price from now on.
    Update,
}

/// Who tries to have an invoice paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The schedule.
    Automatic,
    /// Somebody, on a page. After the first attempt it is none of the schedule's: it neither counts nor moves the next one
    /// (<https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count>).
    ByHand,
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
            if pay_now(books, id, payment, Attempt::ByHand) == Payment::Paid {
                books.find("invoice", id).cloned()
            } else {
                Err(Refusal::declined())
            }
        }
        ("POST", ["create_preview"]) => proration::preview(books, params),
        ("POST", [id, "void"]) => void(books, id),
        ("POST", [id, "mark_uncollectible"]) => over(books, id, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible"),
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/invoices")),
    }
}

/// What stands on an invoice.
pub(super) struct Line {
    description: &'static str,
    amount: i64,
    item: Value,
    period: (i64, i64),
    is_part: bool,
}

impl Line {
    /// A period of an item: `times` its price, so none for a trial.
    pub(super) fn period(item: &Value, times: i64, period: (i64, i64)) -> Self {
        let each = item["price"]["unit_amount"].as_i64().unwrap_or(0) * item["quantity"].as_i64().unwrap_or(1);
        Self { description: "Subscription", amount: each * times, item: item.clone(), period, is_part: false }
    }

    /// A part of one.
    pub(super) fn part(item: &Value, amount: i64, period: (i64, i64), description: &'static str) -> Self {
        Self { description, amount, item: item.clone(), period, is_part: true }
    }

    pub(super) fn fields(&self, held: &Value, invoice: &str) -> Value {
        let (item, price) = (&self.item, &self.item["price"]);
        json!({
            "invoice": invoice, "amount": self.amount, "subtotal": self.amount, "currency": held["currency"], "quantity": item["quantity"],
            "description": self.description, "period": { "start": self.period.0, "end": self.period.1 },
            "pricing": {
                "type": "price_details", "unit_amount_decimal": price["unit_amount"].as_i64().unwrap_or(0).to_string(),
                "price_details": { "price": price["id"], "product": price["product"] },
            },
            "parent": {
                "type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": {
                    "subscription": held["id"], "subscription_item": item["id"], "proration": self.is_part,
                    "invoice_item": null, "proration_details": null,
                },
            },
        })
    }
}

/// All of an invoice but its lines. What a customer is owed is taken off what is due, and what is left of it is kept for the next one.
pub(super) fn fields(books: &Books, held: &Value, reason: Reason, (start, end): (i64, i64), lines: &[Line]) -> Value {
    let customer = text(held, "customer");
    let now = books.time_of(&customer);
    let total: i64 = lines.iter().map(|line| line.amount).sum();
    let balance = books.get("customer", &customer).and_then(|customer| customer["balance"].as_i64()).unwrap_or(0);
    let due = (total + balance).max(0);
    let reason = match reason {
        Reason::Create => "subscription_create",
        Reason::Cycle => "subscription_cycle",
        Reason::Update => "subscription_update",
    };
    json!({
        "customer": customer, "currency": held["currency"], "created": now, "status": "open", "effective_at": now, "billing_reason": reason,
        "amount_due": due, "amount_remaining": due, "total": total, "subtotal": total,
        "subtotal_excluding_tax": total, "total_excluding_tax": total, "period_start": start, "period_end": end,
        "starting_balance": balance, "ending_balance": (total + balance).min(0),
        "parent": {
            "type": "subscription_details", "quote_details": null,
            "subscription_details": { "subscription": held["id"], "metadata": held["metadata"] },
        },
        "status_transitions": { "finalized_at": now, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        "test_clock": held["test_clock"],
    })
}

/// A final invoice of a subscription.
pub(super) fn make(books: &mut Books, subscription: &str, reason: Reason, period: (i64, i64), lines: &[Line]) -> String {
    let Some(held) = books.get("subscription", subscription).cloned() else { return String::new() };
    let customer = text(&held, "customer");
    let fields = fields(books, &held, reason, period, lines);
    let sequence = books.get("customer", &customer).and_then(|customer| customer["next_invoice_sequence"].as_i64()).unwrap_or(1);
    books.change("customer", &customer, json!({ "next_invoice_sequence": sequence + 1, "balance": fields["ending_balance"] }));
    let id = text(&books.make("invoice", fields), "id");
    let lines: Vec<Value> = lines.iter().map(|line| books.make("line_item", line.fields(&held, &id))).collect();
    let number = format!("STANDIN-{}-{sequence:04}", &id[id.len().saturating_sub(6)..].to_uppercase());
    let lines = json!({ "object": "list", "data": lines, "has_more": false, "url": format!("/v1/invoices/{id}/lines") });
    let page = address(books, &id);
    books.change("invoice", &id, json!({ "number": number, "lines": lines, "hosted_invoice_url": page }));
    for event in ["invoice.created", "invoice.finalized"] {
        if let Some(made) = books.get("invoice", &id).cloned() {
            books.happened(event, &made, None);
        }
    }
    id
}

/// Where an invoice can be seen and paid.
pub(super) fn address(books: &Books, id: &str) -> String {
    format!("{}/i/{id}", books.pages)
}

/// Tries to have an invoice paid; nothing is needed for one of nothing.
pub(super) fn pay(books: &mut Books, id: &str, payment: Payment, by: Attempt) -> Payment {
    let Some(held) = books.get("invoice", id).cloned() else { return Payment::Declined };
    let due = held["amount_due"].as_i64().unwrap_or(0);
    let payment = if due == 0 { Payment::Paid } else { payment };
    let now = books.time_of(&text(&held, "customer"));
    let before = held["attempt_count"].as_i64().unwrap_or(0);
    let counts = due > 0 && (by == Attempt::Automatic || before == 0);
    let attempts = before + i64::from(counts);
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
            let again = usize::try_from(attempts - 1).ok().and_then(|place| books.retry_days.get(place)).filter(|_| !is_first);
            let again = if counts { again.map(|days| now + i64::from(*days) * DAY) } else { held["next_payment_attempt"].as_i64() };
            let fields = json!({ "attempted": true, "attempt_count": attempts, "next_payment_attempt": again });
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
pub(super) fn pay_now(books: &mut Books, id: &str, payment: Payment, by: Attempt) -> Payment {
    let paid = pay(books, id, payment, by);
    let of = books.get("invoice", id).map(|bill| text(&bill["parent"]["subscription_details"], "subscription"));
    if let Some(of) = of.filter(|of| books.get("subscription", of).is_some_and(|held| held["ended_at"].is_null())) {
        // What waits for its payment holds now, or waits on.
        let waits = books.get("subscription", &of).is_some_and(|held| !held["pending_update"].is_null());
        match (waits, paid) {
            (true, Payment::Paid) => proration::paid(books, &of, id),
            (true, _) => {}
            (false, _) => subscription::settle(books, &of, id),
        }
    }
    paid
}

/// It was a mistake.
pub(super) fn void(books: &mut Books, id: &str) -> Answer {
    over(books, id, "void", "voided_at", "invoice.voided")
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

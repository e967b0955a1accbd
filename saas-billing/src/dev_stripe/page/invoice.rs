//! Where an invoice is seen, and paid if it is open (<https://docs.stripe.com/invoicing/hosted-invoice-page>).

use axum::{extract::State, response::Response};
use bytes::Bytes;
use minijinja::context;
use saas_core::Path;

use super::{
    super::{
        Shared,
        books::Books,
        card::Payment,
        customer,
        invoice::{self, Attempt},
        subscription::text,
    },
    Entered, Notice, Sheet, back_to, day, home, money, nowhere, posted, shown,
};

pub(super) async fn show(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    page(&shared, &id, Sheet::default())
}

/// With a card that is kept then, as for the subscriptions of Checkout; one that is declined is one more failure.
pub(super) async fn paid(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let entered = match Entered::read(&posted(&body)) {
        Ok(entered) => entered,
        Err(sheet) => return page(&shared, &id, sheet),
    };
    let outcome = pays(&mut shared.now(), &id, &entered);
    shared.changed().await;
    match outcome {
        Ok(()) => back_to(&format!("/i/{id}")),
        Err(sheet) => page(&shared, &id, sheet),
    }
}

/// What is not open any more stays as it is.
fn pays(books: &mut Books, id: &str, entered: &Entered) -> Result<(), Sheet> {
    let Some(bill) = books.get("invoice", id).filter(|bill| bill["status"] == "open").cloned() else { return Ok(()) };
    let taken = entered.taken();
    match &taken {
        Ok(()) => {
            customer::card_put(books, &text(&bill, "customer"), entered.card);
            invoice::pay_now(books, id, Payment::Paid, Attempt::ByHand);
        }
        Err(sheet) if sheet.notice == Notice::Declined => {
            invoice::pay_now(books, id, Payment::Declined, Attempt::ByHand);
        }
        Err(_) => {}
    }
    taken
}

fn page(shared: &Shared, id: &str, sheet: Sheet) -> Response {
    let books = shared.now();
    let Some(bill) = books.get("invoice", id) else { return nowhere() };
    let number = |name: &str| bill[name].as_i64().unwrap_or(0);
    let lines = bill["lines"]["data"].as_array().into_iter().flatten().map(|line| {
        context! { description => text(line, "description"), amount => money(bill, line["amount"].as_i64().unwrap_or(0)) }
    });
    let is_due = bill["status"] == "open" && number("amount_remaining") > 0;
    let state = match bill["status"].as_str() {
        Some("paid") => format!("Paid on {}", day(bill["status_transitions"]["paid_at"].as_i64().unwrap_or(0))),
        Some("void") => "It was a mistake, and nothing is to be paid.".to_owned(),
        Some("uncollectible") => "Nobody expects it to be paid any more.".to_owned(),
        _ => "Nothing is due.".to_owned(),
    };
    let context = context! {
        total => money(bill, number("total")), number => text(bill, "number"), day => day(number("created")),
        lines => lines.collect::<Vec<_>>(), due => is_due.then(|| money(bill, number("amount_remaining"))), state => state,
        again => bill["next_payment_attempt"].as_i64().map(day), notice => sheet.notice.text(), asked => sheet.asked,
        action => format!("/i/{id}"), home => home(&books),
    };
    shown("invoice.html", context)
}

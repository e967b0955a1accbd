//! Where a customer sees what they pay for, with what, and what they paid (<https://docs.stripe.com/customer-management>).

use axum::{extract::State, response::Response};
use bytes::Bytes;
use minijinja::context;
use saas_core::Path;
use serde_json::Value;

use super::{
    super::{Shared, books::Books, customer, portal, subscription, subscription::text},
    Entered, Sheet, back_to, day, money, nowhere, on_to, posted, shown,
};

pub(super) async fn show(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    page(&shared, &id, Sheet::default(), false)
}

pub(super) async fn changed(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let params = posted(&body);
    let session = {
        let books = shared.now();
        books.get(portal::KIND, &id).filter(|session| portal::is_open(&books, session)).cloned()
    };
    let Some(session) = session else { return page(&shared, &id, Sheet::default(), false) };
    let customer = text(&session, "customer");
    if let (Some(held), Some(change)) = (params.text("subscription"), params.text("change")) {
        ends(&mut shared.now(), &customer, held, change == "cancel");
        shared.changed().await;
        return back_to(&format!("/p/session/{id}"));
    }
    let entered = Entered::read(&params).and_then(|entered| entered.taken().map(|()| entered));
    let entered = match entered {
        Ok(entered) => entered,
        Err(sheet) => return page(&shared, &id, sheet, false),
    };
    customer::card_put(&mut shared.now(), &customer, entered.card);
    shared.changed().await;
    match session["flow"]["after_completion"]["redirect"]["return_url"].as_str() {
        Some(url) => on_to(url),
        None => page(&shared, &id, Sheet::default(), true),
    }
}

/// What is not theirs stays as it is.
fn ends(books: &mut Books, customer: &str, held: &str, ends: bool) {
    if books.get("subscription", held).is_some_and(|held| held["customer"] == *customer && held["ended_at"].is_null()) {
        subscription::end_with_period(books, held, ends);
    }
}

fn page(shared: &Shared, id: &str, sheet: Sheet, changed: bool) -> Response {
    let books = shared.now();
    let Some(session) = books.get(portal::KIND, id) else { return nowhere() };
    let customer = text(session, "customer");
    let of_theirs = |kind: &'static str| books.all(kind).rev().filter(|object| object["customer"] == *customer).collect::<Vec<_>>();
    let invoices = of_theirs("invoice").into_iter().map(|bill| {
        context! {
            page => text(bill, "hosted_invoice_url"), number => text(bill, "number"), state => text(bill, "status"),
            day => day(bill["created"].as_i64().unwrap_or(0)), total => money(bill, bill["total"].as_i64().unwrap_or(0)),
        }
    });
    let held = of_theirs("subscription").into_iter().filter(|held| held["ended_at"].is_null()).map(|held| {
        let ends = held["cancel_at_period_end"] == true;
        context! {
            id => text(held, "id"), title => title(&books, held), words => words(held, ends),
            change => if ends { "resume" } else { "cancel" },
        }
    });
    let context = context! {
        over => !portal::is_open(&books, session), card_alone => !session["flow"].is_null(), changed => changed,
        subscriptions => held.collect::<Vec<_>>(), invoices => invoices.collect::<Vec<_>>(),
        number => books.cards.get(&customer).map(|card| card.number()), notice => sheet.notice.text(), asked => sheet.asked,
        action => format!("/p/session/{id}"), back => text(session, "return_url"),
    };
    shown("portal.html", context)
}

pub(super) fn title(books: &Books, held: &Value) -> String {
    let price = &held["items"]["data"][0]["price"];
    books.get("product", &text(price, "product")).map(|product| text(product, "name")).unwrap_or_default()
}

fn words(held: &Value, ends: bool) -> String {
    let item = &held["items"]["data"][0];
    let until = day(item["current_period_end"].as_i64().unwrap_or(0));
    let amount = item["price"]["unit_amount"].as_i64().unwrap_or(0) * item["quantity"].as_i64().unwrap_or(1);
    let each = format!("{} each {}", money(held, amount), text(&item["price"]["recurring"], "interval"));
    match (held["status"].as_str(), ends) {
        (_, true) => format!("Ends on {until}."),
        (Some("trialing"), _) => format!("Free until {until}, then {each}."),
        (Some("active"), _) => format!("{each}, next on {until}."),
        (Some("past_due" | "unpaid"), _) => format!("{each}. The last payment failed."),
        (status, _) => format!("{each}. {}", status.unwrap_or_default()),
    }
}

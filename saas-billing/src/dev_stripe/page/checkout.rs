//! Where a plan is bought.

use axum::{extract::State, response::Response};
use bytes::Bytes;
use minijinja::context;
use saas_core::Path;

use super::{
    super::{
        Shared,
        checkout::{self, Outcome},
        subscription::text,
    },
    Entered, Notice, Sheet, money, nowhere, on_to, posted, shown,
};

pub(super) async fn show(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    page(&shared, &id, Sheet::default())
}

pub(super) async fn paid(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let entered = match Entered::read(&posted(&body)) {
        Ok(entered) => entered,
        Err(sheet) => return page(&shared, &id, sheet),
    };
    let outcome = checkout::pay(&mut shared.now(), &id, entered.card, entered.confirmed);
    shared.changed().await;
    match outcome {
        Outcome::Paid(url) => on_to(&url),
        Outcome::Asked => page(&shared, &id, entered.asked()),
        Outcome::Declined => page(&shared, &id, Sheet::notice(Notice::Declined)),
        Outcome::Over => page(&shared, &id, Sheet::default()),
    }
}

fn page(shared: &Shared, id: &str, sheet: Sheet) -> Response {
    let books = shared.now();
    let Some(session) = books.get("checkout.session", id) else { return nowhere() };
    let context = context! {
        bought => checkout::bought(&books, id), amount => money(session, session["amount_total"].as_i64().unwrap_or(0)),
        notice => sheet.notice.text(), asked => sheet.asked, open => session["status"] == "open",
        back => text(session, "cancel_url"), action => format!("/c/pay/{id}"),
    };
    shown("checkout.html", context)
}

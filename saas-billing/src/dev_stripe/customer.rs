//! Customers, and what they pay with.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{Answer, Refusal},
    books::Books,
    card::Card,
    list::list,
    params::Params,
    subscription,
};

const CUSTOMER: &[&str] = &["name", "email", "description", "phone", "metadata", "test_clock", "payment_method", "preferred_locales"];
const KEPT: &[&str] = &["name", "email", "description", "phone", "metadata"];

pub(super) fn customers(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "customer", "/v1/customers", params, &["email", "test_clock"]),
        // Who was deleted can be asked for by name, and says so.
        ("GET", [id]) => books.find("customer", id).or_else(|refusal| books.get("deleted_customer", id).ok_or(refusal)).cloned(),
        ("POST", []) => {
            params.only(CUSTOMER)?;
            let mut fields = Value::Object(params.given(KEPT));
            if let Some(clock) = params.text("test_clock") {
                books.named("test_helpers.test_clock", clock, "test_clock")?;
                fields["test_clock"] = clock.into();
            }
            let card = card(params)?;
            let customer = books.make("customer", fields);
            if let (Some(card), Some(id)) = (card, customer["id"].as_str()) {
                books.cards.insert(id.to_owned(), card);
            }
            books.happened("customer.created", &customer, None);
            Ok(customer)
        }
        ("POST", [id]) => {
            params.only(CUSTOMER)?;
            books.find("customer", id)?;
            if let Some(card) = card(params)? {
                books.cards.insert((*id).to_owned(), card);
            }
            books.update("customer", id, Value::Object(params.given(KEPT)), "customer.updated");
            books.find("customer", id).cloned()
        }
        ("DELETE", [id]) => {
            books.find("customer", id)?;
            subscription::end_all(books, id);
            let customer = books.remove("customer", id).ok_or_else(|| Refusal::missing("customer", id))?;
            books.forget(id);
            books.happened("customer.deleted", &customer, None);
            Ok(json!({ "id": id, "object": "customer", "deleted": true }))
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/customers")),
    }
}

/// A customer pays with another card from now on.
pub(super) fn card_put(books: &mut Books, customer: &str, card: Card) {
    books.cards.insert(customer.to_owned(), card);
    let Some(mut settings) = books.get("customer", customer).map(|held| held["invoice_settings"].clone()) else { return };
    settings["default_payment_method"] = format!("pm_{}", Uuid::now_v7().simple()).into();
    books.update("customer", customer, json!({ "invoice_settings": settings }), "customer.updated");
}

fn card(params: &Params) -> Result<Option<Card>, Refusal> {
    let card = |name: &str| Card::of(name).ok_or_else(|| Refusal::no_such("PaymentMethod", name, "payment_method"));
    params.text("payment_method").map(card).transpose()
}

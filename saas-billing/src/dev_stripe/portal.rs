//! Portal sessions: made by us, used on a page by whoever pays (<https://docs.stripe.com/api/customer_portal/sessions>).

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    books::Books,
    params::Params,
    subscription::text,
};

pub(super) const KIND: &str = "billing_portal.session";

/// Stripe's are as short.
const OPEN_FOR: i64 = 3_600;

pub(super) fn sessions(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("POST", []) => make(books, params),
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/billing_portal/sessions")),
    }
}

fn make(books: &mut Books, params: &Params) -> Answer {
    params.only(&["customer", "return_url", "flow_data", "locale"])?;
    let customer = params.required("customer")?.to_owned();
    books.named("customer", &customer, "customer")?;
    let fields = json!({
        "customer": customer, "return_url": params.text("return_url"), "locale": params.text("locale"), "flow": flow(params)?,
    });
    let id = text(&books.make(KIND, fields), "id");
    let url = format!("{}/p/session/{id}", books.pages);
    books.change(KIND, &id, json!({ "url": url }));
    books.find(KIND, &id).cloned()
}

/// Of Stripe's flows the one that changes the card.
fn flow(params: &Params) -> Result<Value, Refusal> {
    if params.value("flow_data").is_none() {
        return Ok(Value::Null);
    }
    let flow = params.below("flow_data");
    flow.only(&["type", "after_completion"])?;
    if flow.required("type")? != "payment_method_update" {
        return Err(Refusal::invalid("flow_data[type]", "This stand-in has the flow payment_method_update."));
    }
    let after = flow.below("after_completion");
    after.only(&["type", "redirect"])?;
    let redirect = match after.text("type") {
        Some("redirect") => json!({ "return_url": after.below("redirect").required("return_url")? }),
        None | Some("portal_homepage") => Value::Null,
        Some(_) => return Err(Refusal::invalid("flow_data[after_completion][type]", "This stand-in has redirect and portal_homepage.")),
    };
    let kind = if redirect.is_null() { "portal_homepage" } else { "redirect" };
    Ok(json!({
        "type": "payment_method_update", "after_completion": { "type": kind, "redirect": redirect, "hosted_confirmation": null },
        "customer_update": null, "subscription_cancel": null, "subscription_update": null, "subscription_update_confirm": null,
    }))
}

pub(super) fn is_open(books: &Books, session: &Value) -> bool {
    session["created"].as_i64().is_some_and(|made| books.now() < made + OPEN_FOR)
}

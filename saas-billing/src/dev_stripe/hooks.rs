//! Events, and the endpoints that hear of them (<https://docs.stripe.com/api/webhook_endpoints>).

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    answer::{Answer, Refusal},
    books::Books,
    list::list,
    params::Params,
};

const FIELDS: &[&str] = &["url", "enabled_events", "description", "metadata", "api_version", "disabled"];

pub(super) fn events(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "event", "/v1/events", params, &["type"]),
        ("GET", [id]) => books.find("event", id).cloned(),
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/events")),
    }
}

pub(super) fn endpoints(books: &mut Books, method: &Method, rest: &[&str], params: &Params) -> Answer {
    match (method.as_str(), rest) {
        ("GET", []) => list(books, "webhook_endpoint", "/v1/webhook_endpoints", params, &[]),
        ("GET", [id]) => books.find("webhook_endpoint", id).cloned(),
        ("POST", []) => {
            params.only(FIELDS)?;
            params.required("url")?;
            if params.value("enabled_events").is_none() {
                return Err(Refusal::parameter_missing("enabled_events"));
            }
            let mut endpoint = books.make("webhook_endpoint", Value::Object(params.given(&FIELDS[..5])));
            let secret = format!("whsec_{}", Uuid::new_v4().simple());
            books.secrets.insert(endpoint["id"].as_str().unwrap_or_default().to_owned(), secret.clone());
            // Shown this once.
            endpoint["secret"] = secret.into();
            Ok(endpoint)
        }
        ("POST", [id]) => {
            params.only(FIELDS)?;
            books.find("webhook_endpoint", id)?;
            let mut fields = Value::Object(params.given(&FIELDS[..5]));
            if let Some(disabled) = params.is("disabled")? {
                fields["status"] = if disabled { "disabled" } else { "enabled" }.into();
            }
            books.change("webhook_endpoint", id, fields);
            books.find("webhook_endpoint", id).cloned()
        }
        ("DELETE", [id]) => {
            books.remove("webhook_endpoint", id).ok_or_else(|| Refusal::missing("webhook_endpoint", id))?;
            books.secrets.remove(*id);
            books.deliveries.retain(|delivery| delivery.endpoint != *id);
            Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
        }
        _ => Err(Refusal::unknown_route(method.as_str(), "/v1/webhook_endpoints")),
    }
}

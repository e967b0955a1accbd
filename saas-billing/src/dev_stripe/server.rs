//! The server: who asks, what, whether they have asked it before, and the answer.

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Shared,
    answer::{Answer, Refusal},
    books::{Books, Kept},
    catalogue, checkout, clock, customer, form, hooks, invoice, page,
    params::Params,
    portal, subscription,
};

/// No request of ours is as large.
const LARGEST: usize = 1024 * 1024;

pub(super) fn router(shared: Shared) -> Router {
    page::routes().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match http_body_util::Limited::new(body, LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let asked = Asked { method: parts.method, path: parts.uri.path(), query: parts.uri.query().unwrap_or_default(), body };
    let (status, body, replayed) = shared.settle(&asked, &parts.headers);
    shared.changed().await;
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    let text = |text: String| http::HeaderValue::from_str(&text).unwrap_or_else(|_| http::HeaderValue::from_static(""));
    headers.insert(header::CONTENT_TYPE, text("application/json".to_owned()));
    headers.insert("request-id", text(format!("req_{}", Uuid::now_v7().simple())));
    if let Some(key) = parts.headers.get("idempotency-key") {
        headers.insert("idempotency-key", key.clone());
    }
    if replayed {
        headers.insert("idempotent-replayed", text("true".to_owned()));
    }
    response
}

struct Asked<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    body: Bytes,
}

impl Shared {
    /// The answer, and whether it was given before.
    fn settle(&self, asked: &Asked<'_>, headers: &HeaderMap) -> (StatusCode, Value, bool) {
        if !has_key(headers) {
            let refusal = Refusal::unauthorized();
            return (refusal.status, refusal.body(), false);
        }
        let mut books = self.now();
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).filter(|_| asked.method == Method::POST);
        let print = format!("{} {} {}", asked.method, asked.path, String::from_utf8_lossy(&asked.body));
        if let Some(kept) = key.and_then(|key| books.kept.get(key)) {
            if kept.asked != print {
                let refusal = Refusal::key_reused();
                return (refusal.status, refusal.body(), false);
            }
            return (StatusCode::from_u16(kept.status).unwrap_or_default(), kept.body.clone(), true);
        }
        let fails = key.is_some() && std::mem::take(&mut books.fails_next);
        let answer = if fails { Err(Refusal::broken()) } else { route(&mut books, asked) };
        let (status, body) = match answer {
            Ok(object) => (StatusCode::OK, object),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        // What is refused before anything is done can be asked again with the key (https://docs.stripe.com/api/idempotent_requests).
        let is_done = status.is_success() || status == StatusCode::PAYMENT_REQUIRED || status.is_server_error();
        if let Some(key) = key.filter(|_| is_done) {
            books.kept.insert(key.to_owned(), Kept { asked: print, status: status.as_u16(), body: body.clone() });
        }
        (status, body, false)
    }
}

fn route(books: &mut Books, asked: &Asked<'_>) -> Answer {
    let reads = asked.method == Method::GET || asked.method == Method::DELETE;
    let params = Params(form::read(if reads { asked.query.as_bytes() } else { &asked.body }));
    let method = &asked.method;
    let path: Vec<_> = asked.path.trim_matches('/').split('/').collect();
    let mut object = match path.as_slice() {
        ["v1", "products", rest @ ..] => catalogue::products(books, method, rest, &params),
        ["v1", "prices", rest @ ..] => catalogue::prices(books, method, rest, &params),
        ["v1", "customers", rest @ ..] => customer::customers(books, method, rest, &params),
        ["v1", "checkout", "sessions", rest @ ..] => checkout::sessions(books, method, rest, &params),
        ["v1", "billing_portal", "sessions", rest @ ..] => portal::sessions(books, method, rest, &params),
        ["v1", "subscriptions", rest @ ..] => subscription::subscriptions(books, method, rest, &params),
        ["v1", "invoices", rest @ ..] => invoice::invoices(books, method, rest, &params),
        ["v1", "events", rest @ ..] => hooks::events(books, method, rest, &params),
        ["v1", "webhook_endpoints", rest @ ..] => hooks::endpoints(books, method, rest, &params),
        ["v1", "test_helpers", "test_clocks", rest @ ..] => clock::clocks(books, method, rest, &params),
        _ => Err(Refusal::unknown_route(method.as_str(), asked.path)),
    }?;
    for wanted in params.value("expand").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        expand(books, &mut object, &wanted.split('.').collect::<Vec<_>>());
    }
    Ok(object)
}

/// Puts the object where its id stands, on the way and at the end.
fn expand(books: &Books, value: &mut Value, path: &[&str]) {
    if let Value::Array(list) = value {
        return list.iter_mut().for_each(|entry| expand(books, entry, path));
    }
    if let Some(object) = value.as_str().and_then(|id| books.any(id)).cloned() {
        *value = object;
    }
    if let (Some((name, rest)), Value::Object(object)) = (path.split_first(), value)
        && let Some(inner) = object.get_mut(*name)
    {
        expand(books, inner, rest);
    }
}

/// Any key for tests will do; one for real money is none of ours.
fn has_key(headers: &HeaderMap) -> bool {
    let Some(given) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    let basic = || {
        let decoded = STANDARD.decode(given.strip_prefix("Basic ")?).ok()?;
        Some(String::from_utf8(decoded).ok()?.trim_end_matches(':').to_owned())
    };
    let key = given.strip_prefix("Bearer ").map(ToOwned::to_owned).or_else(basic);
    key.is_some_and(|key| key.starts_with("sk_test_") || key.starts_with("rk_test_"))
}

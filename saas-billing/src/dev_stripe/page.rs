//! The pages: on which somebody pays, sees what they pay for, and moves the clock. They are nobody's product, so they look like none.

mod checkout;
mod clock;
mod invoice;
mod portal;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use minijinja::{AutoEscape, Environment};
use serde_json::Value;
use url::Url;

use super::{
    Shared,
    books::{Books, time},
    card::{Card, Payment},
    form,
    params::Params,
};
use crate::{Currency, Money};

const TEMPLATES: &[(&str, &str)] = &[
    ("card.html", include_str!("page/card.html")),
    ("checkout.html", include_str!("page/checkout.html")),
    ("clock.html", include_str!("page/clock.html")),
    ("invoice.html", include_str!("page/invoice.html")),
    ("layout.html", include_str!("page/layout.html")),
    ("portal.html", include_str!("page/portal.html")),
];

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/c/pay/{id}", get(checkout::show).post(checkout::paid))
        .route("/i/{id}", get(invoice::show).post(invoice::paid))
        .route("/p/session/{id}", get(portal::show).post(portal::changed))
        .route("/clock", get(clock::show).post(clock::moved))
        .layer(middleware::from_fn(from_here))
}

/// Nobody's pages but these post to them: another site that the same browser shows would pay, and move the product's clock.
async fn from_here(request: Request, next: Next) -> Response {
    if request.method() == Method::GET || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "Only the stand-in's own pages post here.").into_response()
}

/// Browsers say where a form comes from; what is no browser does not.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST).and_then(|host| Url::parse(&format!("http://{host}")).ok()) else { return false };
    let is_loopback = matches!(host.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let origin = headers.contains_key(header::ORIGIN).then(|| text(header::ORIGIN).and_then(|origin| Url::parse(origin).ok()));
    is_loopback && origin.is_none_or(|origin| origin.is_some_and(|origin| origin.origin() == host.origin()))
}

/// What is said above a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Notice {
    #[default]
    None,
    Declined,
    Unknown,
}

impl Notice {
    const fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Declined => "The card was declined. Try another one.",
            Self::Unknown => "This is none of the cards below.",
        }
    }
}

/// Where a form with a card stands: what is said above it, and the card whose bank wants to hear from its holder.
#[derive(Debug, Clone, Default)]
struct Sheet {
    notice: Notice,
    asked: Option<String>,
}

impl Sheet {
    fn notice(notice: Notice) -> Self {
        Self { notice, asked: None }
    }
}

/// What somebody has entered.
struct Entered {
    number: String,
    card: Card,
    /// Their bank has heard from them.
    confirmed: bool,
}

impl Entered {
    /// What of it will not do is said.
    fn read(params: &Params) -> Result<Self, Sheet> {
        let number = params.text("number").unwrap_or_default().to_owned();
        let card = Card::of(&number).ok_or_else(|| Sheet::notice(Notice::Unknown))?;
        match params.text("bank") {
            Some("refuse") => Err(Sheet::notice(Notice::Declined)),
            bank => Ok(Self { number, card, confirmed: bank == Some("confirm") }),
        }
    }

    /// Whether the card is taken while its holder is there.
    fn taken(&self) -> Result<(), Sheet> {
        match self.card.pays_here() {
            Payment::Declined => Err(Sheet::notice(Notice::Declined)),
            Payment::Asked if !self.confirmed => Err(self.asked()),
            Payment::Asked | Payment::Paid => Ok(()),
        }
    }

    fn asked(&self) -> Sheet {
        Sheet { notice: Notice::None, asked: Some(self.number.clone()) }
    }
}

fn posted(body: &Bytes) -> Params {
    Params(form::read(body))
}

fn shown(template: &str, context: minijinja::Value) -> Response {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    let added = TEMPLATES.iter().try_for_each(|(name, source)| env.add_template(name, source));
    match added.and_then(|()| env.get_template(template)).and_then(|page| page.render(context)) {
        // In no frame: a click on another page would move the clock or pay.
        Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::X_FRAME_OPTIONS, "DENY")], html).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page of the stand-in for Stripe cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn nowhere() -> Response {
    (StatusCode::NOT_FOUND, "There is no such page.").into_response()
}

/// On to an address that somebody else said.
fn on_to(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn back_to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// An amount of a currency that an object names, such as `49 USD`.
fn money(object: &Value, minor: i64) -> String {
    let currency: Option<Currency> = object["currency"].as_str().and_then(|code| code.parse().ok());
    currency.map(|currency| Money::of(minor, currency).to_string().to_uppercase()).unwrap_or_default()
}

fn day(seconds: i64) -> String {
    time(seconds).format("%Y-%m-%d").to_string()
}

/// Where the product is: at the address that hears of events.
fn home(books: &Books) -> Option<String> {
    let address = Url::parse(books.all("webhook_endpoint").next()?["url"].as_str()?).ok()?;
    Some(address.join("/").ok()?.into())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::is_from_here;

    #[test]
    fn only_its_own_pages_post_to_it() {
        let posts = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
            is_from_here(&headers)
        };
        assert!(posts("127.0.0.1:4000", Some("http://127.0.0.1:4000")));
        assert!(posts("localhost:4000", Some("http://localhost:4000")));
        assert!(posts("127.0.0.1:4000", None));
        for origin in ["http://127.0.0.1:3000", "http://localhost:4000", "https://evil.example", "null", ""] {
            assert!(!posts("127.0.0.1:4000", Some(origin)), "{origin}");
        }
        assert!(!posts("evil.example:4000", Some("http://evil.example:4000")), "a name that leads here all the same");
    }
}

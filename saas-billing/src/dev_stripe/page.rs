//! The page on which somebody pays. It is nobody's product, so it looks like none: a card, a button, and the cards that can be tried.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use saas_core::Path;

use super::{
    Shared,
    card::Card,
    checkout::{self, Outcome},
    form,
    params::Params,
    subscription::text,
};
use crate::{Currency, Money};

const PAGE: &str = include_str!("page.html");

/// What is said above the form.
#[derive(Debug, Clone, Copy)]
enum Notice {
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

pub(super) async fn show(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    shared.page(&id, Notice::None, None)
}

pub(super) async fn paid(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    let params = Params(form::read(&body));
    let number = params.text("number").unwrap_or_default().to_owned();
    let Some(card) = Card::of(&number) else { return shared.page(&id, Notice::Unknown, None) };
    let answer = params.text("bank");
    if answer == Some("refuse") {
        return shared.page(&id, Notice::Declined, None);
    }
    let outcome = checkout::pay(&mut shared.books(), &id, card, answer == Some("confirm"));
    shared.changed().await;
    match outcome {
        Outcome::Paid(url) => match HeaderValue::from_str(&url) {
            Ok(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        Outcome::Asked => shared.page(&id, Notice::None, Some(&number)),
        Outcome::Declined => shared.page(&id, Notice::Declined, None),
        Outcome::Over => shared.page(&id, Notice::None, None),
    }
}

impl Shared {
    /// The page; `asked` is the card whose bank wants to hear from its holder.
    fn page(&self, id: &str, notice: Notice, asked: Option<&str>) -> Response {
        let (session, bought) = {
            let books = self.books();
            (books.get("checkout.session", id).cloned(), checkout::bought(&books, id))
        };
        let Some(session) = session else { return (StatusCode::NOT_FOUND, "There is no such page.").into_response() };
        let currency: Option<Currency> = session["currency"].as_str().and_then(|code| code.parse().ok());
        let amount = currency.map(|currency| Money::of(session["amount_total"].as_i64().unwrap_or(0), currency).to_string());
        let context = context! {
            bought => bought, amount => amount.unwrap_or_default().to_uppercase(), notice => notice.text(), asked => asked,
            open => session["status"] == "open", back => text(&session, "cancel_url"), action => format!("/c/pay/{id}"),
        };
        let mut env = minijinja::Environment::new();
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
        match env.render_str(PAGE, context) {
            Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the page of the stand-in for Stripe cannot be shown");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

//! The pages, and the same for programs.

mod address;
mod api_keys;
mod asking;
mod avatar;
mod code;
mod consent;
mod data;
mod deletion;
mod email;
mod entry;
mod export;
mod hand_off;
mod identities;
mod leaked_keys;
mod leaving;
mod me;
mod operators;
#[cfg(feature = "passkeys")]
mod passkeys;
mod profile;
mod prove;
mod provider;
mod reset;
mod second_factor;
mod security;
mod sessions;
mod sign_in;
mod sign_in_link;
mod sign_in_mail;
#[cfg(feature = "passkeys")]
mod sign_in_passkey;
mod sign_in_second;
mod sign_out;
mod sign_up;
mod token;
mod tokens;
mod verify;
mod visitor;

use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderValue, header};
use saas_core::{FormErrors, Routes};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Auth, attempt::seconds};

pub(crate) fn routes(auth: &Auth) -> Routes<Auth> {
    let routes = Routes::new()
        .merge(avatar::routes())
        .merge(consent::routes())
        .merge(data::routes())
        .merge(deletion::routes())
        .merge(email::routes())
        .merge(export::routes())
        .merge(hand_off::routes())
        .merge(identities::routes())
        .merge(leaked_keys::routes())
        .merge(leaving::routes())
        .merge(me::routes())
        .merge(operators::routes())
        .merge(profile::routes())
        .merge(prove::routes())
        .merge(provider::routes())
        .merge(reset::routes())
        .merge(second_factor::routes())
        .merge(security::routes())
        .merge(sessions::routes())
        .merge(sign_in::routes())
        .merge(sign_in_link::routes())
        .merge(sign_in_mail::routes())
        .merge(sign_in_second::routes())
        .merge(sign_out::routes())
        .merge(sign_up::routes())
        .merge(tokens::routes())
        .merge(verify::routes());
    #[cfg(feature = "passkeys")]
    if auth.offers_passkeys() {
        return routes.merge(passkeys::routes()).merge(sign_in_passkey::routes());
    }
    routes
}

pub(crate) fn api_key_routes() -> Routes<Auth> {
    api_keys::routes()
}

pub(crate) fn token_routes() -> Routes<Auth> {
    token::routes()
}

/// Where somebody was going. Anything else in the address of a page is not ours to refuse.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Next {
    next: Option<String>,
}

fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What is said to whoever has to wait: for how many `minutes`, rounded up, and from two hours on for how many `hours`, else none.
fn throttled(text: &'static str, wait: Duration) -> FormErrors {
    let minutes = i64::try_from(seconds(wait).div_ceil(60)).unwrap_or(i64::MAX);
    let hours = if minutes < 120 { 0 } else { (minutes - 1) / 60 + 1 };
    FormErrors::whole_with(text, &[("minutes", minutes), ("hours", hours)])
}

/// Says when to come back, if that is what the answer is about.
fn with_wait(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}

/// 303, so that a reload does not send the form again.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}

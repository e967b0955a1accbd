//! From an organization's host to the main one and back: there is the session, and here one comes of it.
//!
//! A `GET` changes nothing, so both ways are pages whose form carries on; the script sends it at once, and without scripts its reader presses a
//! button. What leads to another host is a page too, because the content policy allows no form that does.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{StatusCode, request::Parts};
use saas_core::{
    CurrentUser, Declares, Form, Html, Membership, OnTenantHost, Origin, Page, Problem, Query, Routes, SignedIn, TenantHost, Token,
    Validate,
};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;
use utoipa::ToSchema;

use super::{Next, see, visitor::Visitor, with_cookies};
use crate::{
    Auth,
    session::{Carried, HandOff, hand_off_begin, hand_off_take},
};

pub(super) fn routes() -> Routes<Auth> {
    let at_hosts = Routes::new().get(TenantHost::ENTRANCE, begin).get(RETURN, back).post(RETURN, submit_return).on_tenant_hosts();
    Routes::new().get("/hand-off", show).post("/hand-off", submit).merge(at_hosts)
}

const RETURN: &str = "/hand-off/return";

/// What a host sends a browser to the main one with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Asked {
    /// The host.
    host: String,
    /// The hash of what the browser keeps there.
    browser: String,
    /// The path there that it was going to.
    next: Option<String>,
}

impl Validate for Asked {}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Returned {
    code: String,
}

impl Validate for Returned {}

/// What a browser keeps that asked at a host, if it did.
#[derive(Debug, Clone)]
struct Asker(Option<Token>);

impl FromRequestParts<Auth> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Infallible> {
        Ok(Self(match auth.hand_off().read(&parts.headers) {
            Carried::Token(token) => Some(token),
            Carried::Nothing | Carried::Garbage => None,
        }))
    }
}

impl Declares for Asker {}

/// At the host: makes the browser known to itself, and sends it to where it has a session.
async fn begin(
    State(auth): State<Auth>,
    OnTenantHost(host): OnTenantHost,
    Visitor(me): Visitor,
    Asker(asker): Asker,
    Query(to): Query<Next>,
    page: Page,
) -> Result<Response, Problem> {
    let next = auth.local_path(to.next.as_deref()).unwrap_or_else(|| auth.home().to_owned());
    // Whoever is signed in, or is at the main host, is where they can go on.
    let (Some(host), None) = (host, me) else { return Ok(see(&next)) };
    // Two pages that are opened at once ask with the same.
    let token = asker.unwrap_or_else(Token::generate);
    let browser = URL_SAFE_NO_PAD.encode(token.hash().as_bytes());
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("host", host.name.as_str()), ("browser", &browser), ("next", &next)])
        .finish();
    let main = page.web().public_url.as_str().trim_end_matches('/');
    Ok(with_cookies(see(&format!("{main}/hand-off?{query}")), [auth.hand_off().set(&token, None)?]))
}

/// At the main host.
async fn show(CurrentUser(me): CurrentUser, Query(asked): Query<Asked>, page: Page) -> Result<Html, Problem> {
    let (host, ..) = find(&page, &me, &asked)?;
    let fields = json!({ "host": host.name.as_str(), "browser": asked.browser, "next": asked.next });
    page.render("auth/hand_off.html", json!({ "host": host.name.as_str(), "action": "/hand-off", "fields": fields }))
}

async fn submit(State(auth): State<Auth>, CurrentUser(me): CurrentUser, page: Page, Form(asked): Form<Asked>) -> Result<Html, Problem> {
    let (host, place, browser) = find(&page, &me, &asked)?;
    let next = auth.local_path(asked.next.as_deref());
    let asked = HandOff { host: &host.name, place, browser: &browser, next: next.as_deref() };
    let code = hand_off_begin(&auth, &me, asked).await?;
    let url = host.url(&page.web().public_url, &format!("{RETURN}?code={}", code.text().expose()));
    page.render("auth/hand_off_leave.html", json!({ "host": host.name.as_str(), "url": url }))
}

/// Whose host it is, and what its reader is there. A host that is nobody's is answered like one of an organization that is not theirs.
fn find<'a>(page: &Page, me: &'a SignedIn, asked: &Asked) -> Result<(TenantHost, &'a Membership, Vec<u8>), Problem> {
    let web = page.web();
    let name = asked.host.parse().map_err(|_| Problem::not_found())?;
    let host = web.tenant_hosts.find(&name, &web.public_url).ok_or_else(Problem::not_found)?;
    let place = me.memberships.iter().find(|place| host.is_of(place)).ok_or_else(Problem::not_found)?;
    let browser = URL_SAFE_NO_PAD.decode(&asked.browser).ok().filter(|hash| hash.len() == 32).ok_or_else(Problem::not_found)?;
    Ok((host, place, browser))
}

/// At the host again.
async fn back(
    State(auth): State<Auth>,
    OnTenantHost(host): OnTenantHost,
    Query(returned): Query<Returned>,
    page: Page,
) -> Result<Response, Problem> {
    let Some(host) = host else { return Ok(see(auth.home())) };
    let fields = json!({ "code": returned.code });
    let context = json!({ "host": host.name.as_str(), "action": RETURN, "fields": fields });
    Ok(page.render("auth/hand_off.html", context)?.into_response())
}

async fn submit_return(
    State(auth): State<Auth>,
    OnTenantHost(host): OnTenantHost,
    Asker(asker): Asker,
    origin: Origin,
    page: Page,
    Form(returned): Form<Returned>,
) -> Result<Response, Problem> {
    let Some(host) = host else { return Ok(see(auth.home())) };
    let taken = match (asker, Token::parse(&returned.code)) {
        (Some(browser), Some(code)) => hand_off_take(&auth, origin, &host, &code, &browser.hash()).await?,
        _ => None,
    };
    match taken {
        Some(taken) => {
            let cookies = [auth.cookie().set(&taken.token, taken.keep)?, auth.hand_off().clear()?];
            Ok(with_cookies(see(taken.next.as_deref().unwrap_or(auth.home())), cookies))
        }
        None => {
            let refused =
                page.render("auth/hand_off_refused.html", json!({ "host": host.name.as_str(), "begin": TenantHost::ENTRANCE }))?;
            Ok((StatusCode::FORBIDDEN, refused).into_response())
        }
    }
}

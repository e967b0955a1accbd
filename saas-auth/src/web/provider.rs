//! Signing in with an account elsewhere: the way there, and the way back.
//!
//! A provider sends people back with a `GET`, and that changes nothing here, as none does: it shows a page whose form carries on what came back.
//! The page's script sends it at once; without scripts its reader presses a button. So what scans or preloads addresses uses nothing up, the
//! browser is known by a cookie that no other site makes it send, and a provider that answers with a form of its own needs no other handling.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use saas_core::{Declares, Form, Html, Json, Origin, Page, Path, Problem, Query, Routes, SignedIn, Token, Validate, pages::Locale};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Next,
    entry::{entered, set},
    see,
    visitor::{Language, Visitor},
    with_cookies,
};
use crate::{
    Auth,
    account::Entry,
    attempt::seconds,
    identity::{Arrived, Begun, Comer, FlowBrowser, Refused, Returned, mailbox_confirm, provider_return, sign_in_begin},
    provider::ProviderClient,
    session::DeviceCookies,
};

/// A provider, as it is offered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Offered {
    /// Its name in addresses.
    name: String,
    /// What people call it.
    label: String,
}

/// Where people can sign in with an account that they have elsewhere.
#[derive(Debug, Serialize, ToSchema)]
struct Providers {
    providers: Vec<Offered>,
}

/// Where the browser is to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Leave {
    /// The provider's page. Whoever comes back from it must do so in the browser that got the cookie of this answer.
    url: String,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct To {
    /// The path to go to after sign-in.
    next: Option<String>,
}

impl Validate for To {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/sign-in/with/{provider}", submit)
        .get("/sign-in/with/{provider}/return", back)
        .post("/sign-in/with/{provider}/return", submit_return)
        .post_from_other_sites("/sign-in/with/{provider}/posted", posted)
        .get("/sign-in/with/{provider}/confirm", show_confirm)
        .post("/sign-in/with/{provider}/confirm", submit_confirm)
        .get("/api/v1/auth/providers", list)
        .about("Lists where people can sign in with an account that they have elsewhere")
        .post("/api/v1/auth/providers/{provider}", start)
        .about("Says where to send a browser whose person wants to sign in with an account elsewhere, and sets the cookie that it must come back with")
}

/// The providers, for a page that offers them.
pub(super) fn offered(auth: &Auth) -> Vec<Offered> {
    let named = |provider: &ProviderClient| Offered { name: provider.name().to_owned(), label: provider.label().to_owned() };
    auth.providers().iter().map(named).collect()
}

pub(super) fn find<'a>(auth: &'a Auth, name: &str) -> Result<&'a ProviderClient, Problem> {
    auth.provider(name).ok_or_else(Problem::not_found)
}

async fn list(State(auth): State<Auth>) -> Json<Providers> {
    Json(Providers { providers: offered(&auth) })
}

async fn submit(
    State(auth): State<Auth>,
    Path(name): Path<String>,
    browser: FlowBrowser,
    page: Page,
    Form(form): Form<Next>,
) -> Result<Response, Problem> {
    let (provider, next) = (find(&auth, &name)?, auth.local_path(form.next.as_deref()));
    match sign_in_begin(&auth, provider, browser, next.as_deref()).await {
        Ok(begun) => leave(&auth, &page, provider, &begun),
        Err(refused) => refuse(&page, provider, refused, false),
    }
}

async fn start(
    State(auth): State<Auth>,
    Path(name): Path<String>,
    browser: FlowBrowser,
    Json(to): Json<To>,
) -> Result<(HeaderMap, Json<Leave>), Problem> {
    let next = auth.local_path(to.next.as_deref());
    let begun = sign_in_begin(&auth, find(&auth, &name)?, browser, next.as_deref()).await?;
    leave_program(&auth, begun)
}

/// A page that leads on by itself. A redirect would not do: browsers follow none from a form to where the content policy allows no form.
pub(super) fn leave(auth: &Auth, page: &Page, provider: &ProviderClient, begun: &Begun) -> Result<Response, Problem> {
    let html = page.render("auth/provider_leave.html", json!({ "label": provider.label(), "url": begun.url.as_str() }))?;
    Ok(with_cookies(html.into_response(), [auth.flow_cookie().set(&begun.browser)?]))
}

/// Where to, and the cookie.
pub(super) fn leave_program(auth: &Auth, begun: Begun) -> Result<(HeaderMap, Json<Leave>), Problem> {
    Ok((set([auth.flow_cookie().set(&begun.browser)?]), Json(Leave { url: begun.url.into() })))
}

async fn back(State(auth): State<Auth>, Path(name): Path<String>, Query(returned): Query<Returned>, page: Page) -> Result<Html, Problem> {
    carry_on(&page, find(&auth, &name)?, &returned)
}

async fn posted(State(auth): State<Auth>, Path(name): Path<String>, page: Page, Form(returned): Form<Returned>) -> Result<Html, Problem> {
    carry_on(&page, find(&auth, &name)?, &returned)
}

fn carry_on(page: &Page, provider: &ProviderClient, returned: &Returned) -> Result<Html, Problem> {
    let context = json!({ "provider": provider.name(), "label": provider.label(), "returned": returned });
    page.render("auth/provider_return.html", context)
}

/// What a browser brings back with it.
struct Brings {
    me: Option<Arc<SignedIn>>,
    browser: FlowBrowser,
    cookies: DeviceCookies,
    locale: Locale,
}

impl FromRequestParts<Auth> for Brings {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        let Visitor(me) = Visitor::from_request_parts(parts, auth).await?;
        let browser = FlowBrowser::from_request_parts(parts, auth).await?;
        let Ok(cookies) = DeviceCookies::from_request_parts(parts, auth).await;
        let Ok(Language(locale)) = Language::from_request_parts(parts, auth).await;
        Ok(Self { me, browser, cookies, locale })
    }
}

impl Declares for Brings {}

async fn submit_return(
    State(auth): State<Auth>,
    Path(name): Path<String>,
    Brings { me, browser, cookies, locale }: Brings,
    origin: Origin,
    page: Page,
    Form(returned): Form<Returned>,
) -> Result<Response, Problem> {
    let (provider, letters) = (find(&auth, &name)?, auth.letters(locale, None));
    let comer = Comer { me: me.as_deref(), origin: &origin, letters: &letters };
    match provider_return(&auth, provider, returned, browser, comer).await {
        Ok(Arrived::Entered { entry, next, is_new }) => enter(&auth, &entry, is_new, next.as_deref(), &cookies),
        Ok(Arrived::Asked { email }) => {
            Ok(page.render("auth/provider_sent.html", json!({ "email": email, "label": provider.label() }))?.into_response())
        }
        Ok(Arrived::Linked) => Ok(see("/account/security?done=linked")),
        Err(refused) => refuse(&page, provider, refused, me.is_some()),
    }
}

/// To where they were going, and whoever was never here before to what comes first.
fn enter(auth: &Auth, entry: &Entry, is_new: bool, next: Option<&str>, cookies: &DeviceCookies) -> Result<Response, Problem> {
    let home = if is_new { auth.welcome() } else { auth.home() };
    entered(auth, entry, Some(next.unwrap_or(home)), cookies)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Mailed {
    token: String,
}

/// Programs that scan mail follow links, so this changes nothing, and tells nobody whether the link is one.
async fn show_confirm(
    State(auth): State<Auth>,
    Path(name): Path<String>,
    Query(mailed): Query<Mailed>,
    page: Page,
) -> Result<Html, Problem> {
    let provider = find(&auth, &name)?;
    let context = json!({ "provider": provider.name(), "label": provider.label(), "token": mailed.token });
    page.render("auth/provider_confirm.html", context)
}

async fn submit_confirm(
    State(auth): State<Auth>,
    Path(name): Path<String>,
    Brings { me, browser, cookies, locale }: Brings,
    origin: Origin,
    page: Page,
    Form(mailed): Form<Mailed>,
) -> Result<Response, Problem> {
    let (provider, letters) = (find(&auth, &name)?, auth.letters(locale, None));
    let comer = Comer { me: me.as_deref(), origin: &origin, letters: &letters };
    match mailbox_confirm(&auth, provider, Token::parse(&mailed.token).as_ref(), browser, comer).await {
        Ok((entry, is_new, next)) => enter(&auth, &entry, is_new, next.as_deref(), &cookies),
        Err(refused) => refuse(&page, provider, refused, me.is_some()),
    }
}

/// What somebody is told whom a provider led nowhere.
fn refuse(page: &Page, provider: &ProviderClient, refused: Refused, is_signed_in: bool) -> Result<Response, Problem> {
    let Some(word) = refused.word() else { return Err(refused.into()) };
    let context = json!({ "word": word, "label": provider.label(), "signed_in": is_signed_in });
    let mut response = (refused.status(), page.render("auth/provider_refused.html", context)?).into_response();
    if let Some(wait) = refused.retry_in() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    Ok(response)
}

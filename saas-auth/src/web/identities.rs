//! Accounts elsewhere that are linked with one's own.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use chrono::SecondsFormat;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use saas_core::{
    CurrentUser, FormErrors, Json, List, Listed, NoContent, Order, OrderBy, Origin, Page, Path, Problem, Routes, SignedIn, Wanted,
};
use serde_json::{Value, json};

use super::{
    provider::{self, Leave, find, leave, leave_program},
    security, see,
    visitor::Language,
};
use crate::{
    Auth, Identity, IdentityError, IdentityId, RecentProof,
    attempt::seconds,
    identity::{FlowBrowser, identity_link_begin, identity_list, identity_unlink},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/account/providers/{provider}/link", submit_link)
        .post("/account/identities/{id}/unlink", submit_unlink)
        .get("/api/v1/me/identities", list)
        .about("Lists the accounts elsewhere that open the account of the person who is signed in")
        .post("/api/v1/me/identities/{id}/unlink", unlink)
        .about("Unlinks an account elsewhere and ends all other sessions")
        .post("/api/v1/me/providers/{provider}/link", link)
        .about("Says where to send the browser of the person who is signed in so that their account elsewhere opens the one here")
}

/// The part of a page that shows them.
pub(super) async fn on_page(auth: &Auth, me: &SignedIn, page: &Page, errors: &FormErrors) -> Result<Value, Problem> {
    let identities = identity_list(auth, me).await?;
    Ok(json!({
        "linked": identities,
        "providers": provider::offered(auth),
        "form": page.form(&[], errors),
    }))
}

async fn submit_link(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Path(name): Path<String>,
    browser: FlowBrowser,
    page: Page,
) -> Result<Response, Problem> {
    let provider = find(&auth, &name)?;
    match identity_link_begin(&auth, &me, provider, browser).await {
        Ok(begun) => leave(&auth, &page, provider, &begun),
        Err(error) => refuse(&auth, &me, &page, error).await,
    }
}

async fn submit_unlink(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    Path(id): Path<IdentityId>,
    origin: Origin,
    page: Page,
) -> Result<Response, Problem> {
    match identity_unlink(&auth, origin, &me, id, &auth.letters(locale, None)).await {
        Ok(()) => Ok(see("/account/security?done=unlinked")),
        Err(error) => refuse(&auth, &me, &page, error).await,
    }
}

/// Shows the page again, with what is wrong.
async fn refuse(auth: &Auth, me: &SignedIn, page: &Page, error: IdentityError) -> Result<Response, Problem> {
    let (status, errors, wait) = match error {
        IdentityError::Unverified => (StatusCode::FORBIDDEN, FormErrors::whole("auth-email-unverified"), None),
        IdentityError::Last => (StatusCode::CONFLICT, FormErrors::whole("auth-identities-error-last"), None),
        IdentityError::Provider(_, wait) => (StatusCode::SERVICE_UNAVAILABLE, FormErrors::whole("auth-identities-error-provider"), wait),
        error => return Err(error.into()),
    };
    let mut response = (status, security::with_identity_errors(auth, me, page, &errors).await?).into_response();
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    Ok(response)
}

impl Listed for Identity {
    const ORDERS: &'static [Order] = &[Order::new("created_at", "created_at", OrderBy::Time)];
}

async fn list(State(auth): State<Auth>, CurrentUser(me): CurrentUser, wanted: Wanted<Identity>) -> Result<List<Identity>, Problem> {
    let identities = identity_list(&auth, &me).await?;
    let key = |identity: &Identity, _: &str| identity.created_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    Ok(wanted.take(identities, key, |identity| identity.id.into()))
}

async fn link(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Path(name): Path<String>,
    browser: FlowBrowser,
) -> Result<(HeaderMap, Json<Leave>), Problem> {
    let begun = identity_link_begin(&auth, &me, find(&auth, &name)?, browser).await?;
    leave_program(&auth, begun)
}

async fn unlink(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Language(locale): Language,
    Path(id): Path<IdentityId>,
    origin: Origin,
) -> Result<NoContent, Problem> {
    identity_unlink(&auth, origin, &me, id, &auth.letters(locale, None)).await?;
    Ok(NoContent)
}

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{CurrentUser, Form, FormErrors, Html, Origin, Page, Path, Problem, Query, Routes, SignedIn, pages::device_text};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ChallengeToken, PasskeyName};
use crate::{
    Auth, PasskeyError, PasskeyId, RecentProof,
    passkey::{Answered, passkey_list, passkey_register, passkey_remove, passkey_rename},
    session::DeviceCookies,
    web::{Next, entry::signed_in, security, see, with_cookies},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/passkeys/new", show_new)
        .post("/account/passkeys", register)
        .post("/account/passkeys/{id}/rename", rename)
        .post("/account/passkeys/{id}/remove", remove)
}

/// The part of a page that shows them, where there are any.
pub(in crate::web) async fn on_page(auth: &Auth, me: &SignedIn, page: &Page, errors: &FormErrors) -> Result<Value, Problem> {
    if !auth.offers_passkeys() {
        return Ok(Value::Null);
    }
    Ok(json!({ "list": passkey_list(auth, me).await?, "form": page.form(&[], errors) }))
}

async fn show_new(
    State(auth): State<Auth>,
    RecentProof(_): RecentProof,
    Query(query): Query<Next>,
    origin: Origin,
    page: Page,
) -> Result<Html, Problem> {
    // A name to begin with, which says where the passkey was made.
    let device = origin.user_agent.as_deref().and_then(|user_agent| device_text(&auth.pages().texts(page.locale()), user_agent));
    render_new(&page, device.as_deref().unwrap_or_default(), auth.local_path(query.next.as_deref()).as_deref(), &FormErrors::default())
}

fn render_new(page: &Page, name: &str, next: Option<&str>, errors: &FormErrors) -> Result<Html, Problem> {
    page.render("auth/passkey_new.html", json!({ "next": next, "form": page.form(&[("name", name)], errors) }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PasskeyForm {
    name: String,
    /// What the browser made, as the script wrote it.
    credential: String,
    /// Where somebody was going.
    next: Option<String>,
}

async fn register(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    ChallengeToken(token): ChallengeToken,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<PasskeyForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let registered = match serde_json::from_str(&form.credential) {
        Ok(credential) => {
            let answered = Answered { origin, token, credential: &credential };
            passkey_register(&auth, &me, answered, &form.name, &auth.letters(page.locale(), None)).await
        }
        Err(_) => Err(PasskeyError::Wrong),
    };
    let (status, errors) = match registered {
        Ok((_, session)) => {
            let to = next.as_deref().unwrap_or("/account/security?done=passkey-added");
            return Ok(with_cookies(see(to), signed_in(&auth, &session, &cookies)?));
        }
        Err(error) => told(error)?,
    };
    Ok((status, render_new(&page, &form.name, next.as_deref(), &errors)?).into_response())
}

async fn rename(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Path(id): Path<PasskeyId>,
    origin: Origin,
    page: Page,
    Form(form): Form<PasskeyName>,
) -> Result<Response, Problem> {
    match passkey_rename(&auth, origin, &me, id, &form.name).await {
        Ok(()) => Ok(see("/account/security?done=passkey-renamed")),
        Err(error) => refuse(&auth, &me, &page, error).await,
    }
}

async fn remove(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    Path(id): Path<PasskeyId>,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
) -> Result<Response, Problem> {
    match passkey_remove(&auth, origin, &me, id, &auth.letters(page.locale(), None)).await {
        Ok(Some(session)) => Ok(with_cookies(see("/account/security?done=passkey-removed"), signed_in(&auth, &session, &cookies)?)),
        Ok(None) => Ok(see("/account/security?done=passkey-removed")),
        Err(error) => refuse(&auth, &me, &page, error).await,
    }
}

/// Shows the page about security again, with what is wrong.
async fn refuse(auth: &Auth, me: &SignedIn, page: &Page, error: PasskeyError) -> Result<Response, Problem> {
    let (status, errors) = told(error)?;
    Ok((status, security::with_passkey_errors(auth, me, page, errors).await?).into_response())
}

/// Why nothing came of it, as a page says it.
fn told(error: PasskeyError) -> Result<(StatusCode, FormErrors), Problem> {
    Ok(match error {
        PasskeyError::Refused(refused) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors()),
        PasskeyError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, FormErrors::whole("auth-passkey-error-wrong")),
        PasskeyError::Expired => (StatusCode::CONFLICT, FormErrors::whole("auth-passkey-error-expired")),
        PasskeyError::Taken => (StatusCode::CONFLICT, FormErrors::whole("auth-passkey-error-taken")),
        PasskeyError::Many => (StatusCode::CONFLICT, FormErrors::whole("auth-passkey-error-many")),
        PasskeyError::Last => (StatusCode::CONFLICT, FormErrors::whole("auth-identities-error-last")),
        error => return Err(error.into()),
    })
}

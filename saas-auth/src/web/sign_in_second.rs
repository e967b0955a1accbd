use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use saas_core::{Form, FormErrors, Html, Json, Origin, Page, Problem, ProblemType, Query, Routes, Secret, SessionId, Token};
use serde::Deserialize;
use serde_json::json;

use super::{
    Next,
    code::{CodeBody, PendingToken, wrong_code},
    entry::{entered, entered_program},
    me::Me,
    see,
    visitor::{Language, Visitor},
    with_wait,
};
use crate::{
    Auth, SecondFactorError,
    account::Entry,
    mail::Letters,
    second_factor::{Proof, pending_entry_finish, pending_entry_methods},
    session::{DeviceCookies, Method},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/sign-in/second", show)
        .post("/sign-in/second", submit)
        .post("/api/v1/auth/sign-in/second", finish)
        .about("Shows the second factor after the first, and sets the session's cookie")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondForm {
    code: Option<Secret>,
    backup_code: Option<Secret>,
    next: Option<String>,
}

async fn show(
    State(auth): State<Auth>,
    PendingToken(token): PendingToken,
    Query(query): Query<Next>,
    page: Page,
) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    let methods = pending_entry_methods(&auth, token.as_ref()).await?;
    if methods.is_empty() {
        return Ok(again(next.as_deref()));
    }
    Ok(render(&page, &methods, next.as_deref(), &FormErrors::default())?.into_response())
}

async fn submit(
    State(auth): State<Auth>,
    PendingToken(token): PendingToken,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<SecondForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let proof = CodeBody { code: form.code, backup_code: form.backup_code }.proof();
    let field = if matches!(proof, Proof::Backup(_)) { "backup_code" } else { "code" };
    let old = visitor.map(|it| it.session);
    let (status, errors, wait) = match take(&auth, origin, token.as_ref(), &proof, old, &auth.letters(page.locale(), None)).await {
        Ok(entry) => {
            let mut response = entered(&auth, &entry, next.as_deref(), &cookies)?;
            response.headers_mut().append(header::SET_COOKIE, auth.pending().clear()?);
            return Ok(response);
        }
        Err(SecondFactorError::Expired) => return Ok(again(next.as_deref())),
        Err(SecondFactorError::Wrong) => {
            let mut errors = FormErrors::default();
            errors.add(field, wrong_code(field));
            (StatusCode::UNAUTHORIZED, errors, None)
        }
        Err(SecondFactorError::Throttled { wait }) => {
            (StatusCode::TOO_MANY_REQUESTS, FormErrors::whole("auth-error-codes-throttled"), Some(wait))
        }
        Err(error) => return Err(error.into()),
    };
    let methods = pending_entry_methods(&auth, token.as_ref()).await?;
    let page = render(&page, &methods, next.as_deref(), &errors)?;
    Ok(with_wait((status, page).into_response(), wait))
}

async fn finish(
    State(auth): State<Auth>,
    PendingToken(token): PendingToken,
    Visitor(visitor): Visitor,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<CodeBody>,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let old = visitor.map(|it| it.session);
    let taken = take(&auth, origin, token.as_ref(), &body.proof(), old, &auth.letters(locale, None)).await;
    let entry = taken.map_err(|error| match error {
        SecondFactorError::Wrong => Problem::new(&ProblemType::UNAUTHENTICATED).detail("The code is wrong, or was used already."),
        SecondFactorError::Expired => {
            Problem::new(&ProblemType::UNAUTHENTICATED).detail("Nothing waits for a second factor. Sign in again.")
        }
        error => error.into(),
    })?;
    let (mut headers, me) = entered_program(&auth, &entry, &cookies).await?;
    headers.append(header::SET_COOKIE, auth.pending().clear()?);
    Ok((headers, me))
}

async fn take(
    auth: &Auth,
    origin: Origin,
    token: Option<&Token>,
    proof: &Proof,
    old: Option<SessionId>,
    letters: &Letters,
) -> Result<Entry, SecondFactorError> {
    let token = token.ok_or(SecondFactorError::Expired)?;
    pending_entry_finish(auth, origin, token, proof, old, letters).await.map(Entry::Session)
}

/// To begin again, on the way to the same page.
fn again(next: Option<&str>) -> Response {
    see(&with_next("/sign-in", next))
}

/// A path of ours with the way on.
pub(super) fn with_next(path: &str, next: Option<&str>) -> String {
    match next {
        Some(next) => format!("{path}?next={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()),
        None => path.to_owned(),
    }
}

fn render(page: &Page, methods: &[Method], next: Option<&str>, errors: &FormErrors) -> Result<Html, Problem> {
    let (backup, passkey) = (methods.contains(&Method::BackupCode), methods.contains(&Method::Passkey));
    let context = json!({ "form": page.form(&[], errors), "backup": backup, "passkey": passkey, "next": next });
    page.render("auth/sign_in_second.html", context)
}

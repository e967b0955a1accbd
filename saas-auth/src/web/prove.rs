use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use saas_core::{
    CurrentUser, FieldError, Form, FormErrors, Html, Json, NoContent, Origin, Page, Problem, Query, Routes, Secret, SignedIn, Validate,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Next,
    code::{CodeBody, one_of, wrong_code},
    entry::{set, signed_in},
    see, throttled,
    visitor::Language,
    with_cookies, with_wait,
};
use crate::{
    Auth, SecondFactorError,
    session::{DeviceCookies, Method},
    step_up::{ShownAgain, proof_methods, session_prove},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/prove", show)
        .post("/account/prove", submit)
        .post("/api/v1/auth/prove", prove)
        .about("Shows again who is signed in, for what takes that, and sets another cookie for the session")
}

/// Exactly one of them is needed: a code where there is a second factor, else the password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProofBody {
    /// The password.
    #[schema(value_type = Option<String>)]
    password: Option<Secret>,
    /// The code that the authenticator app shows.
    #[schema(value_type = Option<String>)]
    code: Option<Secret>,
    /// One of the backup codes, which works this once.
    #[schema(value_type = Option<String>)]
    backup_code: Option<Secret>,
}

impl Validate for ProofBody {
    fn validate(&self) -> Vec<FieldError> {
        one_of(&[("/password", self.password.is_some()), ("/code", self.code.is_some()), ("/backup_code", self.backup_code.is_some())])
    }
}

impl ProofBody {
    fn shown(self) -> ShownAgain {
        match self.password {
            Some(password) => ShownAgain::Password(password),
            None => ShownAgain::Second(CodeBody { code: self.code, backup_code: self.backup_code }.proof()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofForm {
    password: Option<Secret>,
    code: Option<Secret>,
    backup_code: Option<Secret>,
    next: Option<String>,
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Next>, page: Page) -> Result<Html, Problem> {
    let next = auth.local_path(query.next.as_deref());
    render(&auth, &me, &page, next.as_deref(), &FormErrors::default()).await
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<ProofForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    let field = if form.backup_code.is_some() { "backup_code" } else { "code" };
    let shown = ProofBody { password: form.password, code: form.code, backup_code: form.backup_code }.shown();
    let (status, errors, wait) = match session_prove(&auth, origin, &me, &shown, &auth.letters(page.locale(), None)).await {
        Ok(session) => {
            let to = next.as_deref().unwrap_or("/account/security");
            return Ok(with_cookies(see(to), signed_in(&auth, &session, &cookies)?));
        }
        Err(SecondFactorError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors(), None),
        Err(SecondFactorError::Wrong) => {
            let mut errors = FormErrors::default();
            errors.add(field, wrong_code(field));
            (StatusCode::UNPROCESSABLE_ENTITY, errors, None)
        }
        Err(SecondFactorError::PasswordThrottled { wait }) => {
            (StatusCode::TOO_MANY_REQUESTS, throttled("auth-error-attempts", wait), Some(wait))
        }
        Err(SecondFactorError::Throttled { wait }) => {
            (StatusCode::TOO_MANY_REQUESTS, FormErrors::whole("auth-error-codes-throttled"), Some(wait))
        }
        Err(error) => return Err(error.into()),
    };
    let page = render(&auth, &me, &page, next.as_deref(), &errors).await?;
    Ok(with_wait((status, page).into_response(), wait))
}

async fn prove(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<ProofBody>,
) -> Result<(HeaderMap, NoContent), Problem> {
    let session = session_prove(&auth, origin, &me, &body.shown(), &auth.letters(locale, None)).await?;
    Ok((set(signed_in(&auth, &session, &cookies)?), NoContent))
}

async fn render(auth: &Auth, me: &SignedIn, page: &Page, next: Option<&str>, errors: &FormErrors) -> Result<Html, Problem> {
    let methods = proof_methods(auth, me.user).await?;
    let ask = match methods.first() {
        Some(Method::Totp) => "code",
        Some(Method::Password) => "password",
        // Nothing to enter here: whoever signs in again has shown who they are.
        _ => "sign-in",
    };
    let (backup, passkey) = (methods.contains(&Method::BackupCode), methods.contains(&Method::Passkey));
    let form = page.form(&[], errors);
    page.render("auth/prove.html", json!({ "ask": ask, "backup": backup, "passkey": passkey, "next": next, "form": form }))
}

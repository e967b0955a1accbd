use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use saas_core::{CurrentUser, Form, FormErrors, Html, Json, NoContent, Origin, Page, Problem, Query, Routes, SignedIn, Validate};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

#[cfg(feature = "passkeys")]
use super::passkeys;
use super::{
    entry::{set, signed_in},
    identities, see, throttled,
    visitor::Language,
    with_cookies,
};
use crate::{
    Auth, ChangePasswordError,
    account::{PasswordChange, account_change_password, account_has_password},
    second_factor::second_factor,
    session::DeviceCookies,
};

const PAGE: &str = "auth/security.html";

#[derive(Default, Deserialize, ToSchema)]
struct Done {
    /// What was done just now.
    done: Option<String>,
    /// What somebody wanted to open that asks for a second factor.
    next: Option<String>,
}

/// Its fields are checked together with the password policy, which a body alone does not know.
impl Validate for PasswordChange {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/security", show)
        .post("/account/password", submit)
        .put("/api/v1/auth/password", change)
        .about("Changes the password, ends all other sessions and sets another cookie for the one at hand")
}

async fn show(State(auth): State<Auth>, CurrentUser(me): CurrentUser, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    const DONE: [&str; 8] = [
        "password",
        "second-factor-mail",
        "second-factor-off",
        "linked",
        "unlinked",
        "passkey-added",
        "passkey-renamed",
        "passkey-removed",
    ];
    let done = query.done.filter(|done| DONE.contains(&done.as_str()));
    let shown = Shown {
        done: done.map(|done| page.text(&format!("auth-security-done-{done}"))),
        next: auth.local_path(query.next.as_deref()).filter(|_| !me.second_factor),
        ..Shown::default()
    };
    render(&auth, &me, &page, shown).await
}

async fn submit(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<PasswordChange>,
) -> Result<Response, Problem> {
    match account_change_password(&auth, origin, &me, &form, &auth.letters(locale, None)).await {
        Ok(session) => Ok(with_cookies(see("/account/security?done=password"), signed_in(&auth, &session, &cookies)?)),
        Err(ChangePasswordError::Refused(refused)) => {
            let shown = Shown { errors: refused.form_errors(), ..Shown::default() };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&auth, &me, &page, shown).await?).into_response())
        }
        Err(ChangePasswordError::Throttled { wait }) => {
            let shown = Shown { errors: throttled("auth-error-attempts", wait), ..Shown::default() };
            let page = render(&auth, &me, &page, shown).await?;
            let seconds = HeaderValue::from(crate::attempt::seconds(wait));
            Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds)], page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn change(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    Language(locale): Language,
    cookies: DeviceCookies,
    origin: Origin,
    Json(body): Json<PasswordChange>,
) -> Result<(HeaderMap, NoContent), Problem> {
    let session = account_change_password(&auth, origin, &me, &body, &auth.letters(locale, None)).await?;
    Ok((set(signed_in(&auth, &session, &cookies)?), NoContent))
}

/// The page with what is wrong with the form that turns the second factor off.
pub(super) async fn with_off_form(auth: &Auth, me: &SignedIn, page: &Page, errors: FormErrors) -> Result<Html, Problem> {
    render(auth, me, page, Shown { off_errors: errors, ..Shown::default() }).await
}

/// The page with what is wrong about accounts elsewhere.
pub(super) async fn with_identity_errors(auth: &Auth, me: &SignedIn, page: &Page, errors: &FormErrors) -> Result<Html, Problem> {
    render(auth, me, page, Shown { identity_errors: errors.clone(), ..Shown::default() }).await
}

/// The page with what is wrong about passkeys.
#[cfg(feature = "passkeys")]
pub(super) async fn with_passkey_errors(auth: &Auth, me: &SignedIn, page: &Page, errors: FormErrors) -> Result<Html, Problem> {
    render(auth, me, page, Shown { passkey_errors: errors, ..Shown::default() }).await
}

/// What the page says beside the facts.
#[derive(Debug, Default)]
struct Shown {
    done: Option<String>,
    next: Option<String>,
    errors: FormErrors,
    off_errors: FormErrors,
    identity_errors: FormErrors,
    #[cfg(feature = "passkeys")]
    passkey_errors: FormErrors,
}

async fn render(auth: &Auth, me: &SignedIn, page: &Page, shown: Shown) -> Result<Html, Problem> {
    let (second_factor, has_password) = (second_factor(auth, me.user).await?, account_has_password(auth, me.user).await?);
    let identities = identities::on_page(auth, me, page, &shown.identity_errors).await?;
    #[cfg(feature = "passkeys")]
    let passkeys = passkeys::on_page(auth, me, page, &shown.passkey_errors).await?;
    #[cfg(not(feature = "passkeys"))]
    let passkeys = serde_json::Value::Null;
    page.render(
        PAGE,
        json!({
            "done": shown.done,
            "next": shown.next,
            "minimum": auth.policy().minimum(),
            "has_password": has_password,
            "form": page.form(&[], &shown.errors),
            "second_factor": second_factor,
            "off_form": page.form(&[], &shown.off_errors),
            "identities": identities,
            "passkeys": passkeys,
        }),
    )
}

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use saas_core::{CurrentUser, Form, FormErrors, Html, Json, NoContent, Origin, Page, Problem, Query, Routes, Validate};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    entry::{set, signed_in},
    see,
    visitor::Language,
    with_cookies,
};
use crate::{
    Auth, ChangePasswordError,
    account::{PasswordChange, account_change_password},
    session::DeviceCookies,
};

const PAGE: &str = "auth/security.html";

#[derive(Default, Deserialize, ToSchema)]
struct Done {
    /// What was done just now.
    done: Option<String>,
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

async fn show(State(auth): State<Auth>, CurrentUser(_): CurrentUser, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    let changed = query.done.as_deref() == Some("password");
    render(&auth, &page, changed, &FormErrors::default())
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
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&auth, &page, false, &refused.form_errors())?).into_response())
        }
        Err(ChangePasswordError::Throttled { wait }) => {
            let page = render(&auth, &page, false, &FormErrors::whole("auth-error-attempts"))?;
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

fn render(auth: &Auth, page: &Page, changed: bool, errors: &FormErrors) -> Result<Html, Problem> {
    page.render(PAGE, json!({ "changed": changed, "minimum": auth.policy().minimum(), "form": page.form(&[], errors) }))
}

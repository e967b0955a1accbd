use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{CurrentUser, Form, FormErrors, Html, Origin, Page, Problem, Query, Routes, Secret, Token};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Off, OffToken};
use crate::{
    Auth, RecentProof, SecondFactorError,
    second_factor::{
        BackupCodes, Enrolment, Qr, authenticator_begin, authenticator_confirm, authenticator_waiting, backup_codes_renew,
        second_factor_off, second_factor_off_start,
    },
    session::DeviceCookies,
    web::{Next, entry::signed_in, security, see, sign_in_second::with_next, throttled, with_cookies, with_wait},
};

/// Where an app is set up.
const APP: &str = "/account/second-factor/app";

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get(APP, show)
        .post(APP, begin)
        .post("/account/second-factor/app/confirm", confirm)
        .post("/account/second-factor/backup-codes", renew)
        .post("/account/second-factor/off", start_off)
        .get("/account/second-factor/off", show_off)
        .post("/account/second-factor/off/confirm", confirm_off)
}

async fn begin(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    origin: Origin,
    Form(form): Form<Next>,
) -> Result<Response, Problem> {
    authenticator_begin(&auth, origin, &me).await?;
    Ok(see(&with_next(APP, auth.local_path(form.next.as_deref()).as_deref())))
}

/// The first code of an app, and where somebody was going.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstCodeForm {
    #[serde(default)]
    code: Secret,
    next: Option<String>,
}

async fn show(State(auth): State<Auth>, RecentProof(me): RecentProof, Query(query): Query<Next>, page: Page) -> Result<Response, Problem> {
    let next = auth.local_path(query.next.as_deref());
    match authenticator_waiting(&auth, &me).await? {
        Some(enrolment) => {
            let url = enrolment.url(&auth, &me);
            Ok(render_app(&page, &enrolment, &url, next.as_deref(), &FormErrors::default())?.into_response())
        }
        None => Ok(see("/account/security")),
    }
}

fn render_app(page: &Page, enrolment: &Enrolment, url: &str, next: Option<&str>, errors: &FormErrors) -> Result<Html, Problem> {
    let text = enrolment.text();
    // Four letters together are easier to type; apps ignore what is between.
    let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..(at + 4).min(text.len())]).collect();
    let context = json!({ "qr": Qr::of(url)?, "secret": groups.join(" "), "url": url, "next": next, "form": page.form(&[], errors) });
    page.render("auth/second_factor_app.html", context)
}

async fn confirm(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<FirstCodeForm>,
) -> Result<Response, Problem> {
    let next = auth.local_path(form.next.as_deref());
    match authenticator_confirm(&auth, origin, &me, &form.code, &auth.letters(page.locale(), None)).await {
        Ok((codes, session)) => Ok(with_cookies(given(&page, &codes, true, next.as_deref())?, signed_in(&auth, &session, &cookies)?)),
        Err(SecondFactorError::Wrong) => {
            let Some(enrolment) = authenticator_waiting(&auth, &me).await? else { return Ok(see("/account/security")) };
            let mut errors = FormErrors::default();
            errors.add("code", "auth-error-code-first");
            let url = enrolment.url(&auth, &me);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render_app(&page, &enrolment, &url, next.as_deref(), &errors)?).into_response())
        }
        // It took too long, or another tab was faster: the page says how things are.
        Err(SecondFactorError::Expired) => Ok(see("/account/security")),
        Err(error) => Err(error.into()),
    }
}

/// The page that shows codes, this once.
fn given(page: &Page, codes: &BackupCodes, is_first: bool, next: Option<&str>) -> Result<Response, Problem> {
    let context = json!({ "codes": codes.texts(), "is_first": is_first, "next": next });
    Ok((StatusCode::CREATED, page.render("auth/backup_codes.html", context)?).into_response())
}

async fn renew(State(auth): State<Auth>, RecentProof(me): RecentProof, origin: Origin, page: Page) -> Result<Response, Problem> {
    match backup_codes_renew(&auth, origin, &me, &auth.letters(page.locale(), None)).await {
        Ok(codes) => given(&page, &codes, false, None),
        Err(SecondFactorError::Absent) => Ok(see("/account/security")),
        Err(error) => Err(error.into()),
    }
}

async fn start_off(
    State(auth): State<Auth>,
    RecentProof(me): RecentProof,
    origin: Origin,
    page: Page,
    Form(form): Form<Off>,
) -> Result<Response, Problem> {
    let (status, errors, wait) = match second_factor_off_start(&auth, origin, &me, &form.password, &auth.letters(page.locale(), None)).await
    {
        Ok(()) => return Ok(see("/account/security?done=second-factor-mail")),
        Err(SecondFactorError::Absent) => return Ok(see("/account/security")),
        Err(SecondFactorError::Refused(refused)) => (StatusCode::UNPROCESSABLE_ENTITY, refused.form_errors(), None),
        Err(SecondFactorError::PasswordThrottled { wait }) => {
            (StatusCode::TOO_MANY_REQUESTS, throttled("auth-error-attempts", wait), Some(wait))
        }
        Err(SecondFactorError::MailThrottled { wait }) => (StatusCode::TOO_MANY_REQUESTS, throttled("auth-error-mails", wait), Some(wait)),
        Err(error) => return Err(error.into()),
    };
    let page = security::with_off_form(&auth, &me, &page, errors).await?;
    Ok(with_wait((status, page).into_response(), wait))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct Link {
    token: Option<String>,
}

/// Programs that scan mail follow links, so this changes nothing: it shows a button.
async fn show_off(CurrentUser(_): CurrentUser, Query(link): Query<Link>, page: Page) -> Result<Html, Problem> {
    page.render("auth/second_factor_off.html", json!({ "token": link.token.filter(|text| Token::parse(text).is_some()) }))
}

async fn confirm_off(
    State(auth): State<Auth>,
    CurrentUser(me): CurrentUser,
    cookies: DeviceCookies,
    origin: Origin,
    page: Page,
    Form(form): Form<OffToken>,
) -> Result<Response, Problem> {
    let off = match Token::parse(&form.token) {
        Some(token) => second_factor_off(&auth, origin, &me, &token, &auth.letters(page.locale(), None)).await,
        None => Err(SecondFactorError::Expired),
    };
    match off {
        Ok(session) => Ok(with_cookies(see("/account/security?done=second-factor-off"), signed_in(&auth, &session, &cookies)?)),
        Err(SecondFactorError::Expired) => {
            Ok((StatusCode::GONE, page.render("auth/second_factor_off.html", json!({ "token": null }))?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

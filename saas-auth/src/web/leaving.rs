use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header, request::Parts};
use saas_core::{Declares, Json, Origin, Page, Problem, Routes, pages::Locale};
use serde_json::json;

use super::{
    entry::{entered_program, signed_in},
    me::Me,
    see, with_cookies,
};
use crate::{
    Auth,
    account::{Entry, Leaving, deletion_stop, leaving_by_token},
    session::{Carried, DeviceCookies, session_end},
};

/// Somebody who has signed in while they are leaving, if that is who it is.
pub(super) struct Leaver(pub(super) Option<Leaving>);

impl FromRequestParts<Auth> for Leaver {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        Ok(Self(match auth.leaving().read(&parts.headers) {
            Carried::Token(token) => leaving_by_token(auth, &token).await?,
            Carried::Nothing | Carried::Garbage => None,
        }))
    }
}

impl Declares for Leaver {}

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/account/leaving", show)
        .post("/account/leaving/stay", submit_stay)
        .post("/account/leaving/sign-out", submit_sign_out)
        .post("/api/v1/me/deletion/stop", stay)
        .about("Keeps the account of somebody who has signed in while they are leaving, and sets their session's cookie")
}

async fn show(Leaver(leaver): Leaver, page: Page) -> Result<Response, Problem> {
    let Some(leaving) = leaver else { return Ok(see("/sign-in")) };
    render(&page, &leaving, false)
}

/// `exported` is whether an export was asked for just now.
pub(super) fn render(page: &Page, leaving: &Leaving, exported: bool) -> Result<Response, Problem> {
    let context = json!({ "email": leaving.email, "until": leaving.until, "exported": exported });
    Ok(page.render("auth/leaving.html", context)?.into_response())
}

async fn submit_stay(
    State(auth): State<Auth>,
    Leaver(leaver): Leaver,
    cookies: DeviceCookies,
    locale: Locale,
    origin: Origin,
) -> Result<Response, Problem> {
    let Some(leaving) = leaver else { return Ok(see("/sign-in")) };
    let session = deletion_stop(&auth, origin, &leaving, &auth.letters(locale, None)).await?;
    Ok(with_cookies(with_cookies(see(auth.home()), signed_in(&auth, &session, &cookies)?), [auth.leaving().clear()?]))
}

async fn submit_sign_out(State(auth): State<Auth>, Leaver(leaver): Leaver, origin: Origin) -> Result<Response, Problem> {
    if let Some(leaving) = leaver {
        session_end(auth.db(), origin, leaving.user, leaving.session).await?;
    }
    Ok(with_cookies(see("/sign-in"), [auth.leaving().clear()?]))
}

async fn stay(
    State(auth): State<Auth>,
    Leaver(leaver): Leaver,
    cookies: DeviceCookies,
    locale: Locale,
    origin: Origin,
) -> Result<(HeaderMap, Json<Me>), Problem> {
    let leaving = leaver.ok_or_else(Problem::unauthenticated)?;
    let session = deletion_stop(&auth, origin, &leaving, &auth.letters(locale, None)).await?;
    let (mut headers, me) = entered_program(&auth, &Entry::Session(session), &cookies).await?;
    headers.append(header::SET_COOKIE, auth.leaving().clear()?);
    Ok((headers, me))
}

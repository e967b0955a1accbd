//! What a browser or a program is answered that has come in.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use saas_core::{Json, Problem, UserId};

use super::{me::Me, see, with_cookies};
use crate::{
    Auth,
    account::Entry,
    session::{DeviceCookies, NewSession, session_by_token},
};

/// To where somebody was going.
pub(super) fn entered(auth: &Auth, entry: &Entry, next: Option<&str>, cookies: &DeviceCookies) -> Result<Response, Problem> {
    match entry {
        Entry::Session(session) => {
            // The application may want a confirmed address for what comes next: better to say so now than there.
            let to = if session.verified { next.unwrap_or(auth.home()) } else { "/verify" };
            Ok(with_cookies(see(to), signed_in(auth, session, cookies)?))
        }
    }
}

/// Who they are, and the session's cookie.
pub(super) async fn entered_program(auth: &Auth, entry: &Entry, cookies: &DeviceCookies) -> Result<(HeaderMap, Json<Me>), Problem> {
    match entry {
        Entry::Session(session) => {
            let (me, _) = session_by_token(auth.db(), &session.token).await?.ok_or_else(Problem::unauthenticated)?;
            Ok((set(signed_in(auth, session, cookies)?), Json(Me::of(&me))))
        }
    }
}

/// What a browser keeps of a sign-in: the session, and that the account knows it.
pub(super) fn signed_in(auth: &Auth, session: &NewSession, cookies: &DeviceCookies) -> Result<[HeaderValue; 2], Problem> {
    let keep = session.remembered.then_some(NewSession::REMEMBERED_LIFETIME);
    Ok([auth.cookie().set(&session.token, keep)?, known(auth, session.user, cookies)?])
}

/// That an account knows the browser, from now on or still.
pub(super) fn known(auth: &Auth, user: UserId, cookies: &DeviceCookies) -> Result<HeaderValue, Problem> {
    let now = auth.db().clock().now();
    auth.devices().cookie(auth.devices().find(cookies, user, now), user, now)
}

/// The headers that set these cookies.
pub(super) fn set(cookies: impl IntoIterator<Item = HeaderValue>) -> HeaderMap {
    cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)).collect()
}

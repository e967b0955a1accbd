//! What a browser or a program is answered that has come in.

use std::borrow::Cow;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use saas_core::{Json, Problem, ProblemType, SignedIn, UserId};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::{me::Me, see, sign_in_second::with_next, with_cookies};
use crate::{
    Auth,
    account::{Entry, leaving_by_token},
    second_factor::PendingEntry,
    session::{DeviceCookies, FoundSession, NewSession, session_by_token},
};

/// To where somebody was going.
pub(super) fn entered(auth: &Auth, entry: &Entry, next: Option<&str>, cookies: &DeviceCookies) -> Result<Response, Problem> {
    match entry {
        Entry::Session(session) if session.leaving => Ok(with_cookies(see("/account/leaving"), leaving(auth, session, cookies)?)),
        Entry::Session(session) => {
            // The application may want a confirmed address for what comes next: better to say so now than there.
            let to = if session.verified { next.unwrap_or(auth.home()) } else { "/verify" };
            let to = if auth.documents().iter().any(|document| document.is_missing(&session.agreed)) {
                Cow::from(format!("/account/consent?next={}", byte_serialize(to.as_bytes()).collect::<String>()))
            } else {
                Cow::from(to)
            };
            Ok(with_cookies(see(&to), signed_in(auth, session, cookies)?))
        }
        Entry::Pending(pending) => Ok(with_cookies(see(&with_next("/sign-in/second", next)), [waiting(auth, pending)?])),
    }
}

/// Who they are, and the session's cookie; or what is missing, and the cookie to show it with.
pub(super) async fn entered_program(auth: &Auth, entry: &Entry, cookies: &DeviceCookies) -> Result<(HeaderMap, Json<Me>), Problem> {
    match entry {
        Entry::Session(session) if session.leaving => {
            let me = leaving_by_token(auth, &session.token).await?.ok_or_else(Problem::unauthenticated)?;
            Ok((set(leaving(auth, session, cookies)?), Json(Me::leaving(&me))))
        }
        Entry::Session(session) => {
            let FoundSession { signed_in: me, .. } = found(auth, session).await?;
            Ok((set(signed_in(auth, session, cookies)?), Json(Me::of(&me))))
        }
        Entry::Pending(pending) => Err(missing(auth, pending)?),
    }
}

/// The person, for tokens in the place of a session: its cookie is given to nobody.
pub(super) async fn entered_for_tokens(auth: &Auth, entry: &Entry) -> Result<SignedIn, Problem> {
    match entry {
        Entry::Session(session) => Ok(found(auth, session).await?.signed_in),
        Entry::Pending(pending) => Err(missing(auth, pending)?),
    }
}

async fn found(auth: &Auth, session: &NewSession) -> Result<FoundSession, Problem> {
    session_by_token(auth, &session.token, auth.db().clock().now()).await?.ok_or_else(Problem::unauthenticated)
}

/// What is missing of a sign-in, and the cookie to show it with.
fn missing(auth: &Auth, pending: &PendingEntry) -> Result<Problem, Problem> {
    let methods: Vec<&str> = pending.methods.iter().map(|method| method.as_str()).collect();
    let problem = Problem::new(&ProblemType::SECOND_FACTOR_PENDING)
        .detail("Show a code at POST /api/v1/auth/sign-in/second, or sign in with a passkey.");
    let problem = problem.with("methods", methods).with("expires_at", json!(pending.expires_at));
    Ok(problem.cookie(waiting(auth, pending)?))
}

/// What a browser keeps of a sign-in that waits for a second factor.
fn waiting(auth: &Auth, pending: &PendingEntry) -> Result<HeaderValue, Problem> {
    auth.pending().set(&pending.token, Some(PendingEntry::LIFETIME))
}

/// What a browser keeps of a sign-in: the session, and that the account knows it.
pub(super) fn signed_in(auth: &Auth, session: &NewSession, cookies: &DeviceCookies) -> Result<[HeaderValue; 2], Problem> {
    let keep = session.remembered.then_some(NewSession::REMEMBERED_LIFETIME);
    Ok([auth.cookie().set(&session.token, keep)?, known(auth, session.user, cookies)?])
}

/// What a browser keeps of a sign-in of somebody who is leaving.
fn leaving(auth: &Auth, session: &NewSession, cookies: &DeviceCookies) -> Result<[HeaderValue; 2], Problem> {
    let keep = session.remembered.then_some(NewSession::REMEMBERED_LIFETIME);
    Ok([auth.leaving().set(&session.token, keep)?, known(auth, session.user, cookies)?])
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

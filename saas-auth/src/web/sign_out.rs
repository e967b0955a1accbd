use axum::{extract::State, response::Response};
use http::{HeaderName, HeaderValue, header};
use saas_core::{NoContent, Origin, Problem, Routes};

use super::{see, visitor::Visitor, with_cookies};
use crate::{Auth, session::session_sign_out};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .post("/sign-out", submit)
        .post("/api/v1/auth/sign-out", sign_out)
        .about("Ends the session of the request")
        .on_tenant_hosts()
}

async fn submit(State(auth): State<Auth>, visitor: Visitor, origin: Origin) -> Result<Response, Problem> {
    let cookie = end(&auth, visitor, origin).await?;
    Ok(with_cookies(see("/sign-in"), [cookie]))
}

async fn sign_out(
    State(auth): State<Auth>,
    visitor: Visitor,
    origin: Origin,
) -> Result<([(HeaderName, HeaderValue); 1], NoContent), Problem> {
    Ok(([(header::SET_COOKIE, end(&auth, visitor, origin).await?)], NoContent))
}

/// Ends the session in the database, so that a copy of the cookie is worth nothing, and gives the cookie that forgets it. Signing out twice
/// is no error.
async fn end(auth: &Auth, Visitor(visitor): Visitor, origin: Origin) -> Result<HeaderValue, Problem> {
    if let Some(me) = visitor {
        session_sign_out(auth.db(), origin, me.user, me.session).await?;
    }
    auth.cookie().clear()
}

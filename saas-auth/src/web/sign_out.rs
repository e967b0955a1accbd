use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use saas_core::{Problem, Routes};

use super::{see, visitor::Visitor, with_cookie};
use crate::{Auth, session::session_end};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new().post("/sign-out", submit).post("/api/v1/auth/sign-out", sign_out)
}

async fn submit(State(auth): State<Auth>, visitor: Visitor) -> Result<Response, Problem> {
    end(&auth, visitor, see("/sign-in")).await
}

async fn sign_out(State(auth): State<Auth>, visitor: Visitor) -> Result<Response, Problem> {
    end(&auth, visitor, StatusCode::NO_CONTENT.into_response()).await
}

/// Ends the session in the database, so that a copy of the cookie is worth nothing. Signing out twice is no error.
async fn end(auth: &Auth, Visitor(visitor): Visitor, response: Response) -> Result<Response, Problem> {
    if let Some(me) = visitor {
        session_end(auth.db(), me.user, me.session).await?;
    }
    Ok(with_cookie(response, auth.cookie().clear()?))
}

use axum::{extract::State as AxumState, response::Response};
use http::HeaderMap;
use saas_core::{CurrentUser, Problem, Routes, Standing, TenantDb};
use saas_tenancy::role_of;

use super::State;

pub(super) fn routes() -> Routes<State> {
    Routes::new().get("/live", live)
}

/// Server-sent events for the pages of one tenant, for as long as the reader is signed in and belongs to it; of what their role lets them hear.
async fn live(
    standing: Standing,
    CurrentUser(me): CurrentUser,
    headers: HeaderMap,
    db: TenantDb,
    AxumState(state): AxumState<State>,
) -> Result<Response, Problem> {
    let (actor, session, auth, roles) = (standing.actor, me.session, state.auth.clone(), state.roles.clone());
    state.live.stream(&standing, session, &headers, move || {
        let (db, auth, roles) = (db.clone(), auth.clone(), roles.clone());
        async move {
            let role = role_of(&db, actor).await?;
            Ok(if auth.session_holds(session).await? { role.map(|role| roles.of(role)) } else { None })
        }
    })
}

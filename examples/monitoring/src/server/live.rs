use axum::{extract::State as AxumState, response::Response};
use http::HeaderMap;
use saas_core::{Can, CurrentUser, Problem, Routes, TenantDb};
use saas_tenancy::is_member;

use super::{DeviceRead, State};

pub(super) fn routes() -> Routes<State> {
    Routes::new().get("/live", live)
}

/// Server-sent events for the pages of one tenant, for as long as the reader is signed in and belongs to it.
async fn live(
    can: Can<DeviceRead>,
    CurrentUser(me): CurrentUser,
    headers: HeaderMap,
    db: TenantDb,
    AxumState(state): AxumState<State>,
) -> Result<Response, Problem> {
    let (actor, session, auth) = (can.actor(), me.session, state.auth.clone());
    state.live.stream(can.standing(), session, &headers, move || {
        let (db, auth) = (db.clone(), auth.clone());
        async move { Ok(is_member(&db, actor).await? && auth.session_holds(session).await?) }
    })
}

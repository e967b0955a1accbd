use axum::{extract::State as AxumState, response::Response};
use http::HeaderMap;
use saas_core::{CurrentUser, Problem, Routes, Standing, TenantDb};

use super::State;

pub(super) fn routes() -> Routes<State> {
    Routes::new().get("/live", live)
}

/// Server-sent events for the pages of one tenant, for as long as the reader is signed in and belongs to it; of what their role lets them hear, and
/// what is shared with them.
async fn live(
    standing: Standing,
    CurrentUser(me): CurrentUser,
    headers: HeaderMap,
    db: TenantDb,
    AxumState(state): AxumState<State>,
) -> Result<Response, Problem> {
    let (actor, session, auth, tenancy) = (standing.actor, me.session, state.auth.clone(), state.tenancy.clone());
    let Some(permissions) = tenancy.heard_by(&db, actor).await? else { return Err(Problem::not_found()) };
    let standing = Standing { permissions, ..standing };
    state.live.stream(&standing, session, &headers, move || {
        let (db, auth, tenancy) = (db.clone(), auth.clone(), tenancy.clone());
        async move {
            let held = tenancy.heard_by(&db, actor).await?;
            Ok(if auth.session_holds(session).await? { held } else { None })
        }
    })
}

use axum::{extract::State as AxumState, response::Response};
use saas_core::{Can, Routes, TenantDb};
use saas_tenancy::is_member;

use super::{DeviceRead, State};

pub(super) fn routes() -> Routes<State> {
    Routes::new().get("/live", live)
}

/// Server-sent events for the pages of one tenant, for as long as the reader belongs to it.
async fn live(can: Can<DeviceRead>, db: TenantDb, AxumState(state): AxumState<State>) -> Response {
    let actor = can.actor();
    state.live.stream(can.standing(), move || {
        let db = db.clone();
        async move { is_member(&db, actor).await }
    })
}

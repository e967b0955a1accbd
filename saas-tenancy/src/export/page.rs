use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::TimeDelta;
use http::{HeaderValue, StatusCode, header};
use saas_core::{Can, FormErrors, Html, Page, Problem, Query, RecentProof, Routes, TenantDb, TenantTx};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    LIFETIME, MOST, OrganizationExportError, api,
    operation::{export_ask_in, exports_in},
};
use crate::{OrganizationOwn, Tenancy};

const PAGE: &str = "tenancy/data.html";

/// For how long the page reads itself again while an export is packed: one that takes longer is mailed, and must keep no session alive.
const WATCHED: TimeDelta = TimeDelta::minutes(10);

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new().get("/organization/data", show).post("/organization/exports", submit).post("/organization/exports/{id}/file", api::file)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Done {
    /// What was done just now.
    done: Option<String>,
}

async fn show(_: Can<OrganizationOwn>, _: RecentProof, db: TenantDb, Query(query): Query<Done>, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&mut tx, &page, query.done.as_deref() == Some("asked"), &FormErrors::default()).await
}

async fn submit(_: Can<OrganizationOwn>, RecentProof(me): RecentProof, db: TenantDb, page: Page) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    match export_ask_in(&mut tx, me.user).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Redirect::to("/organization/data?done=asked").into_response())
        }
        Err(OrganizationExportError::Often { wait, .. }) => {
            let refused = render(&mut tx, &page, false, &FormErrors::whole("tenancy-export-error-often")).await?;
            let wait = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)], refused).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn render(tx: &mut TenantTx, page: &Page, asked: bool, errors: &FormErrors) -> Result<Html, Problem> {
    let (exports, since) = (exports_in(tx).await?, tx.now() - WATCHED);
    let is_packed_now = exports.iter().any(|export| export.ready_at.is_none() && export.failed_at.is_none() && export.asked_at > since);
    let exports: Vec<_> = exports
        .into_iter()
        .map(|export| {
            let size = export.bytes.map(|bytes| page.locale().bytes(bytes.unsigned_abs()));
            json!({ "id": export.id, "asked_at": export.asked_at, "ready_at": export.ready_at, "expires_at": export.expires_at, "failed_at": export.failed_at, "size": size })
        })
        .collect();
    let context = json!({
        "exports": exports, "asked": asked, "is_packed_now": is_packed_now, "hours": LIFETIME.num_hours(), "most": MOST, "form": page.form(&[], errors),
    });
    page.render(PAGE, context)
}

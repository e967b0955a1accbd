use axum::response::{IntoResponse as _, Redirect, Response};
use saas_core::{OnTenantHost, Page, Problem, Routes};
use serde_json::json;

pub(super) fn routes() -> Routes {
    Routes::new().get("/", home).on_tenant_hosts()
}

/// What the product is. At an organization's host people come to work.
async fn home(OnTenantHost(host): OnTenantHost, page: Page) -> Result<Response, Problem> {
    match host {
        Some(_) => Ok(Redirect::to("/devices").into_response()),
        None => Ok(page.render("monitoring/home.html", json!({}))?.into_response()),
    }
}

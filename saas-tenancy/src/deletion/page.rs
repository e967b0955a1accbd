use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use saas_core::{Can, CurrentUser, Form, FormErrors, Html, Origin, Page, Problem, RecentProof, Routes, TenantId};
use serde::Deserialize;
use serde_json::json;

use super::{GRACE, OrganizationDeletionError};
use crate::{OrganizationOwn, Tenancy, organization::go_to};

const PAGE: &str = "tenancy/deletion.html";

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new().get("/organization/deletion", show).post("/organization/deletion", submit)
}

pub(super) fn outside_routes() -> Routes<Tenancy> {
    Routes::new().post("/organizations/restore", restore)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DeletionForm {
    name: String,
}

fn context(page: &Page, typed: &str, errors: &FormErrors) -> serde_json::Value {
    json!({ "days": GRACE.num_days(), "form": page.form(&[("name", typed)], errors) })
}

async fn show(_: Can<OrganizationOwn>, _: RecentProof, page: Page) -> Result<Html, Problem> {
    page.render(PAGE, context(&page, "", &FormErrors::default()))
}

async fn submit(
    can: Can<OrganizationOwn>,
    RecentProof(me): RecentProof,
    State(tenancy): State<Tenancy>,
    origin: Origin,
    page: Page,
    Form(form): Form<DeletionForm>,
) -> Result<Response, Problem> {
    match tenancy.organization_delete(&me, origin, can.standing().tenant, &form.name).await {
        Ok(_) => Ok(Redirect::to("/organizations").into_response()),
        Err(OrganizationDeletionError::Name) => {
            let mut errors = FormErrors::default();
            errors.add("name", "tenancy-deletion-error-name");
            page.refuse(PAGE, context(&page, &form.name, &errors))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreForm {
    organization: TenantId,
}

/// Back into it.
async fn restore(
    CurrentUser(me): CurrentUser,
    State(tenancy): State<Tenancy>,
    origin: Origin,
    Form(form): Form<RestoreForm>,
) -> Result<Response, Problem> {
    tenancy.organization_restore(&me, origin, form.organization).await?;
    go_to(&tenancy, form.organization)
}

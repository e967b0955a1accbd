use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use saas_core::{Can, Form, FormErrors, Html, Page, Problem, RecentProof, Routes, TenantDb, TenantTx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{OrganizationOwn, OwnershipError};
use crate::{Role, Tenancy, member::members_in};

const PAGE: &str = "tenancy/owner.html";

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new().get("/organization/owner", show).post("/organization/owner", submit)
}

/// Text, so that a form with nobody chosen is shown again.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OwnerForm {
    member: String,
}

async fn show(_: Can<OrganizationOwn>, _: RecentProof, db: TenantDb, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&mut tx, &page, "", &FormErrors::default()).await
}

async fn submit(
    can: Can<OrganizationOwn>,
    _: RecentProof,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Form(form): Form<OwnerForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let transferred = match form.member.parse() {
        Ok(member) => tenancy.ownership_transfer_in(&mut tx, can.standing(), member, page.locale()).await,
        Err(_) => Err(OwnershipError::NotMember),
    };
    let (status, reason) = match transferred {
        Ok(()) => {
            tx.commit().await?;
            return Ok(Redirect::to("/members").into_response());
        }
        Err(OwnershipError::NotMember) => (StatusCode::UNPROCESSABLE_ENTITY, "tenancy-owner-error-nobody"),
        Err(OwnershipError::Already) => (StatusCode::CONFLICT, "tenancy-owner-error-already"),
        Err(OwnershipError::Unavailable) => (StatusCode::CONFLICT, "tenancy-owner-error-unavailable"),
        Err(error) => return Err(error.into()),
    };
    let mut errors = FormErrors::default();
    errors.add("member", reason);
    Ok((status, render(&mut tx, &page, &form.member, &errors).await?).into_response())
}

/// Everybody who might become the owner is offered.
async fn render(tx: &mut TenantTx, page: &Page, chosen: &str, errors: &FormErrors) -> Result<Html, Problem> {
    let members = members_in(tx).await?;
    let others = members.iter().filter(|member| member.role != Role::Owner.as_str());
    let others: Vec<Value> =
        others.map(|member| json!({ "value": member.id, "label": format!("{} ({})", member.name, member.email) })).collect();
    page.render(PAGE, json!({ "members": others, "form": page.form(&[("member", chosen)], errors) }))
}

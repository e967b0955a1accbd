use axum::extract::State;
use chrono::{DateTime, Utc};
use saas_core::{Can, CurrentUser, Json, List, NoContent, Origin, Path, Problem, RecentProof, Routes, TenantId, Validate, Wanted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LeavingOrganization;
use crate::{OrganizationOwn, Tenancy};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .post("/api/v1/organization/deletion", delete)
        .about("Deletes the organization after 30 days in which nobody comes in and an owner can bring it back")
}

pub(super) fn outside_routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/leaving-organizations", list)
        .about("Lists the organizations that will be deleted and that the person who is signed in can bring back")
        .post("/api/v1/leaving-organizations/{organization}/restore", restore)
        .about("Brings an organization back that was to be deleted")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// The organization's name, to say that it is meant.
    name: String,
}

/// What was typed is compared where the name is known.
impl Validate for Confirmation {}

/// An organization that will be deleted.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationUntil {
    /// When. Until then an owner can bring it back.
    until: DateTime<Utc>,
}

async fn delete(
    can: Can<OrganizationOwn>,
    RecentProof(me): RecentProof,
    State(tenancy): State<Tenancy>,
    origin: Origin,
    Json(confirmation): Json<Confirmation>,
) -> Result<Json<OrganizationUntil>, Problem> {
    Ok(Json(OrganizationUntil { until: tenancy.organization_delete(&me, origin, can.standing().tenant, &confirmation.name).await? }))
}

async fn list(
    CurrentUser(me): CurrentUser,
    State(tenancy): State<Tenancy>,
    wanted: Wanted<LeavingOrganization>,
) -> Result<List<LeavingOrganization>, Problem> {
    let leaving = tenancy.leaving_of(me.user).await?;
    Ok(wanted.take(leaving, |organization, _| organization.name.to_lowercase(), |organization| organization.id.into()))
}

async fn restore(
    CurrentUser(me): CurrentUser,
    State(tenancy): State<Tenancy>,
    origin: Origin,
    Path(organization): Path<TenantId>,
) -> Result<NoContent, Problem> {
    tenancy.organization_restore(&me, origin, organization).await?;
    Ok(NoContent)
}

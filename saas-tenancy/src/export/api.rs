use axum::{body::Body, extract::State, response::Response};
use http::{HeaderValue, header};
use saas_core::{
    Accepted, Can, CurrentUser, Download, List, Origin, Path, Problem, RecentProof, Routes, SignedIn, Standing, TenantArchiveError,
    TenantDb, Wanted,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    OrganizationExport, OrganizationExportError, OrganizationExportId,
    operation::{export_ask_in, export_read_in, exports_in},
};
use crate::{OrganizationOwn, Tenancy};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/organization/exports", list)
        .about("Lists the archives of all that is the organization's")
        .post("/api/v1/organization/exports", ask)
        .about("Has all that is the organization's packed, and mails its owner where it is")
        .post("/api/v1/organization/exports/{id}/file", file)
        .about("Gives an archive of all that is the organization's, a zip archive of JSON and CSV files, and records that it was taken")
}

/// An archive that is on its way.
#[derive(Debug, Serialize, ToSchema)]
struct OrganizationExportStarted {
    id: OrganizationExportId,
}

/// No token shows what an owner has.
async fn list(
    _: Can<OrganizationOwn>,
    _: CurrentUser,
    db: TenantDb,
    wanted: Wanted<OrganizationExport>,
) -> Result<List<OrganizationExport>, Problem> {
    let mut tx = db.begin().await?;
    let exports = exports_in(&mut tx).await?;
    let key = |export: &OrganizationExport, _: &str| export.asked_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    Ok(wanted.take(exports, key, |export| export.id.into()))
}

async fn ask(_: Can<OrganizationOwn>, RecentProof(me): RecentProof, db: TenantDb) -> Result<Accepted<OrganizationExportStarted>, Problem> {
    let mut tx = db.begin().await?;
    let id = export_ask_in(&mut tx, me.user).await?;
    tx.commit().await?;
    Ok(Accepted(OrganizationExportStarted { id }))
}

/// A write, since it is recorded; and no answer that is kept for whoever repeats it.
pub(super) async fn file(
    can: Can<OrganizationOwn>,
    RecentProof(me): RecentProof,
    State(tenancy): State<Tenancy>,
    origin: Origin,
    Path(id): Path<OrganizationExportId>,
) -> Result<Download, Problem> {
    Ok(Download(archive(&tenancy, can.standing(), &me, origin, id).await?))
}

async fn archive(
    tenancy: &Tenancy,
    standing: &Standing,
    me: &SignedIn,
    origin: Origin,
    id: OrganizationExportId,
) -> Result<Response, Problem> {
    let archives = tenancy.archives().ok_or_else(Problem::not_found)?;
    let mut tx = tenancy.db().tenant(standing.tenant).acting(me.user).caused_by(origin).begin().await?;
    export_read_in(&mut tx, me.user, id).await?;
    let read = archives.read(standing.tenant, id.into()).await;
    let (length, bytes) = read.map_err(|error| OrganizationExportError::from(TenantArchiveError::from(error)))?;
    tx.commit().await?;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"organization.zip\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

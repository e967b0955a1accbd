//! The parts of an organization: sites, projects.
//!
//! Every organization begins with one, which has its name. What belongs to a workspace refers to it as `(tenant_id, workspace_id)` with a
//! foreign key to `core.workspace`, so that a workspace of another organization cannot be named.

mod operations;
mod pages;

pub use operations::{
    Workspace, WorkspaceCreated, WorkspaceError, WorkspaceRenamed, workspace_create_in, workspace_rename_in, workspaces_in,
};

use saas_core::{Can, Created, FieldError, Json, List, NoContent, Path, Problem, Routes, TenantDb, Validate, Wanted, WorkspaceId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Tenancy, organization::clean_name};

saas_core::permissions! {
    /// See the workspaces of the organization.
    pub WorkspaceRead = "tenancy.workspace.read";
    /// Make and rename workspaces.
    pub WorkspaceWrite = "tenancy.workspace.write";
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/workspaces", list)
        .about("Lists the workspaces of the organization")
        .post("/api/v1/workspaces", create)
        .about("Makes a workspace")
        .patch("/api/v1/workspaces/{id}", rename)
        .about("Renames a workspace")
        .merge(pages::routes())
}

async fn list(_: Can<WorkspaceRead>, db: TenantDb, wanted: Wanted<Workspace>) -> Result<List<Workspace>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query("select id, name, created_at from core.workspace where tenant_id = ");
    query.push_bind(tx.tenant().map(uuid::Uuid::from));
    Ok(wanted.fetch(&mut tx, query).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

impl Validate for Named {
    fn validate(&self) -> Vec<FieldError> {
        match clean_name(&self.name) {
            Some(_) => Vec::new(),
            None => vec![FieldError::new("/name", "must have 1 to 100 characters")],
        }
    }
}

async fn create(can: Can<WorkspaceWrite>, db: TenantDb, Json(new): Json<Named>) -> Result<Created<Workspace>, Problem> {
    let mut tx = db.begin().await?;
    let workspace = workspace_create_in(&mut tx, can.actor(), &new.name).await?;
    tx.commit().await?;
    Ok(Created(workspace))
}

async fn rename(can: Can<WorkspaceWrite>, db: TenantDb, Path(id): Path<WorkspaceId>, Json(new): Json<Named>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    workspace_rename_in(&mut tx, can.actor(), id, &new.name).await?;
    tx.commit().await?;
    Ok(NoContent)
}

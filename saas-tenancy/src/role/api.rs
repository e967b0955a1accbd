use axum::extract::State;
use saas_core::{Can, Created, Json, NoContent, Path, Problem, Routes, TenantDb, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{NewRole, OwnRole, RoleId, RoleName, RoleWrite, explanation::Explanation, roles_in};
use crate::{MemberRead, Tenancy};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/roles", matrix)
        .about("Says what each role of the organization may do")
        .post("/api/v1/roles", create)
        .about("Makes a role, which may no more than whoever makes it")
        .put("/api/v1/roles/{id}", change)
        .about("Gives a role another name or other permissions, for all who have it")
        .delete("/api/v1/roles/{id}", delete)
        .about("Deletes a role that nobody has")
        .get("/api/v1/members/{user}/permissions", explain)
        .about("Says what a member may do and which roles would allow it")
}

/// A role and what it may do.
#[derive(Debug, Serialize, ToSchema)]
struct MatrixRole {
    name: RoleName,
    /// The id of one that the organization made.
    id: Option<RoleId>,
    /// The names of permissions.
    permissions: Vec<String>,
    /// The names of those that its holders have for what they made, and not for the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own: Vec<String>,
}

/// A permission that takes a feature of the plan.
#[derive(Debug, Serialize, ToSchema)]
struct FeaturedPermission {
    permission: &'static str,
    feature: &'static str,
    /// Whether the organization's plan has it. Where it does not, nobody has the permission.
    in_plan: bool,
}

/// Who may do what.
#[derive(Debug, Serialize, ToSchema)]
struct Matrix {
    /// All permissions that there are.
    permissions: Vec<String>,
    roles: Vec<MatrixRole>,
    /// The permissions that take a feature of the plan.
    features: Vec<FeaturedPermission>,
}

async fn matrix(can: Can<MemberRead>, db: TenantDb, State(tenancy): State<Tenancy>) -> Result<Json<Matrix>, Problem> {
    let lacking = tenancy.lacking(can.standing()).await?;
    let mut tx = db.begin().await?;
    let own = roles_in(&mut tx).await?;
    let id_of = |name: &RoleName| own.iter().find(|role| role.name == name.as_str()).map(|role| role.id);
    let roles = tenancy.roles().all_in(&mut tx).await?;
    let roles = roles.into_iter().map(|rights| MatrixRole {
        id: id_of(&rights.role),
        permissions: rights.permissions.iter().map(ToString::to_string).collect(),
        own: rights.own.iter().map(ToString::to_string).collect(),
        name: rights.role,
    });
    let permissions = tenancy.roles().permissions().iter().map(ToString::to_string).collect();
    let features = tenancy.roles().features().iter();
    let features = features.map(|(permission, feature)| FeaturedPermission { permission, feature, in_plan: !lacking.contains(feature) });
    Ok(Json(Matrix { permissions, roles: roles.collect(), features: features.collect() }))
}

async fn create(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Json(new): Json<NewRole>,
) -> Result<Created<OwnRole>, Problem> {
    let mut tx = db.begin().await?;
    let made = tenancy.role_create_in(&mut tx, can.standing(), &new).await?;
    tx.commit().await?;
    Ok(Created(made))
}

async fn change(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(id): Path<RoleId>,
    Json(new): Json<NewRole>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.role_change_in(&mut tx, can.standing(), id, &new).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn delete(can: Can<RoleWrite>, db: TenantDb, State(tenancy): State<Tenancy>, Path(id): Path<RoleId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.role_delete_in(&mut tx, can.standing(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn explain(
    can: Can<MemberRead>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(user): Path<UserId>,
) -> Result<Json<Explanation>, Problem> {
    let lacking = tenancy.lacking(can.standing()).await?;
    let mut tx = db.begin().await?;
    let explanation = tenancy.explain_in(&mut tx, can.standing(), user, &lacking).await?;
    explanation.map(Json).ok_or_else(Problem::not_found)
}

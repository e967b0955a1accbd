//! The people of an organization.

mod operations;
mod pages;

pub use operations::{
    Member, MemberError, MemberJoined, MemberLeft, MemberRoleChanged, is_member, member_add_in, member_remove_in, member_role_set_in,
    members_in,
};

pub(crate) use operations::member_insert_in;

use http::StatusCode;
use saas_core::{Can, Json, Path, Problem, Routes, Standing, TenantDb, UserId, Validate};
use serde::Deserialize;

use crate::{Role, Tenancy};

saas_core::permissions! {
    /// See who belongs to the organization.
    pub MemberRead = "tenancy.member.read";
    /// Change roles and remove people.
    pub MemberWrite = "tenancy.member.write";
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/members", list)
        .patch("/api/v1/members/{user}", change)
        .delete("/api/v1/members/{user}", remove)
        .merge(pages::routes())
}

async fn list(_: Can<MemberRead>, db: TenantDb) -> Result<Json<Vec<Member>>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(members_in(&mut tx).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    role: Role,
}

impl Validate for Change {}

async fn change(can: Can<MemberWrite>, db: TenantDb, Path(user): Path<UserId>, Json(change): Json<Change>) -> Result<StatusCode, Problem> {
    let mut tx = db.begin().await?;
    member_role_set_in(&mut tx, can.standing(), user, change.role).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everybody may leave; to remove somebody else takes the permission, which the operation checks.
async fn remove(standing: Standing, db: TenantDb, Path(user): Path<UserId>) -> Result<StatusCode, Problem> {
    let mut tx = db.begin().await?;
    member_remove_in(&mut tx, &standing, user).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

//! The people of an organization.

mod operations;
mod pages;

pub use operations::{Member, MemberError, MemberJoined, MemberLeft, MemberRoleChanged, member_add_in, members_in};

pub(crate) use operations::{Rank, member_in, member_insert_in, member_role_in, tenant_lock_in};
pub(crate) use pages::{choices, show_refused};

use axum::extract::State;
use saas_core::{Can, Json, List, NoContent, Path, Problem, Routes, Standing, TenantDb, UserId, Validate, Wanted};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{RoleName, Tenancy};

saas_core::permissions! {
    /// See who belongs to the organization.
    pub MemberRead = "tenancy.member.read";
    /// Change roles and remove people.
    pub MemberWrite = "tenancy.member.write";
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/members", list)
        .about("Lists the members of the organization")
        .patch("/api/v1/members/{user}", change)
        .about("Gives a member another role")
        .delete("/api/v1/members/{user}", remove)
        .about("Ends a membership: one's own, or another's with the permission")
        .merge(pages::routes())
}

/// Which members are listed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberFilter {
    /// Only those with this role.
    role: Option<RoleName>,
    /// Only those with this in their name or address.
    q: Option<String>,
}

async fn list(_: Can<MemberRead>, db: TenantDb, wanted: Wanted<Member, MemberFilter>) -> Result<List<Member>, Problem> {
    let mut tx = db.begin().await?;
    let mut query =
        wanted.query("select user_id as id, name, email, role, joined_at from core.member where left_at is null and tenant_id = ");
    query.push_bind(tx.tenant().map(uuid::Uuid::from));
    if let Some(role) = &wanted.filter.role {
        query.push(" and role = ").push_bind(role.as_str().to_owned());
    }
    if let Some(q) = &wanted.filter.q {
        query.push(" and strpos(lower(name || ' ' || email), lower(").push_bind(q.clone()).push(")) > 0");
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberChange {
    role: RoleName,
}

impl Validate for MemberChange {}

async fn change(
    can: Can<MemberWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(user): Path<UserId>,
    Json(change): Json<MemberChange>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.member_role_set_in(&mut tx, can.standing(), user, &change.role).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Everybody may leave; to remove somebody else takes the permission, which the operation checks.
async fn remove(standing: Standing, db: TenantDb, State(tenancy): State<Tenancy>, Path(user): Path<UserId>) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.member_remove_in(&mut tx, &standing, user).await?;
    tx.commit().await?;
    Ok(NoContent)
}

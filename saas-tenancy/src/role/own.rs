use chrono::{DateTime, Utc};
use saas_core::{Change, DbError, FieldError, Problem, ProblemType, Standing, TenantTx, Validate, event_in};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_as, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{RoleChanged, RoleCreated, RoleDeleted, RoleId};
use crate::{
    Tenancy,
    member::{Rank, tenant_lock_in},
};

/// How many roles an organization may make.
const MOST: i64 = 50;

/// A role that an organization made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnRole {
    /// Its id.
    pub id: RoleId,
    /// What it is called.
    pub name: String,
    /// The names of the permissions that its holders have.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What a role is to be.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// 1 to 50 characters, and not the name of another role.
    pub name: String,
    /// The names of permissions, all of which whoever makes the role has.
    #[serde(default)]
    pub permissions: Vec<String>,
}

impl Validate for NewRole {}

/// A role cannot be made, changed or deleted so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// The organization made no such role.
    #[error("no such role")]
    NotFound,
    /// The role may, or is to be allowed, what the caller may not.
    #[error("nobody makes or changes a role that may more than they")]
    NotPermitted,
    /// The name is empty, too long, or holds what no name does.
    #[error("the name must have 1 to 50 characters")]
    Name,
    /// Another role has the name.
    #[error("the name is taken")]
    Taken,
    /// There is no such permission.
    #[error("there is no such permission")]
    UnknownPermission,
    /// There are as many roles as there may be.
    #[error("there are too many roles")]
    TooMany,
    /// Somebody has the role, or is invited into it.
    #[error("somebody has the role")]
    Held,
    /// The database failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for RoleError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("role_name_key" | "role_name_idx") => Self::Taken,
            Some("role_name_check") => Self::Name,
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for RoleError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<RoleError> for Problem {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::NotFound => Self::not_found(),
            RoleError::NotPermitted => Self::forbidden().detail("nobody makes or changes a role that may more than they"),
            RoleError::Name => Self::invalid([FieldError::new("/name", "must have 1 to 50 characters and not be a built-in role's")]),
            RoleError::UnknownPermission => Self::invalid([FieldError::new("/permissions", "must be names of permissions")]),
            RoleError::Taken => Self::new(&ProblemType::CONFLICT).detail("another role has this name"),
            RoleError::TooMany => Self::new(&ProblemType::CONFLICT).detail("there are as many roles as there may be; change one of them"),
            RoleError::Held => {
                Self::new(&ProblemType::CONFLICT).detail("somebody has this role or is invited into it; give them another first")
            }
            RoleError::Database(error) => error.into(),
        }
    }
}

/// The roles that an organization made, by name.
///
/// # Errors
///
/// Fails if the database does.
pub async fn roles_in(tx: &mut TenantTx) -> Result<Vec<OwnRole>, DbError> {
    let roles = query_as!(
        OwnRole,
        r#"select id as "id: RoleId", name, permissions, created_at from core.role where tenant_id = $1 order by lower(name)"#,
        tx.tenant().map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(roles)
}

impl Tenancy {
    /// Makes a role. The caller has all that it may do.
    ///
    /// # Errors
    ///
    /// Fails if the name will not do or is taken, the caller may not, or the database fails.
    pub async fn role_create_in(&self, tx: &mut TenantTx, caller: &Standing, new: &NewRole) -> Result<OwnRole, RoleError> {
        let (name, permissions) = self.checked_in(tx, caller, new).await?;
        let now = tx.now();
        let made = query_as!(
            OwnRole,
            r#"insert into core.role (tenant_id, id, name, permissions, created_at)
            select $1, $2, $3, $4, $5 where (select count(*) from core.role where tenant_id = $1) < $6
            returning id as "id: RoleId", name, permissions, created_at"#,
            tx.tenant().map(Uuid::from),
            Uuid::from(RoleId::new()),
            name,
            &permissions,
            now,
            MOST,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(RoleError::TooMany)?;
        event_in(tx, caller.actor, made.id, &RoleCreated { name, permissions: &permissions }).await?;
        Ok(made)
    }

    /// Gives a role another name or other permissions, which holds for all who have it from their next request on. The caller has all that it
    /// might do before and now.
    ///
    /// # Errors
    ///
    /// Fails if there is no such role, the name will not do or is taken, the caller may not, or the database fails.
    pub async fn role_change_in(&self, tx: &mut TenantTx, caller: &Standing, role: RoleId, new: &NewRole) -> Result<(), RoleError> {
        let (name, permissions) = self.checked_in(tx, caller, new).await?;
        let old = self.changeable_in(tx, caller, role).await?;
        if old.name == name && old.permissions == permissions {
            return Ok(());
        }
        let tenant = tx.tenant().map(Uuid::from);
        query!(
            "update core.role set name = $3, permissions = $4 where tenant_id = $1 and id = $2",
            tenant,
            Uuid::from(role),
            name,
            &permissions
        )
        .execute(&mut **tx)
        .await?;
        query!("update core.member set role = $3 where tenant_id = $1 and role = $2 and $2 <> $3", tenant, old.name, name)
            .execute(&mut **tx)
            .await?;
        query!("update tenancy.invitation set role = $3 where tenant_id = $1 and role = $2 and $2 <> $3", tenant, old.name, name)
            .execute(&mut **tx)
            .await?;
        let permissions = Change::new(old.permissions.as_slice(), permissions.as_slice());
        event_in(tx, caller.actor, role, &RoleChanged { name: Change::new(&old.name, name), permissions }).await?;
        Ok(())
    }

    /// Deletes a role that nobody has.
    ///
    /// # Errors
    ///
    /// Fails if there is no such role, somebody has it, the caller may not, or the database fails.
    pub async fn role_delete_in(&self, tx: &mut TenantTx, caller: &Standing, role: RoleId) -> Result<(), RoleError> {
        tenant_lock_in(tx).await?;
        let old = self.changeable_in(tx, caller, role).await?;
        let tenant = tx.tenant().map(Uuid::from);
        let held = query_scalar!(
            r#"select exists (select from core.member where tenant_id = $1 and role = $2 and left_at is null)
                or exists (select from tenancy.invitation where tenant_id = $1 and role = $2 and ended_at is null) as "held!""#,
            tenant,
            old.name,
        )
        .fetch_one(&mut **tx)
        .await?;
        if held {
            return Err(RoleError::Held);
        }
        query!("delete from core.role where tenant_id = $1 and id = $2", tenant, Uuid::from(role)).execute(&mut **tx).await?;
        event_in(tx, caller.actor, role, &RoleDeleted { name: &old.name }).await?;
        Ok(())
    }

    async fn rank_of(&self, tx: &mut TenantTx, caller: &Standing) -> Result<Rank, RoleError> {
        self.rank_in(tx, caller).await?.ok_or(RoleError::NotPermitted)
    }

    /// A role as the caller wants it, if they may.
    async fn checked_in<'a>(&self, tx: &mut TenantTx, caller: &Standing, new: &'a NewRole) -> Result<(&'a str, Vec<String>), RoleError> {
        let rank = self.rank_of(tx, caller).await?;
        let name = new.name.trim();
        if !(1..=50).contains(&name.chars().count()) {
            return Err(RoleError::Name);
        }
        let all = self.roles().givable();
        if new.permissions.iter().any(|permission| !all.contains(&permission.as_str())) {
            return Err(RoleError::UnknownPermission);
        }
        if !rank.rights.holds_all(&new.permissions) {
            return Err(RoleError::NotPermitted);
        }
        let mut permissions = new.permissions.clone();
        permissions.sort();
        permissions.dedup();
        Ok((name, permissions))
    }

    /// A role of the organization that may no more than the caller.
    async fn changeable_in(&self, tx: &mut TenantTx, caller: &Standing, role: RoleId) -> Result<OwnRole, RoleError> {
        let rank = self.rank_of(tx, caller).await?;
        let old = query_as!(
            OwnRole,
            r#"select id as "id: RoleId", name, permissions, created_at from core.role where tenant_id = $1 and id = $2 for update"#,
            tx.tenant().map(Uuid::from),
            Uuid::from(role),
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(RoleError::NotFound)?;
        if rank.rights.holds_all(&self.roles().known(&old.permissions)) { Ok(old) } else { Err(RoleError::NotPermitted) }
    }
}

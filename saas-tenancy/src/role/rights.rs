//! What a role may do, whoever made it.

use std::{collections::BTreeSet, sync::Arc};

use saas_core::{DbError, Permission, Standing, TenantTx};
use sqlx::query_scalar;
use uuid::Uuid;

use super::{Permissions, Role, RoleName, Roles};
use crate::OrganizationOwn;

/// A role with what it may do now.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    pub(crate) role: RoleName,
    pub(crate) permissions: Permissions,
    /// What it may do with what is its holder's own.
    pub(crate) own: Permissions,
}

impl Rights {
    /// A built-in role.
    pub(crate) fn built_in(roles: &Roles, role: Role) -> Self {
        Self { role: role.into(), permissions: roles.of(role), own: roles.own_of(role) }
    }

    /// What the caller of a request may do.
    pub(crate) fn of(standing: &Standing) -> Self {
        Self {
            role: RoleName::from(standing.role.to_string()),
            permissions: Arc::clone(&standing.permissions),
            own: Permissions::default(),
        }
    }

    /// A role that is gone.
    pub(crate) fn none(role: &str) -> Self {
        Self { role: RoleName::from(role.to_owned()), permissions: Permissions::default(), own: Permissions::default() }
    }

    pub(crate) fn may<P: Permission>(&self) -> bool {
        self.permissions.contains(&P::NAME)
    }

    /// Whether its holder may give this role and take it: nobody gives or takes what they do not have, and what an owner is takes an owner.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self.role.built_in(), other.role.built_in()) {
            (Some(own), Some(other)) => other <= own,
            (None, Some(Role::Owner)) => false,
            // What is held for one's own alone is given by whoever has it so, or in full.
            _ => self.holds_all(&other.permissions) && other.own.iter().all(|it| self.permissions.contains(it) || self.own.contains(it)),
        }
    }

    pub(crate) fn holds_all<T: AsRef<str>>(&self, permissions: &[T]) -> bool {
        permissions.iter().all(|permission| self.permissions.contains(&permission.as_ref()))
    }
}

impl Roles {
    /// Every permission that some role holds, by name.
    pub(crate) fn permissions(&self) -> Vec<&'static str> {
        let held = |role: &Role| self.of(*role).iter().chain(self.own_of(*role).iter()).copied().collect::<Vec<_>>();
        let all: BTreeSet<_> = Role::ALL.iter().flat_map(held).collect();
        all.into_iter().collect()
    }

    /// Those that a role of an organization's own can be given: all but what makes an owner.
    pub(crate) fn givable(&self) -> Vec<&'static str> {
        self.permissions().into_iter().filter(|permission| *permission != OrganizationOwn::NAME).collect()
    }

    /// Of what an organization put into a role, what the product still has.
    pub(crate) fn known(&self, stored: &[String]) -> Permissions {
        self.givable().into_iter().filter(|permission| stored.iter().any(|name| name == permission)).collect()
    }

    /// What a stored role may do, with what was read of it if it is the organization's own; one that is gone may do nothing.
    pub(crate) fn rights(&self, role: String, own: Option<&[String]>) -> Rights {
        let role = RoleName::from(role);
        match (role.built_in(), own) {
            (Some(built_in), _) => Rights::built_in(self, built_in),
            (None, Some(made)) => Rights { role, permissions: self.known(made), own: Permissions::default() },
            (None, None) => Rights::none(role.as_str()),
        }
    }

    /// What a role may do in the organization; none if it has no such role.
    pub(crate) async fn rights_in(&self, tx: &mut TenantTx, role: &RoleName) -> Result<Option<Rights>, DbError> {
        if let Some(built_in) = role.built_in() {
            return Ok(Some(Rights::built_in(self, built_in)));
        }
        let own = query_scalar!(
            "select permissions from core.role where tenant_id = $1 and name = $2",
            tx.tenant().map(Uuid::from),
            role.as_str(),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(own.map(|own| self.rights(role.to_string(), Some(&own))))
    }

    /// What somebody may do who has this role; nothing if it is gone.
    pub(crate) async fn held_in(&self, tx: &mut TenantTx, role: &RoleName) -> Result<Rights, DbError> {
        let rights = self.rights_in(tx, role).await?;
        Ok(rights.unwrap_or_else(|| Rights::none(role.as_str())))
    }

    /// Every role of the organization, the built-in ones first.
    pub(crate) async fn all_in(&self, tx: &mut TenantTx) -> Result<Vec<Rights>, DbError> {
        let own = super::roles_in(tx).await?;
        let built_in = Role::ALL.iter().map(|role| Rights::built_in(self, *role));
        Ok(built_in.chain(own.into_iter().map(|own| self.rights(own.name, Some(&own.permissions)))).collect())
    }
}

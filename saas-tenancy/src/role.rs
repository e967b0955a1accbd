//! Roles: which there are, and what they may do.

mod api;
mod event;
mod explanation;
mod name;
mod own;
mod page;
mod rights;

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use saas_core::{AuditRead, Permission as _, Routes};
use serde::{Deserialize, Serialize};

use crate::{MemberInvite, MemberRead, MemberWrite, OrganizationOwn, OrganizationWrite, Tenancy, WorkspaceRead, WorkspaceWrite};

pub(crate) use rights::Rights;

pub use event::{RoleChanged, RoleCreated, RoleDeleted};
pub use name::RoleName;
pub use own::{NewRole, OwnRole, RoleError, roles_in};

saas_core::ids! {
    /// A role that an organization made.
    pub RoleId;
}

saas_core::permissions! {
    /// Make and change the organization's own roles, which may no more than oneself.
    pub RoleWrite = "tenancy.role.write";
}

pub(crate) fn routes() -> Routes<Tenancy> {
    api::routes().merge(page::routes())
}

/// A built-in role. Roles are ordered: an owner is above an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks and changes nothing.
    Viewer,
    /// Works with the product.
    Member,
    /// Runs the organization, short of owning it.
    Admin,
    /// Answers for it. There is always one.
    Owner,
}

impl Role {
    /// All of them, the highest first.
    pub const ALL: &'static [Self] = &[Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// As it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is owner, admin, member or viewer")]
pub struct UnknownRole;

pub(crate) type Permissions = Arc<[&'static str]>;

/// Who may do what: one table for the whole application.
///
/// ```
/// use saas_tenancy::{Role, Roles};
///
/// let roles = Roles::new(&[("app.report.read", Role::ALL), ("app.report.write", &[Role::Owner, Role::Admin])])
///     .own(&[("app.report.write", &[Role::Member])])
///     .featured(&[("app.report.write", "reports")])
///     .agents(&["app.report.send"]);
/// assert!(!roles.of(Role::Member).contains(&"app.report.write"));
/// assert!(roles.own_of(Role::Member).contains(&"app.report.write"));
/// ```
#[derive(Debug, Clone)]
pub struct Roles {
    by_role: BTreeMap<Role, Permissions>,
    own: BTreeMap<Role, Permissions>,
    features: Arc<[(&'static str, &'static str)]>,
    agents: Permissions,
}

/// What this crate and core itself ask about.
const OWN: &[(&str, &[Role])] = &[
    (AuditRead::NAME, &[Role::Owner, Role::Admin]),
    (MemberInvite::NAME, &[Role::Owner, Role::Admin]),
    (MemberRead::NAME, Role::ALL),
    (MemberWrite::NAME, &[Role::Owner, Role::Admin]),
    (OrganizationOwn::NAME, &[Role::Owner]),
    (OrganizationWrite::NAME, &[Role::Owner, Role::Admin]),
    (RoleWrite::NAME, &[Role::Owner, Role::Admin]),
    (WorkspaceRead::NAME, Role::ALL),
    (WorkspaceWrite::NAME, &[Role::Owner, Role::Admin]),
];

impl Roles {
    /// Each permission with the roles that hold it. The permissions of this crate are there already.
    #[must_use]
    pub fn new(matrix: &[(&'static str, &[Role])]) -> Self {
        let all: Vec<_> = OWN.iter().chain(matrix).copied().collect();
        Self { by_role: by_role(&all), own: BTreeMap::new(), features: Arc::from([]), agents: Arc::from([]) }
    }

    /// Each permission with the roles that hold it for what is their own alone: for what somebody made who has such a role. Routes for which that is
    /// enough take [`Reached`](saas_core::Reached), [`Reaching`](saas_core::Reaching) or [`CanOwn`](saas_core::CanOwn); all others refuse it.
    #[must_use]
    pub fn own(mut self, matrix: &[(&'static str, &[Role])]) -> Self {
        self.own = by_role(matrix);
        self
    }

    /// Each permission that takes a feature of the plan, with that feature. Whoever holds it is refused (402) where the plan does not have it;
    /// [`Tenancy::plan_features`] says what plans have.
    #[must_use]
    pub fn featured(mut self, features: &[(&'static str, &'static str)]) -> Self {
        self.features = features.into();
        self
    }

    /// What machines with a credential of the tenant may do.
    #[must_use]
    pub fn agents(mut self, permissions: &[&'static str]) -> Self {
        self.agents = permissions.into();
        self
    }

    /// The permissions of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> Permissions {
        self.by_role.get(&role).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// The permissions that a role has for what is its holder's own alone.
    #[must_use]
    pub fn own_of(&self, role: Role) -> Permissions {
        self.own.get(&role).cloned().unwrap_or_else(|| Arc::from([]))
    }

    /// The permissions that take a feature of the plan, with that feature.
    #[must_use]
    pub fn features(&self) -> &[(&'static str, &'static str)] {
        &self.features
    }

    pub(crate) fn shared_features(&self) -> Arc<[(&'static str, &'static str)]> {
        Arc::clone(&self.features)
    }

    /// The names of the built-in roles that hold a permission.
    #[must_use]
    pub fn holding(&self, permission: &str) -> Vec<&'static str> {
        Role::ALL.iter().filter(|role| self.of(**role).contains(&permission)).map(|role| role.as_str()).collect()
    }

    pub(crate) fn of_agents(&self) -> Permissions {
        Arc::clone(&self.agents)
    }
}

fn by_role(matrix: &[(&'static str, &[Role])]) -> BTreeMap<Role, Permissions> {
    let held = |role: &Role| matrix.iter().filter(|(_, roles)| roles.contains(role)).map(|(permission, _)| *permission).collect();
    Role::ALL.iter().map(|role| (*role, held(role))).collect()
}

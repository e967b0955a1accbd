use saas_core::{DbError, Standing, TenantTx, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::RoleName;
use crate::{Tenancy, member::member_role_in, share::SharedThing};

/// What a member may do, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// The role that they have.
    pub(super) role: RoleName,
    /// Each permission that there is.
    pub(super) items: Vec<ExplainedPermission>,
    /// What was shared with them, whatever their role.
    pub(super) shared: Vec<SharedThing>,
}

/// One permission.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExplainedPermission {
    pub(super) permission: String,
    /// Whether they have it for everything, which their role gives them.
    pub(super) held: bool,
    /// The roles that would give it.
    pub(super) roles: Vec<RoleName>,
    /// Whether their role gives it for what they made, and not for the rest.
    #[serde(skip_serializing_if = "is_not")]
    pub(super) own: bool,
    /// The feature without which it is worth nothing, where the plan does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lacking: Option<&'static str>,
    /// How many things are shared with them so that they have it for those.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) shares: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_not(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(value: &usize) -> bool {
    *value == 0
}

impl Tenancy {
    /// The features that some permission takes and the plan of the reader's tenant does not have. Asked before there is a transaction, since the plan's seam may
    /// need a connection of its own.
    pub(super) async fn lacking(&self, reader: &Standing) -> Result<Vec<&'static str>, DbError> {
        let mut lacking = Vec::new();
        for (_, feature) in self.roles().features() {
            let has = match self.plan() {
                Some(plan) => plan.has(reader, feature).await?,
                None => false,
            };
            if !has && !lacking.contains(feature) {
                lacking.push(*feature);
            }
        }
        Ok(lacking)
    }

    /// The feature that a permission takes, among those that are lacking.
    pub(super) fn lacking_for(&self, permission: &str, lacking: &[&'static str]) -> Option<&'static str> {
        let taken = self.roles().features().iter().filter(|(name, _)| *name == permission);
        taken.map(|(_, feature)| *feature).find(|feature| lacking.contains(feature))
    }

    /// What a member may do, and why, as a reader may see it; none if there is no such member.
    pub(super) async fn explain_in(
        &self,
        tx: &mut TenantTx,
        reader: &Standing,
        member: UserId,
        lacking: &[&'static str],
    ) -> Result<Option<Explanation>, DbError> {
        let Some(role) = member_role_in(tx, member).await? else { return Ok(None) };
        let roles = self.roles().all_in(tx).await?;
        let shared = self.shared_with_in(tx, reader, member).await?;
        let own = roles.iter().find(|it| it.role == role).map(|it| it.own.clone()).unwrap_or_default();
        let explained = |permission: &'static str| {
            let giving: Vec<_> = roles.iter().filter(|it| it.permissions.contains(&permission)).map(|it| it.role.clone()).collect();
            let (in_full, lacking) = (giving.contains(&role), self.lacking_for(permission, lacking));
            let in_part = !in_full && lacking.is_none();
            ExplainedPermission {
                permission: permission.to_owned(),
                held: in_full && lacking.is_none(),
                own: in_part && own.contains(&permission),
                lacking,
                shares: if in_part { shared.iter().filter(|it| it.permissions.contains(&permission)).count() } else { 0 },
                roles: giving,
            }
        };
        let items = self.roles().permissions().into_iter().map(explained).collect();
        Ok(Some(Explanation { role, items, shared }))
    }
}

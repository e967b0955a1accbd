use chrono::{DateTime, Utc};
use saas_core::{DbError, Ledger, Origin, SignedIn, SystemTx, TenantId, UserId, system_event_in};
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    GRACE, LeavingOrganization, OrganizationDeletionBegan, OrganizationDeletionError, OrganizationLeaving, OrganizationRestored,
    letter::{Reason, Stage, owners_told_in},
};
use crate::Tenancy;

impl Tenancy {
    /// Begins the 30 days after which an organization is deleted: from the next request on nobody comes in, and its jobs wait. `name` is what the
    /// owner typed to say that they mean it. Says until when it can be brought back. All owners get a mail.
    ///
    /// # Errors
    ///
    /// Fails if the name is another, the person does not own the organization, a letter cannot be written or the database fails.
    pub async fn organization_delete(
        &self,
        me: &SignedIn,
        origin: Origin,
        organization: TenantId,
        name: &str,
    ) -> Result<DateTime<Utc>, OrganizationDeletionError> {
        // As the system, whose letters do not wait as those of an organization that nobody can come into do.
        let mut tx = self.db().system("delete an organization").caused_by(origin).begin().await?;
        let until = tx.now() + GRACE;
        let known = locked_in(&mut tx, organization, "active", me.user).await?;
        if name.trim() != known {
            return Err(OrganizationDeletionError::Name);
        }
        query!("update core.tenant set state = 'leaving', leaves_at = $2 where id = $1", Uuid::from(organization), until)
            .execute(&mut *tx)
            .await?;
        let event = system_event_in(&mut tx, Ledger::Tenant(organization), me.into(), organization, &OrganizationLeaving { until }).await?;
        // The other goes with the organization's log.
        system_event_in(&mut tx, Ledger::Platform, me.into(), organization, &OrganizationDeletionBegan { until }).await?;
        let reason = Reason { organization, name: &known, stage: Stage::Begun, until: Some(until), cause: event.to_string() };
        owners_told_in(&mut tx, self.outbox(), &reason).await?;
        tx.commit().await?;
        tracing::info!(tenant.id = %organization, "an organization began to leave");
        Ok(until)
    }

    /// Keeps an organization that was to be deleted: everybody is in it again as before. All owners get a mail.
    ///
    /// # Errors
    ///
    /// Fails if the organization is not leaving or the person does not own it, a letter cannot be written or the database fails.
    pub async fn organization_restore(
        &self,
        me: &SignedIn,
        origin: Origin,
        organization: TenantId,
    ) -> Result<(), OrganizationDeletionError> {
        let mut tx = self.db().system("bring an organization back").caused_by(origin).begin().await?;
        let name = locked_in(&mut tx, organization, "leaving", me.user).await?;
        query!("update core.tenant set state = 'active', leaves_at = null where id = $1", Uuid::from(organization))
            .execute(&mut *tx)
            .await?;
        let event = system_event_in(&mut tx, Ledger::Tenant(organization), me.into(), organization, &OrganizationRestored {}).await?;
        let reason = Reason { organization, name: &name, stage: Stage::Stopped, until: None, cause: event.to_string() };
        owners_told_in(&mut tx, self.outbox(), &reason).await?;
        tx.commit().await?;
        tracing::info!(tenant.id = %organization, "an organization was brought back");
        Ok(())
    }

    /// The organizations that will be deleted and that this person may bring back, by name.
    pub(crate) async fn leaving_of(&self, user: UserId) -> Result<Vec<LeavingOrganization>, DbError> {
        let mut tx = self.db().person(user).read_only(true).begin().await?;
        let leaving = query_as!(
            LeavingOrganization,
            r#"select tenant.id as "id: TenantId", tenant.name, tenant.leaves_at as "until!"
            from core.member
            join core.tenant on tenant.id = member.tenant_id
            where member.user_id = $1 and member.left_at is null and member.role = 'owner' and tenant.state = 'leaving'
            order by lower(tenant.name), tenant.id"#,
            Uuid::from(user),
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(leaving)
    }
}

/// The name of an organization in this state that the person owns; until the transaction ends its state and their role are as they are.
async fn locked_in(tx: &mut SystemTx, organization: TenantId, state: &str, owner: UserId) -> Result<String, OrganizationDeletionError> {
    let name =
        query_scalar!("select name from core.tenant where id = $1 and state = $2 for no key update", Uuid::from(organization), state)
            .fetch_optional(&mut **tx)
            .await?
            .ok_or(OrganizationDeletionError::NotFound)?;
    // A statement of its own, so that it sees what whoever had the lock before has changed.
    let owns = query_scalar!(
        r#"select exists (
            select from core.member where tenant_id = $1 and user_id = $2 and role = 'owner' and left_at is null
        ) as "owns!""#,
        Uuid::from(organization),
        Uuid::from(owner),
    )
    .fetch_one(&mut **tx)
    .await?;
    if owns { Ok(name) } else { Err(OrganizationDeletionError::NotFound) }
}

use saas_core::{Email, Personal, Standing, TenantTx, event_in, pages::Locale};
use sqlx::query_scalar;
use uuid::Uuid;

use super::{InvitationError, InvitationId, InvitationOutcome, InvitationRevoked, Invited, NewInvitations, send::Sender};
use crate::{RoleName, Tenancy, member::tenant_lock_in};

impl Tenancy {
    /// Invites each address into a role, by a mail in this language, and says what became of each. Whoever was invited before gets another link,
    /// and the one they had is dead.
    ///
    /// # Errors
    ///
    /// Fails if the role is above the caller's, who must be a person, or the database fails.
    pub async fn invitations_send_in(
        &self,
        tx: &mut TenantTx,
        caller: &Standing,
        locale: Locale,
        new: &NewInvitations,
    ) -> Result<Vec<Invited>, InvitationError> {
        Sender::of(tx, self, locale, caller, &new.role).await?.send_all_in(tx, new).await
    }

    /// Mails another link for an invitation that waits or has expired; the caller answers for it from now on.
    ///
    /// # Errors
    ///
    /// Fails if none waits, its role is above the caller's, the address has had enough mails, or the database fails.
    pub async fn invitation_send_again_in(
        &self,
        tx: &mut TenantTx,
        caller: &Standing,
        locale: Locale,
        invitation: InvitationId,
    ) -> Result<(), InvitationError> {
        tenant_lock_in(tx).await?;
        let waiting = sqlx::query!(
            "select email, role from tenancy.invitation where tenant_id = $1 and id = $2 and ended_at is null",
            tx.tenant().map(Uuid::from),
            Uuid::from(invitation),
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(InvitationError::NotFound)?;
        let role = RoleName::from(waiting.role);
        let email: Email = waiting.email.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        match Sender::of(tx, self, locale, caller, &role).await?.send_in(tx, &email, &role).await? {
            Ok(_) => Ok(()),
            Err(InvitationOutcome::TooOften | InvitationOutcome::TooMany) => Err(InvitationError::Later),
            Err(_) => Err(InvitationError::NotFound),
        }
    }

    /// Takes an invitation back; its link is dead from now on.
    ///
    /// # Errors
    ///
    /// Fails if none waits, the caller belongs here no more, or the database fails.
    pub async fn invitation_revoke_in(
        &self,
        tx: &mut TenantTx,
        caller: &Standing,
        invitation: InvitationId,
    ) -> Result<(), InvitationError> {
        self.rank_in(tx, caller).await?.ok_or(InvitationError::NotPermitted)?;
        let now = tx.now();
        let email = query_scalar!(
            "update tenancy.invitation set ended_at = $3 where tenant_id = $1 and id = $2 and ended_at is null returning email",
            tx.tenant().map(Uuid::from),
            Uuid::from(invitation),
            now,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(InvitationError::NotFound)?;
        event_in(tx, caller.actor, invitation, &InvitationRevoked { email: Personal(&email) }).await?;
        Ok(())
    }
}

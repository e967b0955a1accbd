use chrono::{DateTime, Utc};
use saas_core::{Actor, DbError, Email, Origin, SignedIn, Token, TokenHash, event_in};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use super::{InvitationError, InvitationId, MemberInvite};
use crate::{
    MemberError, MemberJoined, Organization, RoleName, Tenancy,
    member::{member_insert_in, tenant_lock_in},
};

/// What an invitation that can be accepted says.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) invitation: InvitationId,
    pub(super) organization: Organization,
    pub(super) email: String,
    email_key: String,
    pub(super) role: RoleName,
    pub(super) inviter: String,
    pub(super) expires_at: DateTime<Utc>,
}

impl Open {
    /// Whether it is for this person.
    pub(super) fn is_for(&self, me: &SignedIn) -> bool {
        me.email.parse::<Email>().is_ok_and(|email| email.key() == self.email_key)
    }
}

/// Somebody belongs to the organization from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Where.
    pub organization: Organization,
    /// As what.
    pub role: RoleName,
}

impl Tenancy {
    /// What a link says, if it can be used. It names no tenant: the link alone does.
    pub(super) async fn invitation(&self, token: &Token) -> Result<Option<Open>, DbError> {
        let (hash, now) = (token.hash(), self.db().clock().now());
        let row = self.db().lookup(|connection| Box::pin(find(connection, hash, now))).await?;
        Ok(row.and_then(|row| self.may_be_accepted(row)))
    }

    /// Whoever sent it must still be allowed to: into this role, by the role that they have now.
    fn may_be_accepted(&self, row: Row) -> Option<Open> {
        let offered = self.roles().rights(row.role, row.role_permissions.as_deref());
        let held = self.roles().rights(row.inviter_role, row.inviter_permissions.as_deref());
        let is_gone = offered.role.built_in().is_none() && row.role_permissions.is_none();
        if is_gone || !held.may::<MemberInvite>() || !held.covers(&offered) {
            return None;
        }
        Some(Open {
            invitation: row.invitation_id.into(),
            organization: Organization { id: row.tenant_id.into(), slug: row.slug, name: row.organization },
            email: row.email,
            email_key: row.email_key,
            role: offered.role,
            inviter: row.inviter,
            expires_at: row.expires_at,
        })
    }

    /// Lets somebody join by the link that was mailed to them. Of any number that use it at once, one does.
    ///
    /// # Errors
    ///
    /// Fails if the link cannot be used, is for another address or one that its owner has not confirmed, the organization has no seat, the
    /// person belongs already, or the database fails.
    pub async fn invitation_accept(&self, me: &SignedIn, origin: Origin, token: &Token) -> Result<Joined, InvitationError> {
        let tenant = self.invitation(token).await?.ok_or(InvitationError::Over)?.organization.id;
        let mut tx = self.db().tenant(tenant).acting(me.user).caused_by(origin).begin().await?;
        // Whoever demotes the inviter, takes the invitation back, suspends the organization or takes a seat of it has done so before, or waits.
        tenant_lock_in(&mut tx).await?;
        let (hash, now) = (token.hash(), tx.now());
        let row = find(&mut tx, hash, now).await?;
        let open = row.and_then(|row| self.may_be_accepted(row)).ok_or(InvitationError::Over)?;
        if !open.is_for(me) {
            return Err(InvitationError::OtherAddress);
        }
        if !me.verified {
            return Err(InvitationError::Unverified);
        }
        let taken =
            query_scalar!(r#"select count(*) as "taken!" from core.member where tenant_id = $1 and left_at is null"#, Uuid::from(tenant),)
                .fetch_one(&mut *tx)
                .await?;
        if !member_insert_in(&mut tx, me.user, &me.name, &me.email, &open.role).await? {
            return Err(MemberError::AlreadyMember.into());
        }
        query!(
            "update tenancy.invitation set ended_at = $3, accepted_by = $4 where tenant_id = $1 and id = $2",
            Uuid::from(tenant),
            Uuid::from(open.invitation),
            now,
            Uuid::from(me.user),
        )
        .execute(&mut *tx)
        .await?;
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        self.seat_limit().take_in(&mut tx, taken).await.map_err(|problem| InvitationError::NoSeat(Box::new(problem)))?;
        event_in(&mut tx, Actor::from(me), me.user, &MemberJoined { role: open.role.clone(), invitation: Some(open.invitation) }).await?;
        tx.commit().await?;
        Ok(Joined { organization: open.organization, role: open.role })
    }
}

struct Row {
    tenant_id: Uuid,
    invitation_id: Uuid,
    slug: String,
    organization: String,
    email: String,
    email_key: String,
    role: String,
    role_permissions: Option<Vec<String>>,
    inviter: String,
    inviter_role: String,
    inviter_permissions: Option<Vec<String>>,
    expires_at: DateTime<Utc>,
}

async fn find(connection: &mut PgConnection, hash: TokenHash, now: DateTime<Utc>) -> Result<Option<Row>, sqlx::Error> {
    query_as!(
        Row,
        r#"select tenant_id as "tenant_id!", invitation_id as "invitation_id!", slug as "slug!", organization as "organization!",
            email as "email!", email_key as "email_key!", role as "role!", role_permissions, inviter as "inviter!", inviter_role as "inviter_role!",
            inviter_permissions,
            expires_at as "expires_at!"
        from tenancy.invitation_lookup($1, $2)"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(connection)
    .await
}

use std::sync::Arc;

use chrono::{DateTime, Utc};
use saas_core::{
    Actor, Change, DbError, Event, FieldError, Listed, Order, OrderBy, Permission as _, Problem, ProblemType, Standing, TenantDb, TenantTx,
    UserId, event_in,
};
use serde::Serialize;
use sqlx::{FromRow, query, query_as, query_scalar};
use utoipa::ToSchema;

use super::MemberWrite;
use crate::{InvitationId, MemberRead, RoleName, Tenancy, role::Rights};

/// A person who belongs to an organization.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Member {
    /// The person.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// Their role.
    pub role: String,
    /// Since when they belong.
    pub joined_at: DateTime<Utc>,
}

impl Listed for Member {
    const ORDERS: &'static [Order] = &[
        Order::new("name", "lower(name)", OrderBy::Text),
        Order::new("email", "lower(email)", OrderBy::Text),
        Order::new("joined_at", "joined_at", OrderBy::Time),
    ];
}

/// Somebody joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberJoined {
    /// The role that they were given.
    pub role: RoleName,
    /// The invitation that they accepted, if they did.
    pub invitation: Option<InvitationId>,
}

impl Event for MemberJoined {
    const NAME: &'static str = "tenancy.member.joined";
    const TOPIC: &'static str = "members";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Somebody's role changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberRoleChanged {
    /// Their role, before and now.
    pub role: Change<RoleName>,
}

impl Event for MemberRoleChanged {
    const NAME: &'static str = "tenancy.member.role_changed";
    const TOPIC: &'static str = "members";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Somebody left or was removed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberLeft {
    /// The role that they had.
    pub role: RoleName,
}

impl Event for MemberLeft {
    const NAME: &'static str = "tenancy.member.left";
    const TOPIC: &'static str = "members";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// A membership cannot be changed so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// Nobody here has this id.
    #[error("no such member")]
    NotFound,
    /// What an owner is takes an owner, and nobody gives or takes a role that may more than they.
    #[error("the role is above the one of whoever changes it")]
    NotPermitted,
    /// The organization has no role of this name.
    #[error("no such role")]
    NoRole,
    /// The organization would be left without an owner.
    #[error("the last owner cannot leave, be demoted or removed")]
    LastOwner,
    /// The person belongs already.
    #[error("already a member")]
    AlreadyMember,
    /// The database failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for MemberError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("member_last_owner") => Self::LastOwner,
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for MemberError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NotFound => Self::not_found(),
            MemberError::NotPermitted => Self::forbidden().detail("nobody gives or takes a role that may more than they"),
            MemberError::NoRole => Self::invalid([FieldError::new("/role", "must be the name of a role")]),
            MemberError::LastOwner => Self::new(&ProblemType::CONFLICT)
                .detail("the last owner cannot leave, be demoted or removed; make somebody else an owner first"),
            MemberError::AlreadyMember => Self::new(&ProblemType::CONFLICT).detail("this person is a member already"),
            MemberError::Database(error) => error.into(),
        }
    }
}

/// Everybody who belongs to the organization, by name.
///
/// # Errors
///
/// Fails if the database does.
pub async fn members_in(tx: &mut TenantTx) -> Result<Vec<Member>, DbError> {
    let members = query_as!(
        Member,
        r#"select user_id as "id: UserId", name, email, role, joined_at
        from core.member
        where tenant_id = $1 and left_at is null
        order by lower(name), lower(email), user_id"#,
        tx.tenant().map(uuid::Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(members)
}

/// Makes a person a member. Whoever left before comes back with the new role.
///
/// # Errors
///
/// Fails if the person belongs already, or the database fails.
pub async fn member_add_in(
    tx: &mut TenantTx,
    actor: Actor,
    user: UserId,
    name: &str,
    email: &str,
    role: RoleName,
) -> Result<(), MemberError> {
    if !member_insert_in(tx, user, name, email, &role).await? {
        return Err(MemberError::AlreadyMember);
    }
    event_in(tx, actor, user, &MemberJoined { role, invitation: None }).await?;
    Ok(())
}

/// Writes the row alone; false if the person belongs already.
pub(crate) async fn member_insert_in(tx: &mut TenantTx, user: UserId, name: &str, email: &str, role: &RoleName) -> Result<bool, DbError> {
    let now = tx.now();
    let written = query!(
        r#"insert into core.member as m (tenant_id, user_id, role, name, email, joined_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (tenant_id, user_id) do update
            set role = excluded.role, name = excluded.name, email = excluded.email, joined_at = excluded.joined_at, left_at = null
            where m.left_at is not null"#,
        tx.tenant().map(uuid::Uuid::from),
        uuid::Uuid::from(user),
        role.as_str(),
        name,
        email,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(written.rows_affected() == 1)
}

impl Tenancy {
    /// Gives a member another role.
    ///
    /// # Errors
    ///
    /// Fails if there is no such member or role, the caller's role does not suffice, or no owner would be left.
    pub async fn member_role_set_in(&self, tx: &mut TenantTx, caller: &Standing, user: UserId, role: &RoleName) -> Result<(), MemberError> {
        let from = locked_role(tx, user).await?;
        if from == *role {
            return Ok(());
        }
        let to = self.roles().rights_in(tx, role).await?.ok_or(MemberError::NoRole)?;
        self.check_rank(tx, caller, &from).await?;
        self.check_rank(tx, caller, &to.role).await?;
        query!(
            "update core.member set role = $3 where tenant_id = $1 and user_id = $2",
            tx.tenant().map(uuid::Uuid::from),
            uuid::Uuid::from(user),
            role.as_str(),
        )
        .execute(&mut **tx)
        .await?;
        event_in(tx, caller.actor, user, &MemberRoleChanged { role: Change::new(from, to.role) }).await?;
        Ok(())
    }

    /// Ends a membership: one's own, or with the permission another's. What the person wrote stays theirs.
    ///
    /// # Errors
    ///
    /// Fails if there is no such member, the caller may not, or no owner would be left.
    pub async fn member_remove_in(&self, tx: &mut TenantTx, caller: &Standing, user: UserId) -> Result<(), MemberError> {
        let role = locked_role(tx, user).await?;
        if caller.actor != Actor::User(user) {
            if !caller.may::<MemberWrite>() {
                return Err(MemberError::NotPermitted);
            }
            self.check_rank(tx, caller, &role).await?;
        }
        let now = tx.now();
        query!(
            "update core.member set left_at = $3 where tenant_id = $1 and user_id = $2",
            tx.tenant().map(uuid::Uuid::from),
            uuid::Uuid::from(user),
            now,
        )
        .execute(&mut **tx)
        .await?;
        event_in(tx, caller.actor, user, &MemberLeft { role }).await?;
        Ok(())
    }

    /// What touches an owner takes an owner, and changing anybody takes belonging here and no less than they may. Read again under the lock: between
    /// the request's head and its body the caller may have been demoted or removed.
    async fn check_rank(&self, tx: &mut TenantTx, caller: &Standing, concerned: &RoleName) -> Result<(), MemberError> {
        let concerned = self.roles().held_in(tx, concerned).await?;
        match self.rank_in(tx, caller).await? {
            Some(rank) if rank.rights.covers(&concerned) => Ok(()),
            _ => Err(MemberError::NotPermitted),
        }
    }

    /// The caller's place as it is now, and until the transaction ends: the tenant is locked. None for whoever is no person, has left, or has
    /// another role than when the request began.
    pub(crate) async fn rank_in(&self, tx: &mut TenantTx, caller: &Standing) -> Result<Option<Rank>, DbError> {
        let Actor::User(person) = caller.actor else { return Ok(None) };
        tenant_lock_in(tx).await?;
        let place = query!(
            "select role, name, joined_at from core.member where tenant_id = $1 and user_id = $2 and left_at is null",
            tx.tenant().map(uuid::Uuid::from),
            uuid::Uuid::from(person),
        )
        .fetch_optional(&mut **tx)
        .await?
        .filter(|place| *place.role == *caller.role);
        let Some(place) = place else { return Ok(None) };
        let rights = self.roles().held_in(tx, &RoleName::from(place.role)).await?;
        Ok(Some(Rank { person, rights, name: place.name, since: place.joined_at }))
    }

    /// What a person may do in the tenant now; none if they do not belong to it any more, or the actor is no person. Ask it for what outlives a
    /// request, such as a stream.
    ///
    /// # Errors
    ///
    /// Fails if nobody can tell.
    pub async fn permissions_of(&self, db: &TenantDb, actor: Actor) -> Result<Option<Arc<[&'static str]>>, DbError> {
        let Actor::User(user) = actor else { return Ok(None) };
        let mut tx = db.clone().read_only(true).begin().await?;
        let role = query_scalar!(
            "select m.role
            from core.member m
            join core.tenant t on t.id = m.tenant_id
            where m.tenant_id = $1 and m.user_id = $2 and m.left_at is null and t.state = 'active'",
            tx.tenant().map(uuid::Uuid::from),
            uuid::Uuid::from(user),
        )
        .fetch_optional(&mut *tx)
        .await?;
        match role {
            Some(role) => Ok(Some(self.roles().held_in(&mut tx, &RoleName::from(role)).await?.permissions)),
            None => Ok(None),
        }
    }

    /// What a person hears of in the tenant now, for a stream: what they may do there in full, for their own, or with something that is shared with
    /// them. A notice says only that there is something new, and who hears it reads as they may; so this opens nothing.
    ///
    /// # Errors
    ///
    /// Fails if nobody can tell.
    pub async fn heard_by(&self, db: &TenantDb, actor: Actor) -> Result<Option<Arc<[&'static str]>>, DbError> {
        let Actor::User(user) = actor else { return Ok(None) };
        let mut tx = db.clone().read_only(true).begin().await?;
        let found = query!(
            r#"select m.role, array(
                select s.kind || ' ' || s.level from core.share s where s.tenant_id = m.tenant_id and s.user_id = m.user_id
            ) as "shares!"
            from core.member m
            join core.tenant t on t.id = m.tenant_id
            where m.tenant_id = $1 and m.user_id = $2 and m.left_at is null and t.state = 'active'"#,
            tx.tenant().map(uuid::Uuid::from),
            uuid::Uuid::from(user),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let held = self.roles().held_in(&mut tx, &RoleName::from(found.role)).await?;
        let shared = self.shareables().iter().flat_map(|kind| kind.given(&found.shares));
        Ok(Some(held.permissions.iter().chain(held.own.iter()).copied().chain(shared).collect()))
    }
}

/// Where somebody stands who changes something about others.
pub(crate) struct Rank {
    pub(crate) person: UserId,
    pub(crate) rights: Rights,
    pub(crate) name: String,
    pub(crate) since: DateTime<Utc>,
}

/// One member.
pub(crate) async fn member_in(tx: &mut TenantTx, user: UserId) -> Result<Option<Member>, DbError> {
    let member = query_as!(
        Member,
        r#"select user_id as "id: UserId", name, email, role, joined_at
        from core.member
        where tenant_id = $1 and user_id = $2 and left_at is null"#,
        tx.tenant().map(uuid::Uuid::from),
        uuid::Uuid::from(user),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(member)
}

/// The role of a member.
pub(crate) async fn member_role_in(tx: &mut TenantTx, user: UserId) -> Result<Option<RoleName>, DbError> {
    Ok(member_in(tx, user).await?.map(|member| RoleName::from(member.role)))
}

/// Everybody who changes who belongs to a tenant, and as what, takes turns.
pub(crate) async fn tenant_lock_in(tx: &mut TenantTx) -> Result<(), DbError> {
    query!("select id from core.tenant where id = $1 for no key update", tx.tenant().map(uuid::Uuid::from))
        .fetch_optional(&mut **tx)
        .await?;
    Ok(())
}

/// The tenant is locked before the member, in the order of the trigger that guards the last owner, so two changes cannot deadlock.
async fn locked_role(tx: &mut TenantTx, user: UserId) -> Result<RoleName, MemberError> {
    tenant_lock_in(tx).await?;
    let role = query_scalar!(
        "select role from core.member where tenant_id = $1 and user_id = $2 and left_at is null for update",
        tx.tenant().map(uuid::Uuid::from),
        uuid::Uuid::from(user),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(MemberError::NotFound)?;
    Ok(role.into())
}

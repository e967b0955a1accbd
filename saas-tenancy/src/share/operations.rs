use chrono::{DateTime, Utc};
use saas_core::{
    Actor, Change, Conditions, DbError, FieldError, Problem, ProblemType, Resource, ShareLevel, Standing, TenantTx, UserId, event_in,
};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder, query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ShareEnded, ShareGiven};

/// A member with whom something is shared.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Share {
    /// The person.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// How far it is shared with them.
    pub level: ShareLevel,
    /// What whoever shared it is called.
    pub shared_by: String,
    /// Since when.
    pub shared_at: DateTime<Utc>,
}

/// Something cannot be shared so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// There is no such thing, or it is shared with nobody of that name.
    #[error("there is no such thing")]
    NotFound,
    /// There is no such member.
    #[error("nobody of that id belongs to the organization")]
    NoMember,
    /// The caller does not have for it what they want to share.
    #[error("nobody shares what they do not have")]
    NotPermitted,
    /// No migration has called `core.shareable` for the table, so its shares would not end with what they are of.
    #[error("the table {0} does not end its shares: call core.shareable for it in a migration")]
    Unended(&'static str),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for ShareError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<ShareError> for Problem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotFound => Self::not_found(),
            ShareError::NoMember => Self::invalid([FieldError::new("/user", "must be a member of the organization")]),
            ShareError::NotPermitted => Self::new(&ProblemType::FORBIDDEN).detail("nobody shares what they do not have"),
            ShareError::Unended(_) => Self::internal(error),
            ShareError::Database(error) => error.into(),
        }
    }
}

/// With whom a thing is shared, by name.
///
/// # Errors
///
/// Fails if the database does.
pub async fn shares_in<R: Resource>(tx: &mut TenantTx, id: R::Id) -> Result<Vec<Share>, DbError> {
    let rows = query!(
        r#"select s.user_id, m.name, m.email, s.level, by.name as shared_by, s.shared_at
        from core.share s
        join core.member m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
        join core.member by on by.tenant_id = s.tenant_id and by.user_id = s.shared_by
        where s.tenant_id = $1 and s.kind = $2 and s.resource_id = $3
        order by lower(m.name), lower(m.email), s.user_id"#,
        tx.tenant().map(Uuid::from),
        R::KIND,
        id.into(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let shares = rows.into_iter().map(|row| Share {
        user: row.user_id.into(),
        name: row.name,
        email: row.email,
        level: ShareLevel::stored(&row.level),
        shared_by: row.shared_by,
        shared_at: row.shared_at,
    });
    Ok(shares.collect())
}

/// A thing as whoever shares it sees it.
#[derive(FromRow)]
pub(super) struct Thing {
    pub(super) title: String,
    is_own: bool,
    ends_shares: bool,
}

/// A thing, which is there until the transaction ends if it is to be shared.
pub(super) async fn thing_in<R: Resource>(tx: &mut TenantTx, me: Option<UserId>, id: R::Id, to_share: bool) -> Result<Thing, ShareError> {
    let mut query = QueryBuilder::<Postgres>::new("select thing.");
    query.push(R::TITLE).push("::text as title, ");
    match R::AUTHOR {
        Some(author) => query.push("coalesce(thing.").push(author).push(" = ").push_bind(me.map(Uuid::from)).push(", false) as is_own"),
        None => query.push("false as is_own"),
    };
    query.push(", exists (select from pg_trigger where tgrelid = thing.tableoid and tgname = 'share_end') as ends_shares from ");
    query.push(R::TABLE).push(" thing where thing.tenant_id = ").push_bind(tx.tenant().map(Uuid::from));
    query.push(" and thing.id = ").push_bind(id.into());
    if to_share {
        query.push(" for key share");
    }
    query.build_query_as().fetch_optional(&mut **tx).await?.ok_or(ShareError::NotFound)
}

impl Thing {
    /// Whether somebody has for it what they want to share, and not because it was shared with them.
    pub(super) fn may_be_shared<R: Resource>(&self, standing: &Standing, conditions: &Conditions, level: ShareLevel) -> bool {
        let has =
            |permission: &&'static str| standing.permissions.contains(permission) || (self.is_own && conditions.own.contains(permission));
        level.gives(R::VIEW, R::EDIT).iter().all(has)
    }
}

/// Shares a thing with a member, or shares it with them as far as this and no further. The caller has all of that for it, by their role.
///
/// Whoever is just leaving is waited for, and so is whoever deletes the thing.
///
/// # Errors
///
/// Fails if there is no such thing or member, the caller may not, or the database fails.
pub async fn share_put_in<R: Resource>(
    tx: &mut TenantTx,
    (caller, conditions): (&Standing, &Conditions),
    id: R::Id,
    user: UserId,
    level: ShareLevel,
) -> Result<(), ShareError> {
    let Actor::User(me) = caller.actor else { return Err(ShareError::NotPermitted) };
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let is_member = query_scalar!(
        "select true from core.member where tenant_id = $1 and user_id = $2 and left_at is null for share",
        tenant,
        Uuid::from(user),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let thing = thing_in::<R>(tx, Some(me), id, true).await?;
    if is_member.is_none() {
        return Err(ShareError::NoMember);
    }
    if !thing.may_be_shared::<R>(caller, conditions, level) {
        return Err(ShareError::NotPermitted);
    }
    if !thing.ends_shares {
        return Err(ShareError::Unended(R::TABLE));
    }
    let written = query!(
        r#"with old as (
            select level from core.share where tenant_id = $1 and kind = $2 and resource_id = $3 and user_id = $4
        )
        insert into core.share as s (tenant_id, kind, resource_id, user_id, level, shared_by, shared_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint share_pkey do update
            set level = excluded.level, shared_by = excluded.shared_by, shared_at = excluded.shared_at
            where s.level <> excluded.level
        returning (select level from old) as before"#,
        tenant,
        R::KIND,
        id.into(),
        Uuid::from(user),
        level.as_str(),
        Uuid::from(me),
        now,
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(written) = written {
        let before = written.before.as_deref().map(ShareLevel::stored);
        let given = ShareGiven { kind: R::KIND, person: user, level: Change::new(before, Some(level)) };
        event_in(tx, caller.actor, id, &given).await?;
    }
    Ok(())
}

/// Ends the share of a thing with somebody, from their next request on: what they are just doing by it is waited for.
///
/// # Errors
///
/// Fails if it is not shared with them, or the database fails.
pub async fn share_end_in<R: Resource>(tx: &mut TenantTx, actor: Actor, id: R::Id, user: UserId) -> Result<(), ShareError> {
    let level = query_scalar!(
        "delete from core.share where tenant_id = $1 and kind = $2 and resource_id = $3 and user_id = $4 returning level",
        tx.tenant().map(Uuid::from),
        R::KIND,
        id.into(),
        Uuid::from(user),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(ShareError::NotFound)?;
    event_in(tx, actor, id, &ShareEnded { kind: R::KIND, person: user, level: ShareLevel::stored(&level) }).await?;
    Ok(())
}

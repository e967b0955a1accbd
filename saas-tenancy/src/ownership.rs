//! Handing an organization over to another of its members.

mod letter;
mod page;

use axum::extract::State;
use saas_core::{
    Can, DbError, Event, EventSeverity, FieldError, Json, NoContent, Permission as _, Problem, ProblemType, RecentProof, Routes, Standing,
    TenantDb, TenantTx, UserId, Validate, event_in, mail::MailInError, pages::Locale,
};
use serde::{Deserialize, Serialize};
use sqlx::{query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{MemberRead, Role, Tenancy, member::member_in};

saas_core::permissions! {
    /// Hand the organization over, or delete it: what an owner is, which no other role can be given.
    pub OrganizationOwn = "tenancy.organization.own";
}

/// Somebody else owns the organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnershipTransferred {
    /// Who owned it, and runs it as an administrator now.
    pub from: UserId,
    /// Who owns it.
    pub to: UserId,
}

impl Event for OwnershipTransferred {
    const NAME: &'static str = "tenancy.organization.handed_over";
    const TOPIC: &'static str = "members";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// An organization cannot be handed over so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnershipError {
    /// Whoever hands it over does not own it, or not any more.
    #[error("only an owner hands an organization over")]
    NotOwner,
    /// Nobody here has this id.
    #[error("no such member")]
    NotMember,
    /// They own it already.
    #[error("the member is an owner already")]
    Already,
    /// They are leaving the product, or locked out of it.
    #[error("the member may not be there much longer")]
    Unavailable,
    /// A letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for OwnershipError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<OwnershipError> for Problem {
    fn from(error: OwnershipError) -> Self {
        match error {
            OwnershipError::NotOwner => Self::forbidden().detail("only an owner hands an organization over"),
            OwnershipError::NotMember => Self::invalid([FieldError::new("/member", "must be a member of the organization")]),
            OwnershipError::Already => Self::new(&ProblemType::CONFLICT).detail("this member is an owner already"),
            OwnershipError::Unavailable => {
                Self::new(&ProblemType::CONFLICT).detail("this member's account is locked or about to be deleted")
            }
            OwnershipError::Mail(error) => error.into(),
            OwnershipError::Database(error) => error.into(),
        }
    }
}

/// Who is to own the organization.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    /// The id of a member.
    member: UserId,
}

impl Validate for NewOwner {}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .post("/api/v1/organization/owner", transfer)
        .about("Makes a member the owner; whoever hands the organization over becomes an administrator")
        .merge(page::routes())
}

async fn transfer(
    can: Can<OrganizationOwn>,
    _: RecentProof,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    locale: Locale,
    Json(new): Json<NewOwner>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.ownership_transfer_in(&mut tx, can.standing(), new.member, locale).await?;
    tx.commit().await?;
    Ok(NoContent)
}

impl Tenancy {
    /// Makes a member an owner and the caller, who is one, an administrator: both at once, or neither. Both get a mail, in this language unless they
    /// chose another.
    ///
    /// # Errors
    ///
    /// Fails if the caller does not own the organization any more, there is no such member, they own it already or may not be there much longer, or
    /// the database fails.
    pub async fn ownership_transfer_in(
        &self,
        tx: &mut TenantTx,
        caller: &Standing,
        to: UserId,
        locale: Locale,
    ) -> Result<(), OwnershipError> {
        let rank = self.rank_in(tx, caller).await?.ok_or(OwnershipError::NotOwner)?;
        if rank.rights.role.built_in() != Some(Role::Owner) {
            return Err(OwnershipError::NotOwner);
        }
        let new = member_in(tx, to).await?.ok_or(OwnershipError::NotMember)?;
        if new.role == Role::Owner.as_str() {
            return Err(OwnershipError::Already);
        }
        let stays = query_scalar!(r#"select core.stays($1) as "stays!""#, Uuid::from(to)).fetch_one(&mut **tx).await?;
        if !stays {
            return Err(OwnershipError::Unavailable);
        }
        query!(
            "update core.member set role = case user_id when $2 then $4 else $5 end where tenant_id = $1 and user_id in ($2, $3)",
            tx.tenant().map(Uuid::from),
            Uuid::from(to),
            Uuid::from(rank.person),
            Role::Owner.as_str(),
            Role::Admin.as_str(),
        )
        .execute(&mut **tx)
        .await?;
        event_in(tx, caller.actor, caller.tenant, &OwnershipTransferred { from: rank.person, to }).await?;
        if let Some(outbox) = self.outbox() {
            let old = member_in(tx, rank.person).await?.ok_or(OwnershipError::NotOwner)?;
            letter::both_in(tx, outbox, &caller.name, &old, &new, locale).await?;
        }
        Ok(())
    }
}

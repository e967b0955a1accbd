//! Invitations: how people come into an organization that others made.
//!
//! Whoever may invite names addresses and a role, and each address gets a mail with a link. Whoever opens the link and is signed in with that very
//! address, confirmed, joins. What makes a link good is asked when it is used: that it is the last one that was sent, that its sender still
//! belongs and still may give the role, that the organization is there and has a seat.

mod accept;
mod api;
mod error;
mod event;
mod manage;
mod page;
mod pasted;
mod send;
mod visit;

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, Listed, Order, OrderBy, Routes, TenantTx, UserId};
use serde::Serialize;
use sqlx::{FromRow, query_as};
use utoipa::ToSchema;

use crate::Tenancy;

pub use accept::Joined;
pub use error::InvitationError;
pub use event::{InvitationRevoked, InvitationSent};
pub use send::{InvitationOutcome, Invited, NewInvitations};

saas_core::ids! {
    /// What somebody was asked into an organization by.
    pub InvitationId;
}

saas_core::permissions! {
    /// Invite people, into roles up to one's own.
    pub MemberInvite = "tenancy.member.invite";
}

/// How long a link works.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// An invitation that nobody has accepted or taken back.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is asked.
    pub email: String,
    /// The role that they are to have.
    pub role: String,
    /// Who asks, and answers for it.
    pub invited_by: UserId,
    /// What they are called.
    pub inviter: String,
    /// When the last mail was sent.
    pub invited_at: DateTime<Utc>,
    /// Until when its link works; another can be sent after that too.
    pub expires_at: DateTime<Utc>,
}

impl Listed for Invitation {
    const ORDERS: &'static [Order] =
        &[Order::new("email", "lower(email)", OrderBy::Text), Order::new("invited_at", "invited_at", OrderBy::Time)];
}

/// What waits for an answer, by address.
///
/// # Errors
///
/// Fails if the database does.
pub async fn invitations_in(tx: &mut TenantTx) -> Result<Vec<Invitation>, DbError> {
    let waiting = query_as!(
        Invitation,
        r#"select i.id as "id: InvitationId", i.email, i.role, i.invited_by as "invited_by: UserId", m.name as inviter, i.invited_at,
            i.expires_at
        from tenancy.invitation i
        join core.member m on m.tenant_id = i.tenant_id and m.user_id = i.invited_by
        where i.tenant_id = $1 and i.ended_at is null
        order by i.email_key"#,
        tx.tenant().map(uuid::Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(waiting)
}

/// What belongs to the organization in which one works.
pub(crate) fn routes() -> Routes<Tenancy> {
    api::routes().merge(page::routes())
}

/// What whoever is invited sees, who belongs nowhere yet.
pub(crate) fn visitor_routes() -> Routes<Tenancy> {
    visit::routes()
}

use axum::extract::State;
use saas_core::{Can, Json, List, NoContent, Path, Problem, Routes, TenantDb, Wanted, pages::Locale};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Invitation, InvitationId, Invited, MemberInvite, NewInvitations};
use crate::Tenancy;

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/invitations", list)
        .about("Lists the invitations that nobody has accepted yet")
        .post("/api/v1/invitations", send)
        .about("Mails invitations, and says of each address what became of it")
        .post("/api/v1/invitations/{id}/send", send_again)
        .about("Mails another link for an invitation; the one before is dead")
        .delete("/api/v1/invitations/{id}", revoke)
        .about("Takes an invitation back")
}

/// Which invitations are listed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InvitationFilter {
    /// Only those with this in their address.
    q: Option<String>,
}

/// What became of each address.
#[derive(Debug, Serialize, ToSchema)]
struct Invitees {
    items: Vec<Invited>,
}

async fn list(_: Can<MemberInvite>, db: TenantDb, wanted: Wanted<Invitation, InvitationFilter>) -> Result<List<Invitation>, Problem> {
    let mut tx = db.begin().await?;
    let mut query = wanted.query(
        "select i.id, i.email, i.role, i.invited_by, m.name as inviter, i.invited_at, i.expires_at
        from tenancy.invitation i
        join core.member m on m.tenant_id = i.tenant_id and m.user_id = i.invited_by
        where i.ended_at is null and i.tenant_id = ",
    );
    query.push_bind(tx.tenant().map(uuid::Uuid::from));
    if let Some(q) = &wanted.filter.q {
        query.push(" and strpos(i.email_key, lower(").push_bind(q.clone()).push(")) > 0");
    }
    Ok(wanted.fetch(&mut tx, query).await?)
}

async fn send(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    locale: Locale,
    Json(new): Json<NewInvitations>,
) -> Result<Json<Invitees>, Problem> {
    let mut tx = db.begin().await?;
    let items = tenancy.invitations_send_in(&mut tx, can.standing(), locale, &new).await?;
    tx.commit().await?;
    Ok(Json(Invitees { items }))
}

async fn send_again(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    locale: Locale,
    Path(id): Path<InvitationId>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.invitation_send_again_in(&mut tx, can.standing(), locale, id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn revoke(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(id): Path<InvitationId>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.invitation_revoke_in(&mut tx, can.standing(), id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use saas_core::{Actor, Can, Form, Html, Page, Path, Problem, Routes, Standing, TenantDb, TenantTx, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MemberError, MemberRead, MemberWrite, member_remove_in, member_role_set_in, members_in, stored_role};
use crate::{MemberInvite, Role, Roles, Tenancy, invitations_in};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/members", show)
        .post("/members/{user}/role", change)
        .post("/members/{user}/remove", remove)
        .post("/members/leave", leave)
}

async fn show(can: Can<MemberRead>, db: TenantDb, State(tenancy): State<Tenancy>, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&mut tx, &tenancy, can.standing(), &page, None).await
}

async fn render(tx: &mut TenantTx, tenancy: &Tenancy, standing: &Standing, page: &Page, error: Option<&str>) -> Result<Html, Problem> {
    let members = members_in(tx).await?;
    let owners = members.iter().filter(|member| member.role == Role::Owner.as_str()).count();
    let own: Role = standing.role.parse().map_err(Problem::internal)?;
    let rows: Vec<_> = members
        .iter()
        .map(|member| {
            let owner = member.role == Role::Owner.as_str();
            let last_owner = owner && owners == 1;
            let me = standing.actor == Actor::User(member.id);
            let may = standing.may::<MemberWrite>() && (own == Role::Owner || !owner) && !last_owner;
            json!({
                "id": member.id, "name": member.name, "email": member.email, "joined_at": member.joined_at,
                "role": member.role, "myself": me, "last_owner": last_owner, "can_change": may, "can_remove": may || (me && !last_owner),
            })
        })
        .collect();
    let (roles, error) = (Roles::up_to(own), error.map(|key| page.text(key)));
    let invitations = match tenancy.outbox() {
        Some(_) if standing.may::<MemberInvite>() => Some(waiting_in(tx, own).await?),
        _ => None,
    };
    page.render("tenancy/members.html", json!({ "members": rows, "roles": roles, "invitations": invitations, "error": error }))
}

/// Who was asked and has not come yet, for somebody in this role.
async fn waiting_in(tx: &mut TenantTx, own: Role) -> Result<Vec<Value>, Problem> {
    let now = tx.now();
    let mut rows = Vec::new();
    for invitation in invitations_in(tx).await? {
        let role = stored_role(&invitation.role)?;
        rows.push(json!({
            "id": invitation.id, "email": invitation.email, "role": role, "inviter": invitation.inviter,
            "expires_at": invitation.expires_at, "expired": invitation.expires_at <= now, "can_send": role <= own,
        }));
    }
    Ok(rows)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    role: Role,
}

async fn change(
    can: Can<MemberWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(user): Path<UserId>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let changed = member_role_set_in(&mut tx, can.standing(), user, form.role).await;
    answer(tx, changed, can.standing(), &tenancy, &db, &page).await
}

async fn remove(
    standing: Standing,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let removed = member_remove_in(&mut tx, &standing, user).await;
    answer(tx, removed, &standing, &tenancy, &db, &page).await
}

async fn leave(standing: Standing, db: TenantDb, State(tenancy): State<Tenancy>, page: Page) -> Result<Response, Problem> {
    let Actor::User(me) = standing.actor else { return Err(Problem::forbidden()) };
    let mut tx = db.begin().await?;
    match member_remove_in(&mut tx, &standing, me).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/organizations").into_response())
        }
        left => answer(tx, left, &standing, &tenancy, &db, &page).await,
    }
}

/// Back to the list; where the rules forbid it, the list with the reason.
async fn answer(
    tx: TenantTx,
    result: Result<(), MemberError>,
    standing: &Standing,
    tenancy: &Tenancy,
    db: &TenantDb,
    page: &Page,
) -> Result<Response, Problem> {
    let reason = match result {
        Ok(()) => {
            tx.commit().await?;
            return Ok(Redirect::to("/members").into_response());
        }
        Err(MemberError::LastOwner) => "tenancy-error-last-owner",
        Err(MemberError::NotPermitted) if standing.may::<MemberWrite>() => "tenancy-error-owner-only",
        Err(error) => return Err(error.into()),
    };
    drop(tx);
    show_refused(tenancy, db, standing, page, (StatusCode::CONFLICT, reason)).await
}

/// The list with the reason for which nothing of it was changed. The failed transaction is over; a list needs one that works.
pub(crate) async fn show_refused(
    tenancy: &Tenancy,
    db: &TenantDb,
    standing: &Standing,
    page: &Page,
    (status, reason): (StatusCode, &str),
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    Ok((status, render(&mut tx, tenancy, standing, page, Some(reason)).await?).into_response())
}

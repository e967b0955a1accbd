use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use saas_core::{Actor, Can, Form, Html, Page, Path, Problem, Routes, Standing, TenantDb, TenantTx, UserId};
use serde::Deserialize;
use serde_json::json;

use super::{MemberError, MemberRead, MemberWrite, member_remove_in, member_role_set_in, members_in};
use crate::{Role, Tenancy};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/members", show)
        .post("/members/{user}/role", change)
        .post("/members/{user}/remove", remove)
        .post("/members/leave", leave)
}

async fn show(can: Can<MemberRead>, db: TenantDb, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&mut tx, can.standing(), &page, None).await
}

async fn render(tx: &mut TenantTx, standing: &Standing, page: &Page, error: Option<&str>) -> Result<Html, Problem> {
    let members = members_in(tx).await?;
    let owners = members.iter().filter(|member| member.role == Role::Owner.as_str()).count();
    let is_owner = *standing.role == *Role::Owner.as_str();
    let rows: Vec<_> = members
        .iter()
        .map(|member| {
            let owner = member.role == Role::Owner.as_str();
            let last_owner = owner && owners == 1;
            let me = standing.actor == Actor::User(member.id);
            let may = standing.may::<MemberWrite>() && (is_owner || !owner) && !last_owner;
            json!({
                "id": member.id, "name": member.name, "email": member.email, "joined_at": member.joined_at,
                "role": member.role, "myself": me, "last_owner": last_owner, "can_change": may, "can_remove": may || (me && !last_owner),
            })
        })
        .collect();
    let roles: Vec<Role> = Role::ALL.iter().copied().filter(|role| is_owner || *role != Role::Owner).collect();
    page.render("tenancy/members.html", json!({ "members": rows, "roles": roles, "error": error.map(|key| page.text(key)) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    role: Role,
}

async fn change(
    can: Can<MemberWrite>,
    db: TenantDb,
    page: Page,
    Path(user): Path<UserId>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let changed = member_role_set_in(&mut tx, can.standing(), user, form.role).await;
    answer(tx, changed, can.standing(), &db, &page).await
}

async fn remove(standing: Standing, db: TenantDb, page: Page, Path(user): Path<UserId>) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let removed = member_remove_in(&mut tx, &standing, user).await;
    answer(tx, removed, &standing, &db, &page).await
}

async fn leave(standing: Standing, db: TenantDb, page: Page) -> Result<Response, Problem> {
    let Actor::User(me) = standing.actor else { return Err(Problem::forbidden()) };
    let mut tx = db.begin().await?;
    match member_remove_in(&mut tx, &standing, me).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/organizations").into_response())
        }
        left => answer(tx, left, &standing, &db, &page).await,
    }
}

/// Back to the list; where the rules forbid it, the list with the reason.
async fn answer(
    tx: TenantTx,
    result: Result<(), MemberError>,
    standing: &Standing,
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
    // The failed transaction is over; a list needs one that works.
    drop(tx);
    let mut tx = db.begin().await?;
    Ok((StatusCode::CONFLICT, render(&mut tx, standing, page, Some(reason)).await?).into_response())
}

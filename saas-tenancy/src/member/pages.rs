use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use saas_core::{Actor, Can, Form, Html, Page, Path, Problem, Routes, Standing, TenantDb, TenantTx, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MemberError, MemberRead, MemberWrite, members_in};
use crate::{MemberInvite, Role, RoleName, Tenancy, invitations_in, role::Rights};

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
    let (own, all) = (Rights::of(standing), tenancy.roles().all_in(tx).await?);
    let covers = |role: &str| own.covers(&all.iter().find(|it| it.role.as_str() == role).cloned().unwrap_or_else(|| Rights::none(role)));
    let rows: Vec<_> = members
        .iter()
        .map(|member| {
            let owner = member.role == Role::Owner.as_str();
            let last_owner = owner && owners == 1;
            let me = standing.actor == Actor::User(member.id);
            let may = standing.may::<MemberWrite>() && covers(&member.role) && !last_owner;
            json!({
                "id": member.id, "name": member.name, "email": member.email, "joined_at": member.joined_at,
                "role": member.role, "role_label": page.role(&member.role), "myself": me, "last_owner": last_owner, "can_change": may,
                "can_remove": may || (me && !last_owner),
            })
        })
        .collect();
    let (roles, error) = (choices(&own, &all, page), error.map(|key| page.text(key)));
    let invitations = match tenancy.outbox() {
        Some(_) if standing.may::<MemberInvite>() => Some(waiting_in(tx, page, covers).await?),
        _ => None,
    };
    page.render("tenancy/members.html", json!({ "members": rows, "roles": roles, "invitations": invitations, "error": error }))
}

/// The roles that somebody may give, for a form.
pub(crate) fn choices(own: &Rights, all: &[Rights], page: &Page) -> Vec<Value> {
    let given = all.iter().filter(|it| own.covers(it));
    given.map(|it| json!({ "value": it.role, "label": page.role(it.role.as_str()) })).collect()
}

/// Who was asked and has not come yet, for somebody who may give these roles.
async fn waiting_in(tx: &mut TenantTx, page: &Page, covers: impl Fn(&str) -> bool) -> Result<Vec<Value>, Problem> {
    let now = tx.now();
    let waiting = invitations_in(tx).await?;
    let rows = waiting.into_iter().map(|invitation| {
        json!({
            "id": invitation.id, "email": invitation.email, "role": page.role(&invitation.role), "inviter": invitation.inviter,
            "expires_at": invitation.expires_at, "expired": invitation.expires_at <= now, "can_send": covers(&invitation.role),
        })
    });
    Ok(rows.collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    role: RoleName,
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
    let changed = tenancy.member_role_set_in(&mut tx, can.standing(), user, &form.role).await;
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
    let removed = tenancy.member_remove_in(&mut tx, &standing, user).await;
    answer(tx, removed, &standing, &tenancy, &db, &page).await
}

async fn leave(standing: Standing, db: TenantDb, State(tenancy): State<Tenancy>, page: Page) -> Result<Response, Problem> {
    let Actor::User(me) = standing.actor else { return Err(Problem::forbidden()) };
    let mut tx = db.begin().await?;
    match tenancy.member_remove_in(&mut tx, &standing, me).await {
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

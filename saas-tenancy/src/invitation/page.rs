use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use saas_core::{Can, Form, FormErrors, Html, Page, Path, Problem, Routes, Standing, TenantDb, pages::Locale};
use serde::Deserialize;
use serde_json::json;

use super::{InvitationError, InvitationId, InvitationOutcome, Invited, MemberInvite, NewInvitations, pasted::addresses, send::AT_ONCE};
use crate::{
    MemberError, Role, RoleName, Tenancy,
    member::{choices, show_refused},
    role::Rights,
};

const PAGE: &str = "tenancy/invite.html";

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/members/invite", show)
        .post("/members/invite", send)
        .post("/members/invitations/{id}/send", send_again)
        .post("/members/invitations/{id}/revoke", revoke)
}

/// What the page holds of what was entered before.
#[derive(Default)]
struct Entered<'a> {
    emails: &'a str,
    role: Option<&'a RoleName>,
    done: &'a [Invited],
}

async fn show(can: Can<MemberInvite>, db: TenantDb, State(tenancy): State<Tenancy>, page: Page) -> Result<Html, Problem> {
    let all = tenancy.roles().all_in(&mut db.begin().await?).await?;
    render(&page, (can.standing(), &all), &Entered::default(), &FormErrors::default())
}

fn render(page: &Page, (standing, all): (&Standing, &[Rights]), entered: &Entered<'_>, errors: &FormErrors) -> Result<Html, Problem> {
    let roles = choices(&Rights::of(standing), all, page);
    let role = entered.role.cloned().unwrap_or(Role::Member.into());
    page.render(
        PAGE,
        json!({
            "roles": roles, "role": role, "done": entered.done,
            "form": page.form(&[("emails", entered.emails)], errors),
        }),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteForm {
    #[serde(default)]
    emails: String,
    role: RoleName,
}

/// Answers with the page and what became of each address; what may be corrected stands in the form again.
async fn send(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    locale: Locale,
    page: Page,
    Form(form): Form<InviteForm>,
) -> Result<Response, Problem> {
    let new = NewInvitations { emails: addresses(&form.emails), role: form.role };
    let mut tx = db.begin().await?;
    let all = tenancy.roles().all_in(&mut tx).await?;
    let mut errors = FormErrors::default();
    match new.emails.len() {
        0 => errors.add("emails", "tenancy-invite-error-none"),
        1..=AT_ONCE => {}
        _ => errors.add_with("emails", "tenancy-invite-error-many", &[("maximum", AT_ONCE as i64)]),
    }
    if !errors.is_empty() {
        let entered = Entered { emails: &form.emails, role: Some(&new.role), done: &[] };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page, (can.standing(), &all), &entered, &errors)?).into_response());
    }
    let done = tenancy.invitations_send_in(&mut tx, can.standing(), locale, &new).await?;
    tx.commit().await?;
    let wrong: Vec<_> = done.iter().filter(|it| it.outcome == InvitationOutcome::NoAddress).map(|it| it.email.as_str()).collect();
    let entered = Entered { emails: &wrong.join("\n"), role: Some(&new.role), done: &done };
    Ok(render(&page, (can.standing(), &all), &entered, &FormErrors::default())?.into_response())
}

async fn send_again(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    locale: Locale,
    page: Page,
    Path(id): Path<InvitationId>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    let reason = match tenancy.invitation_send_again_in(&mut tx, can.standing(), locale, id).await {
        Ok(()) => {
            tx.commit().await?;
            return Ok(Redirect::to("/members").into_response());
        }
        Err(InvitationError::Later) => (StatusCode::TOO_MANY_REQUESTS, "tenancy-invitation-error-later"),
        Err(InvitationError::NotPermitted | InvitationError::Member(MemberError::NoRole)) => {
            (StatusCode::FORBIDDEN, "tenancy-invitation-error-role")
        }
        Err(error) => return Err(error.into()),
    };
    drop(tx);
    show_refused(&tenancy, &db, can.standing(), &page, reason).await
}

async fn revoke(
    can: Can<MemberInvite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(id): Path<InvitationId>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    tenancy.invitation_revoke_in(&mut tx, can.standing(), id).await?;
    tx.commit().await?;
    Ok(Redirect::to("/members"))
}

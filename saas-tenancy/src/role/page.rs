use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use saas_core::{Can, Form, FormErrors, Html, Page, Path, Problem, Routes, Standing, TenantDb, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{NewRole, OwnRole, Rights, RoleError, RoleId, RoleWrite, explanation::ExplainedPermission, roles_in};
use crate::{MemberRead, Tenancy, member::member_in};

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/roles", show)
        .get("/roles/new", show_new)
        .post("/roles", create)
        .get("/roles/{id}", show_one)
        .post("/roles/{id}", change)
        .post("/roles/{id}/remove", remove)
        .get("/members/{user}", explain)
}

/// What a permission is called, and by its name where the product has no words for it.
fn label(page: &Page, permission: &str) -> String {
    page.text_or(&format!("permission-{}", permission.replace('.', "-")), permission)
}

/// How a role holds a permission.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Held {
    All,
    /// For what its holder made.
    Own,
    /// Not while the plan is as it is.
    Plan,
    None,
}

impl Held {
    fn of(rights: &Rights, permission: &str, is_lacking: bool) -> Self {
        match (rights.permissions.contains(&permission), rights.own.contains(&permission)) {
            (false, false) => Self::None,
            _ if is_lacking => Self::Plan,
            (true, _) => Self::All,
            (false, true) => Self::Own,
        }
    }
}

async fn show(can: Can<MemberRead>, db: TenantDb, State(tenancy): State<Tenancy>, page: Page) -> Result<Html, Problem> {
    let lacking = tenancy.lacking(can.standing()).await?;
    let mut tx = db.begin().await?;
    let own = roles_in(&mut tx).await?;
    let all = tenancy.roles().all_in(&mut tx).await?;
    let roles: Vec<_> = all
        .iter()
        .map(|rights| {
            let id = own.iter().find(|role| role.name == rights.role.as_str()).map(|role| role.id);
            json!({ "name": rights.role, "label": page.role(rights.role.as_str()), "id": id })
        })
        .collect();
    let permissions: Vec<_> = tenancy
        .roles()
        .permissions()
        .into_iter()
        .map(|permission| {
            let lacking = tenancy.lacking_for(permission, &lacking);
            let held: Vec<_> = all.iter().map(|rights| Held::of(rights, permission, lacking.is_some())).collect();
            let is_shareable = tenancy.shareables().iter().any(|kind| kind.concerns(permission));
            json!({ "name": permission, "label": label(&page, permission), "held": held, "shareable": is_shareable })
        })
        .collect();
    let can_write = can.standing().may::<RoleWrite>();
    let upgrade = tenancy.plan().filter(|_| !lacking.is_empty()).map(|plan| plan.upgrade());
    let context = json!({ "roles": roles, "permissions": permissions, "can_write": can_write, "upgrade": upgrade });
    page.render("tenancy/roles.html", context)
}

/// A role that is made or changed, as its form shows it. What the reader does not have, they cannot give.
fn form(
    tenancy: &Tenancy,
    page: &Page,
    standing: &Standing,
    id: Option<RoleId>,
    wanted: &NewRole,
    errors: &FormErrors,
) -> Result<Html, Problem> {
    let permissions: Vec<Value> = tenancy
        .roles()
        .givable()
        .into_iter()
        .map(|permission| {
            json!({
                "name": permission, "label": label(page, permission), "ticked": wanted.permissions.iter().any(|it| it == permission),
                "can_give": standing.permissions.contains(&permission),
            })
        })
        .collect();
    // A role that may more than its reader is not theirs to change.
    let held = tenancy.roles().known(&wanted.permissions);
    let can_change = id.is_none() || Rights::of(standing).holds_all(&held);
    let form = page.form(&[("name", &wanted.name)], errors);
    page.render("tenancy/role.html", json!({ "id": id, "can_change": can_change, "permissions": permissions, "form": form }))
}

async fn show_new(can: Can<RoleWrite>, State(tenancy): State<Tenancy>, page: Page) -> Result<Html, Problem> {
    form(&tenancy, &page, can.standing(), None, &NewRole::default(), &FormErrors::default())
}

async fn show_one(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(id): Path<RoleId>,
) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let own = roles_in(&mut tx).await?;
    let OwnRole { name, permissions, .. } = own.into_iter().find(|role| role.id == id).ok_or_else(Problem::not_found)?;
    form(&tenancy, &page, can.standing(), Some(id), &NewRole { name, permissions }, &FormErrors::default())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    permissions: Vec<String>,
}

impl From<RoleForm> for NewRole {
    fn from(form: RoleForm) -> Self {
        Self { name: form.name, permissions: form.permissions }
    }
}

/// The form again with what is wrong, where the person can do something about it.
fn refused(
    tenancy: &Tenancy,
    page: &Page,
    standing: &Standing,
    (id, wanted): (Option<RoleId>, &NewRole),
    error: RoleError,
) -> Result<Response, Problem> {
    let mut errors = FormErrors::default();
    let status = match error {
        RoleError::Name => {
            errors.add("name", "tenancy-role-error-name");
            StatusCode::UNPROCESSABLE_ENTITY
        }
        RoleError::Taken => {
            errors.add("name", "tenancy-role-error-taken");
            StatusCode::UNPROCESSABLE_ENTITY
        }
        RoleError::Held => {
            errors = FormErrors::whole("tenancy-role-error-held");
            StatusCode::CONFLICT
        }
        RoleError::TooMany => {
            errors = FormErrors::whole("tenancy-role-error-many");
            StatusCode::CONFLICT
        }
        RoleError::NotPermitted => {
            errors = FormErrors::whole("tenancy-role-error-above");
            StatusCode::FORBIDDEN
        }
        error => return Err(error.into()),
    };
    Ok((status, form(tenancy, page, standing, id, wanted, &errors)?).into_response())
}

async fn create(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Form(new): Form<RoleForm>,
) -> Result<Response, Problem> {
    let new = NewRole::from(new);
    let mut tx = db.begin().await?;
    if let Err(error) = tenancy.role_create_in(&mut tx, can.standing(), &new).await {
        return refused(&tenancy, &page, can.standing(), (None, &new), error);
    }
    tx.commit().await?;
    Ok(Redirect::to("/roles").into_response())
}

async fn change(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(id): Path<RoleId>,
    Form(new): Form<RoleForm>,
) -> Result<Response, Problem> {
    let new = NewRole::from(new);
    let mut tx = db.begin().await?;
    if let Err(error) = tenancy.role_change_in(&mut tx, can.standing(), id, &new).await {
        return refused(&tenancy, &page, can.standing(), (Some(id), &new), error);
    }
    tx.commit().await?;
    Ok(Redirect::to("/roles").into_response())
}

async fn remove(
    can: Can<RoleWrite>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(id): Path<RoleId>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    match tenancy.role_delete_in(&mut tx, can.standing(), id).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/roles").into_response())
        }
        Err(RoleError::Held) => {
            let own = roles_in(&mut tx).await?;
            let OwnRole { name, permissions, .. } = own.into_iter().find(|role| role.id == id).ok_or_else(Problem::not_found)?;
            refused(&tenancy, &page, can.standing(), (Some(id), &NewRole { name, permissions }), RoleError::Held)
        }
        Err(error) => Err(error.into()),
    }
}

/// Why somebody may do something, and why not.
async fn explain(
    can: Can<MemberRead>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    page: Page,
    Path(user): Path<UserId>,
) -> Result<Html, Problem> {
    let lacking = tenancy.lacking(can.standing()).await?;
    let mut tx = db.begin().await?;
    let member = member_in(&mut tx, user).await?.ok_or_else(Problem::not_found)?;
    let explained = tenancy.explain_in(&mut tx, can.standing(), user, &lacking).await?.ok_or_else(Problem::not_found)?;
    let shown = |it: &ExplainedPermission| {
        let labels: Vec<_> = it.roles.iter().map(|role| page.role(role.as_str())).collect();
        json!({
            "name": it.permission, "label": label(&page, &it.permission), "held": it.held, "own": it.own, "lacking": it.lacking.is_some(),
            "by_role": it.roles.contains(&explained.role), "shares": it.shares, "roles": labels,
        })
    };
    let permissions: Vec<_> = explained.items.iter().map(shown).collect();
    let shared: Vec<_> = explained
        .shared
        .iter()
        .map(|thing| {
            json!({
                "title": thing.title, "path": thing.path, "level": page.text(&format!("tenancy-share-{}", thing.level.as_str())),
                "kind": page.text_or(&format!("kind-{}", thing.kind.replace('.', "-")), thing.kind), "shared_by": thing.shared_by,
            })
        })
        .collect();
    let is_own_role = explained.role.built_in().is_none();
    page.render(
        "tenancy/member.html",
        json!({
            "name": member.name, "email": member.email, "role": page.role(&member.role), "is_own_role": is_own_role,
            "permissions": permissions, "shared": shared,
        }),
    )
}

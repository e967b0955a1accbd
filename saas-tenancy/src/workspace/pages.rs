use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use saas_core::{Can, Form, FormErrors, Html, Page, Path, Problem, Routes, Standing, TenantDb, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use super::{WorkspaceError, WorkspaceRead, WorkspaceWrite, workspace_create_in, workspace_rename_in, workspaces_in};
use crate::Tenancy;

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new().get("/workspaces", show).post("/workspaces", create).post("/workspaces/{id}/name", rename)
}

/// What was entered, and in which form: the one that renames this workspace, or the one that makes another.
#[derive(Default)]
struct Entered {
    workspace: Option<WorkspaceId>,
    name: String,
    errors: FormErrors,
}

async fn show(can: Can<WorkspaceRead>, db: TenantDb, page: Page) -> Result<Html, Problem> {
    render(can.standing(), &db, &page, &Entered::default()).await
}

async fn render(standing: &Standing, db: &TenantDb, page: &Page, entered: &Entered) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    let workspaces: Vec<_> = workspaces_in(&mut tx)
        .await?
        .into_iter()
        .map(|workspace| {
            let is_entered = entered.workspace == Some(workspace.id);
            let none = FormErrors::default();
            let field = format!("name-{}", workspace.id);
            let (name, errors) = if is_entered { (&entered.name, &entered.errors) } else { (&workspace.name, &none) };
            json!({
                "id": workspace.id, "name": workspace.name, "created_at": workspace.created_at,
                "field": field, "form": page.form(&[("name", name)], errors),
            })
        })
        .collect();
    let form = match entered.workspace {
        None => page.form(&[("name", &entered.name)], &entered.errors),
        Some(_) => page.form(&[], &FormErrors::default()),
    };
    let context = json!({ "workspaces": workspaces, "form": form, "can_write": standing.may::<WorkspaceWrite>() });
    page.render("tenancy/workspaces.html", context)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    #[serde(default)]
    name: String,
}

async fn create(can: Can<WorkspaceWrite>, db: TenantDb, page: Page, Form(form): Form<NameForm>) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    match workspace_create_in(&mut tx, can.actor(), &form.name).await {
        Ok(_) => tx.commit().await?,
        Err(error) => {
            drop(tx);
            return refuse(error, None, form.name, can.standing(), &db, &page).await;
        }
    }
    Ok(Redirect::to("/workspaces").into_response())
}

async fn rename(
    can: Can<WorkspaceWrite>,
    db: TenantDb,
    page: Page,
    Path(id): Path<WorkspaceId>,
    Form(form): Form<NameForm>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    match workspace_rename_in(&mut tx, can.actor(), id, &form.name).await {
        Ok(()) => tx.commit().await?,
        Err(error) => {
            drop(tx);
            return refuse(error, Some(id), form.name, can.standing(), &db, &page).await;
        }
    }
    Ok(Redirect::to("/workspaces").into_response())
}

/// The page as it was filled in, with what is wrong.
async fn refuse(
    error: WorkspaceError,
    workspace: Option<WorkspaceId>,
    name: String,
    standing: &Standing,
    db: &TenantDb,
    page: &Page,
) -> Result<Response, Problem> {
    let mut errors = FormErrors::default();
    errors.add(
        "name",
        match error {
            WorkspaceError::Name if name.trim().is_empty() => "tenancy-workspace-error-name-required",
            WorkspaceError::Name => "tenancy-error-name-long",
            WorkspaceError::Taken => "tenancy-workspace-error-taken",
            error => return Err(error.into()),
        },
    );
    let entered = Entered { workspace, name, errors };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(standing, db, page, &entered).await?).into_response())
}

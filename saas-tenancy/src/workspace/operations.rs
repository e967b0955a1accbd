use chrono::{DateTime, Utc};
use saas_core::{
    Actor, Change, DbError, Event, FieldError, Listed, Order, OrderBy, Permission as _, Problem, ProblemType, TenantTx, WorkspaceId,
    event_in,
};
use serde::Serialize;
use sqlx::{FromRow, query, query_as};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::MemberRead;
use crate::organization::clean_name;

/// A part of an organization.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct Workspace {
    /// Its id. The first one has the organization's.
    pub id: WorkspaceId,
    /// Its name, which no other of the organization has.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Listed for Workspace {
    const ORDERS: &'static [Order] =
        &[Order::new("name", "lower(name)", OrderBy::Text), Order::new("created_at", "created_at", OrderBy::Time)];
}

/// A workspace was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceCreated {
    /// Its name.
    pub name: String,
}

impl Event for WorkspaceCreated {
    const NAME: &'static str = "tenancy.workspace.created";
    const TOPIC: &'static str = "workspaces";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// A workspace got another name.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceRenamed {
    /// Its name, before and now.
    pub name: Change<String>,
}

impl Event for WorkspaceRenamed {
    const NAME: &'static str = "tenancy.workspace.renamed";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "workspaces";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// A workspace cannot be made or named so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The name is empty, too long, or holds what no name does.
    #[error("the name must have 1 to 100 characters")]
    Name,
    /// Another workspace of the organization has the name, in capitals or not.
    #[error("another workspace has this name")]
    Taken,
    /// The organization has no such workspace.
    #[error("no such workspace")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Database(DbError),
}

impl From<DbError> for WorkspaceError {
    fn from(error: DbError) -> Self {
        match error.constraint() {
            Some("workspace_name_key") => Self::Taken,
            _ => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for WorkspaceError {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<WorkspaceError> for Problem {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Name => Self::invalid([FieldError::new("/name", "must have 1 to 100 characters")]),
            WorkspaceError::Taken => Self::new(&ProblemType::CONFLICT).detail("another workspace of this organization has this name"),
            WorkspaceError::NotFound => Self::not_found(),
            WorkspaceError::Database(error) => error.into(),
        }
    }
}

/// The organization's workspaces, the oldest first.
///
/// # Errors
///
/// Fails if the database does.
pub async fn workspaces_in(tx: &mut TenantTx) -> Result<Vec<Workspace>, DbError> {
    let workspaces = query_as!(
        Workspace,
        r#"select id as "id: WorkspaceId", name, created_at from core.workspace where tenant_id = $1 order by created_at, id"#,
        tx.tenant().map(Uuid::from),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(workspaces)
}

/// Makes a workspace.
///
/// # Errors
///
/// Fails if the name will not do or is taken, or the database fails.
pub async fn workspace_create_in(tx: &mut TenantTx, actor: Actor, name: &str) -> Result<Workspace, WorkspaceError> {
    let name = clean_name(name).ok_or(WorkspaceError::Name)?;
    let workspace = Workspace { id: WorkspaceId::new(), name: name.to_owned(), created_at: tx.now() };
    query!(
        "insert into core.workspace (tenant_id, id, name, created_at) values ($1, $2, $3, $4)",
        tx.tenant().map(Uuid::from),
        Uuid::from(workspace.id),
        workspace.name,
        workspace.created_at,
    )
    .execute(&mut **tx)
    .await?;
    event_in(tx, actor, workspace.id, &WorkspaceCreated { name: workspace.name.clone() }).await?;
    Ok(workspace)
}

/// Gives a workspace another name; the one that it has already changes nothing.
///
/// # Errors
///
/// Fails if there is no such workspace, the name will not do or is taken, or the database fails.
pub async fn workspace_rename_in(tx: &mut TenantTx, actor: Actor, id: WorkspaceId, name: &str) -> Result<(), WorkspaceError> {
    let name = clean_name(name).ok_or(WorkspaceError::Name)?;
    let before = query!(
        r#"update core.workspace set name = $3
        from (select name from core.workspace where tenant_id = $1 and id = $2 for no key update) old
        where tenant_id = $1 and id = $2
        returning old.name"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(id),
        name,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(WorkspaceError::NotFound)?;
    if before.name != name {
        event_in(tx, actor, id, &WorkspaceRenamed { name: Change::new(before.name, name.to_owned()) }).await?;
    }
    Ok(())
}

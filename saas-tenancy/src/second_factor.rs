//! Whether an organization lets only those in who have shown a second factor. The layer asks at each request.

use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use saas_core::{
    Can, Change, CurrentUser, DbError, Event, EventSeverity, Form, FormErrors, Html, Json, NoContent, Page, Permission as _, Problem,
    ProblemType, Routes, SignedIn, TenantDb, TenantTx, Validate, event_in,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{MemberRead, Tenancy};

const PAGE: &str = "tenancy/security.html";

saas_core::permissions! {
    /// Change what the organization asks of its members.
    pub OrganizationWrite = "tenancy.organization.write";
}

/// Whether members must have shown a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactorRule {
    /// Whether the organization lets only those in who have.
    required: bool,
}

impl Validate for SecondFactorRule {}

/// What an organization asks of its members changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondFactorRequirementChanged {
    /// Whether it lets only those in who have shown a second factor.
    pub required: Change<bool>,
}

impl Event for SecondFactorRequirementChanged {
    const NAME: &'static str = "tenancy.second_factor.changed";
    const VERSION: i32 = 2;
    const TOPIC: &'static str = "organization";
    const SEVERITY: EventSeverity = EventSeverity::Notice;
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// What an organization asks cannot be changed so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorRuleError {
    /// Whoever asks it of others has not shown a second factor: they would lock themselves out.
    #[error("whoever asks for a second factor has none")]
    Own,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for SecondFactorRuleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<SecondFactorRuleError> for Problem {
    fn from(error: SecondFactorRuleError) -> Self {
        match error {
            SecondFactorRuleError::Own => Self::new(&ProblemType::CONFLICT).detail("Set up a second factor of your own first."),
            SecondFactorRuleError::Database(error) => error.into(),
        }
    }
}

/// Lets only those in from now on who have shown a second factor, or everybody again. Holds from each member's next request on.
///
/// # Errors
///
/// Fails if whoever asks for it has not shown one, or the database fails.
pub async fn second_factor_require_in(tx: &mut TenantTx, me: &SignedIn, required: bool) -> Result<(), SecondFactorRuleError> {
    if required && !me.second_factor {
        return Err(SecondFactorRuleError::Own);
    }
    let tenant = tx.tenant().unwrap_or_default();
    let changed = sqlx::query!(
        "update core.tenant set second_factor_required = $2 where id = $1 and second_factor_required <> $2",
        Uuid::from(tenant),
        required,
    )
    .execute(&mut **tx)
    .await?;
    if changed.rows_affected() > 0 {
        event_in(tx, me.into(), tenant, &SecondFactorRequirementChanged { required: Change::new(!required, required) }).await?;
    }
    Ok(())
}

pub(crate) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/organization/security", show)
        .post("/organization/security", submit)
        .get("/api/v1/organization/second-factor", read)
        .about("Says whether the organization lets only those in who have shown a second factor")
        .put("/api/v1/organization/second-factor", replace)
        .about("Changes it; whoever asks for it has shown one")
}

async fn rule_in(tx: &mut TenantTx) -> Result<SecondFactorRule, DbError> {
    let tenant = tx.tenant().map(Uuid::from);
    let required = sqlx::query_scalar!("select second_factor_required from core.tenant where id = $1", tenant).fetch_one(&mut **tx).await?;
    Ok(SecondFactorRule { required })
}

async fn read(_: Can<MemberRead>, db: TenantDb) -> Result<Json<SecondFactorRule>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(rule_in(&mut tx).await?))
}

async fn replace(
    _: Can<OrganizationWrite>,
    CurrentUser(me): CurrentUser,
    db: TenantDb,
    Json(rule): Json<SecondFactorRule>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    second_factor_require_in(&mut tx, &me, rule.required).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn show(_: Can<OrganizationWrite>, db: TenantDb, page: Page) -> Result<Html, Problem> {
    let mut tx = db.begin().await?;
    render(&page, rule_in(&mut tx).await?, &FormErrors::default())
}

async fn submit(
    _: Can<OrganizationWrite>,
    CurrentUser(me): CurrentUser,
    db: TenantDb,
    page: Page,
    Form(rule): Form<SecondFactorRule>,
) -> Result<Response, Problem> {
    let mut tx = db.begin().await?;
    match second_factor_require_in(&mut tx, &me, rule.required).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Redirect::to("/organization/security").into_response())
        }
        Err(SecondFactorRuleError::Own) => {
            let errors = FormErrors::whole("tenancy-security-error-own");
            Ok((StatusCode::CONFLICT, render(&page, rule_in(&mut tx).await?, &errors)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn render(page: &Page, rule: SecondFactorRule, errors: &FormErrors) -> Result<Html, Problem> {
    page.render(PAGE, json!({ "required": rule.required, "form": page.form(&[], errors) }))
}

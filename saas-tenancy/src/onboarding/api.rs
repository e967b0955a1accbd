use axum::extract::{Extension, State};
use saas_core::{Conditions, CurrentMember, Json, NoContent, Path, Problem, Routes, Standing, TenantDb, Validate};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OnboardingProgress, StepState, mark::dismiss_in};
use crate::Tenancy;

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new()
        .get("/api/v1/onboarding", read)
        .about("Says how far the person is with the first steps, and which is next")
        .put("/api/v1/onboarding/steps/{step}", put)
        .about("Skips a step, takes it up again, or says of the last one that it is done")
        .post("/api/v1/onboarding/restart", restart)
        .about("Takes up again whatever was skipped, and points to the steps again")
        .post("/api/v1/onboarding/dismiss", dismiss)
        .about("Points the person to the first steps no more")
}

async fn read(
    standing: Standing,
    _: CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
) -> Result<Json<OnboardingProgress>, Problem> {
    let mut tx = db.begin().await?;
    Ok(Json(tenancy.first_steps()?.progress_in(&mut tx, (&standing, &conditions)).await?.0))
}

/// How a step is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepChange {
    /// Skipped, or open again; done is for the last one alone, since all others are done by doing them.
    state: StepState,
}

impl Validate for StepChange {}

async fn put(
    standing: Standing,
    CurrentMember(person): CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(step): Path<String>,
    Json(change): Json<StepChange>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.first_steps()?.step_set_in(&mut tx, (&standing, &conditions, person), &step, change.state).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn restart(
    standing: Standing,
    CurrentMember(person): CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    tenancy.first_steps()?.restart_in(&mut tx, (&standing, &conditions, person)).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn dismiss(standing: Standing, CurrentMember(person): CurrentMember, db: TenantDb) -> Result<NoContent, Problem> {
    let mut tx = db.begin().await?;
    dismiss_in(&mut tx, &standing, person).await?;
    tx.commit().await?;
    Ok(NoContent)
}

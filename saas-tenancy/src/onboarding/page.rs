use axum::{
    extract::{Extension, State},
    response::Redirect,
};
use saas_core::{Conditions, CurrentMember, Form, Html, Page, Path, Problem, Query, Routes, Standing, TenantDb};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{FIRST_STEPS, StepState, mark::dismiss_in, progress::may_close};
use crate::Tenancy;

pub(super) fn routes() -> Routes<Tenancy> {
    Routes::new().get(FIRST_STEPS, show).post("/start/steps/{step}", submit).post("/start/restart", restart).post("/start/dismiss", dismiss)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FragmentQuery {
    /// Any value asks for the steps alone.
    fragment: Option<String>,
}

async fn show(
    standing: Standing,
    _: CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Query(query): Query<FragmentQuery>,
    page: Page,
) -> Result<Html, Problem> {
    let onboarding = tenancy.first_steps()?;
    let mut tx = db.begin().await?;
    let (progress, states) = onboarding.progress_in(&mut tx, (&standing, &conditions)).await?;
    drop(tx);
    let may_close = may_close(&states);
    let said = |key: &str, what: &str| page.text(&format!("{key}-{what}"));
    let steps: Vec<_> = states
        .into_iter()
        .map(|(step, state)| {
            json!({
                "id": step.id(), "state": state, "is_next": progress.next.as_deref() == Some(step.id()), "href": step.href(),
                "title": page.text(step.text()), "text": said(step.text(), "text"), "do": said(step.text(), "do"),
                "waiting": step.is_waiting().then(|| said(step.text(), "waiting")),
                "skippable": step.is_skippable(), "closes": step.is_closing(),
                "may_close": may_close && step.is_closing() && state == StepState::Open,
            })
        })
        .collect();
    let context = json!({
        "steps": steps, "done": progress.done, "total": progress.steps.len(), "is_finished": progress.next.is_none(),
        "topics": onboarding.topics, "home": tenancy.home(),
    });
    let template = if query.fragment.is_some() { "tenancy/fragments/onboarding.html" } else { "tenancy/onboarding.html" };
    page.render(template, context)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepForm {
    state: StepState,
}

/// Whoever is done goes where the last step leads.
async fn submit(
    standing: Standing,
    CurrentMember(person): CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
    Path(step): Path<String>,
    Form(form): Form<StepForm>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    let step = tenancy.first_steps()?.step_set_in(&mut tx, (&standing, &conditions, person), &step, form.state).await?;
    tx.commit().await?;
    Ok(Redirect::to(if form.state == StepState::Done { step.href() } else { FIRST_STEPS }))
}

async fn restart(
    standing: Standing,
    CurrentMember(person): CurrentMember,
    Extension(conditions): Extension<Conditions>,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    tenancy.first_steps()?.restart_in(&mut tx, (&standing, &conditions, person)).await?;
    tx.commit().await?;
    Ok(Redirect::to(FIRST_STEPS))
}

async fn dismiss(
    standing: Standing,
    CurrentMember(person): CurrentMember,
    db: TenantDb,
    State(tenancy): State<Tenancy>,
) -> Result<Redirect, Problem> {
    let mut tx = db.begin().await?;
    dismiss_in(&mut tx, &standing, person).await?;
    tx.commit().await?;
    Ok(Redirect::to(tenancy.home()))
}

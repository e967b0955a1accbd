use saas_core::{
    Actor, Conditions, DbError, Event, FieldError, Permission as _, Problem, ProblemType, Standing, TenantTx, UserId, event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Onboarding, Step, StepState, progress::may_close};
use crate::MemberRead;

/// Somebody said something of a step that cannot be seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnboardingStepMarked {
    /// Its name.
    pub step: &'static str,
    /// How it stands for all that was said of it: one that was taken up again is open.
    pub state: StepState,
}

impl Event for OnboardingStepMarked {
    const NAME: &'static str = "tenancy.onboarding.step_marked";
    const TOPIC: &'static str = "onboarding";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Somebody takes up again whatever they had skipped, or said of the steps.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnboardingRestarted {}

impl Event for OnboardingRestarted {
    const NAME: &'static str = "tenancy.onboarding.restarted";
    const TOPIC: &'static str = "onboarding";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// Somebody wants to be pointed to the steps no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnboardingDismissed {}

impl Event for OnboardingDismissed {
    const NAME: &'static str = "tenancy.onboarding.dismissed";
    const TOPIC: &'static str = "onboarding";
    const PERMISSION: Option<&'static str> = Some(MemberRead::NAME);
}

/// What somebody says that cannot be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Skipped,
    Done,
    /// Of all of them.
    Dismissed,
}

impl Mark {
    const ALL: [Self; 3] = [Self::Skipped, Self::Done, Self::Dismissed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Done => "done",
            Self::Dismissed => "dismissed",
        }
    }

    /// As it is stored; the table's constraint lets no other in.
    pub(super) fn of(stored: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.as_str() == stored)
    }
}

/// A mark of a step, or of all of them; says whether it was not there before. Of any number who make one at once, one does.
async fn mark_in(tx: &mut TenantTx, person: Option<UserId>, step: Option<&str>, mark: Mark) -> Result<bool, DbError> {
    let now = tx.now();
    let marked = sqlx::query!(
        "insert into tenancy.onboarding_mark (tenant_id, id, user_id, step, mark, marked_at) values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint onboarding_mark_step_key do nothing",
        tx.tenant().map(Uuid::from),
        Uuid::now_v7(),
        person.map(Uuid::from),
        step,
        mark.as_str(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(marked.rows_affected() > 0)
}

async fn unmark_in(tx: &mut TenantTx, person: Option<UserId>, step: &str) -> Result<bool, DbError> {
    let unmarked = sqlx::query!(
        "delete from tenancy.onboarding_mark where tenant_id = $1 and user_id is not distinct from $2 and step = $3",
        tx.tenant().map(Uuid::from),
        person.map(Uuid::from),
        step,
    )
    .execute(&mut **tx)
    .await?;
    Ok(unmarked.rows_affected() > 0)
}

impl Onboarding {
    /// Skips a step, takes it up again, or says of the last one that it is done, which is refused (409) while there is something to do before it.
    pub(super) async fn step_set_in(
        &self,
        tx: &mut TenantTx,
        (standing, conditions, person): (&Standing, &Conditions, UserId),
        id: &str,
        state: StepState,
    ) -> Result<&'static Step, Problem> {
        let step = self.step((standing, conditions), id)?;
        if state == StepState::Done && step.is_closing() && !may_close(&self.progress_in(tx, (standing, conditions)).await?.1) {
            return Err(Problem::new(&ProblemType::CONFLICT).detail("steps before this one are open"));
        }
        let whose = step.is_persons().then_some(person);
        let changed = match state {
            StepState::Open => unmark_in(tx, whose, step.id()).await?,
            StepState::Skipped if step.is_skippable() => mark_in(tx, whose, Some(step.id()), Mark::Skipped).await?,
            StepState::Done if step.is_closing() => mark_in(tx, whose, Some(step.id()), Mark::Done).await?,
            StepState::Skipped => return Err(Problem::invalid([FieldError::new("/state", "this step is not skipped")])),
            StepState::Done => return Err(Problem::invalid([FieldError::new("/state", "this step is done by doing it")])),
        };
        if changed {
            event_in(tx, Actor::User(person), standing.tenant, &OnboardingStepMarked { step: step.id(), state }).await?;
        }
        Ok(step)
    }

    /// Takes up again whatever the person skipped or said, and of what was skipped for the organization all that they may do.
    pub(super) async fn restart_in(
        &self,
        tx: &mut TenantTx,
        (standing, conditions, person): (&Standing, &Conditions, UserId),
    ) -> Result<(), DbError> {
        let steps: Vec<_> = self.of((standing, conditions)).map(|step| step.id().to_owned()).collect();
        let unmarked = sqlx::query!(
            "delete from tenancy.onboarding_mark where tenant_id = $1 and (user_id = $2 or (user_id is null and step = any ($3)))",
            tx.tenant().map(Uuid::from),
            Uuid::from(person),
            &steps,
        )
        .execute(&mut **tx)
        .await?;
        if unmarked.rows_affected() > 0 {
            event_in(tx, Actor::User(person), standing.tenant, &OnboardingRestarted {}).await?;
        }
        Ok(())
    }
}

/// Points the person to the steps no more.
pub(super) async fn dismiss_in(tx: &mut TenantTx, standing: &Standing, person: UserId) -> Result<(), DbError> {
    if mark_in(tx, Some(person), None, Mark::Dismissed).await? {
        event_in(tx, Actor::User(person), standing.tenant, &OnboardingDismissed {}).await?;
    }
    Ok(())
}

use std::collections::HashMap;

use saas_core::{Conditions, DbError, Standing, TenantTx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{FIRST_STEPS, Onboarding, Step, mark::Mark};
use crate::Tenancy;

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It is to be done.
    Open,
    /// It was done, as things are now.
    Done,
    /// It is not to be done.
    Skipped,
}

/// A step, as it stands for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StepProgress {
    /// Its name.
    pub id: String,
    /// How it stands.
    pub state: StepState,
    /// Whether everybody takes it for themselves, and not one for the whole organization.
    pub personal: bool,
    /// Whether it may be skipped.
    pub skippable: bool,
    /// The path of the page where it is done.
    pub href: String,
}

/// How far somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnboardingProgress {
    /// The steps that they may take, in their order.
    pub steps: Vec<StepProgress>,
    /// How many of them are done.
    pub done: usize,
    /// The name of the one that is next; none if none is open.
    pub next: Option<String>,
    /// Whether they want to be pointed to the steps no more.
    pub dismissed: bool,
}

/// What leads from another page to the step that is next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnboardingPointer {
    /// How many steps are done.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// The key of what the next one is called.
    pub text: &'static str,
    /// Where it leads.
    pub href: &'static str,
}

/// What is kept about the steps, of the organization and of one person, and what the tables of this crate know of them.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// By step, and whether it is the person's.
    by_step: HashMap<(String, bool), Mark>,
    dismissed: bool,
    /// Somebody else belongs to the organization, or is asked to.
    team_begun: bool,
}

impl Marks {
    async fn read_in(tx: &mut TenantTx) -> Result<Self, DbError> {
        let now = tx.now();
        let rows = sqlx::query!(
            r#"select kept.step as "step?", kept.mark as "mark?", kept.user_id is not null as "is_persons!", team.begun as "team_begun!"
            from (
                select exists (select from core.member where tenant_id = $1 and left_at is null offset 1)
                    or exists (select from tenancy.invitation where tenant_id = $1 and ended_at is null and expires_at > $3) as begun
            ) team
            left join tenancy.onboarding_mark kept on kept.tenant_id = $1 and (kept.user_id is null or kept.user_id = $2)"#,
            tx.tenant().map(Uuid::from),
            tx.user().map(Uuid::from),
            now,
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut marks = Self::default();
        for row in rows {
            marks.team_begun = row.team_begun;
            match (row.step, row.mark.as_deref().and_then(Mark::of)) {
                (Some(step), Some(mark)) => drop(marks.by_step.insert((step, row.is_persons), mark)),
                (None, Some(_)) => marks.dismissed = true,
                // Nothing is kept.
                (_, None) => {}
            }
        }
        Ok(marks)
    }

    fn has(&self, step: &Step, mark: Mark) -> bool {
        self.by_step.get(&(step.id().to_owned(), step.is_persons())) == Some(&mark)
    }
}

impl Onboarding {
    async fn states_in(
        &self,
        tx: &mut TenantTx,
        steps: Vec<&'static Step>,
        marks: &Marks,
    ) -> Result<Vec<(&'static Step, StepState)>, DbError> {
        let done = (self.done)(tx).await?;
        let state = |step: &'static Step| match step {
            step if step.is_of_team() && marks.team_begun => (step, StepState::Done),
            step if done.contains(&step.id()) || (step.is_closing() && marks.has(step, Mark::Done)) => (step, StepState::Done),
            step if step.is_skippable() && marks.has(step, Mark::Skipped) => (step, StepState::Skipped),
            step => (step, StepState::Open),
        };
        Ok(steps.into_iter().map(state).collect())
    }

    /// How far the person of the transaction is, with each step.
    pub(super) async fn progress_in(
        &self,
        tx: &mut TenantTx,
        caller: (&Standing, &Conditions),
    ) -> Result<(OnboardingProgress, Vec<(&'static Step, StepState)>), DbError> {
        let marks = Marks::read_in(tx).await?;
        let states = self.states_in(tx, self.of(caller).collect(), &marks).await?;
        let steps = states.iter().map(|(step, state)| StepProgress {
            id: step.id().to_owned(),
            state: *state,
            personal: step.is_persons(),
            skippable: step.is_skippable(),
            href: step.href().to_owned(),
        });
        let progress = OnboardingProgress {
            steps: steps.collect(),
            done: states.iter().filter(|(_, state)| *state == StepState::Done).count(),
            next: next(&states).map(|step| step.id().to_owned()),
            dismissed: marks.dismissed,
        };
        Ok((progress, states))
    }
}

/// The first that is open.
fn next(states: &[(&'static Step, StepState)]) -> Option<&'static Step> {
    states.iter().find(|(_, state)| *state == StepState::Open).map(|(step, _)| *step)
}

/// Whether the last may be said to be done: all that can be done is done or skipped. What only waits keeps nobody.
pub(super) fn may_close(states: &[(&'static Step, StepState)]) -> bool {
    states.iter().all(|(step, state)| *state != StepState::Open || step.is_waiting() || step.is_closing())
}

impl Tenancy {
    /// What is next for the person of the transaction, for the page on which they begin: include `tenancy/fragments/onboarding_pointer.html` with it
    /// as `pointer`. None for whoever has nothing left to do but to say that they are done, has said so, or does not want to be told.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn onboarding_pointer_in(
        &self,
        tx: &mut TenantTx,
        caller: (&Standing, &Conditions),
    ) -> Result<Option<OnboardingPointer>, DbError> {
        let Some(onboarding) = &self.onboarding else { return Ok(None) };
        let marks = Marks::read_in(tx).await?;
        if tx.user().is_none() || marks.dismissed || onboarding.steps.iter().any(|step| step.is_closing() && marks.has(step, Mark::Done)) {
            return Ok(None);
        }
        let states = onboarding.states_in(tx, onboarding.of(caller).collect(), &marks).await?;
        let done = states.iter().filter(|(_, state)| *state == StepState::Done).count();
        Ok(next(&states).filter(|step| !step.is_closing()).map(|step| OnboardingPointer {
            done,
            total: states.len(),
            text: step.text(),
            // What waits is seen among the steps.
            href: if step.is_waiting() { FIRST_STEPS } else { step.href() },
        }))
    }
}

//! First steps (TEN-13): a product declares them as a table, and says which of them are done. What can be seen in its own state is looked at there
//! each time, so it cannot be wrong; kept is only what cannot be seen: what was skipped, who is done, who wants no more to be pointed to it.
//!
//! ```
//! use saas_tenancy::{Onboarding, Step};
//!
//! saas_core::permissions! {
//!     /// Write reports.
//!     pub ReportWrite = "app.report.write";
//! }
//!
//! const STEPS: &[Step] = &[
//!     Step::new("report", "app-start-report", "/reports/new").needs::<ReportWrite>(),
//!     Step::new("team", "app-start-team", "/members/invite").begins_team().skippable(),
//!     Step::new("explore", "app-start-explore", "/reports").closes(),
//! ];
//!
//! let onboarding = Onboarding::new(STEPS, |tx| {
//!     Box::pin(async move {
//!         let reports: bool = sqlx::query_scalar("select exists (select from report)").fetch_one(&mut **tx).await?;
//!         Ok(if reports { vec!["report"] } else { Vec::new() })
//!     })
//! });
//! ```

mod api;
mod mark;
mod page;
mod progress;
mod step;

use std::{fmt, sync::Arc};

use futures_core::future::BoxFuture;
use saas_core::{Conditions, DbError, Problem, Routes, Standing, TenantTx};

use crate::Tenancy;

pub use mark::{OnboardingDismissed, OnboardingRestarted, OnboardingStepMarked};
pub use progress::{OnboardingPointer, OnboardingProgress, StepProgress, StepState};
pub use step::Step;

/// Where the steps are.
pub(crate) const FIRST_STEPS: &str = "/start";

type Done = dyn for<'a> Fn(&'a mut TenantTx) -> BoxFuture<'a, Result<Vec<&'static str>, DbError>> + Send + Sync;

/// The first steps of a product. Cheap to clone.
#[derive(Clone)]
pub struct Onboarding {
    steps: &'static [Step],
    done: Arc<Done>,
    topics: &'static str,
}

impl Onboarding {
    /// Steps in their order, and which of them are done as things are in the transaction, by name. The transaction may be anybody's in the tenant;
    /// what a person has done is told by its [user](TenantTx::user).
    #[must_use]
    pub fn new(
        steps: &'static [Step],
        done: impl for<'a> Fn(&'a mut TenantTx) -> BoxFuture<'a, Result<Vec<&'static str>, DbError>> + Send + Sync + 'static,
    ) -> Self {
        Self { steps, done: Arc::new(done), topics: "" }
    }

    /// The page follows these topics of events, with spaces between them, through the product's stream at `/live`.
    #[must_use]
    pub fn following(mut self, topics: &'static str) -> Self {
        self.topics = topics;
        self
    }

    /// The steps of somebody: nobody is told to do what they may not.
    fn of<'a>(&'a self, (standing, conditions): (&'a Standing, &'a Conditions)) -> impl Iterator<Item = &'static Step> + 'a {
        self.steps.iter().filter(move |step| step.is_for(&standing.permissions, &conditions.own))
    }

    /// One of those that somebody may take: 404 if there is none, 403 if it is not theirs.
    fn step(&self, caller: (&Standing, &Conditions), id: &str) -> Result<&'static Step, Problem> {
        if !self.steps.iter().any(|step| step.id() == id) {
            return Err(Problem::not_found());
        }
        self.of(caller).find(|step| step.id() == id).ok_or_else(Problem::forbidden)
    }
}

impl fmt::Debug for Onboarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onboarding").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl Tenancy {
    /// Leads people through the first steps of the product, at `/start`, which is where they land after they made an organization. Without it all
    /// that is there is 404. [`onboarding_pointer_in`](Self::onboarding_pointer_in) is for the page where people begin otherwise.
    #[must_use]
    pub fn onboarding(mut self, onboarding: Onboarding) -> Self {
        self.onboarding = Some(onboarding);
        self
    }

    /// How many steps there are for whoever makes an organization, where the product has some: an owner has all.
    pub(crate) fn steps_of_maker(&self) -> Option<usize> {
        self.onboarding.as_ref().map(|onboarding| onboarding.steps.len())
    }

    /// The first steps, where the product has some.
    pub(crate) fn first_steps(&self) -> Result<&Onboarding, Problem> {
        self.onboarding.as_ref().ok_or_else(Problem::not_found)
    }
}

pub(crate) fn routes() -> Routes<Tenancy> {
    api::routes().merge(page::routes())
}

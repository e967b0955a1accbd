use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::request::Parts;

use super::{Permission, Standing};
use crate::{DbError, Problem, ProblemType, UserId};

/// What the caller of a request holds on a condition, and what of the rest takes a feature of the plan. Put there by a tenancy layer; without it
/// nothing is held on a condition.
///
/// [`Can`](super::Can) refuses what is held only on one. So a handler that knows nothing of conditions lets nobody in by them.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The permissions that are held for what the caller made, by name.
    pub own: Arc<[&'static str]>,
    /// The person to whom things may be shared; none for whatever is no person.
    pub person: Option<UserId>,
    /// The permissions that no share gives in this request.
    pub withheld: &'static [&'static str],
    /// The permissions that take a feature of the plan, with that feature.
    pub features: Arc<[(&'static str, &'static str)]>,
    /// Who knows the plan.
    pub plan: Option<Arc<dyn PlanFeatures>>,
}

/// Says what a tenant's plan has.
///
/// * It answers as things are now: what was bought or ended a moment ago counts.
#[async_trait]
pub trait PlanFeatures: fmt::Debug + Send + Sync + 'static {
    /// Whether the caller's tenant has the feature.
    async fn has(&self, standing: &Standing, feature: &'static str) -> Result<bool, DbError>;

    /// The path of the page on which another plan is bought.
    fn upgrade(&self) -> &'static str;
}

impl Conditions {
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Whether `P` is held at least for what the caller made.
    #[must_use]
    pub fn may_own<P: Permission>(&self) -> bool {
        self.own.contains(&P::NAME)
    }

    /// The feature of the plan that a permission takes.
    #[must_use]
    pub fn feature_of(&self, permission: &str) -> Option<&'static str> {
        self.features.iter().find(|(name, _)| *name == permission).map(|(_, feature)| *feature)
    }

    /// Refuses (402) what the plan of the caller's tenant does not have.
    pub(crate) async fn check_plan<P: Permission>(&self, standing: &Standing) -> Result<(), Problem> {
        let Some(feature) = self.feature_of(P::NAME) else { return Ok(()) };
        let plan = self.plan.as_ref().ok_or_else(|| Problem::missing_layer("one that knows what the plan has"))?;
        if plan.has(standing, feature).await? {
            return Ok(());
        }
        Err(Problem::new(&ProblemType::FEATURE_NOT_IN_PLAN)
            .with("permission", P::NAME)
            .with("feature", feature)
            .with("upgrade", plan.upgrade()))
    }
}

/// 403, and which permission is missing.
pub(super) fn lacks<P: Permission>() -> Problem {
    Problem::forbidden().with("permission", P::NAME)
}

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{Access, CurrentUser, Declares, Problem, ProblemType, SignedIn};

/// Asks people to show again who they are. The layer that authenticates puts one on each request, as an `Arc<dyn StepUp>`; saas-auth's does. Where
/// there is none, nobody has shown it lately.
///
/// * It must let those pass who showed it lately, by what is strongest of all that they have.
/// * It must tell everybody else how, with a problem of the kind [`STEP_UP_REQUIRED`](crate::ProblemType::STEP_UP_REQUIRED).
#[async_trait]
pub trait StepUp: Send + Sync + 'static {
    /// Passes whoever showed it lately.
    async fn check(&self, me: &SignedIn) -> Result<(), Problem>;
}

/// Whoever is signed in and has lately shown who they are, by the rule of the layer that authenticates: 401 for a stranger, 403 for a program with
/// a key and for whoever showed it too long ago.
///
/// ```
/// use saas_core::RecentProof;
///
/// async fn export(RecentProof(me): RecentProof) -> String {
///     format!("All that is known of {}", me.name)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RecentProof(pub Arc<SignedIn>);

impl<S: Send + Sync> FromRequestParts<S> for RecentProof {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let CurrentUser(me) = CurrentUser::from_request_parts(parts, state).await?;
        let step_up = parts.extensions.get::<Arc<dyn StepUp>>().cloned();
        step_up.ok_or_else(|| Problem::new(&ProblemType::STEP_UP_REQUIRED))?.check(&me).await?;
        Ok(Self(me))
    }
}

impl Declares for RecentProof {
    fn access() -> Access {
        Access::signed_in()
    }
}

//! Step-up: what concerns the safety of an account or an organization takes somebody who has just shown who they are.
//!
//! A session remembers when its person last did, by what is strongest of all that they have: their second factor or a passkey, or else their
//! password. Where that was too long ago, a browser is led to a page that asks for it and back; a program gets 403 `step-up-required`.

use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{DbError, Event, EventSeverity, Ledger, Origin, Problem, ProblemType, Secret, SignedIn, StepUp, UserId, system_event_in};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Auth, SecondFactorError,
    account::{account_has_password, account_lock_in, current_password_check, current_password_entered},
    mail::Letters,
    refused::{Refusal, Refused},
    second_factor::{Checked, Proof, proof_check_in, second_factor, second_factor_in},
    session::{Method, NewSession, Replace, session_replace_in},
};

/// For how long it is recent.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// Whoever showed it within the last ten minutes passes.
#[async_trait]
impl StepUp for Auth {
    async fn check(&self, me: &SignedIn) -> Result<(), Problem> {
        let is_recent = self.db().clock().now() < me.proved_at + RECENT;
        if is_recent { Ok(()) } else { Err(step_up_required(&proof_methods(self, me.user).await?)) }
    }
}

/// With what somebody shows again who they are: their second factor, or else their password. A passkey does it by another sign-in, and so does
/// whatever opens the account of somebody who has neither.
pub(crate) async fn proof_methods(auth: &Auth, user: UserId) -> Result<Vec<Method>, DbError> {
    let second = second_factor(auth, user).await?;
    let methods = second.methods();
    if !methods.is_empty() {
        return Ok(methods);
    }
    let password = account_has_password(auth, user).await?.then_some(Method::Password);
    Ok(password.into_iter().chain(second.passkey()).collect())
}

fn step_up_required(methods: &[Method]) -> Problem {
    let methods: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    Problem::new(&ProblemType::STEP_UP_REQUIRED)
        .detail("Show who you are at POST /api/v1/auth/prove, or sign in again.")
        .with("methods", methods)
        .first("/account/prove")
}

/// What somebody shows who is signed in.
#[derive(Debug, Clone)]
pub(crate) enum ShownAgain {
    /// Their password, if they have no second factor.
    Password(Secret),
    /// Their second factor.
    Second(Proof),
}

/// Takes what whoever is signed in shows again. The session goes on under another id and token; the old one is as it was, and over soon.
pub(crate) async fn session_prove(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    shown: &ShownAgain,
    letters: &Letters,
) -> Result<NewSession, SecondFactorError> {
    let current = match shown {
        ShownAgain::Password(password) => {
            current_password_entered(password).map_err(|refusal| SecondFactorError::Refused(Refused::of("password", refusal)))?;
            Some(current_password_check(auth, origin.clone(), me, password, &SessionProofRefused {}).await?)
        }
        ShownAgain::Second(_) => None,
    };
    let mut tx = auth.db().system("show again who one is").caused_by(origin).begin().await?;
    let now = tx.now();
    account_lock_in(&mut tx, me.user).await?;
    if let Some(current) = current {
        current.counts_in(&mut tx).await?;
    }
    let method = match shown {
        ShownAgain::Password(_) if second_factor_in(&mut tx, me.user).await?.since.is_some() => {
            return Err(SecondFactorError::Refused(Refused::of("code", Refusal::CodeMissing)));
        }
        ShownAgain::Password(_) => Method::Password,
        ShownAgain::Second(proof) => match proof_check_in(&mut tx, auth, me.into(), proof, letters).await? {
            Checked::Right(method) => method,
            Checked::Wrong => {
                tx.commit().await?;
                return Err(SecondFactorError::Wrong);
            }
            Checked::Throttled { until } => return Err(SecondFactorError::Throttled { wait: (until - now).to_std().unwrap_or_default() }),
        },
    };
    let session = session_replace_in(&mut tx, me, Replace::Proved(method)).await?.ok_or(SecondFactorError::Expired)?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &SessionProved { method }).await?;
    tx.commit().await?;
    Ok(session)
}

/// Somebody who is signed in showed again who they are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionProved {
    /// With what.
    method: Method,
}

impl Event for SessionProved {
    const NAME: &'static str = "auth.session.proved";
    const TOPIC: &'static str = "sessions";
    const PERMISSION: Option<&'static str> = None;
}

/// Somebody who is signed in did not know the password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionProofRefused {}

impl Event for SessionProofRefused {
    const NAME: &'static str = "auth.session.proof_refused";
    const TOPIC: &'static str = "sessions";
    const SEVERITY: EventSeverity = EventSeverity::Warning;
    const PERMISSION: Option<&'static str> = None;
}

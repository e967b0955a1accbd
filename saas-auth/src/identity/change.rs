//! Somebody who is signed in links an account elsewhere with theirs, or unlinks one.

use std::time::Duration;

use chrono::TimeDelta;
use saas_core::{Actor, DbError, Ledger, Origin, Problem, ProblemType, Secret, SignedIn, SystemTx, mail::MailInError, system_event_in};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Begun, FlowBrowser, IdentityChangeRefused, IdentityId, IdentityUnlinked, Refused,
    arrive::{identity_insert_in, identity_user_in},
    event::LinkedBy,
    flow::flow_begin,
};
use crate::{
    Auth, HashError,
    account::{CurrentPasswordError, account_lock_in, current_password_check, current_password_entered, ways_in_count_in},
    attempt::throttled,
    mail::{Letters, Reader},
    provider::{Claimed, ProviderClient},
    refused::{self, Refusal},
    session::session_end_all_in,
};

/// For how long a sign-in shows who somebody is that has no password to enter.
const RECENT: TimeDelta = TimeDelta::minutes(15);

/// What is entered to link or unlink.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityChange {
    /// The password of the account. One that has none needs a sign-in within the last 15 minutes.
    #[schema(value_type = Option<String>)]
    pub(crate) password: Option<Secret>,
}

/// An account elsewhere was not linked or unlinked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The password is missing or wrong.
    #[error("the password is missing or wrong")]
    Refused(refused::Refused),
    /// The password was wrong too often.
    #[error("the password was wrong too often")]
    Throttled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// There is no password, and the sign-in was long ago.
    #[error("the sign-in was long ago")]
    Stale,
    /// Nobody has shown that the address of the account is theirs.
    #[error("the address of the account was never confirmed")]
    Unverified,
    /// It is the only way in.
    #[error("it is the last way to sign in")]
    Last,
    /// There is no such account elsewhere, or it is somebody else's.
    #[error("there is no such account")]
    Unknown,
    /// The provider cannot be used now.
    #[error("the provider cannot be used now")]
    Provider(#[source] Box<dyn std::error::Error + Send + Sync>, Option<Duration>),
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The letter could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for IdentityError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<CurrentPasswordError> for IdentityError {
    fn from(error: CurrentPasswordError) -> Self {
        match error {
            CurrentPasswordError::Wrong => Self::Refused(refused::Refused::of("password", Refusal::PasswordWrong)),
            CurrentPasswordError::Throttled { wait } => Self::Throttled { wait },
            CurrentPasswordError::Hash(error) => Self::Hash(error),
            CurrentPasswordError::Db(error) => Self::Db(error),
        }
    }
}

impl From<Refused> for IdentityError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Db(error) => Self::Db(error),
            refused => {
                let retry_in = refused.retry_in();
                Self::Provider(refused.into(), retry_in)
            }
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Refused(refused) => refused.into(),
            IdentityError::Throttled { wait } => throttled("The password was wrong too often.", wait),
            IdentityError::Stale => Self::forbidden().detail("Sign in again first: the last time was more than 15 minutes ago."),
            IdentityError::Unverified => Self::forbidden().detail("confirm the address that you have first"),
            IdentityError::Last => {
                Self::new(&ProblemType::CONFLICT).detail("It is the only way to sign in to the account: choose a password first.")
            }
            IdentityError::Unknown => Self::not_found(),
            IdentityError::Provider(_, retry_in) => {
                let problem = Self::new(&ProblemType::UNAVAILABLE).detail("The provider does not answer as it should.").because(error);
                match retry_in {
                    Some(wait) => problem.retry_after(wait),
                    None => problem,
                }
            }
            IdentityError::Hash(error) => error.into(),
            IdentityError::Mail(error) => error.into(),
            IdentityError::Db(error) => error.into(),
        }
    }
}

/// Sends somebody to a provider whose account there is to open the one here.
pub(crate) async fn identity_link_begin(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    provider: &ProviderClient,
    change: &IdentityChange,
    browser: FlowBrowser,
) -> Result<Begun, IdentityError> {
    // Whoever has an account with an address that was never shown to be theirs must not leave a way into it for whoever shows it.
    if !me.verified {
        return Err(IdentityError::Unverified);
    }
    prove(auth, origin, me, change).await?;
    Ok(flow_begin(auth, provider, browser, Some(me.user), None).await?)
}

/// Links what somebody has shown at the provider; their own sessions go on.
pub(super) async fn link(
    auth: &Auth,
    provider: &ProviderClient,
    claimed: &Claimed,
    me: &SignedIn,
    origin: &Origin,
    letters: &Letters,
) -> Result<(), Refused> {
    let mut tx = auth.db().system("link an account elsewhere").caused_by(origin.clone()).begin().await?;
    if identity_insert_in(&mut tx, me.user, provider, claimed, LinkedBy::Person).await? {
        letters.identity_linked_in(&mut tx, Reader { user: me.user, email: &me.email, name: &me.name }).await?;
        return Ok(tx.commit().await?);
    }
    match identity_user_in(&mut tx, claimed).await? {
        Some(user) if user == me.user => Ok(()),
        _ => Err(Refused::Taken),
    }
}

/// An account elsewhere opens the one here no more, unless nothing else would. All other sessions end, for one of them may have begun with it.
pub(crate) async fn identity_unlink(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    id: IdentityId,
    change: &IdentityChange,
    letters: &Letters,
) -> Result<(), IdentityError> {
    prove(auth, origin.clone(), me, change).await?;
    let mut tx = auth.db().system("unlink an account elsewhere").caused_by(origin).begin().await?;
    let unlinked = unlink_in(&mut tx, me, id).await?;
    let event = IdentityUnlinked { provider: &unlinked };
    system_event_in(&mut tx, Ledger::Platform, Actor::User(me.user), me.user, &event).await?;
    session_end_all_in(&mut tx, me.user, Some(me.session)).await?;
    letters.identity_unlinked_in(&mut tx, Reader { user: me.user, email: &me.email, name: &me.name }).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, provider = unlinked, "unlinked an account elsewhere");
    Ok(())
}

/// Its provider. Of two that would each be the last but one, the second finds itself the last.
async fn unlink_in(tx: &mut SystemTx, me: &SignedIn, id: IdentityId) -> Result<String, IdentityError> {
    account_lock_in(tx, me.user).await?;
    let ways = ways_in_count_in(tx, me.user).await?;
    let unlinked = sqlx::query_scalar!(
        "delete from auth.identity where id = $1 and user_id = $2 returning provider",
        Uuid::from(id),
        Uuid::from(me.user),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(IdentityError::Unknown)?;
    if ways == 1 { Err(IdentityError::Last) } else { Ok(unlinked) }
}

/// Whoever finds a browser open does not get in for good: they know the password, or have just signed in.
async fn prove(auth: &Auth, origin: Origin, me: &SignedIn, change: &IdentityChange) -> Result<(), IdentityError> {
    let mut tx = auth.db().system("look how somebody signs in").begin().await?;
    let known = sqlx::query!(
        r#"select account.password_hash is not null as "has_password!", session.proved_at
        from auth.account
        join auth.session on session.user_id = account.user_id
        where account.user_id = $1 and session.id = $2"#,
        Uuid::from(me.user),
        Uuid::from(me.session),
    )
    .fetch_one(&mut *tx)
    .await?;
    let now = tx.now();
    tx.commit().await?;
    if !known.has_password {
        return if known.proved_at > now - RECENT { Ok(()) } else { Err(IdentityError::Stale) };
    }
    let password = change.password.clone().unwrap_or_default();
    current_password_entered(&password).map_err(|refusal| IdentityError::Refused(refused::Refused::of("password", refusal)))?;
    let current = current_password_check(auth, origin, me, &password, &IdentityChangeRefused {}).await?;
    let mut tx = auth.db().system("count a current password").begin().await?;
    current.counts_in(&mut tx).await?;
    Ok(tx.commit().await?)
}

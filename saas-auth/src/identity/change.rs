//! Somebody who has just shown who they are links an account elsewhere with theirs, or unlinks one.

use std::time::Duration;

use saas_core::{Actor, DbError, Ledger, Origin, Problem, ProblemType, SignedIn, SystemTx, mail::MailInError, system_event_in};
use uuid::Uuid;

use super::{
    Begun, FlowBrowser, IdentityId, IdentityUnlinked, Refused,
    arrive::{identity_insert_in, identity_user_in},
    event::LinkedBy,
    flow::flow_begin,
};
use crate::{
    Auth,
    account::{account_lock_in, ways_in_count_in},
    mail::{Letters, Reader},
    provider::{Claimed, ProviderClient},
    session::session_end_all_in,
};

/// An account elsewhere was not linked or unlinked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
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
            IdentityError::Mail(error) => error.into(),
            IdentityError::Db(error) => error.into(),
        }
    }
}

/// Sends somebody to a provider whose account there is to open the one here.
pub(crate) async fn identity_link_begin(
    auth: &Auth,
    me: &SignedIn,
    provider: &ProviderClient,
    browser: FlowBrowser,
) -> Result<Begun, IdentityError> {
    // Whoever has an account with an address that was never shown to be theirs must not leave a way into it for whoever shows it.
    if !me.verified {
        return Err(IdentityError::Unverified);
    }
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
    letters: &Letters,
) -> Result<(), IdentityError> {
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

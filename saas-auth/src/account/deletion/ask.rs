use chrono::TimeDelta;
use saas_core::{DbError, Ledger, Origin, Secret, SignedIn, Token, UserId, system_event_in};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::DeletionError;
use crate::{
    Auth,
    account::{
        DeletionAsked, DeletionRefused,
        bound_token::{BoundToken, bound_token_insert_in},
        current_password::{account_has_password, current_password_check, current_password_entered},
    },
    attempt::Counted,
    mail::{Letters, Reader},
    refused::Refused,
};

/// How long the link works that confirms it.
pub(crate) const DELETION_LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// What somebody who is signed in enters to have their account deleted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletionWanted {
    /// The password that they have, if they have one.
    #[serde(default)]
    pub(crate) password: Secret,
}

/// What stands between somebody and the end of their account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DeletionState {
    /// Whether their password is asked for: they have one.
    pub(crate) has_password: bool,
    /// The organizations that would be left without an owner.
    pub(crate) last_owner_of: Vec<String>,
}

/// What somebody has to know and to show.
pub(crate) async fn deletion_state(auth: &Auth, me: &SignedIn) -> Result<DeletionState, DbError> {
    Ok(DeletionState { has_password: account_has_password(auth, me.user).await?, last_owner_of: only_owner_of(auth, me.user).await? })
}

/// Mails a link to somebody who is signed in and knows their password; the link alone is what whoever has none needs. Nothing changes before it is
/// used.
pub(crate) async fn deletion_ask(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    wanted: &DeletionWanted,
    letters: &Letters,
) -> Result<(), DeletionError> {
    let state = deletion_state(auth, me).await?;
    let current = if state.has_password {
        current_password_entered(&wanted.password).map_err(|refusal| DeletionError::Refused(Refused::of("password", refusal)))?;
        Some(current_password_check(auth, origin.clone(), me, &wanted.password, &DeletionRefused {}).await?)
    } else {
        None
    };
    if !state.last_owner_of.is_empty() {
        return Err(DeletionError::LastOwner(state.last_owner_of));
    }
    let (lifetime, mails) = BoundToken::Deletion.terms(auth, &me.user.to_string());
    let mut tx = auth.db().system("ask for a deletion").caused_by(origin).begin().await?;
    if let Some(current) = current {
        current.counts_in(&mut tx).await?;
    }
    if let Counted::Refused { until } = mails.add_in(&mut tx).await? {
        return Err(DeletionError::Throttled { wait: (until - tx.now()).to_std().unwrap_or_default() });
    }
    let token = Token::generate();
    bound_token_insert_in(&mut tx, &token, BoundToken::Deletion, me.user, lifetime, None).await?;
    letters.deletion_in(&mut tx, Reader { user: me.user, email: &me.email, name: &me.name }, &token).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &DeletionAsked {}).await?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, "asked for a deletion");
    Ok(())
}

/// The organizations of which somebody is the only owner who stays.
pub(super) async fn only_owner_of(auth: &Auth, user: UserId) -> Result<Vec<String>, DbError> {
    let mut tx = auth.db().system("look for a last owner").begin().await?;
    let names = sqlx::query_scalar!(
        "select tenant.name
        from core.member mine
        join core.tenant on tenant.id = mine.tenant_id and tenant.state not in ('leaving', 'deleted')
        where mine.user_id = $1 and mine.role = 'owner' and mine.left_at is null
          and not exists (
              select from core.member other
              where other.tenant_id = mine.tenant_id and other.user_id <> mine.user_id and other.role = 'owner' and other.left_at is null
                and not core.leaves(other.user_id)
          )
        order by tenant.name, tenant.id",
        Uuid::from(user),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(names)
}

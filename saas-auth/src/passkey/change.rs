//! Whoever is signed in renames a passkey, or removes it.

use saas_core::{Ledger, Origin, SignedIn, SystemTx, system_event_in};
use uuid::Uuid;

use super::{PasskeyError, PasskeyId, PasskeyRemoved, PasskeyRenamed};
use crate::{
    Auth,
    account::{account_lock_in, ways_in_count_in},
    mail::Letters,
    refused::{Refused, name},
    second_factor::second_factor_in,
    session::{NewSession, Replace, session_end_all_in, session_replace_in},
};

/// Calls a passkey something else.
pub(crate) async fn passkey_rename(auth: &Auth, origin: Origin, me: &SignedIn, id: PasskeyId, called: &str) -> Result<(), PasskeyError> {
    let called = name(called).map_err(|refusal| PasskeyError::Refused(Refused::of("name", refusal)))?;
    let mut tx = auth.db().system("rename a passkey").caused_by(origin).begin().await?;
    let renamed =
        sqlx::query!("update auth.passkey set name = $3 where id = $1 and user_id = $2", Uuid::from(id), Uuid::from(me.user), called)
            .execute(&mut *tx)
            .await?;
    if renamed.rows_affected() == 0 {
        return Err(PasskeyError::Unknown);
    }
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PasskeyRenamed { passkey: id }).await?;
    tx.commit().await?;
    Ok(())
}

/// A passkey opens the account no more, unless nothing else would. All other sessions end, for one of them may have begun with it. With the last of
/// all second factors what the one at hand has shown is gone: it goes on under another id and token, which are given.
pub(crate) async fn passkey_remove(
    auth: &Auth,
    origin: Origin,
    me: &SignedIn,
    id: PasskeyId,
    letters: &Letters,
) -> Result<Option<NewSession>, PasskeyError> {
    let mut tx = auth.db().system("remove a passkey").caused_by(origin).begin().await?;
    account_lock_in(&mut tx, me.user).await?;
    remove_in(&mut tx, me, id).await?;
    session_end_all_in(&mut tx, me.user, Some(me.session)).await?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PasskeyRemoved { passkey: id }).await?;
    letters.passkey_removed_in(&mut tx, me.into(), id).await?;
    let left = second_factor_in(&mut tx, me.user).await?;
    let session = if left.is_none() {
        Some(session_replace_in(&mut tx, me, Replace::Left(&left)).await?.ok_or(PasskeyError::Expired)?)
    } else {
        None
    };
    tx.commit().await?;
    tracing::info!(user.id = %me.user, passkey.id = %id, "removed a passkey");
    Ok(session)
}

/// Of two that would each be the last but one, the second finds itself the last.
async fn remove_in(tx: &mut SystemTx, me: &SignedIn, id: PasskeyId) -> Result<(), PasskeyError> {
    let ways = ways_in_count_in(tx, me.user).await?;
    let removed = sqlx::query!(
        r#"delete from auth.passkey where id = $1 and user_id = $2 returning copied_at is null as "opened!""#,
        Uuid::from(id),
        Uuid::from(me.user),
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(PasskeyError::Unknown)?;
    if removed.opened && ways == 1 { Err(PasskeyError::Last) } else { Ok(()) }
}

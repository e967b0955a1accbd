//! Whoever is signed in registers a passkey.

use saas_core::{DbError, Ledger, SignedIn, SystemTx, UserId, system_event_in};
use sqlx::types::Json;
use uuid::Uuid;
use webauthn_rs::prelude::{self as webauthn, CreationChallengeResponse, CredentialID, PasskeyRegistration, RegisterPublicKeyCredential};

use super::{
    Answered, Asked, PasskeyAdded, PasskeyError, PasskeyId,
    challenge::{challenge_insert_in, challenge_take},
};
use crate::{
    Auth,
    account::account_lock_in,
    mail::Letters,
    refused::{Refused, name},
    session::{Method, NewSession, Replace, session_replace_in},
};

/// How many an account may have. The browser is told of all of them, so that no device gets two.
const MAX: usize = 20;

/// Asks a browser for a new passkey: one that is found without an address, and whose authenticator recognizes its person.
pub(crate) async fn passkey_register_begin(auth: &Auth, me: &SignedIn) -> Result<Asked<CreationChallengeResponse>, PasskeyError> {
    let party = auth.relying_party()?;
    let mut tx = auth.db().system("ask for a passkey to register").begin().await?;
    let there = credential_ids_in(&mut tx, me.user).await?;
    let asked = party.webauthn.start_passkey_registration(me.user.into(), &me.email, &me.name, Some(there));
    let (mut options, state) = asked.map_err(PasskeyError::asking)?;
    if let Some(wanted) = &mut options.public_key.authenticator_selection {
        // The library leaves it to the authenticator. Without the newer word the older one says that nothing else will do.
        (wanted.resident_key, wanted.require_resident_key) = (None, true);
    }
    let asked = challenge_insert_in(&mut tx, Some(me.user), options, &state).await?;
    tx.commit().await?;
    Ok(asked)
}

async fn credential_ids_in(tx: &mut SystemTx, user: UserId) -> Result<Vec<CredentialID>, PasskeyError> {
    let ids: Vec<CredentialID> =
        sqlx::query_scalar!("select credential_id from auth.passkey where user_id = $1", Uuid::from(user)).fetch_all(&mut **tx).await?;
    if ids.len() < MAX { Ok(ids) } else { Err(PasskeyError::Many) }
}

/// Takes the passkey that the browser made. From now on it opens the account; all sessions go on. The one at hand does so under another id and token:
/// its person was recognized by the authenticator, so it has shown the passkey too.
pub(crate) async fn passkey_register(
    auth: &Auth,
    me: &SignedIn,
    answered: Answered<'_, RegisterPublicKeyCredential>,
    called: &str,
    letters: &Letters,
) -> Result<(PasskeyId, NewSession), PasskeyError> {
    let called = name(called).map_err(|refusal| PasskeyError::Refused(Refused::of("name", refusal)))?;
    let state: PasskeyRegistration = challenge_take(auth, Some(me.user), answered.token.as_ref()).await?;
    let made = auth
        .relying_party()?
        .webauthn
        .finish_passkey_registration(answered.credential, &state)
        .map_err(|error| PasskeyError::answer(&error))?;
    let mut tx = auth.db().system("register a passkey").caused_by(answered.origin).begin().await?;
    account_lock_in(&mut tx, me.user).await?;
    credential_ids_in(&mut tx, me.user).await?;
    let id = passkey_insert_in(&mut tx, me.user, &called, &made).await?.ok_or(PasskeyError::Taken)?;
    system_event_in(&mut tx, Ledger::Platform, me.into(), me.user, &PasskeyAdded { passkey: id }).await?;
    letters.passkey_added_in(&mut tx, me.into()).await?;
    let session = session_replace_in(&mut tx, me, Replace::Proved(Method::Passkey)).await?.ok_or(PasskeyError::Expired)?;
    tx.commit().await?;
    tracing::info!(user.id = %me.user, passkey.id = %id, "registered a passkey");
    Ok((id, session))
}

/// Nothing if somebody has it already.
async fn passkey_insert_in(tx: &mut SystemTx, user: UserId, called: &str, made: &webauthn::Passkey) -> Result<Option<PasskeyId>, DbError> {
    let (id, now) = (PasskeyId::new(), tx.now());
    let inserted = sqlx::query!(
        "insert into auth.passkey (id, user_id, credential_id, credential, name, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint passkey_credential_key do nothing",
        Uuid::from(id),
        Uuid::from(user),
        made.cred_id().as_slice(),
        Json(made) as Json<&webauthn::Passkey>,
        called,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(id))
}

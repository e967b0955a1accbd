//! Somebody signs in with a passkey, without saying who they are.

use saas_core::{Actor, Ledger, SessionId, SystemTx, UserId, system_event_in};
use sqlx::types::Json;
use uuid::Uuid;
use webauthn_rs::prelude::{self as webauthn, DiscoverableAuthentication, PublicKeyCredential, RequestChallengeResponse, WebauthnError};

use super::{
    Answered, Asked, PasskeyCopied, PasskeyError, PasskeyId, RelyingParty,
    challenge::{challenge_insert_in, challenge_take},
};
use crate::{
    Auth,
    account::{Entry, Shown, SignInRefused, account_lock_in, entry_in},
    mail::{Letters, Reader},
    session::{Method, session_end_all_in},
};

/// Asks a browser for whatever passkey it has for this application.
pub(crate) async fn passkey_sign_in_begin(auth: &Auth) -> Result<Asked<RequestChallengeResponse>, PasskeyError> {
    let (options, state) = auth.relying_party()?.webauthn.start_discoverable_authentication().map_err(PasskeyError::asking)?;
    let mut tx = auth.db().system("ask for a passkey to sign in with").begin().await?;
    let asked = challenge_insert_in(&mut tx, None, options, &state).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Lets somebody in who has a passkey, in the place of `old`, the session that the request came with.
pub(crate) async fn passkey_sign_in(
    auth: &Auth,
    answered: Answered<'_, PublicKeyCredential>,
    remember: bool,
    old: Option<SessionId>,
    letters: &Letters,
) -> Result<Entry, PasskeyError> {
    let state: DiscoverableAuthentication = challenge_take(auth, None, answered.token.as_ref()).await?;
    let answer = answered.credential;
    let mut tx = auth.db().system("sign in with a passkey").caused_by(answered.origin).begin().await?;
    let held = held_in(&mut tx, answer).await?;
    let entry = match &held {
        Some(held) if passkey_use_in(&mut tx, auth.relying_party()?, held, answer, state, letters).await? => {
            let shown = Shown { user: held.user, method: Method::Passkey, password_hash: None, remember, old };
            entry_in(&mut tx, shown).await?
        }
        Some(_) | None => None,
    };
    if entry.is_none() {
        let subject = held.map_or_else(|| "unknown".to_owned(), |held| held.user.to_string());
        system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, &subject, &SignInRefused {}).await?;
    } else if let Some(held) = held {
        tracing::info!(user.id = %held.user, passkey.id = %held.id, "signed in with a passkey");
    }
    tx.commit().await?;
    entry.ok_or(PasskeyError::Wrong)
}

/// A passkey and whose it is.
struct Held {
    id: PasskeyId,
    user: UserId,
    email: String,
    name: String,
    credential: Json<webauthn::Passkey>,
}

/// The passkey that an answer is said to be of, if it opens the account that the authenticator names. Nothing was shown yet. The account's row is
/// locked, so the passkey is as it was left by whoever used it last.
async fn held_in(tx: &mut SystemTx, answer: &PublicKeyCredential) -> Result<Option<Held>, PasskeyError> {
    let Some(user) = answer.get_user_unique_id().and_then(|handle| Uuid::from_slice(handle).ok()) else { return Ok(None) };
    account_lock_in(tx, user.into()).await?;
    Ok(sqlx::query_as!(
        Held,
        r#"select passkey.id as "id: PasskeyId", account.user_id as "user: UserId", account.email, account.name,
            passkey.credential as "credential: Json<webauthn::Passkey>"
        from auth.passkey
        join auth.account on account.user_id = passkey.user_id
        where passkey.credential_id = $1 and passkey.user_id = $2 and passkey.copied_at is null"#,
        answer.get_credential_id(),
        user,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Whether an answer is what was asked for, signed by this passkey. What the authenticator says of itself is kept.
async fn passkey_use_in(
    tx: &mut SystemTx,
    party: &RelyingParty,
    held: &Held,
    answer: &PublicKeyCredential,
    state: DiscoverableAuthentication,
    letters: &Letters,
) -> Result<bool, PasskeyError> {
    let mut credential = held.credential.0.clone();
    let result = match party.webauthn.finish_discoverable_authentication_v2(answer, state, &credential) {
        Ok(result) => result,
        // The signature was right: whoever made it has the key.
        Err(WebauthnError::CredentialPossibleCompromise) => {
            passkey_copied_in(tx, held, letters).await?;
            return Ok(false);
        }
        Err(error) => {
            tracing::info!(passkey.id = %held.id, error = &error as &dyn std::error::Error, "a passkey was not accepted");
            return Ok(false);
        }
    };
    credential.update_credential(&result);
    let now = tx.now();
    sqlx::query!(
        "update auth.passkey set credential = $2, last_used_at = $3 where id = $1",
        Uuid::from(held.id),
        Json(&credential) as Json<&webauthn::Passkey>,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(true)
}

/// Ends a passkey of which there is a copy, and all sessions, for the copy may have begun one.
async fn passkey_copied_in(tx: &mut SystemTx, held: &Held, letters: &Letters) -> Result<(), PasskeyError> {
    let now = tx.now();
    sqlx::query!("update auth.passkey set copied_at = $2 where id = $1", Uuid::from(held.id), now).execute(&mut **tx).await?;
    session_end_all_in(tx, held.user, None).await?;
    system_event_in(tx, Ledger::Platform, Actor::Anonymous, held.user, &PasskeyCopied { passkey: held.id }).await?;
    letters.passkey_copied_in(tx, Reader { user: held.user, email: &held.email, name: &held.name }, held.id).await?;
    tracing::warn!(user.id = %held.user, passkey.id = %held.id, "there is a copy of a passkey");
    Ok(())
}

//! What a browser is asked. It answers once, within five minutes, and no other answers in its place.

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, Origin, SystemTx, Token, UserId};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::types::Json;
use uuid::Uuid;

use super::PasskeyError;
use crate::Auth;

/// How long the answer may take: WebAuthn recommends five minutes, for whoever has to look for their key first.
pub(super) const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// What a browser is asked, and the token that must come with the answer.
#[derive(Debug)]
pub(crate) struct Asked<O> {
    pub(crate) options: O,
    pub(crate) token: Token,
    pub(crate) expires_at: DateTime<Utc>,
}

impl<O> Asked<O> {
    /// What of the options is sent.
    pub(crate) fn map<P>(self, sent: impl FnOnce(O) -> P) -> Asked<P> {
        Asked { options: sent(self.options), token: self.token, expires_at: self.expires_at }
    }
}

/// What a browser answers.
#[derive(Debug)]
pub(crate) struct Answered<'a, C> {
    pub(crate) origin: Origin,
    /// What it was given with what it was asked.
    pub(crate) token: Option<Token>,
    pub(crate) credential: &'a C,
}

/// Keeps what the answer is compared with. `user` is who registers a passkey; nobody if somebody signs in.
pub(super) async fn challenge_insert_in<O, S: Serialize + Sync>(
    tx: &mut SystemTx,
    user: Option<UserId>,
    options: O,
    state: &S,
) -> Result<Asked<O>, DbError> {
    let (token, now) = (Token::generate(), tx.now());
    let (hash, expires_at) = (token.hash(), now + LIFETIME);
    sqlx::query!(
        "insert into auth.passkey_challenge (token_hash, user_id, state, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        hash.as_bytes(),
        user.map(Uuid::from) as Option<Uuid>,
        Json(state) as Json<&S>,
        now,
        expires_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(Asked { options, token, expires_at })
}

/// Uses up what was asked, whatever the answer is worth: of any number that answer at once, one does.
pub(super) async fn challenge_take<S: DeserializeOwned>(
    auth: &Auth,
    user: Option<UserId>,
    token: Option<&Token>,
) -> Result<S, PasskeyError> {
    let hash = token.ok_or(PasskeyError::Expired)?.hash();
    let mut tx = auth.db().system("take what a browser was asked").begin().await?;
    let now = tx.now();
    let state = sqlx::query_scalar!(
        "delete from auth.passkey_challenge
        where token_hash = $1 and user_id is not distinct from $2 and expires_at > $3
        returning state",
        hash.as_bytes(),
        user.map(Uuid::from) as Option<Uuid>,
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(serde_json::from_value(state.ok_or(PasskeyError::Expired)?)?)
}

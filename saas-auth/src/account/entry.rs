//! The one door: whatever somebody has shown, it is here that a session comes of it.

use saas_core::{DbError, SessionId, SystemTx, UserId};
use uuid::Uuid;

use crate::session::{Begin, Method, NewSession, session_insert_in};

/// What somebody has shown who wants to come in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) user: UserId,
    pub(crate) method: Method,
    /// What is kept of the password that was compared, if one was: with another one by now, nothing was shown.
    pub(crate) password_hash: Option<&'a str>,
    pub(crate) remember: bool,
    /// The session that the request came with, which ends.
    pub(crate) old: Option<SessionId>,
}

/// What comes of it.
#[derive(Debug)]
pub(crate) enum Entry {
    /// They are in.
    Session(NewSession),
}

/// Lets somebody in who has shown enough, or says what is missing; nothing if they may not sign in. The account's row is locked from here on.
pub(crate) async fn entry_in(tx: &mut SystemTx, shown: Shown<'_>) -> Result<Option<Entry>, DbError> {
    let Shown { user, method, password_hash, remember, old } = shown;
    let begin = Begin { user, password_hash, remembered: remember, methods: &[method] };
    let Some(session) = session_insert_in(tx, begin).await? else { return Ok(None) };
    if let Some(old) = old {
        let now = tx.now();
        sqlx::query!("update auth.session set ended_at = $2 where id = $1 and ended_at is null", Uuid::from(old), now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(Some(Entry::Session(session)))
}

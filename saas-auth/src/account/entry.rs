//! The one door: whatever somebody has shown, it is here that a session comes of it.

use saas_core::{DbError, SessionId, SystemTx, UserId};
use uuid::Uuid;

use crate::{
    second_factor::{PendingEntry, pending_entry_insert_in, second_factor_in},
    session::{Begin, Method, NewSession, session_insert_in},
};

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
    /// They have a second factor, and have not shown it yet.
    Pending(PendingEntry),
}

/// Lets somebody in who has shown enough, or says what is missing; nothing if they may not sign in. The account's row is locked from here on.
pub(crate) async fn entry_in(tx: &mut SystemTx, shown: Shown<'_>) -> Result<Option<Entry>, DbError> {
    let Shown { user, method, password_hash, remember, old } = shown;
    if !may_enter_in(tx, user, password_hash).await? {
        return Ok(None);
    }
    let methods = if method.is_both() { Vec::new() } else { second_factor_in(tx, user).await?.methods() };
    if !methods.is_empty() {
        return Ok(Some(Entry::Pending(pending_entry_insert_in(tx, user, method, remember, methods).await?)));
    }
    let begin = Begin { user, password_hash, remembered: remember, methods: &[method], proved_at: tx.now() };
    Ok(entry_begin_in(tx, begin, old).await?.map(Entry::Session))
}

/// Whether somebody may sign in who has shown this. Whoever sets up a second factor at the same moment is waited for, or ends the session that
/// begins here.
async fn may_enter_in(tx: &mut SystemTx, user: UserId, password_hash: Option<&str>) -> Result<bool, DbError> {
    let account = sqlx::query!(
        r#"select account.user_id
        from auth.account
        join core.user person on person.id = account.user_id
        where account.user_id = $1 and ($2::text is null or account.password_hash = $2) and person.state in ('active', 'leaving')
        for no key update of account"#,
        Uuid::from(user),
        password_hash,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(account.is_some())
}

/// Begins a session in the place of `old`.
pub(crate) async fn entry_begin_in(tx: &mut SystemTx, begin: Begin<'_>, old: Option<SessionId>) -> Result<Option<NewSession>, DbError> {
    let Some(session) = session_insert_in(tx, begin).await? else { return Ok(None) };
    if let Some(old) = old {
        let now = tx.now();
        sqlx::query!("update auth.session set ended_at = $2 where id = $1 and ended_at is null", Uuid::from(old), now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(Some(session))
}

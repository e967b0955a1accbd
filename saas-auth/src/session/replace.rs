use chrono::TimeDelta;
use saas_core::{DbError, SignedIn, SystemTx};
use uuid::Uuid;

use super::{Begin, Method, NewSession, session_insert_in};
use crate::second_factor::SecondFactor;

/// For how much longer a session works in whose place another one has come: for what its browser had asked for before it knew.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// What differs in the session that comes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Replace<'a> {
    /// Its person has just shown this too.
    Proved(Method),
    /// Its account has less than before: what was shown of what is gone counts no more.
    Left(&'a SecondFactor),
}

/// Begins a session in the place of the one at hand; nothing if that one is over, or was replaced already. The account's row is locked already.
///
/// Whoever has a copy of the old token gains nothing: the old session is as it was, and over soon.
pub(crate) async fn session_replace_in(tx: &mut SystemTx, me: &SignedIn, replace: Replace<'_>) -> Result<Option<NewSession>, DbError> {
    let now = tx.now();
    let replaced = sqlx::query!(
        r#"update auth.session set expires_at = $3::timestamptz + $4::interval
        where id = $1 and user_id = $2 and ended_at is null and expires_at > $3::timestamptz + $4::interval
        returning remembered, methods, proved_at"#,
        Uuid::from(me.session),
        Uuid::from(me.user),
        now,
        OVERLAP as TimeDelta,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(old) = replaced else { return Ok(None) };
    let mut methods: Vec<Method> = old.methods.iter().filter_map(|method| Method::stored(method)).collect();
    let proved_at = match replace {
        Replace::Proved(method) => {
            if !methods.contains(&method) {
                methods.push(method);
            }
            now
        }
        Replace::Left(second) => {
            methods.retain(|method| second.stands_for(*method));
            old.proved_at
        }
    };
    let begin = Begin { user: me.user, password_hash: None, remembered: old.remembered, methods: &methods, proved_at };
    // What came of the old one at hosts of organizations ends with it: whoever has a copy of the old token may have begun it.
    session_insert_in(tx, begin).await
}

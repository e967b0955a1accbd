use chrono::{DateTime, Utc};
use saas_core::{Actor, DbError, Ledger, Origin, SessionId, Token, UserId, system_event_in};
use uuid::Uuid;

use super::DeletionError;
use crate::{
    Auth,
    account::LeavingStopped,
    mail::{Letters, Reader},
    session::{Begin, Method, NewSession, session_end_all_in, session_insert_in},
};

/// Somebody who has signed in while they are leaving: they may come back, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) email: String,
    pub(crate) name: String,
    /// When the account is deleted.
    pub(crate) until: DateTime<Utc>,
    remembered: bool,
    methods: Vec<Method>,
    proved_at: DateTime<Utc>,
}

/// Finds somebody who is leaving by the token that a request carries.
pub(crate) async fn leaving_by_token(auth: &Auth, token: &Token) -> Result<Option<Leaving>, DbError> {
    let mut tx = auth.db().system("look for somebody who is leaving").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let since = auth.session_idle().since(now);
    let row = sqlx::query!(
        r#"select account.user_id as "user_id: UserId", session.id as "session_id: SessionId", account.email, account.name,
            account.leaves_at as "leaves_at!", session.remembered, session.methods, session.proved_at
        from auth.session
        join auth.account on account.user_id = session.user_id
        join core.user person on person.id = session.user_id
        where session.token_hash = $1 and session.ended_at is null and session.expires_at > $2
          and session.last_seen_at > case when session.remembered then $4::timestamptz else $3::timestamptz end
          and person.state = 'leaving' and account.leaves_at is not null"#,
        hash.as_bytes(),
        now,
        since.session,
        since.remembered,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| Leaving {
        user: row.user_id,
        session: row.session_id,
        email: row.email,
        name: row.name,
        until: row.leaves_at,
        remembered: row.remembered,
        methods: row.methods.iter().filter_map(|method| Method::stored(method)).collect(),
        proved_at: row.proved_at,
    }))
}

/// Keeps an account whose person has come back. The session in which they said so goes on under another id and token.
pub(crate) async fn deletion_stop(auth: &Auth, origin: Origin, leaving: &Leaving, letters: &Letters) -> Result<NewSession, DeletionError> {
    let mut tx = auth.db().system("come back").caused_by(origin).begin().await?;
    let user = leaving.user;
    sqlx::query!("update auth.account set leaves_at = null, leaving_reminded_at = null where user_id = $1", Uuid::from(user))
        .execute(&mut *tx)
        .await?;
    let came_back = sqlx::query!("update core.user set state = 'active' where id = $1 and state = 'leaving'", Uuid::from(user))
        .execute(&mut *tx)
        .await?;
    if came_back.rows_affected() == 0 {
        return Err(DeletionError::Expired);
    }
    session_end_all_in(&mut tx, user, None).await?;
    let begin =
        Begin { user, password_hash: None, remembered: leaving.remembered, methods: &leaving.methods, proved_at: leaving.proved_at };
    let session = session_insert_in(&mut tx, begin).await?.ok_or(DeletionError::Expired)?;
    system_event_in(&mut tx, Ledger::Platform, Actor::User(user), user, &LeavingStopped {}).await?;
    letters.stayed_in(&mut tx, Reader { user, email: &leaving.email, name: &leaving.name }, session.id).await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, "came back");
    Ok(session)
}

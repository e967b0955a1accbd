//! Tokens that are mailed to somebody with an account and hold as long as the account is as it was: with another password or address they open
//! nothing, whatever it was that changed it.

use chrono::TimeDelta;
use saas_core::{DbError, SystemTx, Token, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Auth;

/// What a bound token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoundToken {
    /// Another password may be chosen.
    Reset,
}

impl BoundToken {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
        }
    }
}

/// Keeps a token for a mail.
pub(super) async fn bound_token_insert_in(
    tx: &mut SystemTx,
    token: &Token,
    kind: BoundToken,
    user: UserId,
    lifetime: TimeDelta,
) -> Result<(), DbError> {
    let (hash, now) = (token.hash(), tx.now());
    sqlx::query!(
        r#"insert into auth.email_token (token_hash, user_id, email, purpose, created_at, expires_at, password_hash)
        select $1, user_id, email, $3, $4, $5, password_hash from auth.account where user_id = $2"#,
        hash.as_bytes(),
        Uuid::from(user),
        kind.as_str(),
        now,
        now + lifetime,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whom a token was mailed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) email: String,
    pub(crate) name: String,
    /// Whether it can still be used.
    pub(crate) is_ready: bool,
}

/// Whose link it is, without using it; nobody's if it never was one.
pub(crate) async fn bound_token_holder(auth: &Auth, kind: BoundToken, token: Option<&Token>) -> Result<Option<Holder>, DbError> {
    let Some(token) = token else { return Ok(None) };
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let holder = sqlx::query_as!(
        Holder,
        r#"select t.email, account.name,
            t.used_at is null and t.expires_at > $3 and t.email = account.email and t.password_hash = account.password_hash as "is_ready!"
        from auth.email_token t
        join auth.account on account.user_id = t.user_id
        where t.token_hash = $1 and t.purpose = $2"#,
        hash.as_bytes(),
        kind.as_str(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(holder)
}

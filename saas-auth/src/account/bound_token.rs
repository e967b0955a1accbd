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
    /// Its reader may sign in.
    SignIn,
    /// A second factor is asked for no more.
    SecondFactorOff,
    /// The account may be deleted.
    Deletion,
}

impl BoundToken {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::SignIn => "sign_in",
            Self::SecondFactorOff => "second_factor_off",
            Self::Deletion => "deletion",
        }
    }
}

/// Keeps a token for a mail, and what is kept of the code beside it.
pub(crate) async fn bound_token_insert_in(
    tx: &mut SystemTx,
    token: &Token,
    kind: BoundToken,
    user: UserId,
    lifetime: TimeDelta,
    code_mac: Option<[u8; 32]>,
) -> Result<(), DbError> {
    let (hash, now) = (token.hash(), tx.now());
    sqlx::query!(
        r#"insert into auth.email_token (token_hash, user_id, email, purpose, created_at, expires_at, password_hash, code_mac)
        select $1, user_id, email, $3, $4, $5, password_hash, $6 from auth.account where user_id = $2"#,
        hash.as_bytes(),
        Uuid::from(user),
        kind.as_str(),
        now,
        now + lifetime,
        code_mac.as_ref().map(|mac| mac.as_slice()) as Option<&[u8]>,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whom a token was mailed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) user: UserId,
    pub(crate) email: String,
    pub(crate) name: String,
    /// Whether somebody has shown that the address is theirs.
    pub(crate) is_verified: bool,
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
        r#"select t.user_id as "user: UserId", t.email, account.name, account.verified_at is not null as "is_verified!",
            t.used_at is null and t.expires_at > $3 and t.email = account.email and t.password_hash is not distinct from account.password_hash as "is_ready!"
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

/// Uses a token, and says whose it was; nobody's if it does not hold. Of any number at once one uses it. The account's row is locked from here on.
pub(super) async fn bound_token_take_in(tx: &mut SystemTx, kind: BoundToken, token: &Token) -> Result<Option<UserId>, DbError> {
    let (hash, now) = (token.hash(), tx.now());
    // The account first, then its tokens, as everywhere.
    sqlx::query!(
        r#"select user_id from auth.account
        where user_id = (select user_id from auth.email_token where token_hash = $1)
        for no key update"#,
        hash.as_bytes(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"update auth.email_token t set used_at = $3
        from auth.account
        where account.user_id = t.user_id and account.email = t.email and account.password_hash is not distinct from t.password_hash
          and t.token_hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
        returning t.user_id as "user: UserId""#,
        hash.as_bytes(),
        kind.as_str(),
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Uses a link of this account, whose row is locked; whether it held. Of any number at once one uses it.
pub(crate) async fn bound_token_use_in(tx: &mut SystemTx, kind: BoundToken, token: &Token, user: UserId) -> Result<bool, DbError> {
    let (hash, now) = (token.hash(), tx.now());
    let used = sqlx::query!(
        r#"update auth.email_token t set used_at = $4
        from auth.account
        where account.user_id = t.user_id and account.email = t.email and account.password_hash is not distinct from t.password_hash
          and t.token_hash = $1 and t.purpose = $2 and t.user_id = $3 and t.used_at is null and t.expires_at > $4"#,
        hash.as_bytes(),
        kind.as_str(),
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(used.rows_affected() == 1)
}

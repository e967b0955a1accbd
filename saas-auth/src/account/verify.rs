use chrono::TimeDelta;
use saas_core::{DbError, FieldError, Problem, SystemTx, Token, UserId};
use uuid::Uuid;

use crate::{
    Auth, Email,
    mail::{Letter, Letters},
};

/// How long a link in a mail works.
pub(crate) const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How many mails one account gets within an hour, whoever asks for them.
const MAILS_PER_HOUR: i64 = 5;

/// An address was not confirmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The link was used, is too old, or never was one.
    #[error("the link was used already or is too old")]
    Expired,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Expired => Self::invalid([FieldError::new("/token", "was used already, or is too old")]),
            VerifyError::Db(error) => error.into(),
        }
    }
}

/// Keeps a token for a mail; whether the mail may be sent, or the account has had enough of them.
pub(crate) async fn email_token_insert_in(
    tx: &mut SystemTx,
    token: &Token,
    user: UserId,
    email: &str,
    purpose: &str,
) -> Result<bool, DbError> {
    let (hash, now) = (token.hash(), tx.now());
    let inserted = sqlx::query!(
        r#"insert into auth.email_token (token_hash, user_id, email, purpose, created_at, expires_at)
        select $1, $2, $3, $4, $5, $6
        where (select count(*) from auth.email_token where user_id = $2 and created_at > $5::timestamptz - interval '1 hour') < $7"#,
        hash.as_bytes(),
        Uuid::from(user),
        email,
        purpose,
        now,
        now + LINK_LIFETIME,
        MAILS_PER_HOUR,
    )
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What a link is good for, without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// It can be used.
    Ready,
    /// It cannot be used any more; whom it was sent to, if it ever was one.
    Expired { email: Option<String> },
}

pub(crate) async fn email_token_state(auth: &Auth, token: Option<&Token>) -> Result<TokenState, DbError> {
    let Some(token) = token else { return Ok(TokenState::Expired { email: None }) };
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let row = sqlx::query!(
        r#"select email, used_at is null and expires_at > $2 as "ready!" from auth.email_token where token_hash = $1 and purpose = 'verify'"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match row {
        Some(row) if row.ready => TokenState::Ready,
        row => TokenState::Expired { email: row.map(|row| row.email) },
    })
}

/// Confirms the address that a link was mailed to. Of any number that use a link at once, one succeeds.
pub(crate) async fn account_verify(auth: &Auth, token: &Token) -> Result<(), VerifyError> {
    let mut tx = auth.db().system("confirm an address").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    // The account first, then its tokens: two links of one account that are used at once must not wait for each other.
    sqlx::query!(
        r#"select user_id from auth.account
        where user_id = (select user_id from auth.email_token where token_hash = $1)
        for no key update"#,
        hash.as_bytes(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    // The address of the account may have changed since: then the link proves nothing about it.
    let user = sqlx::query_scalar!(
        r#"with used as (
            update auth.email_token set used_at = $2
            where token_hash = $1 and purpose = 'verify' and used_at is null and expires_at > $2
            returning user_id, email
        )
        update auth.account set verified_at = coalesce(account.verified_at, $2)
        from used
        where account.user_id = used.user_id and account.email = used.email
        returning account.user_id as "user_id: UserId""#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(VerifyError::Expired)?;
    // The other links that were mailed have nothing left to prove.
    sqlx::query!(
        "update auth.email_token set used_at = $2 where user_id = $1 and purpose = 'verify' and used_at is null",
        Uuid::from(user),
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, "confirmed an address");
    Ok(())
}

/// Sends the link again, if there is an account that waits for it. Done on its own: neither the answer nor its time says whether there is.
pub(crate) fn account_resend(auth: &Auth, email: Email, letters: Letters) {
    let auth = auth.clone();
    tokio::spawn(async move {
        match resend(&auth, &email, &letters).await {
            Ok(Some(letter)) => auth.post().send(letter).await,
            Ok(None) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a link could not be sent again"),
        }
    });
}

async fn resend(auth: &Auth, email: &Email, letters: &Letters) -> Result<Option<Letter>, DbError> {
    let mut tx = auth.db().system("send a link again").begin().await?;
    let account = sqlx::query!(
        r#"select user_id as "user_id: UserId", name, email from auth.account where email_key = $1 and verified_at is null"#,
        email.key(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(account) = account else { return Ok(None) };
    let token = Token::generate();
    let sent = email_token_insert_in(&mut tx, &token, account.user_id, &account.email, "verify").await?;
    tx.commit().await?;
    Ok(sent.then(|| letters.verify(&account.email, &account.name, &token)))
}

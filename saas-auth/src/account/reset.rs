use saas_core::{Actor, DbError, FieldError, Ledger, Origin, Problem, Secret, SystemTx, Token, UserId, mail::MailInError, system_event_in};
use uuid::Uuid;

use super::{
    PasswordReset,
    bound_token::{BoundToken, bound_token_holder},
    claim::strangers_ways_end_in,
    consent::consents_void_in,
    password::{Person, organizations_in, password_hash},
    verified::account_verified_in,
};
use crate::{
    Auth, HashError,
    mail::{Letters, Reader, hex},
    refused::Refused,
    session::session_end_all_in,
};

/// No other password was chosen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResetError {
    /// The link was used, is too old, never was one, or the account is not as it was when the link was sent.
    #[error("the link was used already or is too old")]
    Expired,
    /// The new password is not acceptable.
    #[error("the password is missing or not acceptable")]
    Refused(Refused),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[from] HashError),
    /// The notice could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Refused> for ResetError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<sqlx::Error> for ResetError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Expired => Self::invalid([FieldError::new("/token", "was used already, or is too old")]),
            ResetError::Refused(refused) => refused.into(),
            ResetError::Hash(error) => error.into(),
            ResetError::Mail(error) => error.into(),
            ResetError::Db(error) => error.into(),
        }
    }
}

/// Gives an account another password, for a link that was mailed to its address. All its sessions end, and none begins. Of any number that use a
/// link at once, or several links of one account, one succeeds.
pub(crate) async fn account_reset(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    password: &Secret,
    letters: &Letters,
) -> Result<UserId, ResetError> {
    let holder = bound_token_holder(auth, BoundToken::Reset, Some(token)).await?;
    let holder = holder.filter(|holder| holder.is_ready).ok_or(ResetError::Expired)?;
    let mut tx = auth.db().system("the names of a person's organizations").begin().await?;
    let organizations = organizations_in(&mut tx, holder.user).await?;
    tx.commit().await?;
    let person = Person { name: Some(&holder.name), email: Some(&holder.email), organizations: &organizations };
    let new_hash = password_hash::<ResetError>(auth, "new_password", password, person).await?;

    let mut tx = auth.db().system("choose another password").caused_by(origin).begin().await?;
    let user = reset_in(&mut tx, token, &new_hash, letters).await?;
    tx.commit().await?;
    tracing::info!(user.id = %user, "chose another password with a mailed link");
    Ok(user)
}

async fn reset_in(tx: &mut SystemTx, token: &Token, new_hash: &str, letters: &Letters) -> Result<UserId, ResetError> {
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
    // Whoever reads the mail has shown that the address is theirs, so it is confirmed; if somebody else had signed up with it before, their
    // password and their sessions end here.
    let account = sqlx::query!(
        r#"with used as (
            update auth.email_token set used_at = $2
            where token_hash = $1 and purpose = 'reset' and used_at is null and expires_at > $2
            returning user_id, email, password_hash
        ), before as (
            select account.user_id, account.verified_at is null as first
            from auth.account
            join used on used.user_id = account.user_id and used.email = account.email and used.password_hash is not distinct from account.password_hash
        )
        update auth.account
        set password_hash = $3, verified_at = coalesce(account.verified_at, $2)
        from before
        where account.user_id = before.user_id
        returning account.user_id as "user_id: UserId", account.email, account.name, before.first as "first!""#,
        hash.as_bytes(),
        now,
        new_hash,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(ResetError::Expired)?;
    let user = account.user_id;
    // The links of the sign-up would sign somebody in whom this one does not.
    sqlx::query!(
        "update auth.email_token set used_at = $2 where user_id = $1 and purpose = 'verify' and used_at is null",
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    session_end_all_in(tx, user, None).await?;
    if account.first {
        consents_void_in(tx, user).await?;
        strangers_ways_end_in(tx, user).await?;
        account_verified_in(tx, user, true, letters).await?;
    }
    system_event_in(tx, Ledger::Platform, Actor::User(user), user, &PasswordReset {}).await?;
    let reader = Reader { user, email: &account.email, name: &account.name };
    letters.password_changed_in(tx, reader, hex(&hash)).await?;
    Ok(user)
}

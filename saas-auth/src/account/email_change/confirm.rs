use saas_core::{
    Actor, Change, DbError, Ledger, Origin, Personal, SessionId, SystemTx, Token, UserId, person_known_as_in, system_event_in,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::EmailChangeError;
use crate::{
    Auth,
    account::{EmailChangeConfirmed, EmailChangeStopped, EmailChanged, unverified_gives_way_in},
    mail::{Letters, Reader},
    session::session_end_all_in,
};

/// Which of the two addresses a link was mailed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    New,
    Old,
}

impl Side {
    const fn of(is_new: bool) -> Self {
        if is_new { Self::New } else { Self::Old }
    }
}

/// What a link is good for, without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// It can be used. Whoever reads the new address is not told of the old one: it may be a stranger's that was misspelled.
    Ready { side: Side, email: String },
    /// It cannot be used any more, if it ever could.
    Expired,
}

pub(crate) async fn email_change_link(auth: &Auth, token: Option<&Token>) -> Result<LinkState, DbError> {
    let Some(token) = token else { return Ok(LinkState::Expired) };
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let found = sqlx::query!(
        r#"select c.email, c.new_token_hash = $1 as "is_new!"
        from auth.email_change c
        join auth.account on account.user_id = c.user_id and account.email = c.old_email and account.password_hash is not distinct from c.password_hash
        where ((c.new_token_hash = $1 and c.new_confirmed_at is null) or (c.old_token_hash = $1 and c.old_confirmed_at is null))
            and c.ended_at is null and c.expires_at > $2"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(found.map_or(LinkState::Expired, |row| LinkState::Ready { side: Side::of(row.is_new), email: row.email }))
}

/// What a link did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The other side has not confirmed yet.
    Half(Side),
    /// The account has its new address.
    Changed,
}

/// Uses a link for the side that it was mailed to; with both sides the address changes. All sessions end but `at_hand`, if it is one of the
/// account's. Of any number that use a link at once, one succeeds.
pub(crate) async fn email_change_confirm(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    at_hand: Option<SessionId>,
    letters: &Letters,
) -> Result<Confirmed, EmailChangeError> {
    let mut tx = auth.db().system("confirm a change of address").caused_by(origin).begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    lock_account_in(&mut tx, token).await?;
    let used = sqlx::query_as!(
        Used,
        r#"update auth.email_change c
        set new_confirmed_at = case when c.new_token_hash = $1 then $2 else c.new_confirmed_at end,
            old_confirmed_at = case when c.old_token_hash = $1 then $2 else c.old_confirmed_at end,
            ended_at = case when c.new_confirmed_at is not null or c.old_confirmed_at is not null then $2 end
        from auth.account
        join core.user person on person.id = account.user_id
        where ((c.new_token_hash = $1 and c.new_confirmed_at is null) or (c.old_token_hash = $1 and c.old_confirmed_at is null))
            and c.ended_at is null and c.expires_at > $2
            and account.user_id = c.user_id and account.email = c.old_email and account.password_hash is not distinct from c.password_hash
            and person.state = 'active'
        returning c.user_id as "user: UserId", account.name, c.email, c.email_key, c.old_email, c.new_token_hash = $1 as "is_new!",
            c.ended_at is not null as "is_whole!""#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(EmailChangeError::Expired)?;
    let side = Side::of(used.is_new);
    system_event_in(&mut tx, Ledger::Platform, Actor::User(used.user), used.user, &EmailChangeConfirmed { side }).await?;
    if !used.is_whole {
        tx.commit().await?;
        return Ok(Confirmed::Half(side));
    }
    change_in(&mut tx, token, &used, at_hand, letters).await?;
    tx.commit().await?;
    tracing::info!(user.id = %used.user, "changed an address");
    Ok(Confirmed::Changed)
}

/// A change whose link was used.
struct Used {
    user: UserId,
    name: String,
    email: String,
    email_key: String,
    old_email: String,
    is_new: bool,
    is_whole: bool,
}

async fn change_in(
    tx: &mut SystemTx,
    token: &Token,
    used: &Used,
    at_hand: Option<SessionId>,
    letters: &Letters,
) -> Result<(), EmailChangeError> {
    let (user, now) = (Uuid::from(used.user), tx.now());
    unverified_gives_way_in(tx, &used.email_key, Some(used.user)).await?;
    // Somebody may have taken the address meanwhile: then these links lead nowhere.
    let changed = sqlx::query!("update auth.account set email = $2, email_key = $3 where user_id = $1", user, used.email, used.email_key)
        .execute(&mut **tx)
        .await
        .map_err(DbError::from);
    changed.map_err(|error| match error.constraint() {
        Some("account_email_key") => EmailChangeError::Expired,
        _ => EmailChangeError::from(error),
    })?;
    // Links that were mailed to the old address have nothing left to prove.
    sqlx::query!("update auth.email_token set used_at = $2 where user_id = $1 and used_at is null", user, now).execute(&mut **tx).await?;
    person_known_as_in(tx, used.user, &used.name, &used.email).await?;
    let email = Change::new(Personal(used.old_email.as_str()), Personal(used.email.as_str()));
    system_event_in(tx, Ledger::Platform, Actor::User(used.user), used.user, &EmailChanged { email }).await?;
    session_end_all_in(tx, used.user, at_hand).await?;
    letters.email_changed_in(tx, Reader { user: used.user, email: &used.old_email, name: &used.name }, token).await?;
    Ok(())
}

/// Whoever reads one of the addresses says that they did not want it: the change is over.
pub(crate) async fn email_change_refuse(auth: &Auth, origin: Origin, token: &Token) -> Result<Side, EmailChangeError> {
    let mut tx = auth.db().system("refuse a change of address").caused_by(origin).begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    lock_account_in(&mut tx, token).await?;
    let refused = sqlx::query!(
        r#"update auth.email_change set ended_at = $2
        where (new_token_hash = $1 or old_token_hash = $1) and ended_at is null and expires_at > $2
        returning user_id as "user: UserId", new_token_hash = $1 as "is_new!""#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(EmailChangeError::Expired)?;
    let side = Side::of(refused.is_new);
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, refused.user, &EmailChangeStopped { by: Some(side) }).await?;
    tx.commit().await?;
    Ok(side)
}

/// The account first, then its links: two of one account that are used at once must not wait for each other.
async fn lock_account_in(tx: &mut SystemTx, token: &Token) -> Result<(), DbError> {
    let hash = token.hash();
    sqlx::query!(
        r#"select user_id from auth.account
        where user_id = (select user_id from auth.email_change where new_token_hash = $1 or old_token_hash = $1)
        for no key update"#,
        hash.as_bytes(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(())
}

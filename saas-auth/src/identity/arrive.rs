//! Somebody signs in with an account elsewhere, for the first time or again.

use saas_core::{Actor, DbError, Ledger, Origin, Personal, SessionId, SystemTx, UserId, system_event_in};
use uuid::Uuid;

use super::{IdentityId, IdentityLinked, Refused, event::LinkedBy};
use crate::{
    Auth, Email,
    account::{AccountCreated, Entry, Shown, account_verified_in, entry_in, unverified_gives_way_in},
    mail::{Letters, Reader},
    provider::{Claimed, ProviderClient, Trust},
    session::Method,
};

/// Who comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comes<'a> {
    pub(super) provider: &'a ProviderClient,
    pub(super) claimed: &'a Claimed,
    /// The session that the request came with, which ends.
    pub(super) old: Option<SessionId>,
}

/// Lets somebody in whose account elsewhere is known, or who may have an account by it; whether they have just got one.
pub(super) async fn sign_in(auth: &Auth, comes: Comes<'_>, origin: &Origin, letters: &Letters) -> Result<(Entry, bool), Refused> {
    // Of two that come for the first time at once, the second finds what the first has made.
    for _ in 0..2 {
        let mut tx = auth.db().system("sign in with a provider").caused_by(origin.clone()).begin().await?;
        let (user, is_new) = match identity_user_in(&mut tx, comes.claimed).await? {
            Some(user) => (user, false),
            None => match first_time_in(&mut tx, comes, letters).await? {
                First::Account { user, is_new } => (user, is_new),
                First::Overtaken => {
                    tx.rollback().await;
                    continue;
                }
            },
        };
        let shown = Shown { user, method: Method::Provider, password_hash: None, remember: false, old: comes.old };
        let entry = entry_in(&mut tx, shown).await?.ok_or(Refused::Closed)?;
        tx.commit().await?;
        tracing::info!(user.id = %user, provider = comes.provider.name(), is_new, "signed in with a provider");
        return Ok((entry, is_new));
    }
    Err(Refused::Over)
}

/// What comes of somebody who was never here with this account.
enum First {
    Account {
        user: UserId,
        is_new: bool,
    },
    /// Somebody else has just made what was to be made.
    Overtaken,
}

async fn first_time_in(tx: &mut SystemTx, comes: Comes<'_>, letters: &Letters) -> Result<First, Refused> {
    let Comes { provider, claimed, .. } = comes;
    let (email, trust) = claimed.address.as_ref().ok_or(Refused::NoAddress)?;
    // The same whether or not there is an account with that address: whoever says so has shown nothing.
    if *trust < Trust::Verified {
        return Err(Refused::Unconfirmed);
    }
    let gave_way = unverified_gives_way_in(tx, email.key(), None).await?;
    let there = sqlx::query!(
        r#"select user_id as "user: UserId", name, email, verified_at is not null as "verified!"
        from auth.account where email_key = $1
        for no key update"#,
        email.key(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    match there {
        None => first_account_in(tx, comes, email, gave_way, letters).await,
        Some(there) if there.verified && *trust == Trust::Authoritative => {
            if !identity_insert_in(tx, there.user, provider, claimed, LinkedBy::Address).await? {
                return Ok(First::Overtaken);
            }
            let reader = Reader { user: there.user, email: &there.email, name: &there.name };
            letters.identity_linked_in(tx, reader).await?;
            Ok(First::Account { user: there.user, is_new: false })
        }
        // It may be their own, which they have just got in another browser.
        Some(_) if identity_user_in(tx, claimed).await?.is_some() => Ok(First::Overtaken),
        Some(_) => Err(Refused::AccountExists),
    }
}

/// Makes an account without a password. Its address is confirmed, for the provider has said so.
async fn first_account_in(tx: &mut SystemTx, comes: Comes<'_>, email: &Email, gave_way: bool, letters: &Letters) -> Result<First, Refused> {
    let (user, now) = (UserId::new(), tx.now());
    let made = sqlx::query!(
        r#"with person as (
            insert into core.user (id, created_at) values ($1, $5)
        )
        insert into auth.account (user_id, email, email_key, name, created_at, verified_at)
        values ($1, $2, $3, $4, $5, $5)
        on conflict on constraint account_email_key do nothing"#,
        Uuid::from(user),
        email.as_str(),
        email.key(),
        comes.claimed.called(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(First::Overtaken);
    }
    let actor = Actor::User(user);
    system_event_in(tx, Ledger::Platform, actor, user, &AccountCreated { email: Personal(email.as_str()) }).await?;
    account_verified_in(tx, user, gave_way, letters).await?;
    let is_linked = identity_insert_in(tx, user, comes.provider, comes.claimed, LinkedBy::SignUp).await?;
    Ok(if is_linked { First::Account { user, is_new: true } } else { First::Overtaken })
}

/// Whose account elsewhere it is, if anybody's here.
pub(super) async fn identity_user_in(tx: &mut SystemTx, claimed: &Claimed) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select user_id as "user: UserId" from auth.identity where issuer = $1 and subject = $2"#,
        claimed.issuer,
        claimed.subject,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Links an account elsewhere with one here; whether it was nobody's until now.
pub(super) async fn identity_insert_in(
    tx: &mut SystemTx,
    user: UserId,
    provider: &ProviderClient,
    claimed: &Claimed,
    by: LinkedBy,
) -> Result<bool, DbError> {
    let (id, now) = (IdentityId::new(), tx.now());
    let inserted = sqlx::query!(
        "insert into auth.identity (id, user_id, provider, issuer, subject, email, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict on constraint identity_subject_key do nothing",
        Uuid::from(id),
        Uuid::from(user),
        provider.name(),
        claimed.issuer,
        claimed.subject,
        claimed.address.as_ref().map(|(email, _)| email.as_str()),
        now,
    )
    .execute(&mut **tx)
    .await?;
    let is_linked = inserted.rows_affected() == 1;
    if is_linked {
        system_event_in(tx, Ledger::Platform, Actor::User(user), user, &IdentityLinked { provider: provider.name(), by }).await?;
    }
    Ok(is_linked)
}

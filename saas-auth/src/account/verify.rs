use std::sync::Arc;

use chrono::TimeDelta;
use saas_core::{DbError, FieldError, Origin, Problem, Secret, SessionId, SystemTx, Token, UserId, mail::MailInError};
use uuid::Uuid;

use super::{
    claim::strangers_ways_end_in,
    consent::consents_void_in,
    entry::{Entry, Shown, entry_in},
    password::{Person, organizations_in, password_hash},
    verified::account_verified_in,
};
use crate::{
    Auth, Email, HashError, PasswordPolicy,
    mail::{Letters, Reader},
    password::Verdict,
    refused::{Refusal, Refused},
    session::{Method, session_end_all_in},
};

/// How long a link in a mail works.
pub(crate) const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// How many mails about a sign-up one account gets within an hour, whoever asks for them.
const MAILS_PER_HOUR: i64 = 5;

/// An address was not confirmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The link was used, is too old, or never was one.
    #[error("the link was used already or is too old")]
    Expired,
    /// The password is not the one that was chosen, or cannot be.
    #[error("the password is missing or wrong")]
    Refused(Refused),
    /// The password could not be checked or hashed.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The letter of welcome could not be written.
    #[error(transparent)]
    Mail(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Refused> for VerifyError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
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
            VerifyError::Refused(refused) => refused.into(),
            VerifyError::Hash(error) => error.into(),
            VerifyError::Mail(error) => error.into(),
            VerifyError::Db(error) => error.into(),
        }
    }
}

/// What was chosen at the sign-up that a link belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Chosen<'a> {
    pub(crate) name: &'a str,
    pub(crate) password_hash: Option<&'a str>,
}

/// Keeps a token for a mail about a sign-up; whether the mail may be sent, or the account has had enough of them.
pub(crate) async fn email_token_insert_in(
    tx: &mut SystemTx,
    token: &Token,
    user: UserId,
    email: &str,
    purpose: &str,
    chosen: Option<Chosen<'_>>,
) -> Result<bool, DbError> {
    let (hash, now) = (token.hash(), tx.now());
    // Of two that ask at once, the second counts what the first has written.
    sqlx::query!("select user_id from auth.account where user_id = $1 for no key update", Uuid::from(user)).fetch_one(&mut **tx).await?;
    let inserted = sqlx::query!(
        r#"insert into auth.email_token (token_hash, user_id, email, purpose, created_at, expires_at, name, password_hash)
        select $1, $2, $3, $4, $5, $6, $8, $9
        where (
            select count(*) from auth.email_token
            where user_id = $2 and purpose in ('verify', 'known') and created_at > $5::timestamptz - interval '1 hour'
        ) < $7"#,
        hash.as_bytes(),
        Uuid::from(user),
        email,
        purpose,
        now,
        now + LINK_LIFETIME,
        MAILS_PER_HOUR,
        chosen.map(|chosen| chosen.name),
        chosen.and_then(|chosen| chosen.password_hash),
    )
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What a link is good for, without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// It can be used, by whoever has this address.
    Ready { email: String },
    /// It was used, and the account has this address, confirmed.
    Confirmed,
    /// It cannot be used any more; whom it was sent to, if it ever was one.
    Expired { email: Option<String> },
}

pub(crate) async fn email_token_state(auth: &Auth, token: Option<&Token>) -> Result<TokenState, DbError> {
    let Some(token) = token else { return Ok(TokenState::Expired { email: None }) };
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let row = sqlx::query!(
        r#"select token.email, token.used_at is null and token.expires_at > $2 as "ready!",
            token.used_at is not null and account.verified_at is not null and account.email = token.email as "confirmed!"
        from auth.email_token token
        join auth.account on account.user_id = token.user_id
        where token.token_hash = $1 and token.purpose = 'verify'"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match row {
        Some(row) if row.ready => TokenState::Ready { email: row.email },
        Some(row) if row.confirmed => TokenState::Confirmed,
        row => TokenState::Expired { email: row.map(|row| row.email) },
    })
}

/// What somebody shows or chooses beside a link. The link alone proves who reads the mail, and not who chose the password: whoever signs up
/// with another's address must not get an account that the other confirms.
#[derive(Debug, Clone)]
pub(crate) enum VerifyPassword {
    /// The one that was chosen at sign-up.
    Chosen(Secret),
    /// Another one; the one that was chosen is forgotten, and its sessions end.
    New(Secret),
}

/// Confirms the address that a link was mailed to. Of any number that use a link at once, one succeeds.
pub(crate) async fn account_verify(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    password: &VerifyPassword,
    letters: &Letters,
) -> Result<(), VerifyError> {
    let new = check(auth, token, password).await?;
    let mut tx = auth.db().system("confirm an address").caused_by(origin).begin().await?;
    let confirmed = confirm_in(&mut tx, token, new.as_deref(), letters).await?;
    tx.commit().await?;
    tracing::info!(user.id = %confirmed.user, "confirmed an address");
    Ok(())
}

/// The same, and whoever did it is signed in, for they have just shown their password: in the place of `old`, the session that the request came
/// with.
pub(crate) async fn account_verify_and_sign_in(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    password: &VerifyPassword,
    old: Option<SessionId>,
    letters: &Letters,
) -> Result<Entry, VerifyError> {
    let new = check(auth, token, password).await?;
    let mut tx = auth.db().system("confirm an address").caused_by(origin).begin().await?;
    let confirmed = confirm_in(&mut tx, token, new.as_deref(), letters).await?;
    let password_hash = confirmed.password_hash.as_deref();
    let shown = Shown { user: confirmed.user, method: Method::Password, password_hash, remember: false, old };
    let entry = entry_in(&mut tx, shown).await?.ok_or(VerifyError::Expired)?;
    tx.commit().await?;
    tracing::info!(user.id = %confirmed.user, "confirmed an address");
    Ok(entry)
}

/// Compares with what was chosen at the sign-up that the link belongs to, or gives the hash of the new password.
async fn check(auth: &Auth, token: &Token, password: &VerifyPassword) -> Result<Option<String>, VerifyError> {
    let mut tx = auth.db().system("look at a mailed link").begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    let chosen = sqlx::query!(
        r#"select t.user_id as "user: UserId", t.email, coalesce(t.name, account.name) as "name!", coalesce(t.password_hash, account.password_hash) as password_hash
        from auth.email_token t
        join auth.account on account.user_id = t.user_id
        where t.token_hash = $1 and t.purpose = 'verify' and t.used_at is null and t.expires_at > $2"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(VerifyError::Expired)?;
    let organizations = organizations_in(&mut tx, chosen.user).await?;
    tx.commit().await?;
    let refuse = |refusal| VerifyError::Refused(Refused::of("password", refusal));
    match password {
        VerifyPassword::Chosen(password) if password.expose().is_empty() => Err(refuse(Refusal::PasswordMissing)),
        VerifyPassword::Chosen(password) if password.expose().len() > PasswordPolicy::MAX_BYTES => Err(refuse(Refusal::PasswordOther)),
        VerifyPassword::Chosen(password) => match auth.hasher().verify(password, chosen.password_hash.as_deref()).await? {
            Verdict::Right { .. } => Ok(None),
            Verdict::Wrong => Err(refuse(Refusal::PasswordOther)),
        },
        VerifyPassword::New(password) => {
            let person = Person { name: Some(&chosen.name), email: Some(&chosen.email), organizations: &organizations };
            password_hash(auth, "new_password", password, person).await.map(Some)
        }
    }
}

struct Confirmed {
    user: UserId,
    password_hash: Option<String>,
}

async fn confirm_in(tx: &mut SystemTx, token: &Token, new_hash: Option<&str>, letters: &Letters) -> Result<Confirmed, VerifyError> {
    let (hash, now) = (token.hash(), tx.now());
    // The account first, then its tokens: two links of one account that are used at once must not wait for each other.
    sqlx::query!(
        r#"select user_id from auth.account
        where user_id = (select user_id from auth.email_token where token_hash = $1)
        for no key update"#,
        hash.as_bytes(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    // The address of the account may have changed since: then the link proves nothing about it. A first confirmation installs what was chosen
    // with this link or just now; if somebody else signed up with the address before, their password and their sessions end here.
    let confirmed = sqlx::query!(
        r#"with used as (
            update auth.email_token set used_at = $2
            where token_hash = $1 and purpose = 'verify' and used_at is null and expires_at > $2
            returning user_id, email, name, password_hash
        ), before as (
            select account.user_id, account.password_hash, account.verified_at is null as first
            from auth.account
            join used on used.user_id = account.user_id and used.email = account.email
        )
        update auth.account
        set verified_at = coalesce(account.verified_at, $2),
            name = case when before.first then coalesce(used.name, account.name) else account.name end,
            password_hash = case when before.first then coalesce($3, used.password_hash, account.password_hash) else account.password_hash end
        from used
        join before on before.user_id = used.user_id
        where account.user_id = before.user_id
        returning account.user_id as "user_id: UserId", account.password_hash,
            account.password_hash is distinct from before.password_hash as "replaced!",
            before.first as "first!""#,
        hash.as_bytes(),
        now,
        new_hash,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(VerifyError::Expired)?;
    let user = confirmed.user_id;
    if confirmed.replaced && new_hash.is_some() {
        consents_void_in(tx, user).await?;
    }
    if confirmed.replaced {
        strangers_ways_end_in(tx, user).await?;
        session_end_all_in(tx, user, None).await?;
    }
    // The other links that were mailed have nothing left to prove.
    sqlx::query!(
        "update auth.email_token set used_at = $2 where user_id = $1 and purpose = 'verify' and used_at is null",
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    // A provider, say, may have shown it while the link was on its way.
    if confirmed.first {
        account_verified_in(tx, user, confirmed.replaced, letters).await?;
    }
    Ok(Confirmed { user, password_hash: confirmed.password_hash })
}

/// Sends the link again, if there is an account that waits for it. Done on its own: neither the answer nor its time says whether there is.
pub(crate) fn account_resend(auth: &Auth, email: Email, letters: Letters) {
    let Ok(permit) = Arc::clone(auth.resends()).try_acquire_owned() else { return };
    let auth = auth.clone();
    tokio::spawn(async move {
        match resend(&auth, &email, &letters).await {
            Ok(()) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a link could not be sent again"),
        }
        drop(permit);
    });
}

async fn resend(auth: &Auth, email: &Email, letters: &Letters) -> Result<(), MailInError> {
    let mut tx = auth.db().system("send a link again").begin().await?;
    let account = sqlx::query!(
        r#"select account.user_id as "user_id: UserId", account.email, coalesce(latest.name, account.name) as "name!",
            coalesce(latest.password_hash, account.password_hash) as password_hash
        from auth.account
        left join lateral (
            select email_token.name, email_token.password_hash from auth.email_token
            where email_token.user_id = account.user_id and email_token.purpose = 'verify'
            order by email_token.created_at desc
            limit 1
        ) latest on true
        where account.email_key = $1 and account.verified_at is null"#,
        email.key(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(account) = account else { return Ok(()) };
    let token = Token::generate();
    let chosen = Chosen { name: &account.name, password_hash: account.password_hash.as_deref() };
    if email_token_insert_in(&mut tx, &token, account.user_id, &account.email, "verify", Some(chosen)).await? {
        let reader = Reader { user: account.user_id, email: &account.email, name: &account.name };
        letters.verify_in(&mut tx, reader, &token).await?;
    }
    tx.commit().await?;
    Ok(())
}

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{DbError, Origin, SessionId, SystemTx, Token, UserId};
use uuid::Uuid;

use super::{Checked, Proof, SecondFactorError, proof_check_in, second_factor_in};
use crate::{
    AttemptLimit, Auth,
    account::entry_begin_in,
    mail::{Letters, Reader, hex},
    session::{Begin, Method, NewSession},
};

/// How long the second factor may take after the first.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How many wrong codes end it (ASVS 6.6.3).
const WRONG_CODES: AttemptLimit = AttemptLimit::new(5, LIFETIME);

/// Whoever holds its token has shown a first factor.
#[derive(Debug)]
pub(crate) struct PendingEntry {
    pub(crate) token: Token,
    /// What may be shown now.
    pub(crate) methods: Vec<Method>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl PendingEntry {
    /// For how long its cookie is kept.
    pub(crate) const LIFETIME: TimeDelta = LIFETIME;
}

/// Begins to wait for the second factor of an account whose row is locked.
pub(crate) async fn pending_entry_insert_in(
    tx: &mut SystemTx,
    user: UserId,
    first: Method,
    remember: bool,
    methods: Vec<Method>,
) -> Result<PendingEntry, DbError> {
    let (token, now) = (Token::generate(), tx.now());
    let (hash, expires_at) = (token.hash(), now + LIFETIME);
    sqlx::query!(
        r#"insert into auth.pending_entry (token_hash, user_id, email, password_hash, methods, remembered, created_at, expires_at)
        select $1, user_id, email, password_hash, array[$3::text], $4, $5, $6 from auth.account where user_id = $2"#,
        hash.as_bytes(),
        Uuid::from(user),
        first.as_str(),
        remember,
        now,
        expires_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(PendingEntry { token, methods, expires_at })
}

struct Waiting {
    user: UserId,
    email: String,
    name: String,
    methods: Vec<String>,
    remembered: bool,
}

/// Whoever waits, if the account is still as it was.
async fn waiting_in(tx: &mut SystemTx, token: &Token) -> Result<Option<Waiting>, DbError> {
    let (hash, now) = (token.hash(), tx.now());
    Ok(sqlx::query_as!(
        Waiting,
        r#"select account.user_id as "user: UserId", account.email, account.name, entry.methods, entry.remembered
        from auth.pending_entry entry
        join auth.account on account.user_id = entry.user_id and account.email = entry.email
            and account.password_hash is not distinct from entry.password_hash
        join core.user person on person.id = entry.user_id and person.state in ('active', 'leaving')
        where entry.token_hash = $1 and entry.used_at is null and entry.expires_at > $2"#,
        hash.as_bytes(),
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// What may be shown by whoever holds this token; nothing if it leads nowhere any more.
pub(crate) async fn pending_entry_methods(auth: &Auth, token: Option<&Token>) -> Result<Vec<Method>, DbError> {
    let Some(token) = token else { return Ok(Vec::new()) };
    let mut tx = auth.db().system("look at a sign-in that waits").begin().await?;
    let methods = match waiting_in(&mut tx, token).await? {
        Some(waiting) => second_factor_in(&mut tx, waiting.user).await?.methods(),
        None => Vec::new(),
    };
    tx.commit().await?;
    Ok(methods)
}

/// Lets somebody in who shows their second factor too, in the place of `old`, the session that the request came with. Of any number at once that
/// show one code, or use one token, one succeeds.
pub(crate) async fn pending_entry_finish(
    auth: &Auth,
    origin: Origin,
    token: &Token,
    proof: &Proof,
    old: Option<SessionId>,
    letters: &Letters,
) -> Result<NewSession, SecondFactorError> {
    let mut tx = auth.db().system("sign in with a second factor").caused_by(origin).begin().await?;
    let (hash, now) = (token.hash(), tx.now());
    // The account first, then what belongs to it, as everywhere.
    sqlx::query!(
        r#"select user_id from auth.account
        where user_id = (select user_id from auth.pending_entry where token_hash = $1)
        for no key update"#,
        hash.as_bytes(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let waiting = waiting_in(&mut tx, token).await?.ok_or(SecondFactorError::Expired)?;
    let wrong = auth.attempts("second factor of a sign-in", hex(&hash), WRONG_CODES);
    if wrong.refused_until_in(&mut tx).await?.is_some() {
        return Err(SecondFactorError::Expired);
    }
    let reader = Reader { user: waiting.user, email: &waiting.email, name: &waiting.name };
    let method = match proof_check_in(&mut tx, auth, reader, proof, letters).await? {
        Checked::Right(method) => method,
        Checked::Wrong => {
            wrong.add_in(&mut tx).await?;
            tx.commit().await?;
            tracing::info!("refused a second factor");
            return Err(SecondFactorError::Wrong);
        }
        Checked::Throttled { until } => return Err(SecondFactorError::Throttled { wait: (until - now).to_std().unwrap_or_default() }),
    };
    sqlx::query!("update auth.pending_entry set used_at = $2 where token_hash = $1", hash.as_bytes(), now).execute(&mut *tx).await?;
    let methods: Vec<Method> = waiting.methods.iter().filter_map(|method| Method::stored(method)).chain([method]).collect();
    let begin = Begin { user: waiting.user, password_hash: None, remembered: waiting.remembered, methods: &methods, proved_at: now };
    let session = entry_begin_in(&mut tx, begin, old).await?.ok_or(SecondFactorError::Expired)?;
    tx.commit().await?;
    tracing::info!(user.id = %waiting.user, "signed in");
    Ok(session)
}

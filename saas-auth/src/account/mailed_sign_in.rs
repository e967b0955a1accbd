//! Signing in with a mail: by its link wherever it is opened, or by its code in the browser that asked for it.

use chrono::TimeDelta;
use saas_core::{DbError, Origin, Secret, SessionId, SystemTx, Token, UserId};
use uuid::Uuid;

use super::{
    SignInError,
    claim::account_claim_in,
    current_password::current_password_entered,
    entry::{Entry, Shown, entry_in},
    lock::account_lock_in,
    mailed_code::MailedCode,
    sign_in::refuse,
};
use crate::{
    AttemptLimit, Auth, Email,
    attempt::Attempts,
    mail::{Letters, hex},
    password::Verdict,
    refused::Refused,
    session::Method,
};

/// How long a mail to sign in with works (ASVS 6.5.5 asks for ten minutes at most).
pub(crate) const SIGN_IN_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// How often the code of a mail may be wrong, or the password that is asked for beside it: until the mail is too old anyway. A mail is sent once in
/// five minutes, so in a day at most 1,440 of 100,000,000 codes can be tried at one account, whoever tries them.
const TRIES: AttemptLimit = AttemptLimit::new(5, SIGN_IN_LIFETIME);

/// What somebody shows of a mail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mailed<'a> {
    /// Its link.
    Link(&'a Token),
    /// Its code, and the token of the browser that asked for it.
    Code { code: &'a MailedCode, email: &'a Email, browser: &'a Token },
}

impl Mailed<'_> {
    /// What is kept of it.
    fn kept(self, auth: &Auth) -> Vec<u8> {
        match self {
            Self::Link(token) => token.hash().as_bytes().to_vec(),
            Self::Code { code, email, browser } => code.mac(auth.keys(), browser, email).to_vec(),
        }
    }

    fn attempts(self, auth: &Auth) -> Attempts {
        match self {
            Self::Link(token) => auth.attempts("sign-in link", hex(&token.hash()), TRIES),
            Self::Code { browser, .. } => auth.attempts("sign-in code", hex(&browser.hash()), TRIES),
        }
    }
}

/// What somebody sends who signs in with a mail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MailedSignIn<'a> {
    pub(crate) shown: Mailed<'a>,
    /// Their password, where the mail alone is not enough.
    pub(crate) password: &'a Secret,
    pub(crate) remember: bool,
}

/// Somebody who came in by a mail.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) entry: Entry,
    /// Whether their address was confirmed by it.
    pub(crate) is_first: bool,
}

/// Lets the reader of a mail in, in the place of `old`, the session that the request came with. Of any number that use its link or its code at
/// once, one succeeds.
pub(crate) async fn account_sign_in_by_mail(
    auth: &Auth,
    sign_in: MailedSignIn<'_>,
    origin: &Origin,
    old: Option<SessionId>,
    letters: &Letters,
) -> Result<Arrived, SignInError> {
    let MailedSignIn { shown, password, remember } = sign_in;
    let (kept, attempts) = (shown.kept(auth), shown.attempts(auth));
    let mut tx = auth.db().system("look at a mail to sign in with").begin().await?;
    if let Some(until) = attempts.refused_until_in(&mut tx).await? {
        return Err(SignInError::until(until, tx.now()));
    }
    let reader = reader_in(&mut tx, &kept).await?;
    tx.commit().await?;
    let Some(reader) = reader else {
        if let Mailed::Code { .. } = shown {
            refuse(auth, origin, None, &attempts).await?;
        }
        return Err(SignInError::Mail);
    };
    let password_hash = if auth.signs_in_by_mail() {
        None
    } else {
        current_password_entered(password).map_err(|refusal| SignInError::Refused(Refused::of("password", refusal)))?;
        if auth.hasher().verify(password, reader.password_hash.as_deref()).await? == Verdict::Wrong {
            refuse(auth, origin, Some(reader.user), &attempts).await?;
            return Err(SignInError::Wrong);
        }
        reader.password_hash.as_deref()
    };

    let mut tx = auth.db().system("sign in with a mail").caused_by(origin.clone()).begin().await?;
    use_in(&mut tx, &kept, reader.user).await?;
    if let Some(until) = attempts.refused_until_in(&mut tx).await? {
        return Err(SignInError::until(until, tx.now()));
    }
    let is_first = auth.signs_in_by_mail() && account_claim_in(&mut tx, reader.user, letters).await?;
    let method = if auth.signs_in_by_mail() { Method::Email } else { Method::Password };
    let shown = Shown { user: reader.user, method, password_hash, remember, old };
    let entry = entry_in(&mut tx, shown).await?.ok_or(SignInError::Mail)?;
    tx.commit().await?;
    tracing::info!(user.id = %reader.user, "signed in with a mail");
    Ok(Arrived { entry, is_first })
}

struct Reader {
    user: UserId,
    password_hash: Option<String>,
}

/// Whom a mail went to that can still be used.
async fn reader_in(tx: &mut SystemTx, kept: &[u8]) -> Result<Option<Reader>, DbError> {
    let now = tx.now();
    Ok(sqlx::query_as!(
        Reader,
        r#"select account.user_id as "user: UserId", account.password_hash
        from auth.email_token t
        join auth.account on account.user_id = t.user_id and account.email = t.email and account.password_hash is not distinct from t.password_hash
        where (t.token_hash = $1 or t.code_mac = $1) and t.purpose = 'sign_in' and t.used_at is null and t.expires_at > $2"#,
        kept,
        now,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Uses a mail, and with it all others that let the account's person in. The account's row is locked from here on.
async fn use_in(tx: &mut SystemTx, kept: &[u8], user: UserId) -> Result<(), SignInError> {
    let now = tx.now();
    account_lock_in(tx, user).await?;
    if reader_in(tx, kept).await?.is_none() {
        return Err(SignInError::Mail);
    }
    sqlx::query!(
        "update auth.email_token set used_at = $2 where user_id = $1 and purpose = 'sign_in' and used_at is null",
        Uuid::from(user),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

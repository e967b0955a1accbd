use std::time::Duration;

use chrono::{DateTime, Utc};
use saas_core::{
    Actor, DbError, Ledger, Origin, Problem, ProblemType, Secret, SessionId, SystemTx, UserId, mail::MailInError, system_event_in,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    SignInRefused, SignInThrottled,
    entry::{Entry, Shown, entry_in},
    lock::account_lock_in,
    throttle::{Claim, attempts_open_in},
};
use crate::{
    Auth, Email, HashError, PasswordFlaw, PasswordPolicy,
    attempt::{Attempts, Counted, throttled},
    password::Verdict,
    refused::{self, Refusal, Refused},
    session::{DeviceCookies, Method},
};

/// What somebody enters to sign in.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Their address.
    #[serde(default)]
    #[schema(required = true)]
    pub email: String,
    /// Their password.
    #[serde(default)]
    #[schema(required = true)]
    pub password: Secret,
    /// Whether to stay signed in for 30 days, rather than 24 hours or until the browser is closed.
    #[serde(default)]
    pub remember: bool,
}

/// Nobody was signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// Something that was entered cannot be right.
    #[error("a field is missing or wrong")]
    Refused(Refused),
    /// There is no such account, or it has another password, or it may not sign in: it is never said which.
    #[error("the address or the password is wrong")]
    Wrong,
    /// The link or the code of a mail was used, is too old, is not for this browser, or never was one.
    #[error("the link or the code is wrong or does not work any more")]
    Mail,
    /// Too many passwords or codes were wrong, at this account or from this network; nothing is said about this one.
    #[error("too many passwords or codes were wrong")]
    Throttled {
        /// When it may be tried again.
        wait: Duration,
    },
    /// The password could not be checked.
    #[error("the password could not be checked")]
    Hash(#[from] HashError),
    /// The letter of welcome could not be written.
    #[error(transparent)]
    Letter(#[from] MailInError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl SignInError {
    pub(super) fn until(until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::Throttled { wait: (until - now).to_std().unwrap_or_default() }
    }
}

impl From<sqlx::Error> for SignInError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused(refused) => refused.into(),
            SignInError::Wrong => Self::new(&ProblemType::UNAUTHENTICATED).detail("The address or the password is wrong."),
            SignInError::Mail => Self::new(&ProblemType::UNAUTHENTICATED)
                .detail("The link or the code is wrong, was used already, is too old or is for another browser."),
            SignInError::Throttled { wait } => {
                throttled("Too many sign-ins failed. Ask for a mail to sign in with: its link is taken at once.", wait)
            }
            SignInError::Hash(error) => error.into(),
            SignInError::Letter(error) => error.into(),
            SignInError::Db(error) => error.into(),
        }
    }
}

/// Checks a password and lets its person in, in the place of `old`, the session that the request came with.
///
/// Whether the password may be tried is asked before it is checked, to save the work, and decided afterwards, to be exact: of any number of
/// guesses at once as many are answered as may be.
pub(crate) async fn account_sign_in(
    auth: &Auth,
    credentials: &Credentials,
    origin: &Origin,
    old: Option<SessionId>,
    cookies: &DeviceCookies,
) -> Result<Entry, SignInError> {
    let email = check(credentials).map_err(SignInError::Refused)?;
    let mut tx = auth.db().system("sign in").begin().await?;
    let account = find_in(&mut tx, &email).await?;
    let user = account.as_ref().map(|account| account.user);
    let claim = Claim { email: &email, user, address: origin.address, cookies };
    let attempts = attempts_open_in(&mut tx, auth, claim).await?.map_err(|until| SignInError::until(until, tx.now()))?;
    tx.commit().await?;

    let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
    let verdict = auth.hasher().verify(&credentials.password, stored).await?;
    let (Verdict::Right { outdated }, Some(account)) = (verdict, account) else {
        refuse(auth, origin, user, &attempts).await?;
        return Err(SignInError::Wrong);
    };
    let fresh_hash = if outdated { Some(auth.hasher().hash(&credentials.password).await?) } else { None };

    let mut tx = auth.db().system("sign in").caused_by(origin.clone()).begin().await?;
    let now = tx.now();
    account_lock_in(&mut tx, account.user).await?;
    if let Some(until) = attempts.refused_until_in(&mut tx).await? {
        return Err(SignInError::until(until, now));
    }
    let stored = account.password_hash.as_deref();
    // Before anything is bound to the password as it is.
    if let Some(fresh_hash) = &fresh_hash {
        sqlx::query!(
            "update auth.account set password_hash = $3 where user_id = $1 and password_hash = $2",
            Uuid::from(account.user),
            stored,
            fresh_hash,
        )
        .execute(&mut *tx)
        .await?;
    }
    let password_hash = fresh_hash.as_deref().or(stored);
    let shown = Shown { user: account.user, method: Method::Password, password_hash, remember: credentials.remember, old };
    let Some(entry) = entry_in(&mut tx, shown).await? else {
        tx.rollback().await;
        refuse(auth, origin, user, &attempts).await?;
        return Err(SignInError::Wrong);
    };
    tx.commit().await?;
    match &entry {
        Entry::Session(_) => tracing::info!(user.id = %account.user, "signed in"),
        Entry::Pending(_) => tracing::info!(user.id = %account.user, "asked for a second factor"),
    }
    Ok(entry)
}

/// Counts and records a refusal, the same way whether or not there is such an account; or says until when nothing is tried.
pub(super) async fn refuse(auth: &Auth, origin: &Origin, user: Option<UserId>, attempts: &Attempts) -> Result<(), SignInError> {
    let mut tx = auth.db().system("refuse a sign-in").caused_by(origin.clone()).begin().await?;
    let until = match attempts.add_in(&mut tx).await? {
        Counted::Yes { until } => until,
        Counted::Refused { until } => {
            let refused = SignInError::until(until, tx.now());
            tx.rollback().await;
            return Err(refused);
        }
    };
    let subject = user.map_or_else(|| "unknown".to_owned(), |user| user.to_string());
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, &subject, &SignInRefused {}).await?;
    if until.is_some() {
        system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, &subject, &SignInThrottled {}).await?;
    }
    tx.commit().await?;
    tracing::info!(throttled = until.is_some(), "refused a sign-in");
    Ok(())
}

struct Account {
    user: UserId,
    password_hash: Option<String>,
}

async fn find_in(tx: &mut SystemTx, email: &Email) -> Result<Option<Account>, DbError> {
    Ok(sqlx::query_as!(Account, r#"select user_id as "user: UserId", password_hash from auth.account where email_key = $1"#, email.key())
        .fetch_optional(&mut **tx)
        .await?)
}

fn check(credentials: &Credentials) -> Result<Email, Refused> {
    let mut refused = Refused::default();
    let email = refused.take("email", refused::email(&credentials.email));
    let password = credentials.password.expose();
    if password.is_empty() {
        refused.add("password", Refusal::PasswordMissing);
    } else if password.len() > PasswordPolicy::MAX_BYTES {
        refused.add("password", Refusal::Password(PasswordFlaw::Long { maximum: PasswordPolicy::MAX_BYTES }));
    } else if password.contains('\0') {
        refused.add("password", Refusal::Characters);
    }
    email.filter(|_| refused.is_empty()).ok_or(refused)
}

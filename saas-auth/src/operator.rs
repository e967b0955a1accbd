//! Those who run the product: who is named as one of them, by whom and why. What it takes to be let in is [`saas_core::operator`]'s.
//!
//! # Security
//!
//! * There is nobody by default, and no page names anybody: that takes the command line on a machine which holds the program's secrets.
//! * Only an account whose address was confirmed can be named, so nobody is one by having signed up with somebody else's address first.
//! * Nobody is named without an app that shows codes, or whoever has the password or the mailbox would set one up and be one. A passkey does not count
//!   here: a password opens the account beside it, and is asked for nothing more.
//! * Whoever turns their app off is one no longer from that moment on, whatever else their session has shown. A passkey that is removed takes nothing away:
//!   whoever runs the product has the app beside it, and the session that removed it, the only one left, stays what it is.

mod event;

pub(crate) use event::{OperatorGranted, OperatorRevoked};

use chrono::{DateTime, Utc};
use saas_core::{
    Actor, Change, Db, DbError, Email, Ledger, SignedIn, SystemTx, UserId,
    mail::{MailInError, Outbox},
    operator::OperatorRole,
    pages::{Locale, Pages},
    system_event_in,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    mail::{Letters, Reader},
    second_factor::second_factor_in,
};

/// What is recorded as the reason for which somebody runs the product no more who turned their second factor off.
const WITHOUT_SECOND_FACTOR: &str = "turned the second factor off";

/// Names those who run the product, for the command line. Each change holds from the next request on, is recorded with its reason, and its person is
/// told by mail.
#[derive(Debug, Clone)]
pub struct Operators {
    db: Db,
    letters: Letters,
}

/// That somebody runs the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OperatorGrant {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// As what.
    pub role: OperatorRole,
    /// Since when.
    pub granted_at: DateTime<Utc>,
    /// Who named them, as the machine on which it was done calls whoever did it.
    pub granted_by: String,
    /// Why.
    pub reason: String,
    /// Whether they have an authenticator app, without which nobody is named. A passkey is none: a password is enough beside it.
    pub second_factor: bool,
}

/// Who runs the product stays as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// Nobody has this address.
    #[error("there is no account with this address")]
    NoAccount,
    /// It may be somebody else's, or its person is going.
    #[error("the account with this address is not confirmed, or is about to be deleted")]
    Unsettled,
    /// There is nothing to take.
    #[error("the account with this address is none of those that run the product")]
    NoOperator,
    /// Whoever has the password or the mailbox could set one up. It must be an app: a passkey alone leaves the password enough.
    #[error("the account with this address has no authenticator app as a second factor: its person sets one up first")]
    NoSecondFactor,
    /// The database failed, or a letter could not be written.
    #[error(transparent)]
    Failed(#[from] MailInError),
}

impl From<DbError> for OperatorError {
    fn from(error: DbError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<sqlx::Error> for OperatorError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

struct Account {
    user: UserId,
    email: String,
    name: String,
    is_settled: bool,
}

impl Account {
    fn reader(&self) -> Reader<'_> {
        Reader { user: self.user, email: &self.email, name: &self.name }
    }
}

impl Operators {
    /// With what people are told: the program's templates, and where its letters are written.
    #[must_use]
    pub fn new(db: &Db, outbox: Outbox, pages: Pages) -> Self {
        Self { db: db.clone(), letters: Letters::new(outbox, pages, Locale::default(), None, "/") }
    }

    /// All of them, by name.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn list(&self) -> Result<Vec<OperatorGrant>, DbError> {
        operator_list(&self.db).await
    }

    /// Names somebody, or gives them another role; false if they have it already. `by` is who does it.
    ///
    /// # Errors
    ///
    /// Fails if nobody has this address or has confirmed it, if they are leaving or have no authenticator app, or if the database does.
    pub async fn grant(&self, email: &Email, role: OperatorRole, by: &str, reason: &str) -> Result<bool, OperatorError> {
        let mut tx = self.db.system("name somebody who runs the product").begin().await?;
        let account = account_in(&mut tx, email).await?;
        if !account.is_settled {
            return Err(OperatorError::Unsettled);
        }
        if second_factor_in(&mut tx, account.user).await?.since.is_none() {
            return Err(OperatorError::NoSecondFactor);
        }
        let old =
            sqlx::query_scalar!(r#"select role as "role: OperatorRole" from auth.operator where user_id = $1"#, Uuid::from(account.user))
                .fetch_optional(&mut *tx)
                .await?;
        let now = tx.now();
        let granted = sqlx::query!(
            r#"insert into auth.operator (user_id, role, granted_at, granted_by, reason) values ($1, $2, $3, $4, $5)
            on conflict (user_id) do update
            set role = excluded.role, granted_at = excluded.granted_at, granted_by = excluded.granted_by, reason = excluded.reason
            where operator.role <> excluded.role"#,
            Uuid::from(account.user),
            role.as_str(),
            now,
            by,
            reason,
        )
        .execute(&mut *tx)
        .await?;
        if granted.rows_affected() == 0 {
            return Ok(false);
        }
        let granted = OperatorGranted { role: Change::new(old, Some(role)), by, reason };
        system_event_in(&mut tx, Ledger::Platform, Actor::System, account.user, &granted).await?;
        self.letters.operator_granted_in(&mut tx, account.reader(), role).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes somebody one of them no more. `by` is who does it.
    ///
    /// # Errors
    ///
    /// Fails if nobody has this address or they are none of them, or if the database does.
    pub async fn revoke(&self, email: &Email, by: &str, reason: &str) -> Result<(), OperatorError> {
        let mut tx = self.db.system("name somebody no longer who ran the product").begin().await?;
        let account = account_in(&mut tx, email).await?;
        let role = operator_delete_in(&mut tx, account.user).await?.ok_or(OperatorError::NoOperator)?;
        system_event_in(&mut tx, Ledger::Platform, Actor::System, account.user, &OperatorRevoked { role, by: Some(by), reason }).await?;
        self.letters.operator_revoked_in(&mut tx, account.reader()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Whoever has just turned their second factor off runs the product no more, if they did, and is told. The account's row is locked already.
pub(crate) async fn operator_without_second_factor_in(tx: &mut SystemTx, me: &SignedIn, letters: &Letters) -> Result<(), MailInError> {
    let Some(role) = operator_delete_in(tx, me.user).await? else { return Ok(()) };
    let revoked = OperatorRevoked { role, by: None, reason: WITHOUT_SECOND_FACTOR };
    system_event_in(tx, Ledger::Platform, me.into(), me.user, &revoked).await?;
    letters.operator_revoked_in(tx, me.into()).await
}

/// Takes somebody's role, and says which it was.
async fn operator_delete_in(tx: &mut SystemTx, user: UserId) -> Result<Option<OperatorRole>, DbError> {
    Ok(sqlx::query_scalar!(r#"delete from auth.operator where user_id = $1 returning role as "role: OperatorRole""#, Uuid::from(user),)
        .fetch_optional(&mut **tx)
        .await?)
}

/// The account with this address. Its row is locked before its other rows, as everywhere.
async fn account_in(tx: &mut SystemTx, email: &Email) -> Result<Account, OperatorError> {
    let account = sqlx::query_as!(
        Account,
        r#"select account.user_id as "user: UserId", account.email, account.name,
            account.verified_at is not null and person.state = 'active' as "is_settled!"
        from auth.account
        join core.user person on person.id = account.user_id
        where account.email_key = $1
        for no key update of account"#,
        email.key(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    account.ok_or(OperatorError::NoAccount)
}

/// All who run the product, by name.
pub(crate) async fn operator_list(db: &Db) -> Result<Vec<OperatorGrant>, DbError> {
    let mut tx = db.system("list those who run the product").begin().await?;
    let operators = sqlx::query_as!(
        OperatorGrant,
        r#"select account.user_id as "user: UserId", account.name, account.email, operator.role as "role: OperatorRole",
            operator.granted_at, operator.granted_by, operator.reason,
            exists (select from auth.authenticator app where app.user_id = account.user_id and app.confirmed_at is not null)
                as "second_factor!"
        from auth.operator
        join auth.account on account.user_id = operator.user_id
        order by lower(account.name), account.email_key"#,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(operators)
}

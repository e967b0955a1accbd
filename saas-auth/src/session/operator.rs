//! Sessions that whoever runs the product ends.

use chrono::TimeDelta;
use saas_core::{
    Actor, Db, Email, Ledger, SystemTx, UserId,
    mail::{MailInError, Outbox},
    pages::{Locale, Pages},
    system_event_in,
};
use serde::Serialize;
use uuid::Uuid;

use super::{SessionIdle, store::sessions_end_in};
use crate::{
    account::{SessionsEndedByOperator, account_lock_in},
    mail::{Letters, Reader},
    token::families_end_in,
};

/// How many people one transaction looks after.
const BATCH: i64 = 100;

/// Whose sessions were over for longer than this is not told that they ended. Clocks differ by less.
const TOLD: TimeDelta = TimeDelta::days(1);

/// Ends the sessions of people, and all that programs may do for them with tokens, from the next request on: for whoever runs the product and has a reason.
/// Open streams close, since nobody may read them any more. Each person whose sessions end is told by mail, and there is an event with the reason. Of
/// sessions that were over by themselves for more than a day ([`SessionIdle::default`] says when, of those that nobody used) nobody is told, though they
/// are ended too.
///
/// API keys and agents go on: they are their organization's, which ends them itself.
#[derive(Debug, Clone)]
pub struct SessionEnder {
    db: Db,
    letters: Letters,
}

/// What ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndedSessions {
    /// Of how many people.
    pub people: u64,
    /// How many sessions.
    pub sessions: usize,
    /// How many programs that acted for somebody.
    pub programs: usize,
}

struct Account {
    user: UserId,
    email: String,
    name: String,
}

impl SessionEnder {
    /// With what people are told: the program's templates, and where its letters are written.
    #[must_use]
    pub fn new(db: &Db, outbox: Outbox, pages: Pages) -> Self {
        Self { db: db.clone(), letters: Letters::new(outbox, pages, Locale::default(), None, "/") }
    }

    /// Ends those of one person; none if nobody has this address.
    ///
    /// # Errors
    ///
    /// Fails if the database does, or the letter cannot be written; then nothing has ended.
    pub async fn of_person(&self, email: &Email, reason: &str) -> Result<Option<EndedSessions>, MailInError> {
        let mut tx = self.db.system("an operator ends the sessions of a person").begin().await?;
        let account = sqlx::query_as!(
            Account,
            r#"select user_id as "user: UserId", email, name from auth.account where email_key = $1"#,
            email.key(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(account) = account else { return Ok(None) };
        let mut ended = EndedSessions::default();
        self.end_in(&mut tx, &account, reason, &mut ended).await?;
        tx.commit().await?;
        Ok(Some(ended))
    }

    /// Ends those of everybody. Whoever signs in meanwhile may be caught by it or not.
    ///
    /// # Errors
    ///
    /// As [`of_person`](Self::of_person), but what was ended until then stays so: begun again, it goes on with those who are left.
    pub async fn of_all(&self, reason: &str) -> Result<EndedSessions, MailInError> {
        let (mut ended, mut after) = (EndedSessions::default(), Uuid::nil());
        loop {
            let mut tx = self.db.system("an operator ends the sessions of everybody").begin().await?;
            let accounts = sqlx::query_as!(
                Account,
                r#"select user_id as "user: UserId", email, name from auth.account
                where user_id > $1 and (
                    exists (select from auth.session where session.user_id = account.user_id and ended_at is null)
                    or exists (select from auth.token_family family where family.user_id = account.user_id and ended_at is null)
                )
                order by user_id
                limit $2"#,
                after,
                BATCH,
            )
            .fetch_all(&mut *tx)
            .await?;
            let Some(last) = accounts.last() else { return Ok(ended) };
            after = last.user.into();
            let mut of_batch = EndedSessions::default();
            for account in &accounts {
                self.end_in(&mut tx, account, reason, &mut of_batch).await?;
            }
            tx.commit().await?;
            ended.people += of_batch.people;
            ended.sessions += of_batch.sessions;
            ended.programs += of_batch.programs;
        }
    }

    async fn end_in(&self, tx: &mut SystemTx, account: &Account, reason: &str, ended: &mut EndedSessions) -> Result<(), MailInError> {
        account_lock_in(tx, account.user).await?;
        let (since, idle) = (tx.now() - TOLD, SessionIdle::default());
        let ended_sessions = sessions_end_in(tx, account.user, None).await?;
        let ended_families = families_end_in(tx, account.user).await?;
        let sessions: Vec<_> =
            ended_sessions.into_iter().filter(|session| session.over_at(idle) > since).map(|session| session.id).collect();
        let families: Vec<_> = ended_families.into_iter().filter(|family| family.expires_at > since).map(|family| family.id).collect();
        if sessions.is_empty() && families.is_empty() {
            return Ok(());
        }
        ended.people += 1;
        ended.sessions += sessions.len();
        ended.programs += families.len();
        let event = SessionsEndedByOperator { sessions, families, reason };
        system_event_in(tx, Ledger::Platform, Actor::System, account.user, &event).await?;
        let reader = Reader { user: account.user, email: &account.email, name: &account.name };
        self.letters.sessions_ended_in(tx, reader).await
    }
}

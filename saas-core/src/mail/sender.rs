use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Mail, MailError, MailId, Mailer, SuppressionReason, Suppressions,
    outbox::{LETTERS, place},
};
use crate::{
    Breaker, Db, DbError, Dependencies, Dependency, MasterKey,
    job::{Job, JobError, Jobs, SystemRun, TenantRun},
};

/// How long a letter is tried.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(72);

/// Sends what is in the outbox. Cheap to clone.
#[derive(Clone)]
pub struct MailSender {
    inner: Arc<Inner>,
    breaker: Breaker,
}

struct Inner {
    db: Db,
    mailer: Arc<dyn Mailer>,
    keys: MasterKey,
    config: SenderConfig,
    under_way: Semaphore,
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// How many letters one address gets within an hour; more wait.
    pub per_address_and_hour: u32,
    /// How many letters this node sends side by side. Fewer than its jobs, so that a slow mail server leaves some of them to others.
    pub concurrency: usize,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self { per_address_and_hour: 30, concurrency: 2 }
    }
}

/// What became of a letter, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOutcome {
    /// Somebody else has it.
    Sent,
    /// It was refused, or tried for too long.
    Failed,
    /// Nothing is sent to its address.
    Suppressed,
    /// It waits to be tried again after this time.
    Waits(Duration),
    /// There is no such letter, or it had ended before.
    Over,
}

/// A tenant's letter.
#[derive(Debug, Serialize, Deserialize)]
struct Send {
    mail: MailId,
}

/// A letter in the system's queue.
#[derive(Debug, Serialize, Deserialize)]
struct SendSystem {
    mail: MailId,
}

/// Ends what has been over for long.
#[derive(Debug, Serialize, Deserialize)]
struct Forget {}

// `core.mail_put` enqueues both by name, in the transaction that writes the letter.
impl Job for Send {
    const NAME: &'static str = "core.mail";
    const ATTEMPTS: u16 = 1000;
}

impl Job for SendSystem {
    const NAME: &'static str = "core.mail.system";
    const ATTEMPTS: u16 = 1000;
}

impl Job for Forget {
    const NAME: &'static str = "core.mail.forget";
}

/// A letter was taken out of the outbox to be tried.
struct Taken {
    mail: Result<Mail, MailError>,
    attempts: i32,
    queued_at: DateTime<Utc>,
}

enum Claim {
    Take(Box<Taken>),
    Decided(MailOutcome),
}

/// The letter will be tried again. Says nothing of its reader.
#[derive(Debug, thiserror::Error)]
#[error("the letter was not taken; it is tried again")]
struct NotYet;

/// What was sealed cannot be read any more.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be opened")]
struct Unreadable;

/// For how long it is known that a letter was sent, and that a second of its kind is none.
const REMEMBERED: TimeDelta = TimeDelta::days(90);
/// How long a letter waits for its turn at the mail server before it lets another job have its place.
const TURN: Duration = Duration::from_secs(2);
const NO_TURN: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(1800);
/// A mail server that is away costs the program a try now and then, and not one for each letter that waits.
const MAIL: Dependency = Dependency::new("mail").shown_as("core-status-mail");

impl MailSender {
    /// Sends through this mailer.
    pub fn new(db: &Db, mailer: Arc<dyn Mailer>, keys: MasterKey) -> Self {
        Self::with(db, mailer, keys, SenderConfig::default())
    }

    /// The same, configured.
    pub fn with(db: &Db, mailer: Arc<dyn Mailer>, keys: MasterKey, config: SenderConfig) -> Self {
        let under_way = Semaphore::new(config.concurrency.max(1));
        Self { inner: Arc::new(Inner { db: db.clone(), mailer, keys, config, under_way }), breaker: Breaker::new(MAIL) }
    }

    /// Tells these whether the mail server is away.
    #[must_use]
    pub fn shown_in(self, dependencies: &Dependencies) -> Self {
        Self { breaker: dependencies.breaker(MAIL), ..self }
    }

    /// Takes on the jobs that the outbox enqueues.
    pub fn work_for(&self, jobs: &Jobs) {
        let sender = self.clone();
        jobs.on(move |_: TenantRun, job: Send| {
            let sender = sender.clone();
            async move { sender.run(job.mail).await }
        });
        let sender = self.clone();
        jobs.on(move |_: SystemRun, job: SendSystem| {
            let sender = sender.clone();
            async move { sender.run(job.mail).await }
        });
        let sender = self.clone();
        jobs.on(move |_: SystemRun, _: Forget| {
            let sender = sender.clone();
            async move { Ok(sender.forget().await.map(drop)?) }
        });
        jobs.cron("17 3 * * *", &Forget {});
    }

    async fn run(&self, id: MailId) -> Result<(), JobError> {
        match self.attempt(id).await? {
            // The letter itself knows how long it is tried.
            MailOutcome::Waits(pause) => Err(JobError::put_off(pause, NotYet)),
            _ => Ok(()),
        }
    }

    /// Tries a letter once.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what the mail server says is an outcome.
    pub async fn attempt(&self, id: MailId) -> Result<MailOutcome, DbError> {
        let Inner { mailer, under_way, .. } = &*self.inner;
        let pass = match self.breaker.enter() {
            Ok(pass) => pass,
            Err(interrupted) => return Ok(MailOutcome::Waits(interrupted.retry_in)),
        };
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN, under_way.acquire()).await else { return Ok(MailOutcome::Waits(NO_TURN)) };
        let taken = match self.claim(id).await? {
            Claim::Take(taken) => *taken,
            Claim::Decided(outcome) => return Ok(outcome),
        };
        let outcome = match &taken.mail {
            Ok(mail) => mailer.send(mail).await,
            Err(_) => Err(MailError::Message(Unreadable.into())),
        };
        match &outcome {
            Err(MailError::Transport(_)) => pass.failed(),
            // It may never have come to the server.
            Err(MailError::Message(_)) => drop(pass),
            _ => pass.succeeded(),
        }
        match outcome {
            Ok(accepted) => self.end(id, MailOutcome::Sent, &accepted.answer).await,
            Err(MailError::Transport(error) | MailError::Later(error)) => {
                let now = self.inner.db.clock().now();
                let answer = innermost(&*error);
                if now - taken.queued_at >= GIVE_UP_AFTER {
                    tracing::error!(mail.id = %id, attempts = taken.attempts, "a letter was tried for too long");
                    return self.end(id, MailOutcome::Failed, &answer).await;
                }
                self.wait(id, &answer).await?;
                Ok(MailOutcome::Waits(pause(taken.attempts, rand::rng().random())))
            }
            Err(MailError::Refused { answer, no_such_mailbox }) => {
                tracing::warn!(mail.id = %id, no_such_mailbox, "the mail server refused a letter");
                if let (true, Ok(mail)) = (no_such_mailbox, &taken.mail) {
                    let mut tx = self.inner.db.system("suppress an address that bounced").begin().await?;
                    self.suppressions().add_in(&mut tx, &mail.to, SuppressionReason::Bounce, Some(&answer)).await?;
                    tx.commit().await?;
                }
                self.end(id, MailOutcome::Failed, &answer).await
            }
            Err(error @ MailError::Message(_)) => {
                tracing::error!(mail.id = %id, error = &error as &dyn std::error::Error, "a letter cannot be sent as it is");
                self.end(id, MailOutcome::Failed, &error.to_string()).await
            }
        }
    }

    /// Takes a letter to be tried, unless it is over, its address gets nothing, or has had enough of them for now.
    async fn claim(&self, id: MailId) -> Result<Claim, DbError> {
        let mut tx = self.inner.db.system("send a letter").begin().await?;
        let now = tx.now();
        // Two letters to one address are counted one after the other.
        let row = sqlx::query!(
            r#"select to_hash, sealed, attempts, queued_at, pg_advisory_xact_lock(hashtextextended(encode(to_hash, 'hex'), 0)) as "locked?: ()"
            from core.mail where id = $1 and state in ('queued', 'sending') for update"#,
            Uuid::from(id),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(Claim::Decided(MailOutcome::Over)) };
        let mail = self.open(id, &row.sealed.unwrap_or_default());
        if let Ok(mail) = &mail
            && self.suppressions().find_in(&mut tx, &mail.to).await?.is_some()
        {
            tx.commit().await?;
            tracing::info!(mail.id = %id, "a letter was not sent: its address is suppressed");
            return self.end(id, MailOutcome::Suppressed, "").await.map(Claim::Decided);
        }
        let hour = TimeDelta::hours(1);
        let limit = i64::from(self.inner.config.per_address_and_hour.max(1));
        let full_since = sqlx::query_scalar!(
            r#"select tried_at as "tried_at!" from core.mail
            where to_hash = $1 and id <> $2 and tried_at > $3 and state in ('sending', 'sent')
            order by tried_at desc
            offset $4 limit 1"#,
            row.to_hash,
            Uuid::from(id),
            now - hour,
            limit - 1,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(since) = full_since {
            let pause = (since + hour - now).to_std().unwrap_or_default().max(FIRST_PAUSE);
            return Ok(Claim::Decided(MailOutcome::Waits(pause)));
        }
        sqlx::query!("update core.mail set state = 'sending', attempts = attempts + 1, tried_at = $2 where id = $1", Uuid::from(id), now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Claim::Take(Box::new(Taken { mail, attempts: row.attempts + 1, queued_at: row.queued_at })))
    }

    fn open(&self, id: MailId, sealed: &[u8]) -> Result<Mail, MailError> {
        let plain: Zeroizing<Vec<u8>> =
            self.inner.keys.open(LETTERS, &place(id), sealed).map_err(|error| MailError::Message(error.into()))?;
        serde_json::from_slice(&plain).map_err(|error| MailError::Message(error.into()))
    }

    /// Writes down how it ended, and forgets what the letter said.
    async fn end(&self, id: MailId, outcome: MailOutcome, answer: &str) -> Result<MailOutcome, DbError> {
        let state = match outcome {
            MailOutcome::Sent => "sent",
            MailOutcome::Suppressed => "suppressed",
            _ => "failed",
        };
        let mut tx = self.inner.db.system("note how a letter ended").begin().await?;
        let now = tx.now();
        sqlx::query!(
            "update core.mail set state = $2, sealed = null, answer = nullif(left($3, 500), ''), ended_at = $4
            where id = $1 and state in ('queued', 'sending')",
            Uuid::from(id),
            state,
            text(answer),
            now,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(outcome)
    }

    async fn wait(&self, id: MailId, answer: &str) -> Result<(), DbError> {
        let mut tx = self.inner.db.system("note that a letter waits").begin().await?;
        sqlx::query!(
            "update core.mail set state = 'queued', answer = nullif(left($2, 500), '') where id = $1 and state = 'sending'",
            Uuid::from(id),
            text(answer),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// The bounce list.
    #[must_use]
    pub fn suppressions(&self) -> Suppressions {
        Suppressions::new(self.inner.keys.clone())
    }

    /// Deletes what has been over for 90 days; how many.
    async fn forget(&self) -> Result<u64, DbError> {
        let mut tx = self.inner.db.system("forget old letters").begin().await?;
        let before = tx.now() - REMEMBERED;
        let deleted = sqlx::query!("delete from core.mail where ended_at < $1", before).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected())
    }
}

/// Two seconds, doubled each time, up to half an hour; and between half and one and a half of that.
fn pause(attempts: i32, chance: f64) -> Duration {
    let doublings = u32::try_from(attempts.max(1) - 1).unwrap_or(0).min(12);
    FIRST_PAUSE.saturating_mul(2_u32.pow(doublings)).min(LONGEST_PAUSE).mul_f64(0.5 + chance)
}

/// What PostgreSQL can store of a foreign text.
fn text(answer: &str) -> String {
    answer.chars().filter(|c| !c.is_control()).collect()
}

/// The cause at the bottom, which is the mail server's answer where there is one.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

impl fmt::Debug for MailSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSender").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

mod claim;
mod record;

use std::{fmt, sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{Accepted, MailError, MailId, Mailer, SuppressionReason, Suppressions};
use crate::{
    Breaker, Db, DbError, Dependencies, Dependency, MasterKey, backoff, failure,
    job::{Job, JobError, Jobs, SystemRun, TenantRun},
};
use claim::{Claim, Taken};

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

// `core.mail_put` enqueues both by name, in the transaction that writes the letter.
impl Job for Send {
    const NAME: &'static str = "core.mail";
    const ATTEMPTS: u16 = 1000;
}

impl Job for SendSystem {
    const NAME: &'static str = "core.mail.system";
    const ATTEMPTS: u16 = 1000;
}

/// The letter will be tried again. Says nothing of its reader.
#[derive(Debug, thiserror::Error)]
#[error("the letter was not taken; it is tried again")]
struct NotYet;

/// What was sealed cannot be read any more.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be opened")]
struct Unreadable;

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
        self.settle(id, &taken, outcome).await
    }

    /// Ends a letter or lets it wait, by what the mail server said.
    async fn settle(&self, id: MailId, taken: &Taken, outcome: Result<Accepted, MailError>) -> Result<MailOutcome, DbError> {
        match outcome {
            Ok(accepted) => self.end(id, MailOutcome::Sent, &accepted.answer).await,
            Err(MailError::Transport(error) | MailError::Later(error)) => {
                // The cause at the bottom, which is the mail server's answer where there is one.
                let answer = failure::causes(&*error).last().map(ToString::to_string).unwrap_or_default();
                if self.inner.db.clock().now() - taken.queued_at >= GIVE_UP_AFTER {
                    tracing::error!(mail.id = %id, attempts = taken.attempts, "a letter was tried for too long");
                    return self.end(id, MailOutcome::Failed, &answer).await;
                }
                self.wait(id, &answer).await?;
                Ok(MailOutcome::Waits(backoff::doubled(FIRST_PAUSE, LONGEST_PAUSE, taken.attempts, rand::random())))
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

    /// The bounce list.
    #[must_use]
    pub fn suppressions(&self) -> Suppressions {
        Suppressions::new(self.inner.keys.clone())
    }
}

impl fmt::Debug for MailSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSender").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

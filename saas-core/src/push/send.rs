//! One attempt, and when the next one is.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BrowserId, Push, RemovedBecause, browser::Reached, encryption::CODING};
use crate::{
    DbError, EventId, Job, JobError, Jobs, SessionId, SystemRun, SystemTx, TenantId, TenantRun, UserId, backoff,
    chat::answer::{Answer, EXPIRES},
};

/// How long a message that did not get its turn lets others have it; as much again is added by chance, so that they do not all come at once.
const NO_TURN: Duration = Duration::from_secs(1);

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// A message that is to be sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Send {
    pub(super) browser: BrowserId,
    pub(super) message: EventId,
}

impl Job for Send {
    const NAME: &'static str = "core.push.send";
    // How often a message is tried is counted in its row; the job also comes when its browser rests.
    const ATTEMPTS: u16 = 1000;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
}

/// Forgets browsers of sessions that are over.
#[derive(Debug, Serialize, Deserialize)]
struct Forget {}

impl Job for Forget {
    const NAME: &'static str = "core.push.forget";
    // It asks for each browser that there is.
    const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);
}

/// What became of a message, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushOutcome {
    /// The push service has it.
    Delivered,
    /// It was given up.
    Failed,
    /// It waits to be tried again after this time.
    Waits(Duration),
    /// There is no such message, it had ended before, or nobody is there to read it.
    Over,
}

/// The message will be tried again. Says nothing of where it goes.
#[derive(Debug, thiserror::Error)]
#[error("the message was not taken; it is tried again")]
struct NotYet;

/// A message that is this attempt's to send.
pub(super) struct Claimed {
    pub(super) tenant: TenantId,
    pub(super) browser: BrowserId,
    pub(super) message: EventId,
    pub(super) user: UserId,
    /// The how-manieth attempt.
    pub(super) attempt: i32,
    session: Option<SessionId>,
    sealed: Vec<u8>,
    server_key: Vec<u8>,
    urgency: String,
    body: String,
    at: DateTime<Utc>,
    /// Until when its browser rests, or it does itself.
    free_at: DateTime<Utc>,
    /// Whether its person still belongs to the organization, and may sign in.
    may_read: bool,
    now: DateTime<Utc>,
}

impl Claimed {
    /// How long it rests; up to half of that is added, so that all that waits does not come at once.
    fn rest(&self) -> Duration {
        (self.free_at - self.now).to_std().unwrap_or_default().mul_f64(rand::random_range(1.0..1.5))
    }

    /// Whether it was tried for the last time, and nobody was left to note how that went: perhaps it ends whoever sends it.
    fn is_spent(&self) -> bool {
        self.attempt > 0 && Answer::of(Err("unreachable"), self.attempt, None).again.is_none()
    }

    /// For how long it is news.
    fn left(&self) -> TimeDelta {
        self.at + EXPIRES - self.now
    }
}

impl Push {
    /// Takes on the jobs of messages, and forgets each night the [browsers](Self::sweep) of sessions that are over.
    pub fn work_for(&self, jobs: &Jobs) {
        let push = self.clone();
        jobs.on(move |run: TenantRun, job: Send| {
            let push = push.clone();
            async move {
                match push.attempt(run.tenant(), job.browser, job.message).await? {
                    PushOutcome::Waits(_) if run.is_last_attempt() => Ok(push.expire(run.tenant(), &job).await?),
                    PushOutcome::Waits(pause) => Err(JobError::put_off(pause, NotYet)),
                    _ => Ok(()),
                }
            }
        });
        let push = self.clone();
        jobs.on(move |_: SystemRun, _: Forget| {
            let push = push.clone();
            async move { push.sweep().await.map(drop).map_err(JobError::from) }
        });
        jobs.cron("43 3 * * *", &Forget {});
    }

    /// Tries a message of a tenant once, if it is due.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what the push service answers is an outcome.
    pub async fn attempt(&self, tenant: TenantId, browser: BrowserId, message: EventId) -> Result<PushOutcome, DbError> {
        let Some(_turn) = self.0.turns.take(tenant).await else { return Ok(no_turn()) };
        let mut tx = self.0.db.system("send a push message").begin().await?;
        let Some(mut claimed) = claim_in(&mut tx, tenant, browser, message).await? else { return Ok(PushOutcome::Over) };
        let Some(session) = claimed.session.filter(|_| claimed.may_read) else {
            drop_in(&mut tx, &claimed).await?;
            tx.commit().await?;
            return Ok(PushOutcome::Over);
        };
        if claimed.left() <= TimeDelta::zero() {
            drop(tx);
            return self.record(&claimed, &Answer::EXPIRED).await;
        }
        if claimed.free_at > claimed.now {
            return Ok(PushOutcome::Waits(claimed.rest()));
        }
        drop(tx);
        if claimed.is_spent() {
            return self.record(&claimed, &Answer::of(Err("internal"), claimed.attempt, None)).await;
        }
        // Asked before it is counted: that nobody can say is no attempt. Whoever has signed out is told nothing more.
        if !(self.0.holds)(session).await? {
            self.browser_forget(claimed.user, browser, Some(session), RemovedBecause::SessionOver).await?;
            let mut tx = self.0.db.system("send a push message").begin().await?;
            drop_in(&mut tx, &claimed).await?;
            tx.commit().await?;
            return Ok(PushOutcome::Over);
        }
        // Counted before it is made, so a message that ends its sender has an end itself.
        if !self.count(&mut claimed).await? {
            return Ok(no_turn());
        }
        let answer = self.send(&claimed).await;
        self.record(&claimed, &answer).await
    }

    /// Whether this attempt is the next one, and no other has come between.
    async fn count(&self, claimed: &mut Claimed) -> Result<bool, DbError> {
        let mut tx = self.0.db.system("send a push message").begin().await?;
        let counted = sqlx::query!(
            "update push_message set attempts = attempts + 1
            where tenant_id = $1 and browser_id = $2 and id = $3 and attempts = $4 and state = 'waiting'",
            Uuid::from(claimed.tenant),
            Uuid::from(claimed.browser),
            Uuid::from(claimed.message),
            claimed.attempt,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        claimed.attempt += 1;
        Ok(counted.rows_affected() == 1)
    }

    /// Ends a message whose job has come for the last time.
    async fn expire(&self, tenant: TenantId, job: &Send) -> Result<(), DbError> {
        let mut tx = self.0.db.system("send a push message").begin().await?;
        let claimed = claim_in(&mut tx, tenant, job.browser, job.message).await?;
        drop(tx);
        if let Some(claimed) = claimed {
            self.record(&claimed, &Answer::EXPIRED).await?;
        }
        Ok(())
    }

    async fn send(&self, claimed: &Claimed) -> Answer {
        let Some((reached, headers, body)) = self.request(claimed) else {
            tracing::error!(browser.id = %claimed.browser, "a push message cannot be made");
            return Answer::of(Err("internal"), claimed.attempt, None);
        };
        let began = Instant::now();
        match self.0.outbound.send(Method::POST, &reached.service, headers, body.into()).await {
            Ok(answer) => {
                let asked = backoff::asked(answer.status, &answer.headers, claimed.now);
                Answer::of(Ok(answer.status), claimed.attempt, asked)
            }
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error, browser.id = %claimed.browser, duration_ms = began.elapsed().as_millis(),
                    "a push message did not arrive"
                );
                Answer::of(Err(error.as_str()), claimed.attempt, None)
            }
        }
    }

    /// Nothing if what is stored cannot be read, or no key of ours is the one that the browser was asked with.
    fn request(&self, claimed: &Claimed) -> Option<(Reached, HeaderMap, Vec<u8>)> {
        let reached = Reached::open(&self.0.keys, claimed.browser, &claimed.sealed).ok()?;
        let vapid = self.0.vapid.iter().find(|vapid| vapid.point() == claimed.server_key)?;
        let body = reached.keys.encrypt(claimed.body.as_bytes()).ok()?;
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, vapid.authorization(&reached.service, &self.0.public_url, claimed.now)?),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (header::CONTENT_ENCODING, HeaderValue::from_static(CODING)),
            (TTL, claimed.left().num_seconds().into()),
            (URGENCY, HeaderValue::from_str(&claimed.urgency).ok()?),
            // At most 32 letters of base64 for addresses; an id is 22 of them.
            (TOPIC, HeaderValue::try_from(URL_SAFE_NO_PAD.encode(Uuid::from(claimed.message))).ok()?),
        ]);
        Some((reached, headers, body))
    }
}

fn no_turn() -> PushOutcome {
    PushOutcome::Waits(NO_TURN.mul_f64(rand::random_range(1.0..2.0)))
}

/// A message that has not ended, and is nobody else's until the end of the transaction.
async fn claim_in(tx: &mut SystemTx, tenant: TenantId, browser: BrowserId, message: EventId) -> Result<Option<Claimed>, DbError> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"select message.user_id as "user: UserId", message.body, message.urgency, message.at, message.attempts,
            browser.session_id as "session?: SessionId", browser.sealed as "sealed?", browser.server_key as "server_key?",
            greatest(message.due_at, browser.rests_until) as "free_at!",
            member.left_at is null and person.state = 'active' as "may_read!"
        from push_message message
        join core.member member on member.tenant_id = message.tenant_id and member.user_id = message.user_id
        join core.user person on person.id = message.user_id
        left join core.push_browser browser on browser.id = message.browser_id and browser.user_id = message.user_id and browser.stopped_at is null
        where message.tenant_id = $1 and message.browser_id = $2 and message.id = $3 and message.state = 'waiting'
        for no key update of message"#,
        Uuid::from(tenant),
        Uuid::from(browser),
        Uuid::from(message),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Claimed {
        tenant,
        browser,
        message,
        user: row.user,
        attempt: row.attempts,
        session: row.session,
        sealed: row.sealed.unwrap_or_default(),
        server_key: row.server_key.unwrap_or_default(),
        urgency: row.urgency,
        body: row.body,
        at: row.at,
        free_at: row.free_at,
        may_read: row.may_read,
        now,
    }))
}

/// Ends a message that nobody is there to read.
async fn drop_in(tx: &mut SystemTx, claimed: &Claimed) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query!(
        "update push_message set state = 'dropped', ended_at = $4
        where tenant_id = $1 and browser_id = $2 and id = $3 and state = 'waiting'",
        Uuid::from(claimed.tenant),
        Uuid::from(claimed.browser),
        Uuid::from(claimed.message),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

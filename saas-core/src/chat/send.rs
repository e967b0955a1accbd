//! One attempt, and when the next one is.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Chat, ChatChannelId, ChatMessageId, ChatState,
    address::Address,
    answer::{Answer, EXPIRES},
    channel::waiting_drop_in,
};
use crate::{DbError, Job, JobError, Jobs, TenantDb, TenantId, TenantRun, TenantTx, backoff};

/// How long a message that did not get its turn lets others have it.
const NO_TURN: Duration = Duration::from_secs(1);

/// A message that is to be sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Send {
    pub(super) channel: ChatChannelId,
    pub(super) message: ChatMessageId,
}

impl Job for Send {
    const NAME: &'static str = "core.chat.send";
    // How often a message is tried is counted in its row; the job also comes when its channel rests.
    const ATTEMPTS: u16 = 1000;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
}

/// What became of a message, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatOutcome {
    /// The channel has it.
    Delivered,
    /// It was given up.
    Failed,
    /// It waits to be tried again after this time.
    Waits(Duration),
    /// There is no such message, or it had ended before.
    Over,
}

/// The message will be tried again. Says nothing of where it goes.
#[derive(Debug, thiserror::Error)]
#[error("the message was not taken; it is tried again")]
struct NotYet;

/// A message that is this attempt's to send.
pub(super) struct Claimed {
    pub(super) channel: ChatChannelId,
    pub(super) message: ChatMessageId,
    pub(super) kind: String,
    /// The how-manieth attempt.
    pub(super) attempt: i32,
    address: Option<Address>,
    body: String,
    at: DateTime<Utc>,
    /// Until when its channel rests, or it does itself.
    free_at: DateTime<Utc>,
    state: ChatState,
    now: DateTime<Utc>,
}

impl Claimed {
    /// How long it rests; up to half of that is added, so that all that waits does not come at once.
    fn rest(&self) -> Duration {
        (self.free_at - self.now).to_std().unwrap_or_default().mul_f64(rand::random_range(1.0..1.5))
    }
}

impl Chat {
    /// Takes on the jobs of messages.
    pub fn work_for(&self, jobs: &Jobs) {
        let chat = self.clone();
        jobs.on(move |run: TenantRun, job: Send| {
            let chat = chat.clone();
            async move {
                match chat.attempt(run.tenant(), run.db(), job.channel, job.message).await? {
                    ChatOutcome::Waits(_) if run.is_last_attempt() => Ok(chat.expire(run.tenant(), run.db(), &job).await?),
                    ChatOutcome::Waits(pause) => Err(JobError::put_off(pause, NotYet)),
                    _ => Ok(()),
                }
            }
        });
    }

    /// Tries a message of a tenant once, if it is due.
    ///
    /// # Errors
    ///
    /// Fails if the database does; what the channel answers is an outcome.
    pub async fn attempt(
        &self,
        tenant: TenantId,
        db: &TenantDb,
        channel: ChatChannelId,
        message: ChatMessageId,
    ) -> Result<ChatOutcome, DbError> {
        let Some(_turn) = self.0.turns.take(tenant).await else { return Ok(ChatOutcome::Waits(NO_TURN)) };
        let mut tx = db.begin().await?;
        let Some(mut claimed) = self.claim_in(&mut tx, tenant, channel, message).await? else { return Ok(ChatOutcome::Over) };
        match claimed.state {
            // It was paused while the relay wrote the message.
            ChatState::Paused | ChatState::Refused => {
                waiting_drop_in(&mut tx, channel).await?;
                tx.commit().await?;
                return Ok(ChatOutcome::Over);
            }
            ChatState::Active if claimed.now - claimed.at >= EXPIRES => {
                drop(tx);
                return self.record(db, &claimed, &Answer::EXPIRED).await;
            }
            ChatState::Active if claimed.free_at > claimed.now => return Ok(ChatOutcome::Waits(claimed.rest())),
            ChatState::Active => {}
        }
        // Counted before it is made, so a message that ends its sender has an end itself.
        claimed.attempt += 1;
        sqlx::query!(
            "update chat_message set attempts = $4 where tenant_id = $1 and channel_id = $2 and id = $3",
            Uuid::from(tenant),
            Uuid::from(channel),
            Uuid::from(message),
            claimed.attempt,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let answer = self.send(&claimed).await;
        self.record(db, &claimed, &answer).await
    }

    /// Ends a message whose job has come for the last time.
    async fn expire(&self, tenant: TenantId, db: &TenantDb, job: &Send) -> Result<(), DbError> {
        let mut tx = db.begin().await?;
        let claimed = self.claim_in(&mut tx, tenant, job.channel, job.message).await?;
        drop(tx);
        if let Some(claimed) = claimed {
            self.record(db, &claimed, &Answer::EXPIRED).await?;
        }
        Ok(())
    }

    /// A message that has not ended, and is nobody else's until the end of the transaction.
    async fn claim_in(
        &self,
        tx: &mut TenantTx,
        tenant: TenantId,
        channel: ChatChannelId,
        message: ChatMessageId,
    ) -> Result<Option<Claimed>, DbError> {
        let now = tx.now();
        let row = sqlx::query!(
            r#"select message.kind, message.body, message.at, message.attempts, channel.sealed, channel.state as "state: ChatState",
                greatest(message.due_at, channel.rests_until) as "free_at!"
            from chat_message message
            join chat_channel channel on channel.tenant_id = message.tenant_id and channel.id = message.channel_id
            where message.tenant_id = $1 and message.channel_id = $2 and message.id = $3 and message.state = 'waiting'
            for no key update of message"#,
            Uuid::from(tenant),
            Uuid::from(channel),
            Uuid::from(message),
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(row.map(|row| Claimed {
            channel,
            message,
            kind: row.kind,
            attempt: row.attempts,
            address: Address::open(&self.0.keys, tenant, channel, &row.sealed).ok(),
            body: row.body,
            at: row.at,
            free_at: row.free_at,
            state: row.state,
            now,
        }))
    }

    async fn send(&self, claimed: &Claimed) -> Answer {
        let Some(address) = &claimed.address else {
            tracing::error!(channel.id = %claimed.channel, "the address of a chat channel cannot be read");
            return Answer::of(Err("internal"), claimed.attempt, None);
        };
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let began = Instant::now();
        match self.0.outbound.send(Method::POST, address.url(), headers, claimed.body.clone().into()).await {
            Ok(answer) => {
                let asked = backoff::asked(answer.status, &answer.headers, claimed.now);
                Answer::of(Ok(answer.status), claimed.attempt, asked)
            }
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error, channel.id = %claimed.channel, duration_ms = began.elapsed().as_millis(),
                    "a message to a chat did not arrive"
                );
                Answer::of(Err(error.as_str()), claimed.attempt, None)
            }
        }
    }
}

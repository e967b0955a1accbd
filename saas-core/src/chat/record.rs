//! What becomes of a message and its channel after an attempt.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    Chat, ChatChannelFailed, ChatOutcome, ChatRead, ChatState, answer::Answer, channel::waiting_drop_in, event::TOPIC, message::TEST,
    send::Claimed,
};
use crate::{Actor, DbError, TenantDb, TenantTx, event_in, live};

/// A channel, as it is while an attempt is noted.
struct Tried {
    name: String,
    host: String,
    is_failing: bool,
}

impl Chat {
    /// Notes how an attempt went. One that a later attempt has overtaken, or whose message was dropped, changes nothing.
    pub(super) async fn record(&self, db: &TenantDb, claimed: &Claimed, answer: &Answer) -> Result<ChatOutcome, DbError> {
        let mut tx = db.begin().await?;
        // The channel before the message, in the order in which removing a channel takes them.
        let Some(channel) = channel_in(&mut tx, claimed).await? else { return Ok(ChatOutcome::Over) };
        if !message_end_in(&mut tx, claimed, answer).await? {
            return Ok(ChatOutcome::Over);
        }
        let outcome = match answer.again {
            _ if answer.is_delivered() => {
                rest_in(&mut tx, claimed, None).await?;
                ChatOutcome::Delivered
            }
            Some(again) => {
                rest_in(&mut tx, claimed, Some(answer.rest)).await?;
                ChatOutcome::Waits(again.to_std().unwrap_or_default())
            }
            None => {
                fail_in(&mut tx, claimed, answer, channel).await?;
                ChatOutcome::Failed
            }
        };
        if claimed.kind == TEST
            && let Some(tenant) = tx.tenant()
        {
            // Somebody is waiting for it, and for none of the others.
            live::tell_in::<ChatRead>(&mut tx, tenant, TOPIC).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }
}

async fn channel_in(tx: &mut TenantTx, claimed: &Claimed) -> Result<Option<Tried>, DbError> {
    let row = sqlx::query!(
        "select name, host, failing_since from chat_channel where tenant_id = $1 and id = $2 for no key update",
        tx.tenant().map(Uuid::from),
        Uuid::from(claimed.channel),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Tried { name: row.name, host: row.host, is_failing: row.failing_since.is_some() }))
}

/// Whether the attempt was the last one, and could say how it went.
async fn message_end_in(tx: &mut TenantTx, claimed: &Claimed, answer: &Answer) -> Result<bool, DbError> {
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let state = match answer.again {
        _ if answer.is_delivered() => "delivered",
        Some(_) => "waiting",
        None => "failed",
    };
    let noted = sqlx::query!(
        r#"update chat_message
        set state = $5, status = $6, error = $7, due_at = coalesce($8, due_at), ended_at = case when $5 = 'waiting' then null else $9::timestamptz end
        where tenant_id = $1 and channel_id = $2 and id = $3 and attempts = $4 and state = 'waiting'"#,
        tenant,
        Uuid::from(claimed.channel),
        Uuid::from(claimed.message),
        claimed.attempt,
        state,
        answer.status.ok().map(|status| i32::from(status.as_u16())),
        answer.status.err(),
        answer.again.map(|again| now + again),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Lets the channel rest for a while; or, after a success, forgets its past.
async fn rest_in(tx: &mut TenantTx, claimed: &Claimed, rest: Option<TimeDelta>) -> Result<(), DbError> {
    let (tenant, until) = (tx.tenant().map(Uuid::from), rest.map(|rest| tx.now() + rest));
    sqlx::query!(
        r#"update chat_channel
        set rests_until = $3, failing_since = case when $3::timestamptz is null then null else failing_since end
        where tenant_id = $1 and id = $2 and (failing_since is not null or rests_until is not null or $3::timestamptz is not null)"#,
        tenant,
        Uuid::from(claimed.channel),
        until,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A message is given up. That the channel fails is announced once, until something arrives again.
async fn fail_in(tx: &mut TenantTx, claimed: &Claimed, answer: &Answer, channel: Tried) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let state = if answer.is_refusal() { ChatState::Refused } else { ChatState::Active };
    let mut undelivered = 1;
    if state == ChatState::Refused {
        undelivered += waiting_drop_in(tx, claimed.channel).await?;
    }
    sqlx::query!(
        "update chat_channel set state = $3, failing_since = coalesce(failing_since, $4) where tenant_id = $1 and id = $2",
        tenant,
        Uuid::from(claimed.channel),
        state as ChatState,
        now,
    )
    .execute(&mut **tx)
    .await?;
    if channel.is_failing && state == ChatState::Active {
        return Ok(());
    }
    let status = answer.status.ok().map(|status| i32::from(status.as_u16()));
    tracing::info!(channel.id = %claimed.channel, status, ?state, "a chat channel fails");
    let failed = ChatChannelFailed { name: channel.name, host: channel.host, status, state, undelivered };
    event_in(tx, Actor::System, claimed.channel, &failed).await?;
    Ok(())
}

//! What becomes of a message and its browser after an attempt.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Push, PushOutcome, RemovedBecause, send::Claimed};
use crate::{DbError, SystemTx, chat::answer::Answer};

/// How long a push service that does not answer is left alone: each try holds up what others are told.
const SILENT: TimeDelta = TimeDelta::minutes(5);

impl Push {
    /// Notes how an attempt went. One that a later attempt has overtaken changes nothing.
    pub(super) async fn record(&self, claimed: &Claimed, answer: &Answer) -> Result<PushOutcome, DbError> {
        let mut tx = self.0.db.system("note how a push message went").begin().await?;
        if !message_end_in(&mut tx, claimed, answer).await? {
            return Ok(PushOutcome::Over);
        }
        match answer.again {
            _ if answer.is_delivered() => rest_in(&mut tx, claimed, None).await?,
            Some(_) => {
                let least = if answer.status == Err("timeout") { SILENT } else { TimeDelta::zero() };
                rest_in(&mut tx, claimed, Some(answer.rest.max(least))).await?;
            }
            // That a message has ended says nothing of the pause that its push service asked for.
            None => {}
        }
        tx.commit().await?;
        if answer.is_refusal() {
            self.browser_forget(claimed.user, claimed.browser, None, RemovedBecause::Gone).await?;
        }
        Ok(match answer.again {
            _ if answer.is_delivered() => PushOutcome::Delivered,
            Some(again) => PushOutcome::Waits(again.to_std().unwrap_or_default()),
            None => {
                let status = answer.status.ok().map(|status| status.as_u16());
                tracing::info!(browser.id = %claimed.browser, status, error = answer.status.err(), "a push message was given up");
                PushOutcome::Failed
            }
        })
    }
}

/// Whether the attempt was the last one, and could say how it went.
async fn message_end_in(tx: &mut SystemTx, claimed: &Claimed, answer: &Answer) -> Result<bool, DbError> {
    let now = tx.now();
    let state = match answer.again {
        _ if answer.is_delivered() => "delivered",
        Some(_) => "waiting",
        None => "failed",
    };
    let noted = sqlx::query!(
        r#"update push_message
        set state = $5, status = $6, error = $7, due_at = coalesce($8, due_at), ended_at = case when $5 = 'waiting' then null else $9::timestamptz end
        where tenant_id = $1 and browser_id = $2 and id = $3 and attempts = $4 and state = 'waiting'"#,
        Uuid::from(claimed.tenant),
        Uuid::from(claimed.browser),
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

/// Lets the browser rest for a while, or no more.
async fn rest_in(tx: &mut SystemTx, claimed: &Claimed, rest: Option<TimeDelta>) -> Result<(), DbError> {
    let until = rest.map(|rest| tx.now() + rest);
    sqlx::query!(
        "update core.push_browser set rests_until = $2 where id = $1 and (rests_until is not null or $2::timestamptz is not null)",
        Uuid::from(claimed.browser),
        until,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::super::{
    DisabledBecause, EndpointState, WebhookEndpointDisabled, WebhookRead, Webhooks,
    endpoint::host,
    event::TOPIC,
    message::TEST,
    send::{Claimed, Outcome},
};
use crate::{Actor, DbError, SystemTx, backoff, live, system_event_in};

/// The pauses after the first, the second, … failure: eight attempts in a little over a day.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(5 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
    Duration::from_secs(10 * 60 * 60),
];

/// How many old messages one statement deletes.
const SWEPT: i64 = 2_000;

impl Webhooks {
    /// Notes how an attempt went. An attempt that a later one has overtaken, or that went to an address which the endpoint has no more, says nothing
    /// about the endpoint.
    pub(super) async fn record(&self, claimed: &Claimed, outcome: &Outcome) -> Result<(), DbError> {
        let mut tx = self.0.db.system("note how webhooks went").begin().await?;
        let now = tx.now();
        let is_active = match is_current_in(&mut tx, claimed).await? {
            true if outcome.is_delivered() => {
                succeed_in(&mut tx, claimed).await?;
                true
            }
            true => self.fail_in(&mut tx, claimed, outcome, now).await?,
            false => true,
        };
        let again = match backoff::listed(&PAUSES, claimed.tries, outcome.asked, rand::random()) {
            Some(pause) if !outcome.is_delivered() && is_active => Some(now + pause),
            _ => None,
        };
        let state = match again {
            Some(_) => "waiting",
            None if outcome.is_delivered() => "delivered",
            None => "failed",
        };
        sqlx::query!(
            r#"with attempt as (
                insert into webhook_attempt (tenant_id, endpoint_id, message_id, number, at, duration_ms, status, error, response)
                select tenant_id, endpoint_id, message_id, $4, $7, $8, $9, $10, $11
                from webhook_delivery where tenant_id = $1 and endpoint_id = $2 and message_id = $3
                on conflict on constraint webhook_attempt_pkey do nothing
            )
            update webhook_delivery set state = $5, due_at = coalesce($6, due_at), finished_at = case when $6::timestamptz is null then $12::timestamptz end
            where tenant_id = $1 and endpoint_id = $2 and message_id = $3 and attempt = $4 and state = 'sending'"#,
            Uuid::from(claimed.tenant),
            Uuid::from(claimed.endpoint),
            Uuid::from(claimed.message),
            claimed.attempt,
            state,
            again,
            now - TimeDelta::from_std(outcome.duration).unwrap_or_default(),
            i32::try_from(outcome.duration.as_millis()).unwrap_or(i32::MAX),
            outcome.answer.ok().map(|status| i32::from(status.as_u16())),
            outcome.answer.err(),
            outcome.response,
            now,
        )
        .execute(&mut *tx)
        .await?;
        if claimed.event == TEST {
            // Somebody is waiting for it, and for none of the others.
            live::tell_in::<WebhookRead>(&mut tx, claimed.tenant, TOPIC).await?;
        }
        tx.commit().await
    }

    /// Remembers since when there is nothing but failure, lets the endpoint rest for as long as it asked, and disables it when it fails for too long.
    /// Whether it is worth trying again.
    async fn fail_in(&self, tx: &mut SystemTx, claimed: &Claimed, outcome: &Outcome, now: DateTime<Utc>) -> Result<bool, DbError> {
        let (tenant, id) = (Uuid::from(claimed.tenant), Uuid::from(claimed.endpoint));
        let endpoint = sqlx::query!(
            r#"update webhook_endpoint set failing_since = coalesce(failing_since, $3), rests_until = greatest(rests_until, $4)
            where tenant_id = $1 and id = $2
            returning url, state as "state: EndpointState", failing_since"#,
            tenant,
            id,
            now,
            outcome.asked.map(|asked| now + asked),
        )
        .fetch_optional(&mut **tx)
        .await?;
        let Some(endpoint) = endpoint else { return Ok(false) };
        let failing = (now - endpoint.failing_since.unwrap_or(now)).to_std().unwrap_or_default();
        let because = match endpoint.state {
            EndpointState::Active if outcome.is_gone() => DisabledBecause::Gone,
            EndpointState::Active if failing >= self.0.settings.patience => DisabledBecause::Failing,
            EndpointState::Active | EndpointState::Paused => return Ok(true),
            EndpointState::Gone | EndpointState::Failing => return Ok(false),
        };
        let state = match because {
            DisabledBecause::Gone => EndpointState::Gone,
            DisabledBecause::Failing => EndpointState::Failing,
        };
        sqlx::query!("update webhook_endpoint set state = $3 where tenant_id = $1 and id = $2", tenant, id, state as EndpointState)
            .execute(&mut **tx)
            .await?;
        let given_up = sqlx::query!(
            r#"update webhook_delivery set state = 'failed', finished_at = $3
            where tenant_id = $1 and endpoint_id = $2 and state = 'waiting'"#,
            tenant,
            id,
            now,
        )
        .execute(&mut **tx)
        .await?;
        let disabled = WebhookEndpointDisabled { host: host(&endpoint.url), because, undelivered: given_up.rows_affected() + 1 };
        system_event_in(tx, claimed.tenant.into(), Actor::System, claimed.endpoint, &disabled).await?;
        tracing::info!(tenant.id = %claimed.tenant, endpoint.id = %claimed.endpoint, ?because, "a webhook endpoint was disabled");
        Ok(false)
    }

    /// Deletes what was told long enough ago, with all that became of it.
    pub(super) async fn sweep(&self) -> Result<u64, DbError> {
        let mut swept = 0;
        loop {
            let mut tx = self.0.db.system("delete old webhooks").begin().await?;
            let before = tx.now() - TimeDelta::from_std(self.0.settings.keep).unwrap_or(TimeDelta::MAX);
            let rows = sqlx::query!(
                r#"delete from webhook_message
                where (tenant_id, id) in (select tenant_id, id from webhook_message where at < $1 limit $2 for update skip locked)"#,
                before,
                SWEPT,
            )
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            swept += rows;
            if rows < SWEPT.unsigned_abs() {
                return Ok(swept);
            }
        }
    }
}

/// Whether an attempt still is the latest of its delivery, and the endpoint where it was. Locks the endpoint before the delivery, in the order in
/// which removing an endpoint takes them.
async fn is_current_in(tx: &mut SystemTx, claimed: &Claimed) -> Result<bool, DbError> {
    let (tenant, endpoint) = (Uuid::from(claimed.tenant), Uuid::from(claimed.endpoint));
    let is_there = sqlx::query_scalar!(
        r#"select url = $3 as "is_there!" from webhook_endpoint where tenant_id = $1 and id = $2 for no key update"#,
        tenant,
        endpoint,
        claimed.url,
    )
    .fetch_optional(&mut **tx)
    .await?;
    let is_latest = sqlx::query_scalar!(
        r#"select attempt = $4 and state = 'sending' as "is_latest!" from webhook_delivery
        where tenant_id = $1 and endpoint_id = $2 and message_id = $3 for no key update"#,
        tenant,
        endpoint,
        Uuid::from(claimed.message),
        claimed.attempt,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(is_there == Some(true) && is_latest == Some(true))
}

/// One success and the endpoint has no past.
async fn succeed_in(tx: &mut SystemTx, claimed: &Claimed) -> Result<(), DbError> {
    sqlx::query!(
        "update webhook_endpoint set failing_since = null where tenant_id = $1 and id = $2 and failing_since is not null",
        Uuid::from(claimed.tenant),
        Uuid::from(claimed.endpoint),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

use chrono::TimeDelta;

use super::super::{Webhooks, send::Claimed};
use crate::DbError;

/// Held while a worker takes: so the slots of tenants and endpoints are exact, however many programs run.
const ALONE: i64 = 0x7361_6173_7768;

impl Webhooks {
    /// Takes up to `free` deliveries that are due: of each tenant no more than it has slots, of each endpoint too, and from all tenants in
    /// turn. They are this worker's until their lease ends.
    pub(super) async fn claim(&self, free: u16) -> Result<Vec<Claimed>, DbError> {
        if free == 0 {
            return Ok(Vec::new());
        }
        let settings = &self.0.settings;
        let mut tx = self.0.db.system("take webhooks").begin().await?;
        let now = tx.now();
        sqlx::query!("select pg_advisory_xact_lock($1)", ALONE).execute(&mut *tx).await?;
        // The queue's endpoints are found one by one along the index, because it may hold a million deliveries of one of them.
        let rows = sqlx::query!(
            r#"with recursive queue as (
                (
                    select tenant_id, endpoint_id from webhook_delivery where state in ('waiting', 'sending')
                    order by tenant_id, endpoint_id limit 1
                )
                union all
                select next.tenant_id, next.endpoint_id
                from queue cross join lateral (
                    select tenant_id, endpoint_id from webhook_delivery
                    where state in ('waiting', 'sending') and (tenant_id, endpoint_id) > (queue.tenant_id, queue.endpoint_id)
                    order by tenant_id, endpoint_id limit 1
                ) next
            ), sending as (
                select tenant_id, endpoint_id, count(*) as under_way
                from webhook_delivery where state = 'sending' and due_at > $1
                group by tenant_id, endpoint_id
            ), due as (
                select next.*,
                    row_number() over (partition by next.tenant_id order by next.due_at, next.message_id) + coalesce((
                        select sum(under_way) from sending where sending.tenant_id = next.tenant_id
                    ), 0) as place
                from queue
                join webhook_endpoint endpoint
                    on endpoint.tenant_id = queue.tenant_id and endpoint.id = queue.endpoint_id and endpoint.state = 'active'
                    and (endpoint.rests_until is null or endpoint.rests_until <= $1)
                left join sending on sending.tenant_id = queue.tenant_id and sending.endpoint_id = queue.endpoint_id
                cross join lateral (
                    select tenant_id, endpoint_id, message_id, due_at
                    from webhook_delivery waiting
                    where waiting.tenant_id = queue.tenant_id and waiting.endpoint_id = queue.endpoint_id
                        and waiting.state in ('waiting', 'sending') and waiting.due_at <= $1
                    order by due_at
                    limit greatest(
                        case when endpoint.failing_since is null then $2::bigint else 1 end - coalesce(sending.under_way, 0), 0)
                ) next
            ), chosen as (
                select tenant_id, endpoint_id, message_id from due where place <= $3::bigint order by place, due_at limit $4
            ), claimed as (
                update webhook_delivery delivery
                set state = 'sending', attempt = delivery.attempt + 1, tries = delivery.tries + 1, due_at = $5, finished_at = null
                from chosen
                where delivery.tenant_id = chosen.tenant_id and delivery.endpoint_id = chosen.endpoint_id
                    and delivery.message_id = chosen.message_id
                    and delivery.state in ('waiting', 'sending') and delivery.due_at <= $1
                returning delivery.*
            )
            select claimed.tenant_id, claimed.endpoint_id, claimed.message_id, claimed.attempt, claimed.tries, endpoint.url, message.event,
                message.body,
                array(
                    select secret.id from webhook_secret secret
                    where secret.tenant_id = claimed.tenant_id and secret.endpoint_id = claimed.endpoint_id
                        and (secret.expires_at is null or secret.expires_at > $1)
                    order by secret.created_at desc, secret.id desc
                ) as "secrets!",
                array(
                    select secret.sealed from webhook_secret secret
                    where secret.tenant_id = claimed.tenant_id and secret.endpoint_id = claimed.endpoint_id
                        and (secret.expires_at is null or secret.expires_at > $1)
                    order by secret.created_at desc, secret.id desc
                ) as "sealed!"
            from claimed
            join webhook_endpoint endpoint on endpoint.tenant_id = claimed.tenant_id and endpoint.id = claimed.endpoint_id
            join webhook_message message on message.tenant_id = claimed.tenant_id and message.id = claimed.message_id"#,
            now,
            i64::from(settings.endpoint_slots),
            i64::from(settings.tenant_slots),
            i64::from(free),
            now + TimeDelta::from_std(settings.lease).unwrap_or(TimeDelta::MAX),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| Claimed {
                tenant: row.tenant_id.into(),
                endpoint: row.endpoint_id.into(),
                message: row.message_id.into(),
                attempt: row.attempt,
                tries: row.tries,
                event: row.event,
                url: row.url,
                body: row.body,
                secrets: row.secrets.into_iter().zip(row.sealed).collect(),
            })
            .collect())
    }
}

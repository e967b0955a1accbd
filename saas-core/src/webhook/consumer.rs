//! What an event becomes: a message, and a delivery to each endpoint that wants it.

use async_trait::async_trait;
use uuid::Uuid;

use super::{Webhooks, message, worker::wake_in};
use crate::{Consumer, ConsumerError, RecordedEvent, SystemTx};

#[async_trait]
impl Consumer for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        let mut tenants: Vec<Uuid> = Vec::new();
        let (mut ids, mut names, mut bodies, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for event in events {
            let Some(tenant) = event.ledger.tenant() else { continue };
            // What nobody but one person may hear of is told to no other system.
            if self.0.catalogue.find(&event.name).is_none_or(|kind| kind.permission.is_none()) {
                continue;
            }
            tenants.push(tenant.into());
            ids.push(event.id.into());
            names.push(event.name.clone());
            bodies.push(message::body(event));
            times.push(event.at);
        }
        if ids.is_empty() {
            return Ok(());
        }
        let now = tx.now();
        let wanted = deliveries_add_in(tx, &tenants, &ids, &names, &bodies, &times, now).await?;
        if wanted > 0 {
            wake_in(tx).await?;
        }
        Ok(())
    }
}

/// An event that comes again makes nothing new.
async fn deliveries_add_in(
    tx: &mut SystemTx,
    tenants: &[Uuid],
    ids: &[Uuid],
    names: &[String],
    bodies: &[String],
    times: &[chrono::DateTime<chrono::Utc>],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<u64, sqlx::Error> {
    let added = sqlx::query!(
        r#"with wanted as (
            select event.tenant_id, event.id, event.name, event.body, event.at, endpoint.id as endpoint_id
            from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) event (tenant_id, id, name, body, at)
            join webhook_endpoint endpoint on endpoint.tenant_id = event.tenant_id and endpoint.state = 'active'
            where endpoint.events = '{}'
                or exists (
                    select from unnest(endpoint.events) filter
                    where filter = event.name or (filter like '%.*' and starts_with(event.name, left(filter, -1)))
                )
        ), message as (
            insert into webhook_message (tenant_id, id, event, body, at)
            select distinct tenant_id, id, name, body, at from wanted
            on conflict on constraint webhook_message_pkey do nothing
        )
        insert into webhook_delivery (tenant_id, endpoint_id, message_id, due_at)
        select tenant_id, endpoint_id, id, $6 from wanted
        on conflict on constraint webhook_delivery_pkey do nothing"#,
        tenants,
        ids,
        names,
        bodies,
        times,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(added.rows_affected())
}

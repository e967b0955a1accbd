use chrono::TimeDelta;
use serde::Serialize;

use super::Webhooks;
use crate::DbError;

/// How much there is to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WebhookState {
    /// Deliveries that are due or under way. Those of endpoints that are paused or disabled wait for a person and are not counted.
    pub waiting: i64,
    /// How long the oldest of them has been due, in seconds; 0 if there is none.
    pub lag_seconds: f64,
    /// Deliveries that were given up within a day.
    pub failed: i64,
}

impl Webhooks {
    /// How far deliveries are behind, for metrics.
    ///
    /// # Errors
    ///
    /// Fails if the database does.
    pub async fn state(&self) -> Result<WebhookState, DbError> {
        let mut tx = self.0.db.system("how far webhooks are delivered").begin().await?;
        let now = tx.now();
        let lately = now - TimeDelta::days(1);
        Ok(sqlx::query_as!(
            WebhookState,
            r#"select count(*) as "waiting!", coalesce(greatest(extract(epoch from $1 - min(due_at)), 0), 0)::float8 as "lag_seconds!",
                (select count(*) from webhook_delivery where state = 'failed' and finished_at > $2) as "failed!"
            from webhook_delivery
            join webhook_endpoint on webhook_endpoint.tenant_id = webhook_delivery.tenant_id and webhook_endpoint.id = endpoint_id
            where webhook_delivery.state in ('waiting', 'sending') and due_at <= $1 and webhook_endpoint.state = 'active'"#,
            now,
            lately,
        )
        .fetch_one(&mut *tx)
        .await?)
    }
}

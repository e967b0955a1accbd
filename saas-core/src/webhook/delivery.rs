//! What was delivered, is to be, and how it went.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EndpointId, EndpointState, MessageId, WebhookDeliveryReplayed, endpoint::endpoint_in, message, worker::wake_in};
use crate::{Actor, DbError, Listed, Order, OrderBy, Problem, ProblemType, TenantTx, event_in};

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is tried, or tried again, when it is due.
    Waiting,
    /// It is being tried.
    Sending,
    /// The receiver has it.
    Delivered,
    /// It was given up. It can be replayed.
    Failed,
}

/// A message on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
#[schema(as = WebhookDelivery)]
#[non_exhaustive]
pub struct Delivery {
    /// The message: the same at each attempt and at each endpoint.
    pub id: MessageId,
    /// The message as `webhook-id` names it.
    pub webhook_id: String,
    /// The event that it tells of.
    pub event: String,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
}

/// A delivery, as a path names it.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(super) struct DeliveryPath {
    pub(super) id: EndpointId,
    pub(super) message: MessageId,
}

impl Listed for Delivery {
    const ORDERS: &'static [Order] = &[Order::new("at", "at", OrderBy::Time).descending()];
}

/// The columns of [`Delivery`], up to the filters of a list.
pub(super) const SELECT: &str = "select delivery.message_id as id, 'msg_' || replace(delivery.message_id::text, '-', '') as webhook_id, \
     message.event, message.at, delivery.state, delivery.attempt as attempts, \
     case when delivery.state = 'waiting' then delivery.due_at end as due_at \
     from webhook_delivery delivery \
     join webhook_message message on message.tenant_id = delivery.tenant_id and message.id = delivery.message_id \
     where delivery.tenant_id = ";

/// How one attempt went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
#[non_exhaustive]
pub struct Attempt {
    /// The how-manieth it was.
    pub number: i32,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// The status that was answered, if there was an answer.
    pub status: Option<i32>,
    /// Why there was none: `unreachable`, `timeout`, or `internal` for a failure of ours.
    pub error: Option<String>,
    /// The beginning of the answer, without what looks like a secret.
    pub response: String,
}

/// A message cannot be delivered now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// There is no such endpoint, or nothing of that message was for it.
    #[error("there is no such delivery")]
    NotFound,
    /// The endpoint is paused or disabled.
    #[error("the endpoint is not active: resume it first")]
    NotActive,
    /// It is being sent at this very moment.
    #[error("the message is being sent at this moment")]
    Sending,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for DeliveryError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<DeliveryError> for Problem {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::NotFound => Self::not_found(),
            DeliveryError::NotActive | DeliveryError::Sending => Self::new(&ProblemType::CONFLICT).detail(error.to_string()),
            DeliveryError::Database(error) => error.into(),
        }
    }
}

/// A delivery.
pub(super) async fn delivery_in(tx: &mut TenantTx, endpoint: EndpointId, id: MessageId) -> Result<Option<Delivery>, DbError> {
    let delivery = sqlx::query_as!(
        Delivery,
        r#"select delivery.message_id as "id: MessageId", 'msg_' || replace(delivery.message_id::text, '-', '') as "webhook_id!",
            message.event, message.at, delivery.state as "state: DeliveryState", delivery.attempt as attempts,
            case when delivery.state = 'waiting' then delivery.due_at end as due_at
        from webhook_delivery delivery
        join webhook_message message on message.tenant_id = delivery.tenant_id and message.id = delivery.message_id
        where delivery.tenant_id = $1 and delivery.endpoint_id = $2 and delivery.message_id = $3"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(endpoint),
        Uuid::from(id),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(delivery)
}

/// All attempts at these deliveries, with their message, the first first.
pub(super) async fn attempts_in(tx: &mut TenantTx, endpoint: EndpointId, ids: &[MessageId]) -> Result<Vec<(MessageId, Attempt)>, DbError> {
    let ids: Vec<Uuid> = ids.iter().copied().map(Uuid::from).collect();
    let rows = sqlx::query!(
        r#"select message_id, number, at, duration_ms, status, error, response
        from webhook_attempt where tenant_id = $1 and endpoint_id = $2 and message_id = any($3) order by message_id, number"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(endpoint),
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let attempt = Attempt {
                number: row.number,
                at: row.at,
                duration_ms: row.duration_ms,
                status: row.status,
                error: row.error,
                response: row.response,
            };
            (row.message_id.into(), attempt)
        })
        .collect())
}

/// What these messages say, as it is sent.
pub(super) async fn bodies_in(tx: &mut TenantTx, ids: &[MessageId]) -> Result<HashMap<MessageId, String>, DbError> {
    let ids: Vec<Uuid> = ids.iter().copied().map(Uuid::from).collect();
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", body from webhook_message where tenant_id = $1 and id = any($2)"#,
        tx.tenant().map(Uuid::from),
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.body)).collect())
}

/// Sends an event that means nothing, to see whether it arrives.
pub(super) async fn test_send_in(tx: &mut TenantTx, id: EndpointId) -> Result<Delivery, DeliveryError> {
    let endpoint = endpoint_in(tx, id).await?.ok_or(DeliveryError::NotFound)?;
    if endpoint.state != EndpointState::Active {
        return Err(DeliveryError::NotActive);
    }
    let (tenant, message, now) = (tx.tenant().map(Uuid::from), MessageId::new(), tx.now());
    sqlx::query!(
        r#"with message as (
            insert into webhook_message (tenant_id, id, event, body, at) values ($1, $2, $3, $4, $5)
        )
        insert into webhook_delivery (tenant_id, endpoint_id, message_id, due_at) values ($1, $6, $2, $5)"#,
        tenant,
        Uuid::from(message),
        message::TEST,
        message::test_body(now, &id.to_string()),
        now,
        Uuid::from(id),
    )
    .execute(&mut **tx)
    .await?;
    wake_in(tx).await?;
    delivery_in(tx, id, message).await?.ok_or(DeliveryError::NotFound)
}

/// Delivers a message once more, under the same id, with all its attempts before it.
pub(super) async fn delivery_replay_in(
    tx: &mut TenantTx,
    actor: Actor,
    endpoint: EndpointId,
    id: MessageId,
) -> Result<Delivery, DeliveryError> {
    let delivery = delivery_in(tx, endpoint, id).await?.ok_or(DeliveryError::NotFound)?;
    if endpoint_in(tx, endpoint).await?.is_none_or(|endpoint| endpoint.state != EndpointState::Active) {
        return Err(DeliveryError::NotActive);
    }
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    let asked = sqlx::query!(
        r#"update webhook_delivery set state = 'waiting', tries = 0, due_at = $4, finished_at = null
        where tenant_id = $1 and endpoint_id = $2 and message_id = $3 and state <> 'sending'"#,
        tenant,
        Uuid::from(endpoint),
        Uuid::from(id),
        now,
    )
    .execute(&mut **tx)
    .await?;
    if asked.rows_affected() == 0 {
        return Err(DeliveryError::Sending);
    }
    wake_in(tx).await?;
    event_in(tx, actor, endpoint, &WebhookDeliveryReplayed { message: id, event: delivery.event.clone() }).await?;
    Ok(Delivery { state: DeliveryState::Waiting, due_at: Some(now), ..delivery })
}

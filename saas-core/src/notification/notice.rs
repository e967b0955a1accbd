use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, query, query_scalar};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{DbError, EventId, Listed, Order, OrderBy, TenantTx, UserId};

/// Something that a person was told.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Notice {
    /// The id of the event.
    pub id: EventId,
    /// The name of the event.
    pub kind: String,
    /// What it happened to.
    pub subject: String,
    /// The texts and numbers that its sentence is made with.
    #[schema(value_type = Object)]
    pub data: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it was read; none if it was not.
    pub read_at: Option<DateTime<Utc>>,
}

impl Listed for Notice {
    const ORDERS: &'static [Order] = &[Order::new("at", "at", OrderBy::Time).descending()];
}

/// How many a person has not read.
///
/// # Errors
///
/// Fails if the database does.
pub async fn unread_in(tx: &mut TenantTx, user: UserId) -> Result<i64, DbError> {
    let unread = query_scalar!(
        r#"select count(*) as "count!" from notification where tenant_id = $1 and user_id = $2 and listed and read_at is null"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(user),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(unread)
}

/// Marks one as read, or all of them, and says how many were not before.
///
/// # Errors
///
/// Fails if the database does.
pub async fn notices_read_in(tx: &mut TenantTx, user: UserId, only: Option<EventId>) -> Result<u64, DbError> {
    let (tenant, now) = (tx.tenant().map(Uuid::from), tx.now());
    // Other pages of the same person learn that their count has changed.
    let read = query!(
        r#"with read as (
            update notification set read_at = $3
            where tenant_id = $1 and user_id = $2 and listed and read_at is null and ($4::uuid is null or event_id = $4)
            returning event_id
        ), woken as (
            select pg_notify('saas_live', concat_ws(' ', $1::uuid, $2::uuid, 'notifications')) where exists (select from read)
        )
        select (select count(*) from read) as "count!", (select count(*) from woken) as woken"#,
        tenant,
        Uuid::from(user),
        now,
        only.map(Uuid::from),
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(u64::try_from(read.count).unwrap_or(0))
}

/// One notice of a person.
pub(super) async fn notice_in(tx: &mut TenantTx, user: UserId, id: EventId) -> Result<Option<Notice>, DbError> {
    let notice = sqlx::query_as!(
        Notice,
        r#"select event_id as "id: EventId", kind, subject, data, at, read_at from notification
        where tenant_id = $1 and user_id = $2 and event_id = $3 and listed"#,
        tx.tenant().map(Uuid::from),
        Uuid::from(user),
        Uuid::from(id),
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(notice)
}

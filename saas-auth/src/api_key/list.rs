use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{DbError, KeyId, Listed, Order, OrderBy, TenantTx, UserId};
use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AllowedFrom, Auth};

/// An API key, as an organization's people see it: never the key itself.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Its beginning, by which it is recognized.
    pub prefix: String,
    /// Whether it works, or why not.
    pub state: ApiKeyState,
    /// The permissions that it may use, as far as its maker holds them.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: UserId,
    /// What they are called.
    pub creator: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Networks or addresses that it may be used from; everywhere if empty.
    #[sqlx(try_from = "Vec<IpNet>")]
    pub allowed_from: AllowedFrom,
    /// Until when the secret that was replaced last works.
    pub previous_until: Option<DateTime<Utc>>,
    /// When it was last seen in an address, and has not been replaced since.
    pub exposed_at: Option<DateTime<Utc>>,
}

/// Whether a key works, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[non_exhaustive]
pub enum ApiKeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
    /// Whoever made it has left.
    Orphaned,
}

impl Listed for ApiKey {
    const ORDERS: &'static [Order] = &[
        Order::new("created_at", "created_at", OrderBy::Time),
        Order::new("name", "lower(name)", OrderBy::Text),
        Order::new("last_used_at", "coalesce(last_used_at, '-infinity')", OrderBy::Time),
        Order::new("expires_at", "coalesce(expires_at, 'infinity')", OrderBy::Time),
    ];
}

/// All but what [`living`] adds.
pub(crate) const SELECT: &str = "select key.id, key.name, key.prefix, key.scopes, key.created_by, member.name as creator, key.created_at,
    key.expires_at, key.revoked_at, key.last_used_at, key.networks::inet[] as allowed_from, key.exposed_at,
    case when key.previous_until > clock.now then key.previous_until end as previous_until,
    case
        when key.revoked_at is not null then 'revoked'
        when key.expires_at <= clock.now then 'expired'
        when member.left_at is not null or member.joined_at <> key.member_since then 'orphaned'
        else 'active'
    end as state
from auth.api_key key
join core.member on member.tenant_id = key.tenant_id and member.user_id = key.created_by
cross join (select ";

/// Goes on after [`SELECT`]: at this time, the tenant's keys.
pub(crate) fn living(query: &mut QueryBuilder<Postgres>, tx: &TenantTx) {
    query.push_bind(tx.now()).push("::timestamptz as now) clock where key.tenant_id = ").push_bind(tx.tenant().map(Uuid::from));
}

impl Auth {
    /// The tenant's keys, ended ones too: those that work first, and of either kind the newest.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn api_keys_in(&self, tx: &mut TenantTx) -> Result<Vec<ApiKey>, DbError> {
        let mut query = QueryBuilder::new("select * from (");
        query.push(SELECT);
        living(&mut query, tx);
        query.push(") key order by (state = 'active') desc, id desc");
        Ok(query.build_query_as().fetch_all(&mut **tx).await?)
    }

    /// What these are called of the tenant's keys, ended ones too.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn api_key_names_in(&self, tx: &mut TenantTx, keys: &[KeyId]) -> Result<Vec<(KeyId, String)>, DbError> {
        let keys: Vec<Uuid> = keys.iter().copied().map(Uuid::from).collect();
        let names =
            sqlx::query!("select id, name from auth.api_key where tenant_id = $1 and id = any ($2)", tx.tenant().map(Uuid::from), &keys)
                .fetch_all(&mut **tx)
                .await?;
        Ok(names.into_iter().map(|key| (key.id.into(), key.name)).collect())
    }

    /// One of the tenant's keys.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer.
    pub async fn api_key_in(&self, tx: &mut TenantTx, key: KeyId) -> Result<Option<ApiKey>, DbError> {
        let mut query = QueryBuilder::new(SELECT);
        living(&mut query, tx);
        query.push(" and key.id = ").push_bind(Uuid::from(key));
        Ok(query.build_query_as().fetch_optional(&mut **tx).await?)
    }
}

//! Which customer of the gateway a tenant is.

use saas_core::{DbError, SystemDb, SystemTx, TenantId};
use sqlx::query;
use uuid::Uuid;

use super::{Mirror, MirrorError};
use crate::{CustomerId, GatewayError, IdempotencyKey};

/// How many keys are tried, one after the other, if the gateway failed under each of them for good.
const KEYS: u32 = 5;

impl Mirror {
    /// The tenant's customer at the gateway, which is made if there is none, or none any more: one, however often and by however many it is asked for.
    ///
    /// # Errors
    ///
    /// Fails if the gateway refuses or does not answer, or the database fails.
    pub async fn customer_of(&self, db: &SystemDb, tenant: TenantId) -> Result<CustomerId, MirrorError> {
        let mut failure = MirrorError::Busy;
        for attempt in 0..KEYS {
            let before = Bound::read(db, tenant).await?;
            if let Some(Bound { id, is_deleted: false }) = before {
                return Ok(id);
            }
            // The key is the tenant's, so two at once, and whoever comes after a crash, are given the same one.
            let made = self.0.customer_create(tenant, &customer_key(tenant, before.as_ref(), attempt)).await;
            let made = match made {
                Ok(made) => made,
                Err(error @ GatewayError::KeySpent(_)) => {
                    failure = error.into();
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut tx = db.begin().await?;
            bind_in(&mut tx, tenant, &made).await?;
            tx.commit().await?;
            // Somebody else may have bound it to another one since.
            return customer_of_tenant(db, tenant).await?.ok_or(MirrorError::Bound(made));
        }
        Err(failure)
    }
}

/// The key under which a tenant becomes a customer: another one after each customer that is deleted, and after each that is spent.
fn customer_key(tenant: TenantId, before: Option<&Bound>, attempt: u32) -> IdempotencyKey {
    let after = before.map(|before| format!(":{}", before.id)).unwrap_or_default();
    let again = if attempt == 0 { String::new() } else { format!(":{attempt}") };
    IdempotencyKey::of("customer", format_args!("{tenant}{after}{again}"))
}

/// The customer that a tenant is.
struct Bound {
    id: CustomerId,
    is_deleted: bool,
}

impl Bound {
    async fn read(db: &SystemDb, tenant: TenantId) -> Result<Option<Self>, DbError> {
        let mut tx = db.begin().await?;
        let row =
            query!(r#"select id, deleted_at is not null as "is_deleted!" from billing.customer where tenant_id = $1"#, Uuid::from(tenant))
                .fetch_optional(&mut *tx)
                .await?;
        Ok(row.map(|row| Self { id: CustomerId::new(row.id), is_deleted: row.is_deleted }))
    }
}

/// The customer that a tenant is, or was until the gateway deleted it.
pub(crate) async fn customer_of_tenant(db: &SystemDb, tenant: TenantId) -> Result<Option<CustomerId>, DbError> {
    Ok(Bound::read(db, tenant).await?.map(|bound| bound.id))
}

/// The customer that a tenant is now, for whoever is to be sent to the gateway.
pub(crate) async fn customer_at_gateway(db: &SystemDb, tenant: TenantId) -> Result<Option<CustomerId>, DbError> {
    Ok(Bound::read(db, tenant).await?.filter(|bound| !bound.is_deleted).map(|bound| bound.id))
}

/// Binds a tenant to a customer, for as long as that is there.
pub(super) async fn bind_in(tx: &mut SystemTx, tenant: TenantId, customer: &CustomerId) -> Result<(), DbError> {
    let now = tx.now();
    query!(
        "update billing.customer set id = $2, created_at = $3, deleted_at = null where tenant_id = $1 and deleted_at is not null",
        Uuid::from(tenant),
        customer.as_str(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    query!(
        "insert into billing.customer (tenant_id, id, created_at)
        select id, $2, $3 from core.tenant where id = $1
        on conflict do nothing",
        Uuid::from(tenant),
        customer.as_str(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

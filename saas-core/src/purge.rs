//! The end of a tenant: everything of it goes but what the inventory keeps by law.

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    DbError, SystemDb, SystemTx, TenantId,
    inventory::{Erasure, Table},
};

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

/// Keeps something of tenants elsewhere than in the tables of the inventory: files, or what another service was told.
///
/// * It must remove all of it, and answer only then.
/// * It must do so again without an error, for whoever asks may be killed and ask again.
#[async_trait]
pub trait TenantStore: Send + Sync + 'static {
    /// Removes all that it keeps of a tenant, whose rows are still there.
    async fn tenant_remove(&self, tenant: TenantId) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A tenant could not be purged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PurgeError {
    /// It is not deleted, or never was there.
    #[error("only a tenant that is deleted can be purged")]
    NotDeleted,
    /// What is kept elsewhere did not go.
    #[error("what is kept elsewhere could not be removed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed, or rows that stay refer to rows that go.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PurgeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Deletes everything of a tenant whose state is `deleted`: what stores keep elsewhere, its jobs with their alarms, and its rows in each table of the
/// inventory, also in those that are emptied of a person who is erased, since nobody is left who reads what they wrote. What a table retains by law
/// stays. Says how many rows went; finish with [`tenant_purged_in`].
///
/// It goes in steps of their own transactions and may be killed at each and begun again, and two at once do no harm.
///
/// # Errors
///
/// Fails if the tenant is not deleted, a store does not let go, or the database fails; what went until then stays gone.
pub async fn tenant_purge(
    db: &SystemDb,
    inventory: &[Table],
    stores: &[std::sync::Arc<dyn TenantStore>],
    tenant: TenantId,
) -> Result<u64, PurgeError> {
    let id = Uuid::from(tenant);
    let mut tx = db.begin().await?;
    let is_deleted = sqlx::query_scalar!(r#"select exists (select from core.tenant where id = $1 and state = 'deleted') as "is!""#, id)
        .fetch_one(&mut *tx)
        .await?;
    if !is_deleted {
        return Err(PurgeError::NotDeleted);
    }
    let jobs = sqlx::query_scalar!(r#"select core.job_forget($1) as "jobs!""#, id).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    // The bytes before the rows that say where they are.
    for store in stores {
        store.tenant_remove(tenant).await.map_err(PurgeError::Store)?;
    }
    let mut rows = jobs.unsigned_abs();
    loop {
        // Once more for what was written meanwhile, and for rows that others referred to.
        let pass = pass(db, inventory, id).await?;
        rows += pass.rows;
        match (pass.rows, pass.blocked) {
            (0, None) => return Ok(rows),
            (0, Some(error)) => return Err(error.into()),
            _ => {}
        }
    }
}

/// Takes the name from a tenant that was purged. Its id stays, so that nobody else has it. False if somebody else has done so already.
///
/// # Errors
///
/// Fails if the database does.
pub async fn tenant_purged_in(tx: &mut SystemTx, tenant: TenantId) -> Result<bool, DbError> {
    let now = tx.now();
    let purged = sqlx::query!(
        "update core.tenant set slug = $2, name = 'deleted', second_factor_required = false, flags = '{}', platform_flags = '{}',
            purged_at = $3
        where id = $1 and state = 'deleted' and purged_at is null",
        Uuid::from(tenant),
        // One that nobody can have taken before.
        format!("deleted-{}", Uuid::new_v4().simple()),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(purged.rows_affected() > 0)
}

/// What one way through all tables came to.
struct Pass {
    rows: u64,
    /// Why a table was left with rows.
    blocked: Option<DbError>,
}

async fn pass(db: &SystemDb, inventory: &[Table], tenant: Uuid) -> Result<Pass, DbError> {
    let mut pass = Pass { rows: 0, blocked: None };
    // What refers to another table stands after it.
    for table in inventory.iter().rev().filter(|table| is_purged(table)) {
        loop {
            let deleted = match delete_some(db, table, tenant, Some(BATCH)).await {
                // A table that refers to itself goes as a whole.
                Err(error) if is_referred_to(&error) => delete_some(db, table, tenant, None).await,
                deleted => deleted,
            };
            match deleted {
                Ok(0) => break,
                Ok(deleted) => pass.rows += deleted,
                Err(error) if is_referred_to(&error) => {
                    pass.blocked = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(pass)
}

fn is_purged(table: &Table) -> bool {
    !matches!(table.erasure, Erasure::Retain(_)) && table.columns.iter().any(|(column, _)| *column == "tenant_id")
}

fn is_referred_to(error: &DbError) -> bool {
    error.code().as_deref() == Some("23503")
}

async fn delete_some(db: &SystemDb, table: &Table, tenant: Uuid, limit: Option<i64>) -> Result<u64, DbError> {
    let name = table.name;
    let mut tx = db.begin().await?;
    // Names of tables, which are the program's own.
    let statement =
        format!("delete from {name} where tenant_id = $1 and ctid = any (array(select ctid from {name} where tenant_id = $1 limit $2))");
    let deleted = sqlx::query(AssertSqlSafe(statement)).bind(tenant).bind(limit).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(deleted.rows_affected())
}

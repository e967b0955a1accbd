//! The end of a person: in each table of the inventory; and the list of those who are gone, outside of the database.

mod list;

pub use list::{EraseAgain, Erased, ErasedAgain, ErasedReport, Erasures, ErasuresError};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    DbError, SystemTx, UserId,
    inventory::{Class, Erasure, Table},
};

/// Erases a person (CMP-02): in each table of the inventory whose rows are people's, theirs are deleted, emptied of what is personal, or kept, as
/// the table says. They leave all tenants, and what remains of them is an id. Says how many rows were touched.
///
/// Whoever is erased must be leaving, so that no tenant loses its last owner. All of it happens or nothing does, and doing it again changes nothing.
///
/// # Errors
///
/// Fails if the database does.
pub async fn person_erase_in(tx: &mut SystemTx, inventory: &[Table], user: UserId) -> Result<u64, DbError> {
    let (id, now) = (Uuid::from(user), tx.now());
    sqlx::query!("update core.member set left_at = $2 where user_id = $1 and left_at is null", id, now).execute(&mut **tx).await?;
    let rows = rows_erase_in(tx, inventory, id).await?;
    sqlx::query!("update core.user set state = 'deleted' where id = $1", id).execute(&mut **tx).await?;
    Ok(rows)
}

/// Erases a person again who came back with an older state of the database, and was no last owner when they went. Where they are now, they stay one by
/// their id, suspended and with nothing personal left, until the tenant has another: do it again then. Says how many rows were touched.
///
/// # Errors
///
/// Fails if the database does.
pub async fn person_erase_again_in(tx: &mut SystemTx, inventory: &[Table], user: UserId) -> Result<(u64, ErasedAgain), DbError> {
    let id = Uuid::from(user);
    // Locked as by the triggers that guard the last owner, so that what is counted holds until the end.
    let owned = sqlx::query_scalar!(
        "select id from core.tenant
        where state not in ('leaving', 'deleted')
          and id in (select tenant_id from core.member where user_id = $1 and role = 'owner' and left_at is null)
        order by id
        for no key update",
        id,
    )
    .fetch_all(&mut **tx)
    .await?;
    let is_last = sqlx::query_scalar!(
        r#"select exists (
            select from unnest($2::uuid[]) owned (id)
            where not exists (
                select from core.member other
                where other.tenant_id = owned.id and other.user_id <> $1 and other.role = 'owner' and other.left_at is null
                  and not core.leaves(other.user_id)
            )
        ) as "is_last!""#,
        id,
        &owned,
    )
    .fetch_one(&mut **tx)
    .await?;
    if !is_last {
        return Ok((person_erase_in(tx, inventory, user).await?, ErasedAgain::Whole));
    }
    let rows = rows_erase_in(tx, inventory, id).await?;
    sqlx::query!("update core.user set state = 'suspended' where id = $1", id).execute(&mut **tx).await?;
    Ok((rows, ErasedAgain::StaysOwner))
}

/// Deletes and empties a person's rows.
async fn rows_erase_in(tx: &mut SystemTx, inventory: &[Table], id: Uuid) -> Result<u64, DbError> {
    let mut rows = 0;
    // What refers to another table stands after it.
    for table in inventory.iter().rev() {
        let Some(person) = table.person() else { continue };
        let statement = match table.erasure {
            Erasure::Purge => format!("delete from {} where {person} = $1", table.name),
            Erasure::Anonymise => {
                let emptied = emptied_in(tx, table).await?;
                if emptied.is_empty() {
                    continue;
                }
                format!("update {} set {} where {person} = $1", table.name, emptied.join(", "))
            }
            Erasure::Retain(_) => continue,
        };
        // Names of tables and columns, which are the program's own.
        rows += sqlx::query(AssertSqlSafe(statement)).bind(id).execute(&mut **tx).await?.rows_affected();
    }
    Ok(rows)
}

/// Each personal column of a table with nothing in it: null, or no text where there must be one.
async fn emptied_in(tx: &mut SystemTx, table: &Table) -> Result<Vec<String>, DbError> {
    let columns: Vec<String> = table.of(Class::Personal).map(str::to_owned).collect();
    let emptied = sqlx::query_scalar!(
        r#"select format('%I = %s', attname, case when attnotnull then '''''' else 'null' end) as "emptied!"
        from pg_attribute
        where attrelid = $1::text::regclass and attname::text = any ($2::text[])
        order by attnum"#,
        table.name,
        &columns,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(emptied)
}

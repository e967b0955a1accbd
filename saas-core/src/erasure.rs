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
    sqlx::query!("update core.user set state = 'deleted' where id = $1", id).execute(&mut **tx).await?;
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

use std::io::Cursor;

use sqlx::{AssertSqlSafe, types::Json};
use uuid::Uuid;

use super::{
    PackError,
    archive::{Archive, Format, Row},
};
use crate::{DbError, SystemTx, UserId, inventory::Table};

/// What is kept of a person, table by table, as it is given to them.
#[derive(Debug, Clone)]
pub struct PersonExport {
    tables: Vec<Exported>,
}

#[derive(Debug, Clone)]
struct Exported {
    name: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

/// Reads what is kept of a person: their rows of each table of the inventory that is exported and whose rows are people's. Secrets are left out, and
/// so is what belongs to the tenant in whose table it stands.
///
/// # Errors
///
/// Fails if the database does.
pub async fn person_export_in(tx: &mut SystemTx, inventory: &[Table], user: UserId) -> Result<PersonExport, DbError> {
    let mut tables = Vec::new();
    for table in inventory.iter().filter(|table| table.exported) {
        let Some(person) = table.person() else { continue };
        let columns = table.given_to_person();
        let statement = table.selecting(&columns, person);
        let rows: Vec<Json<Row>> = sqlx::query_scalar(AssertSqlSafe(statement)).bind(Uuid::from(user)).fetch_all(&mut **tx).await?;
        tables.push(Exported { name: table.name, columns, rows: rows.into_iter().map(|row| row.0).collect() });
    }
    Ok(PersonExport { tables })
}

impl PersonExport {
    /// A zip archive with each table as JSON, for programs, and as CSV, for people.
    ///
    /// # Errors
    ///
    /// Fails if the archive would be larger than archives can be.
    pub fn zip(&self) -> Result<Vec<u8>, PackError> {
        let mut archive = Archive::new(Cursor::new(Vec::new()));
        for table in &self.tables {
            for format in Format::BOTH {
                archive.begin(table.name, &table.columns, format)?;
                archive.rows(&table.rows)?;
            }
        }
        Ok(archive.finish()?.into_inner())
    }
}

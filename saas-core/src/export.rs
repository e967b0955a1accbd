use std::io::{Cursor, Write as _};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, types::Json};
use uuid::Uuid;
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::{
    DbError, SystemTx, UserId,
    inventory::{Class, Table},
};

/// What is kept of a person, table by table, as it is given to them (CMP-01).
#[derive(Debug, Clone)]
pub struct PersonExport {
    tables: Vec<Exported>,
}

#[derive(Debug, Clone)]
struct Exported {
    name: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Map<String, Value>>,
}

/// What is kept of a person could not be packed.
#[derive(Debug, thiserror::Error)]
#[error("an export could not be packed")]
pub struct PackError(#[from] ZipError);

impl From<std::io::Error> for PackError {
    fn from(error: std::io::Error) -> Self {
        Self(error.into())
    }
}

impl From<serde_json::Error> for PackError {
    fn from(error: serde_json::Error) -> Self {
        Self(ZipError::Io(error.into()))
    }
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
        // Names of tables and columns, which are the program's own.
        let statement = format!(
            "select to_jsonb(kept) from (select {} from {} where {person} = $1) kept",
            columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", "),
            table.name,
        );
        let rows: Vec<Json<Map<String, Value>>> =
            sqlx::query_scalar(AssertSqlSafe(statement)).bind(Uuid::from(user)).fetch_all(&mut **tx).await?;
        tables.push(Exported { name: table.name, columns, rows: rows.into_iter().map(|row| row.0).collect() });
    }
    Ok(PersonExport { tables })
}

impl Table {
    /// The columns that a person is given of their rows.
    #[must_use]
    pub fn given_to_person(&self) -> Vec<&'static str> {
        let is_tenants = self.columns.iter().any(|(column, _)| *column == "tenant_id");
        let is_given = |class| match class {
            Class::Secret => false,
            Class::Content => !is_tenants,
            Class::Person | Class::Internal | Class::Personal => true,
        };
        self.columns.iter().filter(|(_, class)| is_given(*class)).map(|(column, _)| *column).collect()
    }
}

impl PersonExport {
    /// A zip archive with each table as JSON, for programs, and as CSV, for people.
    ///
    /// # Errors
    ///
    /// Fails if the archive would be larger than archives can be.
    pub fn zip(&self) -> Result<Vec<u8>, PackError> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        for table in &self.tables {
            zip.start_file(format!("{}.json", table.name), options)?;
            zip.write_all(&serde_json::to_vec_pretty(&table.rows)?)?;
            zip.start_file(format!("{}.csv", table.name), options)?;
            zip.write_all(table.csv().as_bytes())?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

impl Exported {
    /// As RFC 4180 says, with the columns' names first.
    fn csv(&self) -> String {
        let mut lines = vec![self.columns.join(",")];
        lines.extend(self.rows.iter().map(|row| {
            let values: Vec<_> = self.columns.iter().map(|column| field(row.get(*column).unwrap_or(&Value::Null))).collect();
            values.join(",")
        }));
        lines.push(String::new());
        lines.join("\r\n")
    }
}

/// A value in a line. One that a spreadsheet would compute is set off: somebody else may have chosen it.
fn field(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_break_a_line_is_quoted_and_nothing_is_computed() {
        let rows = [
            json!({ "name": "Ada", "note": null, "many": ["a", "b"], "at": 1.5 }),
            json!({ "name": "Müller, \"Sons\"\r\n", "note": "=1+1", "many": [], "at": -2 }),
        ];
        let rows = rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
        let table = Exported { name: "a.b", columns: vec!["name", "note", "many", "at"], rows };
        assert_eq!(table.csv(), "name,note,many,at\r\nAda,,\"[\"\"a\"\",\"\"b\"\"]\",1.5\r\n\"Müller, \"\"Sons\"\"\r\n\",'=1+1,[],-2\r\n");
    }

    #[test]
    fn secrets_and_what_is_the_tenants_are_not_given() {
        let columns = &[("user_id", Class::Person), ("name", Class::Personal), ("hash", Class::Secret), ("text", Class::Content)];
        let table = Table { name: "a.b", erasure: crate::inventory::Erasure::Purge, exported: true, columns };
        assert_eq!(table.given_to_person(), ["user_id", "name", "text"]);
        let of_tenant = &[("tenant_id", Class::Internal), ("user_id", Class::Person), ("text", Class::Content)];
        assert_eq!(Table { columns: of_tenant, ..table }.given_to_person(), ["tenant_id", "user_id"]);
    }
}

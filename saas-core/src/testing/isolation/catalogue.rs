//! The tables, as the catalogue describes them.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::PgConnection;

use super::{IsolationError, refused};

#[derive(Debug, Deserialize)]
pub(super) struct Catalogue {
    pub(super) tables: Vec<Table>,
    /// Views of all kinds that the application may read.
    pub(super) views: Vec<String>,
    /// Roles that the application might want to become.
    pub(super) roles: Vec<String>,
    pub(super) version: i32,
    /// Tables that are left alone, as `schema.table`.
    #[serde(default)]
    pub(super) spared: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Table {
    /// As it is written in a statement.
    pub(super) name: String,
    /// As it is written in a report: `schema.table`.
    pub(super) label: String,
    pub(super) id: i64,
    pub(super) tenant_column: Option<String>,
    pub(super) readable: bool,
    pub(super) columns: Vec<Column>,
    pub(super) references: Vec<Reference>,
    pub(super) uniques: Vec<Unique>,
    pub(super) checks: Vec<Check>,
    /// Partitions and other children, which the application should not reach directly.
    pub(super) parts: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    /// The type as it is written in a cast.
    pub(super) cast: String,
    /// The name of the type beneath domains and arrays.
    pub(super) kind: String,
    pub(super) is_array: bool,
    pub(super) not_null: bool,
    pub(super) has_default: bool,
    /// The server computes it.
    pub(super) generated: bool,
    pub(super) labels: Vec<String>,
    pub(super) selectable: bool,
    pub(super) updatable: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) constraint: String,
    pub(super) columns: Vec<String>,
    pub(super) parent: i64,
    pub(super) parent_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Unique {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) primary: bool,
    /// Says of itself that it spans tenants, and why.
    pub(super) global: bool,
    /// Has no condition and no expression, so that a conflict can name its columns.
    pub(super) plain: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) definition: String,
}

impl Catalogue {
    pub(super) async fn read(superuser: &mut PgConnection, login: &str) -> Result<Self, IsolationError> {
        let json: serde_json::Value = sqlx::query_scalar(include_str!("catalogue.sql"))
            .bind(login)
            .fetch_one(superuser)
            .await
            .map_err(refused("show its catalogue"))?;
        Ok(serde_json::from_value(json)?)
    }

    pub(super) fn tenant_tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| table.tenant_column.is_some() && !self.spared.contains(&table.label))
    }

    pub(super) fn table(&self, id: i64) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == id)
    }
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column that says whose a row is; only for tenant tables.
    pub(super) fn tenant(&self) -> &str {
        self.tenant_column.as_deref().unwrap_or("tenant_id")
    }

    /// The columns by which a row is found.
    pub(super) fn key(&self) -> Vec<&str> {
        match self.uniques.iter().find(|unique| unique.primary) {
            Some(primary) => primary.columns.iter().map(String::as_str).collect(),
            None => vec![self.tenant()],
        }
    }

    /// An expression for all of a row that the application may read, as text.
    pub(super) fn shown(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().filter(|column| column.selectable).map(|column| format!("t.{}::text", quoted(&column.name))).collect();
        if columns.is_empty() { "t::text".to_owned() } else { format!("concat_ws('|', {})", columns.join(", ")) }
    }

    /// A column to change without changing it: one that the application may write, and no part of a key if possible.
    pub(super) fn changeable(&self) -> String {
        let free = |column: &&Column| !self.uniques.iter().any(|unique| unique.columns.contains(&column.name));
        let writable = || self.columns.iter().filter(|column| column.updatable && !column.generated);
        let column = writable().find(free).or_else(|| writable().next()).map_or(self.tenant(), |column| &column.name);
        quoted(column)
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    // With an E, a backslash means the same whatever the session's settings are.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

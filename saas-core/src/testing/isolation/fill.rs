//! One row of each table for each of the two tenants.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{
    IsolationError, Seed, Side,
    candidate::{Salt, candidates},
    catalogue::{Catalogue, Column, Table, literal, quoted},
};
use crate::TenantId;

/// More than any column has candidates; a table whose constraints are not satisfied by then is the caller's to fill.
const TRIES: usize = 400;

/// The rows that were written.
pub(super) struct Filled {
    tenants: [TenantId; 2],
    rows: BTreeMap<(i64, Side), Row>,
    seed: Seed,
}

pub(super) struct Row {
    /// The expressions that were inserted.
    pub(super) written: BTreeMap<String, String>,
    /// Which candidate of each column it was, to make a row like it.
    choice: BTreeMap<String, usize>,
    /// What is there, as text.
    pub(super) stored: BTreeMap<String, Option<String>>,
}

impl Filled {
    pub(super) fn tenant(&self, side: Side) -> TenantId {
        self.tenants[side as usize]
    }

    pub(super) fn row(&self, table: &Table, side: Side) -> Result<&Row, IsolationError> {
        self.rows.get(&(table.id, side)).ok_or_else(|| unfilled(table, "it was not reached"))
    }

    pub(super) fn rows(&self, side: Side) -> impl Iterator<Item = (i64, &Row)> {
        self.rows.iter().filter(move |((_, of), _)| *of == side).map(|((table, _), row)| (*table, row))
    }

    /// A condition that finds the row, over a table that is called `t`.
    pub(super) fn key(&self, table: &Table, side: Side) -> Result<String, IsolationError> {
        let row = self.row(table, side)?;
        let parts: Vec<String> = table.key().iter().map(|name| format!("t.{} = {}", quoted(name), row.value(table, name))).collect();
        Ok(parts.join(" and "))
    }

    /// Expressions for a row of one's own that is like the first one and collides with nothing.
    pub(super) fn fresh(&self, table: &Table, side: Side) -> Result<BTreeMap<String, String>, IsolationError> {
        let row = self.row(table, side)?;
        let salt = Salt::new(side);
        let mut fresh = row.written.clone();
        for column in &table.columns {
            let unique = table.uniques.iter().any(|unique| unique.columns.contains(&column.name));
            if let Some([_, _, spare]) = self.seed.values.get(&(table.label.clone(), column.name.clone())) {
                fresh.insert(column.name.clone(), spare.clone());
            } else if let (true, Some(choice)) = (unique, row.choice.get(&column.name))
                && let Some(value) = candidates(column, &table.checks, &salt).into_iter().nth(*choice)
            {
                fresh.insert(column.name.clone(), value);
            }
        }
        Ok(fresh)
    }
}

impl Row {
    /// The stored value as an expression.
    pub(super) fn value(&self, table: &Table, column: &str) -> String {
        let cast = table.column(column).map_or("text", |column| &column.cast);
        match self.stored.get(column).and_then(Option::as_ref) {
            Some(text) => format!("{}::{cast}", literal(text)),
            None => format!("null::{cast}"),
        }
    }
}

/// The text of an insert.
pub(super) fn insert(table: &Table, values: &BTreeMap<String, String>) -> String {
    let (columns, values) = columns_and_values(values);
    format!("insert into {} as t ({columns}) values ({values})", table.name)
}

pub(super) fn columns_and_values(values: &BTreeMap<String, String>) -> (String, String) {
    let columns: Vec<String> = values.keys().map(|column| quoted(column)).collect();
    let values: Vec<&str> = values.values().map(String::as_str).collect();
    (columns.join(", "), values.join(", "))
}

pub(super) fn unfilled(table: &Table, reason: impl Into<String>) -> IsolationError {
    IsolationError::Unfilled { table: table.label.clone(), reason: reason.into() }
}

pub(super) async fn fill(owner: &mut PgConnection, catalogue: &Catalogue, seed: &Seed) -> Result<Filled, IsolationError> {
    for (table, column) in seed.values.keys() {
        if !catalogue.tables.iter().any(|known| known.label == *table && known.column(column).is_some()) {
            return Err(IsolationError::UnknownColumn(format!("{table}.{column}")));
        }
    }
    let mut filled = Filled { tenants: [TenantId::new(), TenantId::new()], rows: BTreeMap::new(), seed: seed.clone() };
    let order = in_order(catalogue);
    for side in [Side::Attacker, Side::Victim] {
        for table in &order {
            let row = write(owner, catalogue, table, side, &filled).await?;
            filled.rows.insert((table.id, side), row);
        }
    }
    Ok(filled)
}

/// The tenant tables and all that they refer to, parents first.
fn in_order(catalogue: &Catalogue) -> Vec<&Table> {
    fn visit<'a>(catalogue: &'a Catalogue, table: &'a Table, seen: &mut Vec<i64>, order: &mut Vec<&'a Table>) {
        if seen.contains(&table.id) {
            return;
        }
        seen.push(table.id);
        for parent in table.references.iter().filter_map(|reference| catalogue.table(reference.parent)) {
            visit(catalogue, parent, seen, order);
        }
        order.push(table);
    }
    let (mut seen, mut order) = (Vec::new(), Vec::new());
    for table in catalogue.tenant_tables() {
        visit(catalogue, table, &mut seen, &mut order);
    }
    order
}

/// The numbered candidates of one row's columns, and which of them is next.
struct Guess<'a> {
    columns: Vec<(&'a Column, Vec<(usize, String)>)>,
    choice: Vec<usize>,
}

impl Guess<'_> {
    /// The next combination of these columns' candidates.
    fn advance(&mut self, names: &[String]) -> bool {
        for (index, (column, candidates)) in self.columns.iter().enumerate() {
            if !names.contains(&column.name) {
                continue;
            }
            self.choice[index] += 1;
            if self.choice[index] < candidates.len() {
                return true;
            }
            self.choice[index] = 0;
        }
        false
    }

    /// Drops the candidates that are no value of their column's type; whether there were any, and something is left.
    async fn prune(&mut self, owner: &mut PgConnection) -> bool {
        let mut pruned = false;
        for (index, (_, candidates)) in self.columns.iter_mut().enumerate() {
            let mut kept = Vec::new();
            for (number, candidate) in std::mem::take(candidates) {
                let known = matches!(candidate.as_str(), "default" | "null");
                if known || sqlx::raw_sql(AssertSqlSafe(format!("select {candidate}"))).execute(&mut *owner).await.is_ok() {
                    kept.push((number, candidate));
                } else {
                    pruned = true;
                }
            }
            if kept.is_empty() {
                return false;
            }
            *candidates = kept;
            self.choice[index] = 0;
        }
        pruned
    }

    fn values(&self) -> BTreeMap<String, String> {
        self.columns
            .iter()
            .zip(&self.choice)
            .map(|((column, candidates), choice)| (column.name.clone(), candidates[*choice].1.clone()))
            .collect()
    }
}

async fn write(owner: &mut PgConnection, catalogue: &Catalogue, table: &Table, side: Side, filled: &Filled) -> Result<Row, IsolationError> {
    let salt = Salt::new(side);
    let mut columns = Vec::new();
    let mut fixed = Vec::new();
    for column in table.columns.iter().filter(|column| !column.generated) {
        let given = given(catalogue, table, column, side, filled);
        let values = match given {
            Some(value) => {
                fixed.push(column.name.clone());
                vec![value]
            }
            None => candidates(column, &table.checks, &salt),
        };
        if values.is_empty() {
            return Err(unfilled(table, format!("no value of type {} is known for {}", column.cast, column.name)));
        }
        columns.push((column, values.into_iter().enumerate().collect()));
    }
    let mut guess = Guess { choice: vec![0; columns.len()], columns };
    for _ in 0..TRIES {
        let written = guess.values();
        let statement = format!("{} returning to_jsonb(t)::text", insert(table, &written));
        let error = match sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(&mut *owner).await {
            Ok(row) => {
                let stored: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(row.try_get(0).map_err(super::refused("return a row"))?)?;
                let choice = guess
                    .columns
                    .iter()
                    .zip(&guess.choice)
                    .filter(|((column, _), _)| !fixed.contains(&column.name))
                    .map(|((column, candidates), choice)| (column.name.clone(), candidates[*choice].0))
                    .collect();
                return Ok(Row { written, choice, stored: stored.into_iter().map(|(name, value)| (name, text(value))).collect() });
            }
            Err(error) => error,
        };
        let constraint = error.as_database_error().and_then(|error| error.constraint()).map(str::to_owned);
        let involved = constraint.as_deref().and_then(|name| {
            let check = table.checks.iter().find(|check| check.name == name).map(|check| &check.columns);
            check.or_else(|| table.uniques.iter().find(|unique| unique.name == name).map(|unique| &unique.columns))
        });
        let advanced = match involved {
            Some(names) => guess.advance(names),
            // A type or a domain refused, and does not say in which column.
            None => guess.prune(owner).await,
        };
        if !advanced {
            return Err(unfilled(table, error.to_string()));
        }
    }
    Err(unfilled(table, "no combination of guesses satisfies its constraints"))
}

/// What a column must be: what the caller says, the tenant, the parent's key.
fn given(catalogue: &Catalogue, table: &Table, column: &Column, side: Side, filled: &Filled) -> Option<String> {
    if let Some(values) = filled.seed.values.get(&(table.label.clone(), column.name.clone())) {
        return Some(values[side as usize].clone());
    }
    // One that is about to be deleted, or is, is nobody to attack or to be attacked.
    if (table.label.as_str(), column.name.as_str()) == ("core.tenant", "state") {
        return Some("'active'".to_owned());
    }
    if table.tenant_column.as_ref() == Some(&column.name) {
        return Some(format!("'{}'::uuid", Uuid::from(filled.tenant(side))));
    }
    for reference in &table.references {
        let Some(position) = reference.columns.iter().position(|name| *name == column.name) else { continue };
        let row = filled.rows.get(&(reference.parent, side));
        match (catalogue.table(reference.parent), row) {
            (Some(parent), Some(row)) => return Some(row.value(parent, &reference.parent_columns[position])),
            // A table that refers to itself, or round a circle.
            _ if !column.not_null => return Some("null".to_owned()),
            _ => {}
        }
    }
    None
}

fn text(value: serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

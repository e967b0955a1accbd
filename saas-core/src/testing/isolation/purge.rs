//! What is left of a tenant that was purged.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{
    Ground, IsolationError, Report, Seed, Side,
    catalogue::{Catalogue, Table, literal, quoted},
    marks::{Marks, snapshot},
    refused,
};
use crate::{TenantId, inventory::Erasure, testing::TestDb};

/// Fills every tenant table for two tenants, has one of them purged, and looks for it in all tables that there are: for its rows, and for the
/// canary that stands in each of its texts, binaries and documents. Both may be left only in what the inventory retains by law. The other tenant's
/// rows must be as they were. `purge` is the caller's: all that happens between the wish to delete a tenant and its end.
///
/// The report's tables are those in which a canary was found before.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use saas_core::{TenantStore, testing::{TestDb, isolation}};
/// # async fn example(test: TestDb, files: Arc<dyn TenantStore>) -> Result<(), Box<dyn std::error::Error>> {
/// let system = test.db.system("purge a tenant");
/// let purge = async |tenant| {
///     let mut tx = system.begin().await.unwrap();
///     sqlx::query("update core.tenant set state = 'deleted' where id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
///     tx.commit().await.unwrap();
///     saas_core::tenant_purge(&system, &test.db.inventory(), &[files], tenant).await.unwrap();
///     let mut tx = system.begin().await.unwrap();
///     saas_core::tenant_purged_in(&mut tx, tenant).await.unwrap();
///     tx.commit().await.unwrap();
/// };
/// isolation::purge(&test, &isolation::Seed::new(), purge).await?.assert_safe();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if a table cannot be filled; what was left is in the report.
pub async fn purge(test: &TestDb, seed: &Seed, purge: impl AsyncFnOnce(TenantId)) -> Result<Report, IsolationError> {
    let Ground { mut superuser, catalogue, filled, .. } = Ground::prepare(test, seed).await?;
    let canary = Marks::canary();
    let others = snapshot(&mut superuser, &catalogue, filled.tenant(Side::Attacker)).await?;
    let before = sightings(&mut superuser, &catalogue, &canary).await?;
    let victim = filled.tenant(Side::Victim);
    purge(victim).await;

    let planted = before.iter().filter(|(_, rows)| **rows > 0).map(|(table, _)| table.clone()).collect();
    let mut report = Report::of(planted);
    let inventory = test.db.inventory();
    let is_kept = |table: &Table| inventory.iter().any(|known| known.name == table.label && matches!(known.erasure, Erasure::Retain(_)));
    let after = sightings(&mut superuser, &catalogue, &canary).await?;
    for table in catalogue.tables.iter().filter(|table| !is_kept(table)) {
        report.attacks += 1;
        // People are no tenant's, and what was planted with them stays with them.
        let allowed = if table.tenant_column.is_some() { 0 } else { before.get(&table.label).copied().unwrap_or_default() };
        let seen = after.get(&table.label).copied().unwrap_or_default();
        if seen > allowed {
            report.breach("purge", &table.label, format!("{seen} rows still show the tenant's canary"));
        }
        let rows = rows_of(&mut superuser, table, victim).await?;
        if rows > 0 {
            report.breach("purge", &table.label, format!("{rows} rows are still the tenant's"));
        }
    }
    for (table, rows) in snapshot(&mut superuser, &catalogue, filled.tenant(Side::Attacker)).await? {
        report.attacks += 1;
        if others.get(&table) != Some(&rows) {
            report.breach("purge", &table, "the rows of the other tenant are not as they were, byte by byte");
        }
    }
    Ok(report)
}

/// How many rows of each table show one of the marks, in whichever column.
async fn sightings(superuser: &mut PgConnection, catalogue: &Catalogue, marks: &Marks) -> Result<BTreeMap<String, i64>, IsolationError> {
    let shows: Vec<String> = marks.texts().map(|mark| format!("strpos(t::text, {}) > 0", literal(mark))).collect();
    let mut all = BTreeMap::new();
    for table in &catalogue.tables {
        let query = format!("select count(*) from {} t where {}", table.name, shows.join(" or "));
        all.insert(table.label.clone(), count(superuser, query).await?);
    }
    Ok(all)
}

/// How many rows are the tenant's. Its own row may stay, for its id.
async fn rows_of(superuser: &mut PgConnection, table: &Table, tenant: TenantId) -> Result<i64, IsolationError> {
    match table.tenant_column.as_deref() {
        Some("tenant_id") => {
            let query = format!("select count(*) from {} where {} = '{}'", table.name, quoted("tenant_id"), Uuid::from(tenant));
            count(superuser, query).await
        }
        _ => Ok(0),
    }
}

async fn count(superuser: &mut PgConnection, query: String) -> Result<i64, IsolationError> {
    let row = sqlx::raw_sql(AssertSqlSafe(query)).fetch_one(superuser).await.map_err(refused("count what is left"))?;
    row.try_get(0).map_err(refused("count what is left"))
}

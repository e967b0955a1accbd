//! What was kept long enough goes (CMP-03): the inventory says when, table by table, and each night somebody looks.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use crate::{
    DbError, Job, JobError, Jobs, SystemDb, SystemRun,
    inventory::{Retention, Table},
};

/// How many rows one transaction deletes.
const BATCH: i64 = 5_000;

#[derive(Debug, Serialize, Deserialize)]
struct Sweep {}

impl Job for Sweep {
    const NAME: &'static str = "core.sweep";
}

/// Rows of a table that were kept as long as its [`Retention`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// `schema.table`.
    pub table: &'static str,
    /// How many.
    pub rows: u64,
}

/// [Sweeps](sweep) each night (UTC).
pub fn sweep_daily(jobs: &Jobs) {
    jobs.on(|run: SystemRun, _: Sweep| async move { sweep(run.db()).await.map(drop).map_err(JobError::from) });
    jobs.cron("50 3 * * *", &Sweep {});
}

/// Deletes what was kept long enough in each table of the inventory that says for how many days, and says how much of each. A table that fails keeps
/// none of the others.
///
/// It goes in steps of their own transactions and may be killed at each; two at once do no harm.
///
/// # Errors
///
/// Fails if the database does; what was deleted until then stays so.
pub async fn sweep(db: &SystemDb) -> Result<Vec<Expired>, DbError> {
    let (mut swept, mut failed) = (Vec::new(), Ok(()));
    // What refers to another table stands after it.
    for dated in dated(&db.inventory()).rev() {
        match dated.delete(db).await {
            Ok(expired) => swept.push(expired),
            Err(error) => {
                tracing::error!(table = dated.name, error = &error as &dyn std::error::Error, "a table was not swept");
                failed = Err(error);
            }
        }
    }
    failed.map(|()| swept)
}

/// What [`sweep`] would delete now, table by table; it deletes nothing.
///
/// # Errors
///
/// Fails if the database does.
pub async fn sweep_due(db: &SystemDb) -> Result<Vec<Expired>, DbError> {
    let mut due = Vec::new();
    let mut tx = db.begin().await?;
    for dated in dated(&db.inventory()) {
        let counted = format!("select count(*) from {} where {}", dated.name, dated.when);
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(counted)).bind(dated.before(tx.now())).fetch_one(&mut *tx).await?;
        due.push(Expired { table: dated.name, rows: rows.unsigned_abs() });
    }
    Ok(due)
}

/// A table that says for how many days it keeps what.
struct Dated {
    name: &'static str,
    days: u16,
    when: &'static str,
}

fn dated(inventory: &[Table]) -> impl DoubleEndedIterator<Item = Dated> {
    inventory.iter().filter_map(|table| match table.retention {
        Retention::Days { days, when } => Some(Dated { name: table.name, days, when }),
        Retention::Lasting | Retention::Rule { .. } => None,
    })
}

impl Dated {
    fn before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(self.days.into())
    }

    async fn delete(&self, db: &SystemDb) -> Result<Expired, DbError> {
        let (name, when) = (self.name, self.when);
        // Said twice, for a place alone may be another row's in a table that is partitioned.
        let statement = format!(
            "delete from {name} where ctid = any (array(select ctid from {name} where {when} limit $2 for update skip locked)) and {when}"
        );
        let mut swept = 0;
        loop {
            let mut tx = db.begin().await?;
            let before = self.before(tx.now());
            // Names and conditions are the program's own.
            let rows = sqlx::query(AssertSqlSafe(statement.clone())).bind(before).bind(BATCH).execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            swept += rows;
            if rows < BATCH.unsigned_abs() {
                break;
            }
        }
        if swept > 0 {
            tracing::info!(table = name, rows = swept, days = self.days, "what was kept long enough was deleted");
        }
        Ok(Expired { table: name, rows: swept })
    }
}

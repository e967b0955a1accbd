//! Attacks on the tenant wall, for every table that there is.
//!
//! [`attack`] takes the tables from the catalogue, fills each for two tenants, and then tries as the application login, as the first tenant
//! and as nobody, to read, change, move, hide or learn of the second one's rows. A product calls it on its own migrations:
//!
//! ```no_run
//! # use saas_core::{Migrations, testing::{TestDb, isolation}};
//! # async fn example(migrations: &[Migrations]) -> Result<(), Box<dyn std::error::Error>> {
//! let test = TestDb::new(migrations).await?;
//! isolation::attack(&test, &isolation::Seed::new()).await?.assert_safe();
//! # Ok(())
//! # }
//! ```
//!
//! [`setters`] finds what no attack can: source of the product's own that would set the tenant.
//!
//! A table that could not be filled is an error, not a table less. Where a row cannot be guessed from the catalogue, [`Seed`] says what to
//! write.
//!
//! [`purge`] looks the same way for what is left of a tenant that was deleted.
//!
//! The attacks' ids are those of the threat list in the project's documentation: `T05` is a table without row-level security, `T43` an
//! insert for another tenant, and so on.

use std::{collections::BTreeMap, fmt};

use sqlx::{Connection as _, PgConnection};

use super::TestDb;
use crate::TenantId;

mod attacker;
mod candidate;
mod catalogue;
mod context;
mod fill;
mod findings;
mod marks;
mod oracle;
mod purge;
mod read;
mod server;
mod source;
mod write;

pub use source::{Setter, setters};

use attacker::Attacker;
use catalogue::Catalogue;
use fill::Filled;
use marks::Marks;

pub use purge::purge;

/// Values for columns that cannot be guessed from the catalogue.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    values: BTreeMap<(String, String), [String; 3]>,
}

impl Seed {
    /// Nothing: everything is guessed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes these SQL expressions into a column of `schema.table`: the first for the tenant that attacks, the second for the one that is
    /// attacked, and the third where a value is wanted that neither has.
    #[must_use]
    pub fn column(mut self, table: &str, column: &str, values: [&str; 3]) -> Self {
        self.values.insert((table.to_owned(), column.to_owned()), values.map(str::to_owned));
        self
    }
}

/// What the attacks came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The tenant tables that were attacked, as `schema.table`.
    pub tables: Vec<String>,
    /// How many attacks were made.
    pub attacks: usize,
    /// Those that got through.
    pub breaches: Vec<Breach>,
}

/// An attack that got through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Its id.
    pub attack: &'static str,
    /// The table.
    pub table: String,
    /// What was done and what happened.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.attack, self.table, self.what)
    }
}

impl Report {
    /// Passes if no attack got through.
    ///
    /// # Panics
    ///
    /// With all that did.
    pub fn assert_safe(&self) {
        let breaches: String = self.breaches.iter().map(|breach| format!("\n  {breach}")).collect();
        assert!(
            breaches.is_empty(),
            "{} of {} attacks on {} tables got through:{breaches}",
            self.breaches.len(),
            self.attacks,
            self.tables.len()
        );
    }

    fn breach(&mut self, attack: &'static str, table: &str, what: impl Into<String>) {
        self.breaches.push(Breach { attack, table: table.to_owned(), what: what.into() });
    }
}

/// The attacks could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IsolationError {
    /// No row could be written into a table.
    #[error("{table} could not be filled, so nothing is known of it; give values in a Seed: {reason}")]
    Unfilled {
        /// The table.
        table: String,
        /// What stood in the way.
        reason: String,
    },
    /// The seed names a column that does not exist.
    #[error("the seed names {0}, which is no column of a table that is filled")]
    UnknownColumn(String),
    /// The database did not answer, or refused what only prepares an attack.
    #[error("the database refused to {action}")]
    Database {
        /// What was asked, as a verb.
        action: &'static str,
        /// The answer.
        #[source]
        source: sqlx::Error,
    },
    /// The catalogue answered in a shape that is not known.
    #[error("the catalogue could not be read")]
    Catalogue(#[from] serde_json::Error),
}

fn refused(action: &'static str) -> impl FnOnce(sqlx::Error) -> IsolationError {
    move |source| IsolationError::Database { action, source }
}

/// Writes a row of every tenant table, and of all that they refer to, for each of two tenants of its own: something to attack, to restore or
/// to delete.
///
/// # Errors
///
/// Fails if a table cannot be filled.
pub async fn fill(test: &TestDb, seed: &Seed) -> Result<[TenantId; 2], IsolationError> {
    let ground = Ground::prepare(test, seed).await?;
    Ok([Side::Attacker, Side::Victim].map(|side| ground.filled.tenant(side)))
}

/// The tables of a database, filled, and whoever attacks them.
struct Ground {
    superuser: PgConnection,
    attacker: Attacker,
    catalogue: Catalogue,
    filled: Filled,
}

impl Ground {
    async fn prepare(test: &TestDb, seed: &Seed) -> Result<Self, IsolationError> {
        let mut owner = PgConnection::connect(test.database.owner_url().expose()).await.map_err(refused("let the owner in"))?;
        let mut superuser = PgConnection::connect(test.database.superuser_url().expose()).await.map_err(refused("let the superuser in"))?;
        let attacker = Attacker::connect(&test.database.logins().app).await?;
        let catalogue = Catalogue::read(&mut superuser, attacker.login()).await?;
        let filled = fill::fill(&mut owner, &catalogue, seed).await?;
        Ok(Self { superuser, attacker, catalogue, filled })
    }
}

/// Makes all attacks on all tenant tables of a database.
///
/// It writes two tenants of its own and leaves them there.
///
/// # Errors
///
/// Fails if a table cannot be filled; what got through is in the report.
pub async fn attack(test: &TestDb, seed: &Seed) -> Result<Report, IsolationError> {
    let Ground { mut superuser, mut attacker, catalogue, filled } = Ground::prepare(test, seed).await?;
    let marks = Marks::of(&catalogue, &filled);
    let before = marks::snapshot(&mut superuser, &catalogue, &filled, Side::Victim).await?;

    let mut report =
        Report { tables: catalogue.tenant_tables().map(|table| table.label.clone()).collect(), attacks: 0, breaches: Vec::new() };
    findings::check(test, &mut report).await?;
    let battle = Battle { catalogue: &catalogue, filled: &filled, marks: &marks };
    // Statistics hold samples of everybody's values.
    sqlx::raw_sql("analyze").execute(&mut superuser).await.map_err(refused("analyze"))?;
    context::attack(&battle, &mut attacker, &mut report).await?;
    read::attack(&battle, &mut attacker, &mut report).await?;
    write::attack(&battle, &mut attacker, &mut report).await?;
    oracle::attack(&battle, &mut attacker, &mut report).await?;
    server::attack(&battle, &mut attacker, &mut superuser, &mut report).await?;
    write::own(&battle, &mut attacker).await?;
    report.attacks += attacker.attacks();

    let after = marks::snapshot(&mut superuser, &catalogue, &filled, Side::Victim).await?;
    for (table, rows) in &before {
        if after.get(table) != Some(rows) {
            report.breach("T41-T49", table, "the rows of the other tenant are not as they were, byte by byte");
        }
    }
    Ok(report)
}

/// What every kind of attack needs to know.
struct Battle<'a> {
    catalogue: &'a Catalogue,
    filled: &'a Filled,
    marks: &'a Marks,
}

/// Which of the two tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// The one that attacks.
    Attacker,
    /// The one that is attacked.
    Victim,
}

impl Battle<'_> {
    fn attacker(&self) -> TenantId {
        self.filled.tenant(Side::Attacker)
    }

    fn victim(&self) -> TenantId {
        self.filled.tenant(Side::Victim)
    }
}

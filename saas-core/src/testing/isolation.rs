//! Attacks on the tenant wall: on every table and every route that there is.
//!
//! # In five minutes
//!
//! One test of yours makes all attacks. It needs a database with your migrations, your application, and how somebody comes into it:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use saas_core::{App, Membership, Migrations, Principal, SessionId, SignedIn, TenantId};
//! use saas_core::testing::{TestApp, TestClient, TestDb, isolation::{Cast, Suite}};
//!
//! /// The people of the application.
//! struct People {
//!     test: TestDb,
//!     app: TestApp,
//! }
//!
//! #[async_trait]
//! impl Cast for People {
//!     fn roles(&self) -> Vec<(&'static str, Vec<&'static str>)> {
//!         vec![("owner", vec!["app.note.read", "app.note.write"]), ("viewer", vec!["app.note.read"])]
//!     }
//!
//!     fn stranger(&self) -> TestClient {
//!         self.app.acting(Principal::Anonymous)
//!     }
//!
//!     // With saas-auth, let them sign up and sign in instead; this leaves the layer that authenticates out.
//!     async fn member(&self, tenant: TenantId, role: &'static str) -> TestClient {
//!         let user = self.test.user().await;
//!         self.test.member(tenant, user, role).await;
//!         let mut me = SignedIn::new(user, SessionId::new());
//!         me.memberships = vec![Membership::new(tenant, role)];
//!         self.app.acting(Principal::User(Arc::new(me))).with("x-organization", &tenant.to_string())
//!     }
//! }
//!
//! # async fn example(migrations: &[Migrations], app: App) -> Result<(), Box<dyn std::error::Error>> {
//! let test = TestDb::new(migrations).await?;
//! # let make_app = |_: &TestDb| app;
//! let app = make_app(&test);
//! let people = People { app: TestApp::new(app.clone()), test };
//! let report = Suite::new(&people.test, &app, &people)
//!     .source(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
//!     .open("GET", "/api/v1/me", "everybody may see what they are here")
//!     .run()
//!     .await?;
//! println!("{report}");
//! report.assert_safe();
//! # Ok(())
//! # }
//! ```
//!
//! The report names each attack that got through, where, and what to do. It also holds what every route answered everybody
//! ([`Report::matrix`]): print it into a file, and compare.
//!
//! # What is done
//!
//! * The catalogue is read as the doctor reads it, and the inventory is held against it (`CMP-06`).
//! * [`attack`]: every table is filled for two tenants, each text of the second one bearing a canary. As the application login, as the first tenant
//!   and as nobody, it is then tried to read, change, move, hide or learn of the second one's rows.
//! * [`setters`]: the source is searched for what would set the tenant by itself.
//! * [`purge`]: a tenant is deleted, if [`Suite::purge`] says how, and looked for.
//! * [`attack_routes`]: every route is called by a stranger, by somebody of the first tenant and by each role of the second one, with a new row of
//!   the second one's for each call. The status is what the route's access demands. Somebody of the first tenant is answered as for what never was, to the
//!   byte, also after the owner asked for the same; sends the other tenant's ids in path, query, body and headers; sends what is broken. No answer shows
//!   the canary or speaks of the database, none may be kept by a cache, and nothing of the second tenant's changes.
//!
//! The suite believes nothing by its silence: a table that could not be filled is an error, a route whose parameter could not be guessed too, and
//! a member who could not do what they may is a finding (`control`). [`Seed`], [`Suite::parameter`], [`Suite::body`] and [`Suite::open`]
//! say what cannot be guessed. An application with much of that brings its own [`Stage`].
//!
//! The attacks' ids are those of the threat list in the project's documentation: `T05` is a table without row-level security, `T43` an
//! insert for another tenant, and so on. `examples/leaky` is an application in which each mistake can be made by itself, to see that it is
//! found.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    time::Instant,
};

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
mod report;
mod routes;
mod server;
mod source;
mod suite;
mod write;

pub use purge::purge;
pub use report::{Breach, Report};
pub use routes::{Actor, Body, Demand, Matrix, Part, Request, Stage, attack_routes};
pub use source::{Setter, setters};
pub use suite::{Cast, Suite};

use attacker::Attacker;
use catalogue::Catalogue;
use fill::Filled;
use marks::{Marks, snapshot};

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
    /// What a parameter of a path names could not be guessed.
    #[error("what {parameter} in {route} names is not known; say it with Suite::parameter")]
    UnknownParameter {
        /// The path.
        route: String,
        /// The parameter.
        parameter: String,
    },
    /// The suite is told something of a route that does not exist.
    #[error("the suite is told of {0}, which is no route")]
    UnknownRoute(String),
    /// The source could not be read.
    #[error("{folder} could not be read")]
    Source {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
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
        let attacker = Attacker::connect(test).await?;
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
    attack_but(test, seed, BTreeSet::new()).await
}

/// All but these.
async fn attack_but(test: &TestDb, seed: &Seed, spared: BTreeSet<String>) -> Result<Report, IsolationError> {
    let Ground { mut superuser, mut attacker, mut catalogue, filled } = Ground::prepare(test, seed).await?;
    let marks = Marks::of(&catalogue, &filled);
    catalogue.spared = spared;
    let before = snapshot(&mut superuser, &catalogue, filled.tenant(Side::Victim)).await?;

    let started = Instant::now();
    let mut report = Report::of(catalogue.tenant_tables().map(|table| table.label.clone()).collect());
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

    let after = snapshot(&mut superuser, &catalogue, filled.tenant(Side::Victim)).await?;
    for (table, rows) in &before {
        if after.get(table) != Some(rows) {
            report.breach("T41-T49", table, "the rows of the other tenant are not as they were, byte by byte");
        }
    }
    report.took = started.elapsed();
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

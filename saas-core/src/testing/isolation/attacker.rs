//! The application's login in the hands of somebody who can run any statement, and what they get.

use futures_util::StreamExt as _;
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Either, PgConnection, Row as _, TypeInfo as _, ValueRef as _};
use url::Url;
use uuid::Uuid;

use super::{IsolationError, TestDb, refused};
use crate::{Db, Secret, TenantId, UserId};

pub(super) struct Attacker {
    connection: PgConnection,
    /// How the program opens its transactions.
    db: Db,
    url: Secret,
    login: String,
    attacks: usize,
    /// Whether a setting of ours was ever made in this session.
    used: bool,
}

/// As whom a statement runs.
#[derive(Debug, Clone)]
pub(super) enum As {
    /// No setting was ever made in this session.
    Nobody,
    /// A transaction of this tenant has ended, which leaves the setting empty.
    After(TenantId),
    /// The setting is no id.
    Malformed(String),
    /// A tenant, properly.
    Tenant(TenantId),
    /// A person before a tenant is known.
    Person(Uuid),
}

/// What came of a statement.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// All columns of each row.
    pub(super) rows: Vec<String>,
    /// How many rows the last statement returned or changed.
    pub(super) affected: u64,
    pub(super) error: Option<Refusal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) constraint: Option<String>,
}

impl Outcome {
    pub(super) fn code(&self) -> Option<&str> {
        self.error.as_ref().map(|error| error.code.as_str())
    }

    /// One line for a report.
    pub(super) fn summary(&self) -> String {
        match &self.error {
            Some(error) => format!("error {}: {}", error.code, error.message),
            None => format!("{} rows, {} affected", self.rows.len(), self.affected),
        }
    }

    fn failed(error: &sqlx::Error) -> Option<Refusal> {
        let refusal = match error.as_database_error() {
            Some(error) => Refusal {
                code: error.code().unwrap_or_default().into_owned(),
                message: error.message().to_owned(),
                constraint: error.constraint().map(str::to_owned),
            },
            None => Refusal { code: "client".to_owned(), message: error.to_string(), constraint: None },
        };
        Some(refusal)
    }
}

impl Attacker {
    pub(super) async fn connect(test: &TestDb) -> Result<Self, IsolationError> {
        let url = &test.database.logins().app;
        let connection = open(url).await?;
        let login = Url::parse(url.expose()).map(|url| url.username().to_owned()).unwrap_or_default();
        Ok(Self { connection, db: test.db.clone(), url: url.clone(), login, attacks: 0, used: false })
    }

    pub(super) fn login(&self) -> &str {
        &self.login
    }

    pub(super) fn attacks(&self) -> usize {
        self.attacks
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.db.is_sealed()
    }

    /// What opens a transaction of a tenant, as the program does.
    pub(super) fn opening(&self, tenant: TenantId) -> String {
        self.db.tenant(tenant).opening()
    }

    /// Forgets all that was ever set: a new session.
    async fn renew(&mut self) -> Result<(), IsolationError> {
        self.used = false;
        let old = std::mem::replace(&mut self.connection, open(&self.url).await?);
        old.close().await.map_err(refused("end a session"))
    }

    /// Opens a transaction as somebody.
    async fn enter(&mut self, who: &As) -> Result<(), IsolationError> {
        let nobody = matches!(who, As::Nobody);
        if nobody && self.used {
            self.renew().await?;
        }
        self.used = !nobody;
        let text = match who {
            As::Nobody => "begin".to_owned(),
            As::After(tenant) => format!("{}; commit; begin", self.opening(*tenant)),
            As::Malformed(text) => format!("begin; select set_config('saas.tenant_id', {}, true)", super::catalogue::literal(text)),
            As::Tenant(tenant) => self.opening(*tenant),
            As::Person(user) => self.db.person(UserId::from(*user)).opening(),
        };
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await.map_err(refused("open a transaction"))?;
        Ok(())
    }

    /// Runs statements in a transaction of their own. One that changed nothing commits; one that did is undone, so that the next attack
    /// finds what it needs.
    pub(super) async fn run(&mut self, who: &As, statements: &str) -> Result<Outcome, IsolationError> {
        self.attacks += 1;
        self.enter(who).await?;
        let outcome = self.collect(statements).await;
        let end = if outcome.affected == 0 { "commit" } else { "rollback" };
        self.end(end).await?;
        Ok(outcome)
    }

    /// Does what one may do, and keeps it.
    pub(super) async fn keep(&mut self, who: &As, statements: &str) -> Result<(), IsolationError> {
        self.attacks += 1;
        self.enter(who).await?;
        self.collect(statements).await;
        self.end("commit").await
    }

    /// What a table's rows look like to COPY.
    pub(super) async fn copy_out(&mut self, who: &As, statement: &str) -> Result<Outcome, IsolationError> {
        self.attacks += 1;
        self.enter(who).await?;
        let mut outcome = Outcome::default();
        match self.connection.copy_out_raw(statement).await {
            Ok(mut stream) => {
                while let Some(chunk) = stream.next().await {
                    match chunk {
                        Ok(bytes) => outcome.rows.push(String::from_utf8_lossy(&bytes).into_owned()),
                        Err(error) => outcome.error = Outcome::failed(&error),
                    }
                }
            }
            Err(error) => outcome.error = Outcome::failed(&error),
        }
        self.after_copy(&outcome).await?;
        Ok(outcome)
    }

    /// Offers nothing to COPY FROM, which must already be refused.
    pub(super) async fn copy_in(&mut self, who: &As, statement: &str) -> Result<Outcome, IsolationError> {
        self.attacks += 1;
        self.enter(who).await?;
        let mut outcome = Outcome::default();
        match self.connection.copy_in_raw(statement).await {
            Ok(copy) => {
                let aborted = copy.abort("nothing to copy").await;
                aborted.map_err(refused("end a copy"))?;
            }
            Err(error) => outcome.error = Outcome::failed(&error),
        }
        self.after_copy(&outcome).await?;
        Ok(outcome)
    }

    /// The driver loses count of the server's answers when a copy is refused.
    async fn after_copy(&mut self, outcome: &Outcome) -> Result<(), IsolationError> {
        if outcome.error.is_some() { self.renew().await } else { self.end("rollback").await }
    }

    /// Runs a text outside of any transaction of ours.
    pub(super) async fn batch(&mut self, statements: &str) -> Outcome {
        self.attacks += 1;
        self.used = true;
        self.collect(statements).await
    }

    async fn end(&mut self, how: &'static str) -> Result<(), IsolationError> {
        match sqlx::raw_sql(how).execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            // A deferred constraint refused the change.
            Err(error) if error.as_database_error().is_some() => Ok(()),
            Err(source) => Err(IsolationError::Database { action: "end a transaction", source }),
        }
    }

    async fn collect(&mut self, statements: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let mut results = sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).fetch_many(&mut self.connection);
        while let Some(result) = results.next().await {
            match result {
                Ok(Either::Right(row)) => outcome.rows.push(text(&row)),
                Ok(Either::Left(done)) => outcome.affected = done.rows_affected(),
                Err(error) => outcome.error = Outcome::failed(&error),
            }
        }
        drop(results);
        outcome
    }
}

async fn open(url: &Secret) -> Result<PgConnection, IsolationError> {
    PgConnection::connect(url.expose()).await.map_err(refused("let the application in"))
}

/// All columns as the server writes them.
fn text(row: &sqlx::postgres::PgRow) -> String {
    let mut text = String::new();
    for column in row.columns() {
        if let Ok(value) = row.try_get_raw(column.ordinal()) {
            if !value.is_null() {
                // The simple protocol answers in text.
                text.push_str(value.as_str().unwrap_or(value.type_info().name()));
            }
            text.push('\t');
        }
    }
    text
}

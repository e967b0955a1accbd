use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{Db, Finding, Inner, Migrations, ProvisionError, check, connections::Connections, migrate::with_core};
use crate::{Clock, Secret};

/// Where the database is and how much of it to use.
#[derive(Debug, Clone, Default)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: the owner login, which migrates. Not needed by a node that does not migrate.
    pub owner: Option<Secret>,
    /// `DATABASE_APP_URL`: the login that sees one tenant at a time.
    pub app: Secret,
    /// `DATABASE_SYSTEM_URL`: the login that sees all tenants.
    pub system: Secret,
    /// Connections of the application login; 10 if zero. The system login gets half as many.
    pub max_connections: u32,
    /// Accept a server older than the row-level-security fixes, with a warning.
    pub allow_old_server: bool,
}

impl Db {
    /// Connects as the application and the system login, for a program that needs these migrations (core's come first by themselves),
    /// and refuses logins that could see around row-level security and servers that
    /// are known to have holes in it.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer, or with everything that is dangerous about it.
    pub async fn connect(config: &DatabaseConfig, migrations: &[Migrations], clock: Clock) -> Result<Self, ConnectError> {
        let size = if config.max_connections == 0 { 10 } else { config.max_connections };
        let db = Self {
            inner: Arc::new(Inner {
                app: connections("DATABASE_APP_URL", &config.app, size).await?,
                system: connections("DATABASE_SYSTEM_URL", &config.system, size.div_ceil(2)).await?,
                owner: config.owner.clone(),
                app_url: config.app.clone(),
                clock,
                sets: with_core(migrations).copied().collect(),
                reasons: std::sync::Mutex::default(),
            }),
        };
        db.refuse_danger(config.allow_old_server).await?;
        Ok(db)
    }

    /// Looks at the logins and the tables, and fails with all that is dangerous.
    async fn refuse_danger(&self, allow_old_server: bool) -> Result<(), ConnectError> {
        let mut dangerous = Vec::new();
        for finding in self.findings().await.map_err(ConnectError::Check)? {
            if finding.rule == check::OLD_SERVER && allow_old_server {
                tracing::warn!("{finding}");
            } else if finding.severity == super::Severity::Danger {
                dangerous.push(finding);
            }
        }
        if dangerous.is_empty() { Ok(()) } else { Err(ConnectError::Dangerous(dangerous)) }
    }
}

async fn connections(name: &'static str, url: &Secret, size: u32) -> Result<Connections, ConnectError> {
    let options: PgConnectOptions = url.expose().parse().map_err(|source| ConnectError::Url { name, source })?;
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(5))
        // A ping before each use costs a round trip a request; a dead connection is found and replaced when it is used.
        .test_before_acquire(false)
        .connect_with(options.application_name("saas"))
        .await
        .map(Connections::new)
        .map_err(|source| ConnectError::Connect { name, source })
}

/// The program cannot start on this database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An address cannot be read.
    #[error("{name} is not an address such as postgres://login:password@host/database")]
    Url {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        source: sqlx::Error,
    },
    /// The server does not answer, or refuses the login.
    #[error("the database of {name} cannot be reached: {source}")]
    Connect {
        /// The setting.
        name: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// The logins could not be made.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The database could not be looked at.
    #[error("the database could not be checked: {0}")]
    Check(#[source] super::DbError),
    /// Isolation would not hold.
    #[error("the database is not safe to run on:{}", list(.0))]
    Dangerous(Vec<Finding>),
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n  - {finding}")).collect()
}

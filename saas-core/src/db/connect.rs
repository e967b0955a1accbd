use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use url::Url;

use super::{
    Db, Finding, Inner, Logins, Migrations, ProvisionError, Severity, check, connections::Connections, migrate::with_core, seal::Seal,
};
use crate::{Clock, MasterKey, Secret};

/// Where the database is and how much of it to use.
#[derive(Debug, Clone, Default)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: the owner login, which migrates. Not needed by a node that does not migrate.
    pub owner: Option<Secret>,
    /// `DATABASE_APP_URL`: the login that sees one tenant at a time.
    pub app: Secret,
    /// `DATABASE_SYSTEM_URL`: the login that sees all tenants.
    pub system: Secret,
    /// `DATABASE_DIRECT_URL`: the server itself, where a pooler in transaction mode answers at the two addresses above. What keeps a session
    /// goes there with the logins of those addresses: whoever listens for notices, and the worker of jobs. The owner's address is the server's
    /// own in any case. Nothing is prepared for later then, so each statement takes two round trips instead of one.
    pub direct: Option<Secret>,
    /// Connections of the application login; 10 if zero. The system login gets half as many.
    pub max_connections: u32,
    /// `SAAS_SEALED`: what seals the tenant of each transaction, in a database that [`Db::seal`] has sealed.
    pub seal: Option<MasterKey>,
    /// Accept a server older than the row-level-security fixes, with a warning.
    pub allow_old_server: bool,
}

impl DatabaseConfig {
    /// A login's address at the server itself.
    fn directly(&self, login: &Secret) -> Result<Secret, ConnectError> {
        let Some(direct) = &self.direct else { return Ok(login.clone()) };
        let wrong = |error: url::ParseError| ConnectError::Url { name: "DATABASE_DIRECT_URL", source: sqlx::Error::config(error) };
        let login = Url::parse(login.expose()).map_err(wrong)?;
        let mut url = Url::parse(direct.expose()).map_err(wrong)?;
        let named = url.set_username(login.username()).and_then(|()| url.set_password(login.password()));
        named.map_err(|()| wrong(url::ParseError::EmptyHost))?;
        Ok(Secret::new(url))
    }
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
        // Neither behind a pooler, where a session is somebody else's next, nor sealed, where whoever runs SQL could prepare other statements under the
        // names of ours, may anything that was prepared stay for the next transaction.
        let keeps_nothing = config.direct.is_some() || config.seal.is_some();
        let size = if config.max_connections == 0 { 10 } else { config.max_connections };
        let app = connections("DATABASE_APP_URL", &config.app, size, keeps_nothing).await?;
        let db = Self {
            inner: Arc::new(Inner {
                seal: Seal::of(&app, config.seal.as_ref()).await.map_err(ConnectError::Check)?,
                app,
                system: connections("DATABASE_SYSTEM_URL", &config.system, size.div_ceil(2), keeps_nothing).await?,
                owner: config.owner.clone(),
                direct: Logins { app: config.directly(&config.app)?, system: config.directly(&config.system)? },
                keeps_nothing,
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
        for finding in tolerated(self.findings().await.map_err(ConnectError::Check)?, allow_old_server)? {
            tracing::warn!("{finding}");
        }
        Ok(())
    }
}

/// What is dangerous and lived with, for the log.
fn tolerated(findings: Vec<Finding>, allow_old_server: bool) -> Result<Vec<Finding>, ConnectError> {
    let dangerous = findings.into_iter().filter(|finding| finding.severity == Severity::Danger);
    let (tolerated, refused): (Vec<_>, Vec<_>) = dangerous.partition(|finding| finding.rule == check::OLD_SERVER && allow_old_server);
    if refused.is_empty() { Ok(tolerated) } else { Err(ConnectError::Dangerous(refused)) }
}

async fn connections(name: &'static str, url: &Secret, size: u32, keeps_nothing: bool) -> Result<Connections, ConnectError> {
    let mut options: PgConnectOptions = url.expose().parse().map_err(|source| ConnectError::Url { name, source })?;
    let mut before = "";
    if keeps_nothing {
        // The driver names a statement that it prepares for once too, as whoever had the session before may have done. It is in a transaction of its
        // own, because it looks at the database, after which the next one could not choose its isolation any more.
        options = options.statement_cache_capacity(0);
        before = "begin; deallocate all; commit; ";
    }
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(Duration::from_secs(5))
        // A ping before each use costs a round trip a request; a dead connection is found and replaced when it is used.
        .test_before_acquire(false)
        .connect_with(options.application_name("saas"))
        .await
        .map(|pool| Connections::new(pool, before))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &'static str, severity: Severity) -> Finding {
        Finding { rule, severity, object: rule.to_owned(), message: "is wrong" }
    }

    fn refused(findings: &[Finding], allow_old_server: bool) -> Vec<&'static str> {
        match tolerated(findings.to_vec(), allow_old_server) {
            Err(ConnectError::Dangerous(findings)) => findings.iter().map(|finding| finding.rule).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// T20: by itself a program does not start on such a server; whoever says that they know is warned, and of nothing else.
    #[test]
    fn an_old_server_is_refused_or_warned_of_as_the_setting_says() {
        let old = [finding(check::OLD_SERVER, Severity::Danger), finding("sequence", Severity::Warning)];
        assert_eq!(refused(&old, false), [check::OLD_SERVER]);
        assert_eq!(tolerated(old.to_vec(), true).unwrap(), old[..1]);
        assert!(tolerated(old[1..].to_vec(), false).unwrap().is_empty());
    }

    #[test]
    fn no_other_danger_is_tolerated() {
        let both = [finding(check::OLD_SERVER, Severity::Danger), finding("view", Severity::Danger)];
        assert_eq!(refused(&both, true), ["view"]);
        assert_eq!(refused(&both, false), [check::OLD_SERVER, "view"]);
    }
}

//! Databases for tests: a fresh one per test, as a copy of a migrated template, on one private cluster per workspace.
//!
//! The first test of a process starts or joins the cluster (the absolute path in `SAAS_TEST_DIRECTORY`, else `saas-test` in Cargo's target folder; or the
//! server of `SAAS_TEST_SUPERUSER_URL`). The first that asks for a template of some key makes it, and all others of all processes wait for
//! it. Every database goes away when it is dropped; what a killed process left goes away when the next one starts.
//!
//! # Security
//!
//! Tests run as the logins that a product runs as. A superuser sees through row-level security, so that a test as one proves nothing;
//! [`TestDatabase::superuser_url`] is for arranging what the owner may not.

use std::{error::Error, fmt, io};

use crate::{Logins, Secret, dev::DevError};

mod clone;
mod directory;
mod drops;
mod server;
mod template;

use server::Server;

/// An empty database with an owner login of its own.
pub struct EmptyDatabase {
    name: String,
    owner: Secret,
    superuser: Secret,
    server: &'static Server,
}

impl EmptyDatabase {
    /// Makes a database that holds nothing, for tests of migrations and logins.
    ///
    /// # Errors
    ///
    /// Fails if the cluster does not start or refuses.
    pub async fn create() -> Result<Self, TestDatabaseError> {
        let server = Server::get().await?;
        let name = server.new_name();
        let owner = clone::create_empty(server, &name).await?;
        Ok(Self::over(server, name, owner))
    }

    fn over(server: &'static Server, name: String, owner: Secret) -> Self {
        let superuser = server.superuser_url(&name);
        Self { name, owner, superuser, server }
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address for the login that owns the database: it may migrate and make logins, and is no superuser.
    #[must_use]
    pub fn owner_url(&self) -> &Secret {
        &self.owner
    }

    /// The address for the cluster's superuser. For arranging only; see the module's security section.
    #[must_use]
    pub fn superuser_url(&self) -> &Secret {
        &self.superuser
    }
}

impl fmt::Debug for EmptyDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmptyDatabase").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for EmptyDatabase {
    fn drop(&mut self) {
        drops::later(self.server, std::mem::take(&mut self.name));
    }
}

/// A migrated database that belongs to one test.
#[derive(Debug)]
pub struct TestDatabase {
    database: EmptyDatabase,
    logins: Logins,
}

impl TestDatabase {
    /// Makes a copy of the template with this key; `prepare` makes the template where there is none yet.
    ///
    /// The key stands for everything that the template holds, so it should be a hash of the migrations and seeds: another content under
    /// the same key would be taken for the first. `prepare` receives the address of an empty database for its owner, migrates it, and
    /// returns the logins that it made. They are made once: all copies are reached through the same logins and passwords.
    ///
    /// # Errors
    ///
    /// Fails if the cluster does not start or refuses, or with what `prepare` says.
    pub async fn from_template<E>(key: &str, prepare: impl AsyncFnOnce(&Secret) -> Result<Logins, E>) -> Result<Self, TestDatabaseError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let server = Server::get().await?;
        let template = template::get(server, key, prepare).await?;
        let name = server.new_name();
        clone::create_from(server, &name, &template.name).await?;
        Ok(Self {
            logins: Logins { app: at(&template.logins.app, &name)?, system: at(&template.logins.system, &name)? },
            database: EmptyDatabase::over(server, name.clone(), at(&template.owner, &name)?),
        })
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.database.name()
    }

    /// The address for the login that owns the database: it may migrate, and is no superuser.
    #[must_use]
    pub fn owner_url(&self) -> &Secret {
        self.database.owner_url()
    }

    /// The addresses for the two logins that a product runs as.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.logins
    }

    /// The same database, with its logins at other addresses, such as a pooler's.
    #[must_use]
    pub fn with_logins(mut self, logins: Logins) -> Self {
        self.logins = logins;
        self
    }

    /// The address for the cluster's superuser. For arranging only; see the module's security section.
    #[must_use]
    pub fn superuser_url(&self) -> &Secret {
        self.database.superuser_url()
    }
}

/// The same address for another database.
fn at(url: &Secret, database: &str) -> Result<Secret, TestDatabaseError> {
    let mut url = url::Url::parse(url.expose()).map_err(TestDatabaseError::Url)?;
    url.set_path(database);
    Ok(Secret::new(url))
}

/// Why there is no database to test with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestDatabaseError {
    /// The cluster did not start.
    #[error("the tests' cluster is not available")]
    Cluster(#[from] DevError),
    /// There is no target folder above the test program.
    #[error("no Cargo target folder was found above the test program; set SAAS_TEST_DIRECTORY to a folder for the tests' cluster")]
    NoDirectory(#[source] Option<io::Error>),
    /// An address is no URL.
    #[error("the address of a test database must look like postgres://login:password@host:port/database")]
    Url(#[source] url::ParseError),
    /// `SAAS_TEST_SUPERUSER_URL` names an ordinary login.
    #[error("the login of SAAS_TEST_SUPERUSER_URL must be a superuser: it makes and copies databases, and the tests do not run as it")]
    NoSuperuser,
    /// The server refused.
    #[error("the tests' server refused to {action}")]
    Database {
        /// What was asked, as a verb.
        action: &'static str,
        /// The server's answer.
        #[source]
        source: sqlx::Error,
    },
    /// The caller could not make the template.
    #[error("the template database could not be prepared")]
    Prepare(#[source] Box<dyn Error + Send + Sync>),
    /// The system gives no more threads.
    #[error("the thread behind the test databases does not start")]
    Runtime(#[source] io::Error),
    /// The runtime behind the test databases ended.
    #[error("the work on a test database was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

fn refused(action: &'static str) -> impl FnOnce(sqlx::Error) -> TestDatabaseError {
    move |source| TestDatabaseError::Database { action, source }
}

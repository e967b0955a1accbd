//! Roles and logins.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use url::Url;

use crate::Secret;

/// What a database needs before its first migration.
pub(super) const PROVISION: &str = include_str!("../../migrations/provision.sql");

/// Addresses of the two logins that the program runs as.
#[derive(Debug, Clone)]
pub struct Logins {
    /// `DATABASE_APP_URL`: sees one tenant at a time.
    pub app: Secret,
    /// `DATABASE_SYSTEM_URL`: sees all of them.
    pub system: Secret,
}

/// Makes (or gives new passwords to) the logins `<database>_app` and `<database>_system`, as members of the group roles that the policies
/// name. `password` is asked for each login's password.
///
/// # Errors
///
/// Fails if the owner login may not create roles, or the database is away.
pub async fn provision(owner: &Secret, mut password: impl FnMut(&str) -> Secret) -> Result<Logins, ProvisionError> {
    let url = Url::parse(owner.expose())?;
    let mut connection = PgConnection::connect(owner.expose()).await?;
    prepare(&mut connection).await?;
    let database: String = sqlx::query_scalar("select current_database()").fetch_one(&mut connection).await?;
    let mut login = async |suffix: &str| -> Result<Secret, ProvisionError> {
        let name = format!("{database}_{suffix}");
        let secret = password(&name);
        for statement in [
            format!(
                "do $do$ begin create role {role} login; exception when duplicate_object or unique_violation then null; end $do$",
                role = identifier(&name)
            ),
            format!("alter role {} login password {}", identifier(&name), literal(secret.expose())),
            format!("grant saas_{suffix} to {}", identifier(&name)),
            format!("grant connect on database {} to {}", identifier(&database), identifier(&name)),
            format!("alter role {} in database {} set search_path = data, pg_catalog", identifier(&name), identifier(&database)),
            format!("alter role {} in database {} set statement_timeout = '30s'", identifier(&name), identifier(&database)),
            format!(
                "alter role {} in database {} set idle_in_transaction_session_timeout = '60s'",
                identifier(&name),
                identifier(&database)
            ),
        ] {
            execute(&mut connection, statement).await?;
        }
        let mut url = url.clone();
        url.set_username(&name).map_err(|()| ProvisionError::NotAServer)?;
        url.set_password(Some(secret.expose())).map_err(|()| ProvisionError::NotAServer)?;
        Ok(Secret::new(url))
    };
    let logins = Logins { app: login("app").await?, system: login("system").await? };
    connection.close().await?;
    Ok(logins)
}

/// Runs what every database needs first. Repeated, because roles belong to the cluster and two databases may be at it together.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    execute(connection, PROVISION.to_owned()).await
}

async fn execute(connection: &mut PgConnection, statements: String) -> Result<(), sqlx::Error> {
    const TRIES: u32 = 20;
    for _ in 1..TRIES {
        match connection.execute(AssertSqlSafe(statements.clone())).await {
            Err(error) if is_concurrent_update(&error) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            result => return result.map(drop),
        }
    }
    connection.execute(AssertSqlSafe(statements)).await.map(drop)
}

/// "tuple concurrently updated": two sessions changed the same role or schema. The server has no better code for it than XX000.
fn is_concurrent_update(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.message().starts_with("tuple concurrently") || error.code().is_some_and(|code| code == "23505" || code == "40P01")
    })
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The logins could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The owner's address is no URL.
    #[error("DATABASE_URL is not an address such as postgres://owner:password@host/database")]
    Url(#[from] url::ParseError),
    /// The owner's address names no server.
    #[error("DATABASE_URL names no server")]
    NotAServer,
    /// The server does not answer.
    #[error("the database of DATABASE_URL cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// The database refused; the owner login needs CREATEROLE.
    #[error("the roles could not be made: the login of DATABASE_URL must own the database and have CREATEROLE")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for ProvisionError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => Self::Unreachable(error),
            _ => Self::Database(error),
        }
    }
}

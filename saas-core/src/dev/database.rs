//! The database in the cluster and the login that owns it.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::DevError;

/// The longest name that leaves room for the suffixes of its logins in PostgreSQL's 63 bytes.
const LONGEST_NAME: usize = 50;
const PATIENCE: Duration = Duration::from_secs(60);

/// A database name that needs no quoting anywhere.
#[derive(Clone, Debug)]
pub(super) struct DatabaseName(String);

impl DatabaseName {
    pub(super) fn parse(name: &str) -> Result<Self, DevError> {
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let reserved = matches!(name, "postgres" | "template0" | "template1");
        if plain && !reserved && name.len() <= LONGEST_NAME {
            return Ok(Self(name.to_owned()));
        }
        Err(DevError::Name { name: name.to_owned() })
    }
}

/// The addresses of one database.
#[derive(Clone)]
pub(super) struct Urls {
    pub(super) owner: String,
    pub(super) superuser: String,
}

impl Urls {
    pub(super) fn new(name: &DatabaseName, port: u16, secret: &str) -> Self {
        let DatabaseName(name) = name;
        let password = owner_password(name, secret);
        Self {
            owner: format!("postgres://{name}_owner:{password}@127.0.0.1:{port}/{name}"),
            superuser: format!("postgres://postgres:{secret}@127.0.0.1:{port}/{name}"),
        }
    }
}

/// What [`ensure`] found.
pub(super) struct Ready {
    pub(super) existed: bool,
    pub(super) version: String,
}

/// Creates the database and its owner where they are missing. The caller holds the start lock.
pub(super) async fn ensure(DatabaseName(name): &DatabaseName, secret: &str, port: u16) -> Result<Ready, DevError> {
    let work = async {
        let url = format!("postgres://postgres:{secret}@127.0.0.1:{port}/postgres?sslmode=disable");
        let mut connection = PgConnection::connect(&url).await.map_err(refused(port, "let its superuser in"))?;
        let found = sqlx::query("select exists (select from pg_database where datname = $1), current_setting('server_version')")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .map_err(refused(port, "list its databases"))?;
        let existed: bool = found.get(0);
        let version: String = found.get(1);
        if !existed {
            create(&mut connection, name, &owner_password(name, secret), port).await?;
        }
        connection.close().await.map_err(refused(port, "say good-bye"))?;
        Ok(Ready { existed, version: version.split(' ').next().unwrap_or_default().to_owned() })
    };
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(refused(port, "answer in time")(sqlx::Error::PoolTimedOut)))
}

fn refused(port: u16, action: &'static str) -> impl FnOnce(sqlx::Error) -> DevError {
    move |source| DevError::Database { port, action, source }
}

/// The owner's password follows from the superuser's, so there is nothing more to keep; the reverse is not possible.
fn owner_password(name: &str, secret: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"saas development database owner\0");
    hash.update(name);
    hash.update(b"\0");
    hash.update(secret);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Creates a login that can own a database, migrate it and create its logins, and is no superuser.
///
/// The three group roles are made here because they belong to the whole cluster: since PostgreSQL 16 a role can be
/// granted only by who was given it with the admin option, and a second database's owner would not have been. The
/// owner is a member of `saas_owner`; of the other two it may only pass on the membership, because the policies for
/// them would apply to it as well.
///
/// Login and password must not need quoting.
pub(crate) async fn create_owner(connection: &mut PgConnection, login: &str, password: &str) -> Result<(), sqlx::Error> {
    let statement = format!(
        r"
        do $$
        declare
            group_role text;
        begin
            foreach group_role in array array['saas_owner', 'saas_app', 'saas_system'] loop
                begin
                    execute format('create role %I nologin', group_role);
                exception when duplicate_object or unique_violation then
                    null;
                end;
            end loop;
            if exists (select from pg_roles where rolname = '{login}') then
                alter role {login} login createrole password '{password}';
            else
                create role {login} login createrole password '{password}';
            end if;
            if current_setting('server_version_num')::int >= 160000 then
                execute 'grant saas_owner to {login} with admin true, inherit true, set true';
                execute 'grant saas_app, saas_system to {login} with admin true, inherit false, set false';
            else
                grant saas_owner to {login};
            end if;
        end
        $$
        "
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    Ok(())
}

async fn create(connection: &mut PgConnection, name: &str, password: &str, port: u16) -> Result<(), DevError> {
    let owner = format!("{name}_owner");
    create_owner(connection, &owner, password).await.map_err(refused(port, "create the owner's login"))?;
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner {owner}")))
        .execute(connection)
        .await
        .map_err(refused(port, "create the database"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::DatabaseName;

    #[test]
    fn a_name_that_would_need_quoting_is_refused() {
        assert!(DatabaseName::parse("monitoring_2").is_ok());
        for name in ["", "2fast", "Monitoring", "a-b", "a b", "a\"b", "postgres", "template1", &"a".repeat(51)] {
            assert!(DatabaseName::parse(name).is_err(), "{name}");
        }
    }
}

//! Templates: databases that are prepared once and copied often.

use std::{error::Error, sync::Arc};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{
    TestDatabaseError, drops, refused,
    server::{Server, run},
};
use crate::{Logins, Secret, dev};

/// Part of every key: raise it when templates are made in another way.
const FORMAT: u32 = 1;

/// Held while a template is made. One for all, because migrations also touch the cluster's roles, which they share.
const MAKING: i64 = 5_432_001;

/// A template that is ready to be copied.
pub(super) struct Template {
    pub(super) name: String,
    pub(super) owner: Secret,
    pub(super) logins: Logins,
}

/// Finds the template or has it made.
pub(super) async fn get<E>(
    server: &'static Server,
    key: &str,
    prepare: impl AsyncFnOnce(&Secret) -> Result<Logins, E>,
) -> Result<Arc<Template>, TestDatabaseError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let name = name_of(key);
    // Held until the template is ready, so that the tests of one process do not queue up on the server.
    let mut known = server.templates.lock().await;
    if let Some(template) = known.get(&name) {
        return Ok(template.clone());
    }
    let template = match begin(server, name.clone()).await? {
        Begun::Ready(template) => template,
        Begun::Empty(making) => {
            // Cancelled or failed, the connection closes, the lock is free, and whoever comes next finds no entry and begins anew.
            let logins = prepare(&making.owner).await.map_err(|error| TestDatabaseError::Prepare(error.into()))?;
            run(making.finish(logins)).await?
        }
    };
    let template = Arc::new(template);
    known.insert(name, template.clone());
    Ok(template)
}

fn name_of(key: &str) -> String {
    let digest = Sha256::digest(format!("{FORMAT}\0{key}"));
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("template_{hash}")
}

/// The number that a template's users hold a shared advisory lock on.
pub(super) fn lock_of(name: &str) -> i64 {
    let digest = Sha256::digest(name);
    digest.iter().take(7).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

enum Begun {
    Ready(Template),
    Empty(Making),
}

/// An empty database that is to become a template.
struct Making {
    name: String,
    owner: Secret,
    /// Holds [`MAKING`].
    connection: PgConnection,
}

async fn begin(server: &'static Server, name: String) -> Result<Begun, TestDatabaseError> {
    run(async move {
        // Before the first look: from now on nobody prunes it.
        sqlx::query("select pg_advisory_lock_shared($1)")
            .bind(lock_of(&name))
            .execute(&mut *server.session.lock().await)
            .await
            .map_err(refused("take a lock"))?;
        let mut connection = server.connection().await?.detach();
        if let Some(template) = find(&mut connection, &name).await? {
            return Ok(Begun::Ready(template));
        }
        sqlx::query("select pg_advisory_lock($1)").bind(MAKING).execute(&mut connection).await.map_err(refused("take a lock"))?;
        if let Some(template) = find(&mut connection, &name).await? {
            return Ok(Begun::Ready(template));
        }
        drops::unfinished(&mut connection).await?;
        drops::prune(&mut connection).await?;

        let login = format!("{name}_owner");
        let password = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        dev::create_owner(&mut connection, &login, &password).await.map_err(refused("make an owner's login"))?;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner {login}")))
            .execute(&mut connection)
            .await
            .map_err(refused("make a template"))?;
        let owner = server.url(&login, &password, &name)?;
        Ok(Begun::Empty(Making { name, owner, connection }))
    })
    .await
}

async fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Template>, TestDatabaseError> {
    let row = sqlx::query(
        r"
        update saas_testing.template
        set used_at = now()
        where name = $1 and exists (select from pg_database where datname = $1)
        returning owner, app, system
        ",
    )
    .bind(name)
    .fetch_optional(connection)
    .await
    .map_err(refused("look for a template"))?;
    let secret = |row: &sqlx::postgres::PgRow, column| Secret::new(row.get::<String, _>(column));
    Ok(row.map(|row| Template {
        name: name.to_owned(),
        owner: secret(&row, 0),
        logins: Logins { app: secret(&row, 1), system: secret(&row, 2) },
    }))
}

impl Making {
    async fn finish(self, logins: Logins) -> Result<Template, TestDatabaseError> {
        let Self { name, owner, mut connection } = self;
        // A database is copied only while nobody is connected to it.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "
            alter database {name} allow_connections false;
            select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}';
            "
        )))
        .execute(&mut connection)
        .await
        .map_err(refused("close a template"))?;
        sqlx::query("insert into saas_testing.template (name, owner, app, system) values ($1, $2, $3, $4)")
            .bind(&name)
            .bind(owner.expose())
            .bind(logins.app.expose())
            .bind(logins.system.expose())
            .execute(&mut connection)
            .await
            .map_err(refused("note a template"))?;
        connection.close().await.map_err(refused("say good-bye"))?;
        Ok(Template { name, owner, logins })
    }
}

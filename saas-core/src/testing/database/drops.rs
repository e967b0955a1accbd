//! Taking databases away, so that nothing piles up.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    TestDatabaseError, refused,
    server::{Server, runtime},
    template::lock_of,
};

/// Templates that are kept for the next run: one per crate of a workspace, and those of the branch one comes from.
const KEPT_TEMPLATES: i64 = 16;

/// Drops a database some time soon. What is not done when the process ends is left to the next one's [`collect`].
pub(super) fn later(server: &'static Server, name: String) {
    let work = async move {
        // One at a time: tests that wait for their database go first.
        let _turn = server.drops.acquire().await;
        let mut connection = server.connection().await?;
        database(&mut connection, &name).await?;
        forget(&mut connection, &name).await
    };
    let Ok(runtime) = runtime() else { return };
    runtime.spawn(async move {
        if let Err(error) = work.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a test database is left to the next process");
        }
    });
}

/// Drops the databases of processes that have gone.
pub(super) async fn collect(connection: &mut PgConnection) -> Result<(), TestDatabaseError> {
    let left: Vec<String> = sqlx::query_scalar(
        r"
        select name
        from saas_testing.copy
        where not exists (
            select from pg_locks
            where locktype = 'advisory'
                and database = (select oid from pg_database where datname = current_database())
                and classid::bigint << 32 | objid::bigint = process
                and granted
        )
        ",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("list the databases of other processes"))?;
    for name in left {
        // Another process may be at the same one; then it is gone for both.
        if tidy(connection, &name).await {
            forget(connection, &name).await?;
        }
    }
    Ok(())
}

/// Drops what killed processes left of templates that they were making. The caller holds the lock for making them.
pub(super) async fn unfinished(connection: &mut PgConnection) -> Result<(), TestDatabaseError> {
    let left: Vec<String> = sqlx::query_scalar(
        r"
        select datname::text
        from pg_database
        where datname ~ '^template_[0-9a-f]{16}$' and datname not in (select name from saas_testing.template)
        ",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("list unfinished templates"))?;
    for name in left {
        tidy(connection, &name).await;
    }
    Ok(())
}

/// Drops the templates that were not used for longest, beyond those that are kept, unless a process uses them.
pub(super) async fn prune(connection: &mut PgConnection) -> Result<(), TestDatabaseError> {
    let old: Vec<String> = sqlx::query_scalar("select name from saas_testing.template order by used_at desc offset $1")
        .bind(KEPT_TEMPLATES - 1)
        .fetch_all(&mut *connection)
        .await
        .map_err(refused("list templates"))?;
    for name in old {
        let free: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
            .bind(lock_of(&name))
            .fetch_one(&mut *connection)
            .await
            .map_err(refused("take a lock"))?;
        if !free {
            continue;
        }
        // The entry first: without it, what is left counts as half made.
        sqlx::query("delete from saas_testing.template where name = $1")
            .bind(&name)
            .execute(&mut *connection)
            .await
            .map_err(refused("forget a template"))?;
        tidy(connection, &name).await;
        sqlx::query("select pg_advisory_unlock($1)")
            .bind(lock_of(&name))
            .execute(&mut *connection)
            .await
            .map_err(refused("release a lock"))?;
    }
    Ok(())
}

/// Drops what nobody needs; whether it did. What stays for now is no reason to fail a test.
async fn tidy(connection: &mut PgConnection, name: &str) -> bool {
    match database(connection, name).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "a left test database could not be dropped");
            false
        }
    }
}

/// Drops a database, whoever is connected, and the logins that are named after it.
async fn database(connection: &mut PgConnection, name: &str) -> Result<(), TestDatabaseError> {
    sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
        .execute(&mut *connection)
        .await
        .map_err(refused("drop a database"))?;
    sqlx::raw_sql(AssertSqlSafe(format!("drop role if exists {name}_app, {name}_system, {name}_owner")))
        .execute(connection)
        .await
        .map_err(refused("drop the logins of a database"))?;
    Ok(())
}

async fn forget(connection: &mut PgConnection, name: &str) -> Result<(), TestDatabaseError> {
    sqlx::query("delete from saas_testing.copy where name = $1")
        .bind(name)
        .execute(connection)
        .await
        .map_err(refused("forget a database"))?;
    Ok(())
}

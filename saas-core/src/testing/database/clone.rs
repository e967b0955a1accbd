//! Making the database of one test.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    TestDatabaseError, refused,
    server::{Server, run},
};
use crate::{Secret, dev};

/// An empty database with an owner of its own; answers the owner's address.
pub(super) async fn create_empty(server: &'static Server, name: &str) -> Result<Secret, TestDatabaseError> {
    let name = name.to_owned();
    run(async move {
        let mut connection = server.connection().await?;
        note(server, &mut connection, &name).await?;
        let login = format!("{name}_owner");
        let password = uuid::Uuid::new_v4().simple().to_string();
        dev::create_owner(&mut connection, &login, &password).await.map_err(refused("make an owner's login"))?;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner {login}")))
            .execute(&mut *connection)
            .await
            .map_err(refused("make a database"))?;
        server.url(&login, &password, &name)
    })
    .await
}

/// A copy of a template.
pub(super) async fn create_from(server: &'static Server, name: &str, template: &str) -> Result<(), TestDatabaseError> {
    let (name, template) = (name.to_owned(), template.to_owned());
    run(async move {
        let mut connection = server.connection().await?;
        note(server, &mut connection, &name).await?;
        copy(&mut connection, &name, &template).await?;
        replay(&mut connection, &name, &template).await
    })
    .await
}

/// Notes the database before it exists, so that it is found whenever this process ends.
async fn note(server: &Server, connection: &mut PgConnection, name: &str) -> Result<(), TestDatabaseError> {
    sqlx::query("insert into saas_testing.copy (name, process) values ($1, $2)")
        .bind(name)
        .bind(server.process)
        .execute(connection)
        .await
        .map_err(refused("note a database"))?;
    Ok(())
}

async fn copy(connection: &mut PgConnection, name: &str, template: &str) -> Result<(), TestDatabaseError> {
    // The owner of a copy is whoever makes it, unless it is said.
    let statement = format!("create database {name} template {template} owner {template}_owner strategy file_copy");
    let mut left = 20;
    loop {
        match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *connection).await {
            Ok(_) => return Ok(()),
            Err(error) if left > 0 && is_in_use(&error) => {
                left -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(refused("copy a template")(error)),
        }
    }
}

/// The template's last sessions are still ending.
fn is_in_use(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55006"))
}

/// What belongs to a database and is not in it, so that a copy lacks it: who may connect and make temporary tables, and the settings of
/// roles in it.
async fn replay(connection: &mut PgConnection, name: &str, template: &str) -> Result<(), TestDatabaseError> {
    let statement = format!(
        r"
        do $$
        declare
            statement text;
        begin
            if exists (select from pg_database where datname = '{template}' and datacl is not null) then
                revoke all on database {name} from public;
            end if;
            for statement in
                select format(
                    'grant %s on database {name} to %s%s',
                    acl.privilege_type,
                    case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end,
                    case when acl.is_grantable then ' with grant option' else '' end
                )
                from pg_database, aclexplode(datacl) acl
                where datname = '{template}'
            loop
                execute statement;
            end loop;
            for statement in
                select format(
                    'alter %s set %s to %s',
                    case
                        when setting.setrole = 0 then 'database {name}'
                        else format('role %s in database {name}', setting.setrole::regrole)
                    end,
                    quote_ident(split_part(entry, '=', 1)),
                    -- Lists of names are stored as they are written in a statement; everything else is a plain value.
                    case
                        when split_part(entry, '=', 1) in
                            ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
                            then substr(entry, strpos(entry, '=') + 1)
                        else quote_literal(substr(entry, strpos(entry, '=') + 1))
                    end
                )
                from pg_db_role_setting setting
                join pg_database on pg_database.oid = setting.setdatabase
                cross join unnest(setting.setconfig) entry
                where datname = '{template}'
            loop
                execute statement;
            end loop;
        end
        $$
        "
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map_err(refused("copy a template's settings"))?;
    Ok(())
}

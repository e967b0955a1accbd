//! Application logins that could see around the wall: none of them gets the program to start.

use saas_core::{
    DatabaseConfig, Db, Logins, Secret, provision,
    testing::{EmptyDatabase, TestDb},
};
use sqlx::{Connection as _, PgConnection};

use crate::planted::{as_superuser, config, login, refusal, run};

/// What a program is told that starts with the login `{name}_app`, made like this.
async fn refused(statements: &str) -> (TestDb, Vec<String>) {
    let test = TestDb::new(&[]).await.unwrap();
    let owner = url::Url::parse(test.database.owner_url().expose()).unwrap().username().to_owned();
    let common = "create role {name}_app login password 'test'; grant saas_app to {name}_app;
        grant connect on database {name} to {name}_app;
        alter role {name}_app in database {name} set search_path = data, pg_catalog;";
    as_superuser(&test, &format!("{common} {}", statements.replace("{owner}", &owner))).await;
    let mut config = config(&test);
    config.app = login(&test, "{name}_app");
    let refusal = refusal(&config, &[]).await;
    let names = [(test.database.name().to_owned(), "{name}"), (owner, "{owner}")];
    let refusal = refusal.into_iter().map(|line| names.iter().fold(line, |line, (name, mark)| line.replace(name, mark))).collect();
    (test, refusal)
}

#[tokio::test]
async fn a_login_of_the_application_alone_is_accepted() {
    assert_eq!(refused("").await.1, Vec::<String>::new());
}

/// T01, TEN-03
#[tokio::test]
async fn a_superuser_is_refused() {
    let (_test, refusal) = refused("alter role {name}_app superuser").await;
    assert!(refusal.contains(&"login-bypass: {name}_app through {name}_app (superuser)".to_owned()), "{refusal:?}");
}

/// T02, TEN-03
#[tokio::test]
async fn a_login_that_bypasses_row_security_is_refused() {
    let (_test, refusal) = refused("alter role {name}_app bypassrls").await;
    assert_eq!(refusal, ["login-bypass: {name}_app through {name}_app (bypassrls)"]);
}

/// T03, TEN-03
#[tokio::test]
async fn a_login_that_owns_anything_is_refused() {
    let (_test, refusal) = refused(
        "alter table core.member owner to {name}_app;
         alter function core.member_keep_owner() owner to {name}_app;
         revoke truncate, references, trigger on core.member from {name}_app",
    )
    .await;
    assert_eq!(refusal, ["login-owner: table core.member", "login-owner: function core.member_keep_owner()"]);
    // Who owns a schema may drop what is in it.
    let (_test, refusal) = refused("alter schema data owner to {name}_app; revoke create on schema data from {name}_app").await;
    assert_eq!(refusal, ["login-owner: schema data"]);
    let (_test, refusal) = refused("alter database {name} owner to {name}_app").await;
    assert!(refusal.contains(&"login-owner: database {name}".to_owned()), "{refusal:?}");
}

/// T04, TEN-03
#[tokio::test]
async fn a_login_that_can_become_the_owner_is_refused() {
    let (_test, refusal) = refused("grant {owner} to {name}_app").await;
    for expected in ["login-owner: table core.member", "login-shared: saas_owner", "login-power: {name}_app through {owner} (createrole)"] {
        assert!(refusal.contains(&expected.to_owned()), "{expected}: {refusal:?}");
    }
}

/// T04, TEN-03: also in two steps, and without inheriting.
#[tokio::test]
async fn a_login_that_can_become_somebody_who_bypasses_row_security_is_refused() {
    let steps = |right: &str| {
        format!(
            "create role {{name}}_owner {right};
             create role {{name}}_system;
             grant {{name}}_owner to {{name}}_system;
             grant {{name}}_system to {{name}}_app"
        )
    };
    for right in ["superuser", "bypassrls"] {
        let (_test, refusal) = refused(&steps(right)).await;
        assert_eq!(refusal, [format!("login-bypass: {{name}}_app through {{name}}_owner ({right})")]);
    }
}

/// T04, TEN-03
#[tokio::test]
async fn a_login_that_is_also_the_system_is_refused() {
    let (_test, refusal) = refused("grant saas_system to {name}_app").await;
    assert_eq!(refusal, ["login-shared: saas_system"]);
}

/// T04: who makes roles can join any of them; who replicates reads everything; a server's predefined roles read files or tables.
#[tokio::test]
async fn a_login_with_power_over_the_server_is_refused() {
    for (right, what) in [("createrole", "createrole"), ("replication", "replication"), ("createdb", "createdb")] {
        let (_test, refusal) = refused(&format!("alter role {{name}}_app {right}")).await;
        assert_eq!(refusal, [format!("login-power: {{name}}_app through {{name}}_app ({what})")]);
    }
    let (_test, refusal) = refused("grant pg_read_server_files to {name}_app").await;
    assert_eq!(refusal, ["login-power: {name}_app through pg_read_server_files (a right over the whole server)"]);
}

/// T17, T51
#[tokio::test]
async fn an_extension_that_opens_connections_or_files_from_the_server_is_not_the_applications() {
    let test = TestDb::new(&[]).await.unwrap();
    let there = crate::planted::truth(&test, "select name::text from pg_available_extensions where name = 'dblink'").await;
    assert!(!there.is_empty(), "install PostgreSQL's own extensions: postgresql-contrib, which Debian has in the server's package");
    as_superuser(&test, "create extension dblink schema data").await;
    let refusal = refusal(&config(&test), &[]).await;
    assert!(refusal.iter().any(|line| line.starts_with("privilege: execute on dblink(text)")), "{refusal:?}");
}

/// TEN-03: two products in one cluster, each with logins of its own in groups that both share.
#[tokio::test]
async fn a_login_of_one_product_does_not_get_into_the_database_of_another() {
    let databases = [migrated().await, migrated().await];
    let logins = [provisioned(&databases[0]).await, provisioned(&databases[1]).await];
    for (own, other) in [(0, 1), (1, 0)] {
        for login in [&logins[own].app, &logins[own].system] {
            assert_eq!(enters(login, databases[own].name()).await, Ok(()));
            assert_eq!(enters(login, databases[other].name()).await, Err("42501".to_owned()));
        }
    }
}

/// TEN-03: until this release the groups could connect.
#[tokio::test]
async fn a_database_that_all_products_could_enter_is_refused_until_it_is_migrated() {
    let database = migrated().await;
    let logins = provisioned(&database).await;
    let name = database.name();
    let before = format!(
        "revoke connect on database {name} from {name}_app, {name}_system; grant connect on database {name} to saas_app, saas_system"
    );
    run(database.owner_url(), before).await;
    let config = DatabaseConfig {
        app: logins.app.clone(),
        system: logins.system.clone(),
        max_connections: 2,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    let refused = ["database-shared: connect for saas_app", "database-shared: connect for saas_system"];
    assert_eq!(refusal(&config, &[]).await, refused);
    Db::migrate_as(database.owner_url(), &[]).await.unwrap();
    assert_eq!(refusal(&config, &[]).await, Vec::<String>::new());
}

async fn migrated() -> EmptyDatabase {
    let database = EmptyDatabase::create().await.unwrap();
    Db::migrate_as(database.owner_url(), &[]).await.unwrap();
    database
}

async fn provisioned(database: &EmptyDatabase) -> Logins {
    provision(database.owner_url(), |_| Secret::new("test")).await.unwrap()
}

/// Connects to this database, or gets the server's code for the refusal.
async fn enters(login: &Secret, database: &str) -> Result<(), String> {
    let mut url = url::Url::parse(login.expose()).unwrap();
    url.set_path(database);
    match PgConnection::connect(url.as_str()).await {
        Ok(connection) => {
            connection.close().await.unwrap();
            Ok(())
        }
        Err(error) => Err(error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap().into_owned()),
    }
}

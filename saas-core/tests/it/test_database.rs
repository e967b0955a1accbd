//! Databases for tests: copies of a template, on a cluster that test programs share.

use std::{
    convert::Infallible,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use saas_core::{
    Logins, Secret,
    testing::{EmptyDatabase, TestDatabase},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::program::{Program, wait_until};

const SOON: Duration = Duration::from_secs(30);

async fn connect(url: &Secret) -> PgConnection {
    PgConnection::connect(url.expose()).await.unwrap()
}

async fn value<T>(url: &Secret, statement: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let mut connection = connect(url).await;
    let value = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    value
}

async fn run(url: &Secret, statements: String) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A small product's database: what a migration and `provision` would leave, with settings of every kind.
async fn prepare(owner: &Secret) -> Result<Logins, Infallible> {
    let url = url::Url::parse(owner.expose()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    run(
        owner,
        format!(
            r"
            revoke all on database {name} from public;
            grant connect on database {name} to saas_app, saas_system;
            create schema data;
            create table data.device (tenant_id bigint, id bigint, primary key (tenant_id, id));
            alter table data.device enable row level security;
            alter table data.device force row level security;
            create policy everything on data.device to saas_app using (true);
            create policy tenant on data.device as restrictive to saas_app
                using (tenant_id = (select nullif(current_setting('saas.tenant_id', true), '')::bigint));
            create policy owner on data.device to saas_owner using (true) with check (true);
            grant usage on schema data to saas_app;
            grant select on data.device to saas_app;
            insert into data.device values (1, 10), (2, 20), (2, 21);
            create role {name}_app login password 'app';
            create role {name}_system login password 'system';
            grant saas_app to {name}_app;
            grant saas_system to {name}_system;
            alter role {name}_app in database {name} set search_path = data, pg_catalog;
            alter role {name}_app in database {name} set statement_timeout = '31s';
            alter role {name}_app in database {name} set application_name = 'it''s = here';
            alter database {name} set lock_timeout = '17s';
            "
        ),
    )
    .await;
    let login = |suffix: &str| {
        let mut url = url.clone();
        url.set_username(&format!("{name}_{suffix}")).unwrap();
        url.set_password(Some(suffix)).unwrap();
        Secret::new(url)
    };
    Ok(Logins { app: login("app"), system: login("system") })
}

async fn copy() -> TestDatabase {
    TestDatabase::from_template("a small product", prepare).await.unwrap()
}

#[tokio::test]
async fn a_copy_has_the_templates_rows_rights_and_settings() {
    let database = copy().await;
    let app = &database.logins().app;
    assert_eq!(value::<String>(app, "select current_database()::text").await, database.name());
    assert_eq!(value::<String>(app, "show search_path").await, "data, pg_catalog");
    assert_eq!(value::<String>(app, "show statement_timeout").await, "31s");
    assert_eq!(value::<String>(app, "show lock_timeout").await, "17s");
    assert_eq!(value::<String>(app, "show application_name").await, "it's = here");
    assert_eq!(value::<i64>(app, "select count(*) from device").await, 0);
    assert_eq!(value::<i64>(app, "select count(*) from device, set_config('saas.tenant_id', '2', false)").await, 2);
    assert_eq!(value::<i64>(database.owner_url(), "select count(*) from data.device").await, 3);

    let rights = "select concat(has_database_privilege('public', current_database(), 'connect'),
        has_database_privilege('public', current_database(), 'temp'),
        has_database_privilege('saas_app', current_database(), 'connect'),
        has_database_privilege('saas_app', current_database(), 'temp'),
        has_database_privilege(current_user, current_database(), 'create'))";
    assert_eq!(value::<String>(database.owner_url(), rights).await, "fftft");
}

/// Everything in the catalogue that is about a database and not in it.
#[tokio::test]
async fn a_copy_differs_from_its_template_in_nothing_but_its_name() {
    let database = copy().await;
    let of = |column: &str| {
        format!(
            r"
            select concat(
                datdba::regrole, ' ', encoding, ' ', datcollate, ' ', datctype, ' ', datconnlimit, ' ', dattablespace, ' ',
                (select array_agg(entry::text order by entry::text) from unnest(datacl) entry), ' ',
                (select array_agg(concat(setrole::regrole, setconfig) order by setrole)
                 from pg_db_role_setting where setdatabase = pg_database.oid)
            )
            from pg_database
            where datname = {column}
            "
        )
    };
    let template = "(select regexp_replace(datdba::regrole::text, '_owner$', '') from pg_database where datname = current_database())";
    let copied: String = value(database.superuser_url(), &of("current_database()")).await;
    let original: String = value(database.superuser_url(), &of(template)).await;
    assert!(original.contains("statement_timeout=31s"), "{original}");
    assert_eq!(copied, original);
}

#[tokio::test]
async fn no_login_of_a_test_is_a_superuser_or_passes_by_row_level_security() {
    let database = copy().await;
    let empty = EmptyDatabase::create().await.unwrap();
    for url in [database.owner_url(), &database.logins().app, &database.logins().system, empty.owner_url()] {
        let mighty = "select rolsuper or rolbypassrls or rolreplication or rolcreatedb from pg_roles where rolname = current_user";
        assert!(!value::<bool>(url, mighty).await);
    }
}

#[tokio::test]
async fn a_template_is_prepared_once_for_all_tests_that_ask_at_once() {
    static PREPARED: AtomicU32 = AtomicU32::new(0);
    let key = format!("asked for at once by {}", std::process::id());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let key = key.clone();
            tokio::spawn(async move {
                TestDatabase::from_template(&key, async |owner: &Secret| {
                    PREPARED.fetch_add(1, Ordering::Relaxed);
                    prepare(owner).await
                })
                .await
                .unwrap()
            })
        })
        .collect();
    let mut names = Vec::new();
    for task in tasks {
        let database = task.await.unwrap();
        assert_eq!(value::<i64>(database.owner_url(), "select count(*) from data.device").await, 3);
        names.push(database.name().to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!((names.len(), PREPARED.load(Ordering::Relaxed)), (8, 1));
}

#[tokio::test]
async fn a_template_that_failed_is_made_anew() {
    let key = format!("fails at first for {}", std::process::id());
    let failed = TestDatabase::from_template(&key, async |owner: &Secret| {
        prepare(owner).await.unwrap();
        Err::<Logins, _>("not today")
    })
    .await;
    assert!(failed.is_err());
    let database = TestDatabase::from_template(&key, prepare).await.unwrap();
    assert_eq!(value::<i64>(database.owner_url(), "select count(*) from data.device").await, 3);
}

#[tokio::test]
async fn what_one_test_writes_no_other_sees() {
    let (one, other) = (copy().await, copy().await);
    run(one.owner_url(), "delete from data.device".to_owned()).await;
    assert_eq!(value::<i64>(other.owner_url(), "select count(*) from data.device").await, 3);
}

#[tokio::test]
async fn a_dropped_database_goes_away_with_its_logins_even_when_it_is_in_use() {
    let (observer, empty, database) = (copy().await, EmptyDatabase::create().await.unwrap(), copy().await);
    let _open = connect(database.owner_url()).await;
    let left = format!(
        "select (select count(*) from pg_database where datname in ('{0}', '{1}')) +
            (select count(*) from pg_roles where rolname like '{0}%' or rolname like '{1}%')",
        empty.name(),
        database.name()
    );
    assert_eq!(value::<i64>(observer.superuser_url(), &left).await, 3);
    drop((empty, database));
    let mut connection = connect(observer.superuser_url()).await;
    tokio::time::timeout(SOON, async {
        while sqlx::query_scalar::<_, i64>(AssertSqlSafe(left.as_str())).fetch_one(&mut connection).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

const DIRECTORY: &str = "SAAS_TEST_DIRECTORY";
const TASK: &str = "SAAS_TEST_TASK";

/// What the tests below start as programs of their own; without a task there is nothing for it to do.
#[tokio::test]
async fn a_program_with_test_databases() {
    let Some(task) = std::env::var_os(TASK) else { return };
    match task.to_str().unwrap() {
        "hold" => {
            let databases = (copy().await, copy().await, EmptyDatabase::create().await.unwrap());
            Program::report(databases.0.superuser_url().expose());
            Program::wait_for_the_end();
        }
        "hang in prepare" => {
            let hung = TestDatabase::from_template("a small product", async |owner: &Secret| {
                run(owner, "create schema data; create table data.half (id bigint)".to_owned()).await;
                Program::report("half way");
                std::future::pending::<Result<Logins, Infallible>>().await
            });
            hung.await.unwrap();
        }
        "count" => {
            let database = copy().await;
            let counts = "select concat(
                (select count(*) from pg_database where datname like 'test\\_%'), ' ',
                (select count(*) from pg_database where datname like 'template\\_%'), ' ',
                (select count(*) from pg_roles where rolname like 'test\\_%'), ' ',
                (select count(*) from data.device))";
            Program::report(&value::<String>(database.superuser_url(), counts).await);
        }
        other => panic!("no such task: {other}"),
    }
}

/// A cluster of its own for programs that are killed.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn program(&self, task: &str) -> Program {
        Program::start("test_database::a_program_with_test_databases", |command| {
            command.env(DIRECTORY, self.0.path().join("tests")).env(TASK, task);
        })
    }

    fn server_file(&self) -> impl AsRef<Path> {
        self.0.path().join("tests/postgres/data/postmaster.pid")
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            wait_until("the cluster has stopped", SOON, || !self.server_file().as_ref().exists());
        }
    }
}

#[tokio::test]
async fn the_databases_of_a_killed_program_are_gone_after_the_next_one() {
    let workspace = Workspace::new();
    let mut holder = workspace.program("hold");
    let url = Secret::new(holder.reported());
    let databases = "select count(*) from pg_database where datname like 'test\\_%'";
    assert_eq!(value::<i64>(&url, databases).await, 3);
    // A program that lives keeps its own.
    assert_eq!(workspace.program("count").reported(), "4 1 1 3");
    holder.kill();
    assert_eq!(workspace.program("count").reported(), "1 1 0 3");
}

#[tokio::test]
async fn a_template_that_was_half_made_when_its_maker_was_killed_is_made_anew() {
    let workspace = Workspace::new();
    let mut maker = workspace.program("hang in prepare");
    assert_eq!(maker.reported(), "half way");
    let mut waiting = workspace.program("count");
    maker.kill();
    assert_eq!(waiting.reported(), "1 1 0 3");
}

#[tokio::test]
async fn programs_that_start_at_once_share_the_template() {
    let workspace = Workspace::new();
    let mut programs = [workspace.program("hold"), workspace.program("hold"), workspace.program("hold")];
    for program in &mut programs {
        let url = Secret::new(program.reported());
        assert_eq!(value::<i64>(&url, "select count(*) from pg_database where datname like 'template\\_%'").await, 1);
    }
}

//! Bringing databases up to date: again, at once, and beside each other.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use saas_core::{
    Clock, DatabaseConfig, Db, Migrations, Secret, TenantId, provision,
    testing::{EmptyDatabase, TestDb},
};
use sqlx::{
    AssertSqlSafe, SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::{
    borrower::{bodies, few},
    planted::{connect, truth},
};

async fn connected(database: &EmptyDatabase) -> Db {
    let logins = provision(database.owner_url(), |_| Secret::new("test")).await.unwrap();
    let config = DatabaseConfig {
        owner: Some(database.owner_url().clone()),
        app: logins.app,
        system: logins.system,
        max_connections: 2,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    Db::connect(&config, &[], Clock::system()).await.unwrap()
}

async fn rules(db: &Db) -> BTreeSet<&'static str> {
    db.findings().await.unwrap().iter().map(|finding| finding.rule).collect()
}

#[tokio::test]
async fn a_program_knows_how_many_migrations_are_pending_before_and_after() {
    let database = EmptyDatabase::create().await.unwrap();
    let db = connected(&database).await;
    let pending = db.pending_migrations().await.unwrap();
    assert!(pending >= 3, "{pending}");
    // An inventory of tables that do not exist yet is all there is to say.
    assert_eq!(rules(&db).await, BTreeSet::from(["inventory"]));

    db.migrate().await.unwrap();
    assert_eq!(db.pending_migrations().await.unwrap(), 0);
    assert_eq!(rules(&db).await, BTreeSet::new());
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = EmptyDatabase::create().await.unwrap();
    let db = connected(&database).await;
    db.migrate().await.unwrap();
    let shape = shape(&database).await;
    db.migrate().await.unwrap();
    assert_eq!(self::shape(&database).await, shape);
    assert!(shape.iter().any(|line| line.contains("core.member")), "{shape:?}");
}

/// Tables with their rights and row security, policies, and what was applied.
async fn shape(database: &EmptyDatabase) -> Vec<String> {
    let query = "select format('%s %s %s %s', oid::regclass, relrowsecurity, relforcerowsecurity, relacl) from pg_class
            where relnamespace in ('core'::regnamespace, 'data'::regnamespace)
        union all select format('%s', p) from pg_policies p
        union all select format('%s', m) from core._migrations m
        union all select format('%s', m) from data._migrations_core m
        order by 1";
    let mut connection = crate::planted::connect(database.superuser_url()).await;
    sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_migrate_once() {
    let database = EmptyDatabase::create().await.unwrap();
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let owner = database.owner_url().clone();
            tokio::spawn(async move {
                Db::migrate_as(&owner, &[]).await.unwrap();
                provision(&owner, |_| Secret::new("test")).await.unwrap()
            })
        })
        .collect();
    for node in nodes {
        node.await.unwrap();
    }
    let db = connected(&database).await;
    assert_eq!(db.pending_migrations().await.unwrap(), 0);
    assert_eq!(rules(&db).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn databases_of_one_cluster_are_migrated_at_once() {
    let databases: Vec<_> = (0..3)
        .map(|_| {
            tokio::spawn(async {
                let database = EmptyDatabase::create().await.unwrap();
                Db::migrate_as(database.owner_url(), &[]).await.unwrap();
                database
            })
        })
        .collect();
    for database in databases {
        let database = database.await.unwrap();
        assert_eq!(rules(&connected(&database).await).await, BTreeSet::new());
    }
}

/// OPS-08: a request that has read a table, a migration that wants it for itself, and everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_for_a_table_holds_up_requests_for_seconds_and_not_until_it_is_done() {
    let test = few().await;
    let change =
        Migration::new(1, "change".into(), MigrationType::Simple, "alter table note add column subject text".into_sql_str(), false);
    let migrator: &'static Migrator = Box::leak(Box::new(Migrator::with_migrations(vec![change])));
    let sets = [Migrations { name: "note", control: None, data: Some(migrator), lookups: &[], inventory: &[] }];

    let tenant = test.db.tenant(TenantId::new());
    let mut held = tenant.begin().await.unwrap();
    bodies(&mut held).await;
    let owner = test.database.owner_url().clone();
    let migrating = tokio::spawn(async move { Db::migrate_as(&owner, &sets).await });
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        let asked = Instant::now();
        bodies(&mut tenant.begin().await.unwrap()).await;
        slowest = slowest.max(asked.elapsed());
    }
    // It did wait, and nobody waited with it for longer than it does at a time.
    assert!(Duration::from_secs(1) < slowest && slowest < Duration::from_secs(4), "{slowest:?}");
    assert!(!migrating.is_finished());
    drop(held);
    migrating.await.unwrap().unwrap();
    assert_eq!(truth(&test, "select version::text from data._migrations_note").await, ["1"]);
}

/// OPS-05: another session grants the same at that moment. PostgreSQL lets the later one wait for the earlier, and then fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_grants_what_another_is_granting_migrates_all_the_same() {
    const GRANT: &str = "grant select on core._migrations to saas_app";
    let test = few().await;
    let mut other = connect(test.database.owner_url()).await;
    // What the server does of itself.
    sqlx::raw_sql(AssertSqlSafe(format!("begin; {GRANT}"))).execute(&mut other).await.unwrap();
    let mut third = connect(test.database.owner_url()).await;
    let granting = tokio::spawn(async move { sqlx::raw_sql(GRANT).execute(&mut third).await });
    until_it_waits(&test, "grant select on core._migrations%").await;
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    let refused = granting.await.unwrap().unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().message(), "tuple concurrently updated");
    // Within its lock timeout the migration has met the grant itself and no lock; on a machine that stands still, it is arranged again.
    for _ in 0..20 {
        sqlx::raw_sql(AssertSqlSafe(format!("begin; {GRANT}"))).execute(&mut other).await.unwrap();
        let owner = test.database.owner_url().clone();
        let migrating = tokio::spawn(async move { Db::migrate_as(&owner, &[]).await });
        let waited = until_it_waits(&test, "revoke all on core._migrations%").await;
        let asked = Instant::now();
        sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
        let has_met_it = waited + asked.elapsed() < Duration::from_millis(1900);
        migrating.await.unwrap().unwrap();
        if has_met_it {
            return;
        }
    }
    panic!("the migration never met the grant within its lock timeout");
}

/// For how long a statement has been kept waiting by another session, as soon as one is.
async fn until_it_waits(test: &TestDb, statement: &str) -> Duration {
    let query = format!(
        "select (extract(epoch from clock_timestamp() - query_start) * 1000)::bigint::text from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '{statement}'"
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Some(waited) = truth(test, &query).await.pop() {
            return Duration::from_millis(waited.parse().unwrap());
        }
    }
    panic!("nothing waits for another session: {statement}");
}

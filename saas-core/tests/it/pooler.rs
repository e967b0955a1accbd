//! Behind PgBouncer in transaction mode: the server's sessions change hands between any two transactions.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt as _, stream};
use saas_core::{
    Clock, DatabaseConfig, Db, JobOptions, Jobs, JobsConfig, TenantId, UserId,
    testing::{
        Pooler, TestDb,
        isolation::{self, Seed},
    },
};
use sqlx::AssertSqlSafe;
use tokio::time::timeout;

use crate::{
    borrower::{bodies, nobody_is_left_in_a_transaction, note, with_notes, written},
    jobs::{Heard, enqueue, nothing_left, quick, say, start},
    planted::{as_owner, config, connect, refusal, truth},
    rounds::CROWD,
};

/// More than the sessions, so that they change hands.
const CLIENTS: u32 = 8;
const SESSIONS: u32 = 2;

fn pooled(test: &TestDb, pooler: &Pooler, max_connections: u32) -> DatabaseConfig {
    let logins = pooler.through(test.database.logins());
    let direct = Some(test.database.owner_url().clone());
    DatabaseConfig { app: logins.app, system: logins.system, direct, max_connections, ..config(test) }
}

/// A database with a table of notes, reached through a pooler alone.
async fn behind(sessions: u32, clients: u32) -> (TestDb, Pooler) {
    let mut test = with_notes(1).await;
    test.db.close().await;
    let pooler = Pooler::start(&test.database, sessions).await;
    test.db = Db::connect(&pooled(&test, &pooler, clients), &[], Clock::system()).await.unwrap();
    (test, pooler)
}

async fn has_note(db: &Db, tenant: TenantId) {
    let mut tx = db.tenant(tenant).begin().await.unwrap();
    note(&mut tx, &tenant.to_string()).await.unwrap();
    tx.commit().await.unwrap();
}

/// T29, TEN-03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_tenants_in_few_sessions_never_meets() {
    const TENANTS: usize = 50;
    let (test, _pooler) = behind(SESSIONS, CLIENTS).await;
    let tenants: Vec<_> = (0..TENANTS).map(|_| TenantId::new()).collect();
    for tenant in &tenants {
        has_note(&test.db, *tenant).await;
    }
    let requests = stream::iter(0..CROWD.number()).map(|turn| {
        let (db, tenant, next) = (&test.db, tenants[turn % TENANTS], tenants[(turn + 1) % TENANTS]);
        async move {
            // Whoever came before may have given up while a transaction opened, or in the middle of a statement.
            if turn % 11 == 0 {
                let patience = Duration::from_micros(u64::try_from(turn).unwrap() * 3);
                drop(timeout(patience, db.tenant(next).begin()).await);
            }
            let mut tx = db.tenant(tenant).begin().await.unwrap();
            let query = "select pg_backend_pid(), current_setting('saas.tenant_id')";
            let (session, set): (i32, String) = sqlx::query_as(query).fetch_one(&mut *tx).await.unwrap();
            assert_eq!(set, tenant.to_string());
            tokio::task::yield_now().await;
            assert_eq!(bodies(&mut tx).await, [tenant.to_string()], "request {turn}");
            let changed = sqlx::query("update note set body = body").execute(&mut *tx).await.unwrap();
            assert_eq!(changed.rows_affected(), 1, "request {turn}");
            // Every way to end a transaction.
            match turn / TENANTS % 4 {
                0 => tx.commit().await.unwrap(),
                1 => drop(tx),
                2 => {
                    assert!(sqlx::query("select 1 / 0").execute(&mut *tx).await.is_err());
                    drop(tx);
                }
                _ => {
                    drop(timeout(Duration::from_millis(1), sqlx::query("select pg_sleep(0.01)").execute(&mut *tx)).await);
                    drop(tx);
                }
            }
            let seen: i64 = db
                .lookup(|connection| Box::pin(async { sqlx::query_scalar("select count(*) from data.note").fetch_one(connection).await }))
                .await
                .unwrap();
            assert_eq!(seen, 0, "request {turn}");
            session
        }
    });
    let sessions: Vec<i32> = requests.buffer_unordered(usize::try_from(CLIENTS).unwrap()).collect().await;
    assert_eq!(sessions.len(), CROWD.number());
    let distinct = sessions.iter().collect::<BTreeSet<_>>().len();
    assert!(distinct < sessions.len() / 2, "{distinct} sessions did not change hands");
    let there = "select pid::text from pg_stat_activity where datname = current_database() and usename ~ '_app$'";
    assert!(truth(&test, there).await.len() <= usize::try_from(SESSIONS).unwrap());
    nobody_is_left_in_a_transaction(&test).await;
    let mut expected: Vec<_> = tenants.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(written(&test).await, expected);
}

/// T27, T29
#[tokio::test]
async fn a_request_that_is_cancelled_leaves_no_tenant_in_its_session() {
    let (test, _pooler) = behind(1, 1).await;
    let (tenant, other) = (TenantId::new(), TenantId::new());
    has_note(&test.db, other).await;
    for round in 0..5 {
        let db = test.db.clone();
        let cancelled = tokio::spawn(async move {
            let mut tx = db.tenant(tenant).begin().await.unwrap();
            note(&mut tx, "unfinished").await.unwrap();
            sqlx::query("select pg_sleep(60)").execute(&mut *tx).await
        });
        let asleep = |what: &str| {
            format!(
                "select {what}::text from pg_stat_activity
                where datname = current_database() and query ~ 'pg_sleep' and state = 'active' and pid <> pg_backend_pid()"
            )
        };
        let sleeping = async {
            while truth(&test, &asleep("pid")).await.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), sleeping).await.unwrap();
        cancelled.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        // The pooler has no other session, and this one would sleep for long.
        truth(&test, &asleep("pg_cancel_backend(pid)")).await;
        let mut tx = test.db.tenant(other).begin().await.unwrap();
        assert_eq!(bodies(&mut tx).await, [other.to_string()], "round {round}");
    }
    assert_eq!(written(&test).await, [other.to_string()]);
    nobody_is_left_in_a_transaction(&test).await;
}

/// T24, T29: another program at the same pooler left them.
#[tokio::test]
async fn what_was_set_for_a_session_reaches_nobody_else() {
    let (test, pooler) = behind(1, 1).await;
    let (tenant, victim) = (TenantId::new(), TenantId::new());
    has_note(&test.db, victim).await;
    for leave in [
        format!("select set_config('saas.tenant_id', '{victim}', false)"),
        format!("set saas.user_id = '{}'", UserId::new()),
        "set search_path = core, pg_catalog".to_owned(),
        "set role saas_app".to_owned(),
    ] {
        let mut foreign = connect(&pooler.through(test.database.logins()).app).await;
        sqlx::raw_sql(AssertSqlSafe(leave.clone())).execute(&mut foreign).await.unwrap();
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        assert_eq!(bodies(&mut tx).await, Vec::<String>::new(), "{leave}");
        drop(tx);
        sqlx::raw_sql(AssertSqlSafe(leave.clone())).execute(&mut foreign).await.unwrap();
        let seen: i64 = test
            .db
            .lookup(|connection| Box::pin(async { sqlx::query_scalar("select count(*) from data.note").fetch_one(connection).await }))
            .await
            .unwrap();
        assert_eq!(seen, 0, "{leave}");
    }
}

/// Whoever works and whoever listens needs a session for good: they go past the pooler.
#[tokio::test]
async fn jobs_are_heard_of_and_done_behind_a_pooler() {
    let (test, _pooler) = behind(1, 2).await;
    let tenant = test.tenant("acme").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    // Nobody looks by themselves while this test lasts.
    let _running = start(&jobs, JobsConfig { poll: Duration::from_secs(3_600), ..quick(1) }).await;
    for word in ["one", "two", "three"] {
        enqueue(&test, tenant, &say(word), JobOptions::new()).await;
        assert_eq!(heard.next().await, (tenant, word.to_owned()));
    }
    nothing_left(&test).await;
}

#[tokio::test]
async fn a_hole_is_found_through_a_pooler_too() {
    let (test, pooler) = behind(SESSIONS, CLIENTS).await;
    as_owner(&test, "create table data.bare (tenant_id uuid primary key); grant select on data.bare to saas_app").await;
    let refused = refusal(&pooled(&test, &pooler, CLIENTS), &[]).await;
    assert!(refused.contains(&"row-security: data.bare".to_owned()), "{refused:?}");
}

/// T21–T23, T29, T30, T32, T37, T40–T52, T54
#[tokio::test]
async fn the_tables_of_core_withstand_all_attacks_through_a_pooler() {
    let test = TestDb::new(&[]).await.unwrap();
    let pooler = Pooler::start(&test.database, SESSIONS).await;
    let db = Db::connect(&pooled(&test, &pooler, CLIENTS), &[], Clock::system()).await.unwrap();
    let logins = pooler.through(test.database.logins());
    let test = TestDb { db, database: test.database.with_logins(logins) };
    let report = isolation::attack(&test, &Seed::new()).await.unwrap();
    report.assert_safe();
    assert!(report.attacks > 500, "{}", report.attacks);
}

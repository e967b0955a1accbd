//! From one transaction to the next: nothing of a tenant stays behind on a connection, whatever ended its transaction.

use saas_core::{Clock, Db, DbError, TenantId, UserId, testing::TestDb};
use sqlx::Connection as _;

use crate::{
    borrower::{bodies, few, finds_nothing, nobody_is_left_in_a_transaction, note, with_notes, written},
    planted::{as_owner, as_superuser, config},
    rounds::{CROWD, TURNS},
};

/// The process that serves a connection.
async fn process(db: &Db) -> i32 {
    let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *tx).await.unwrap()
}

/// T24
#[tokio::test]
async fn a_connection_on_which_settings_were_left_is_replaced() {
    let test = with_notes(1).await;
    let tenant = TenantId::new();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    note(&mut tx, "mine").await.unwrap();
    tx.commit().await.unwrap();

    for leave in [
        format!("select set_config('saas.tenant_id', '{tenant}', false)"),
        format!("set saas.tenant_id = '{tenant}'"),
        format!("set saas.user_id = '{}'", UserId::new()),
        "set search_path = core, pg_catalog".to_owned(),
        "set role saas_app".to_owned(),
    ] {
        let before = process(&test.db).await;
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(leave.clone())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut next = test.db.tenant(TenantId::new()).begin().await.unwrap();
        assert_eq!(bodies(&mut next).await, Vec::<String>::new(), "{leave}");
        drop(next);
        finds_nothing(&test.db).await;
        assert_ne!(process(&test.db).await, before, "{leave}");
    }
    // What stayed within its transaction costs no connection.
    let before = process(&test.db).await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    sqlx::raw_sql("set search_path = core").execute(&mut *tx).await.unwrap();
    drop(tx);
    assert_eq!(process(&test.db).await, before);
}

/// T25, TEN-03
#[tokio::test]
async fn two_tenants_that_take_turns_on_one_connection_never_meet() {
    let test = with_notes(1).await;
    let tenants = [TenantId::new(), TenantId::new()];
    for tenant in tenants {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        note(&mut tx, &tenant.to_string()).await.unwrap();
        tx.commit().await.unwrap();
    }
    for turn in 0..TURNS.number() {
        let tenant = tenants[turn % 2];
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        assert_eq!(bodies(&mut tx).await, [tenant.to_string()], "turn {turn}");
        // Every way to end a transaction.
        match turn / 2 % 3 {
            0 => tx.commit().await.unwrap(),
            1 => drop(tx),
            _ => assert!(sqlx::query("select 1 / 0").execute(&mut *tx).await.is_err()),
        }
    }
    assert_eq!(test.db.pools()[0].1, 1);
}

/// T26
#[tokio::test]
async fn a_panic_in_the_middle_of_a_transaction_undoes_it() {
    let test = with_notes(1).await;
    let db = test.db.clone();
    let task = tokio::spawn(async move {
        let mut tx = db.tenant(TenantId::new()).begin().await.unwrap();
        note(&mut tx, "unfinished").await.unwrap();
        panic!("arranged");
    });
    assert!(task.await.unwrap_err().is_panic());
    finds_nothing(&test.db).await;
    assert_eq!(written(&test).await, Vec::<String>::new());
}

/// T28
#[tokio::test]
async fn a_statement_that_takes_too_long_leaves_nothing_behind() {
    let test = with_notes(1).await;
    let mut tx = test.db.tenant(TenantId::new()).begin().await.unwrap();
    note(&mut tx, "unfinished").await.unwrap();
    sqlx::query("set local statement_timeout = '20ms'").execute(&mut *tx).await.unwrap();
    let error = DbError::from(sqlx::query("select pg_sleep(30)").execute(&mut *tx).await.unwrap_err());
    assert_eq!(error.code().unwrap(), "57014");
    assert!(error.is_unavailable());
    drop(tx);
    finds_nothing(&test.db).await;
    assert_eq!(written(&test).await, Vec::<String>::new());
}

/// T28
#[tokio::test]
async fn a_serialization_failure_can_be_tried_again_and_leaves_nothing_behind() {
    let test = few().await;
    as_superuser(&test, "alter database {name} set default_transaction_isolation = 'repeatable read'").await;
    let db = Db::connect(&config(&test), &[], Clock::system()).await.unwrap();
    let tenant = db.tenant(TenantId::new());
    let mut tx = tenant.begin().await.unwrap();
    note(&mut tx, "first").await.unwrap();
    tx.commit().await.unwrap();

    let (mut one, mut other) = (tenant.begin().await.unwrap(), tenant.begin().await.unwrap());
    assert_eq!(bodies(&mut other).await, ["first"]);
    sqlx::query("update note set body = 'second'").execute(&mut *one).await.unwrap();
    one.commit().await.unwrap();
    let error = DbError::from(sqlx::query("update note set body = 'third'").execute(&mut *other).await.unwrap_err());
    assert!(error.is_retryable(), "{error:?}");
    drop(other);
    for _ in 0..3 {
        finds_nothing(&db).await;
    }
    assert_eq!(written(&test).await, ["second"]);
    nobody_is_left_in_a_transaction(&test).await;
}

/// T28
#[tokio::test]
async fn an_error_at_commit_is_reported_and_leaves_nothing_behind() {
    let test = with_notes(1).await;
    let deferred = r"
        create table data.remark (
            tenant_id uuid not null,
            id uuid not null,
            note_id uuid not null,
            constraint remark_pkey primary key (tenant_id, id),
            constraint remark_note_fkey foreign key (tenant_id, note_id) references data.note (tenant_id, id) deferrable initially deferred
        );
        select core.isolate('data.remark');
    ";
    as_owner(&test, deferred).await;
    let tenant = TenantId::new();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    note(&mut tx, "unfinished").await.unwrap();
    sqlx::query("insert into remark values ($1, gen_random_uuid(), gen_random_uuid())").bind(tenant).execute(&mut *tx).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.constraint(), Some("remark_note_fkey"));
    finds_nothing(&test.db).await;
    assert_eq!(written(&test).await, Vec::<String>::new());
}

/// T28: the server itself answers such a commit with success, and rolls back.
#[tokio::test]
async fn a_commit_after_a_failed_statement_is_an_error() {
    let test = with_notes(1).await;
    let mut tx = test.db.tenant(TenantId::new()).begin().await.unwrap();
    note(&mut tx, "lost").await.unwrap();
    assert!(sqlx::query("select 1 / 0").execute(&mut *tx).await.is_err());
    assert_eq!(tx.commit().await.unwrap_err().code().unwrap(), "25P02");

    let mut tx = test.db.system("test").begin().await.unwrap();
    assert!(sqlx::query("select 1 / 0").execute(&mut *tx).await.is_err());
    assert_eq!(tx.commit().await.unwrap_err().code().unwrap(), "25P02");
    finds_nothing(&test.db).await;
    assert_eq!(written(&test).await, Vec::<String>::new());
}

/// T30
#[tokio::test]
async fn a_transaction_within_a_transaction_has_the_same_tenant() {
    let test = few().await;
    let (own, other) = (TenantId::new(), TenantId::new());
    let mut tx = test.db.tenant(own).begin().await.unwrap();
    let mut inner = tx.begin().await.unwrap();
    sqlx::query("insert into note (tenant_id, id, body) values ($1, gen_random_uuid(), 'undone')")
        .bind(own)
        .execute(&mut *inner)
        .await
        .unwrap();
    let refused = sqlx::query("insert into note (tenant_id, id, body) values ($1, gen_random_uuid(), 'forged')").bind(other);
    assert_eq!(DbError::from(refused.execute(&mut *inner).await.unwrap_err()).code().unwrap(), "42501");
    inner.rollback().await.unwrap();
    note(&mut tx, "kept").await.unwrap();

    // Another tenant's transaction is another connection's, also inside of this one.
    let mut beside = test.db.tenant(other).begin().await.unwrap();
    assert_eq!(bodies(&mut beside).await, Vec::<String>::new());
    assert_eq!(bodies(&mut tx).await, ["kept"]);
    tx.commit().await.unwrap();
    assert_eq!(written(&test).await, ["kept"]);
}

/// T33: what runs without a tenant sees and writes nothing.
#[tokio::test]
async fn work_without_a_tenant_fails_closed() {
    let test = few().await;
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    note(&mut tx, "mine").await.unwrap();
    tx.commit().await.unwrap();

    let seen: i64 = test
        .db
        .lookup(|connection| Box::pin(async move { sqlx::query_scalar("select count(*) from data.note").fetch_one(connection).await }))
        .await
        .unwrap();
    assert_eq!(seen, 0);
    let mut tx = test.db.person(UserId::new()).begin().await.unwrap();
    assert_eq!(bodies(&mut tx).await, Vec::<String>::new());
    let tenants: i64 = sqlx::query_scalar("select count(*) from core.tenant").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(tenants, 0);
    let refused = sqlx::query("insert into note (tenant_id, id, body) values ($1, gen_random_uuid(), 'forged')").bind(tenant);
    assert_eq!(DbError::from(refused.execute(&mut *tx).await.unwrap_err()).code().unwrap(), "42501");
}

/// T34
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_tenants_with_work_of_their_own_never_meets() {
    let test = with_notes(8).await;
    let tenants: Vec<_> = (0..50).map(|_| TenantId::new()).collect();
    let tasks: Vec<_> = (0..CROWD.number())
        .map(|number| {
            let tenant = test.db.tenant(tenants[number % tenants.len()]);
            tokio::spawn(async move {
                let own = tenant.tenant().unwrap().to_string();
                let mut tx = tenant.begin().await.unwrap();
                note(&mut tx, &own).await.unwrap();
                // Work that goes on beside, with a transaction of its own.
                let beside = tokio::spawn({
                    let tenant = tenant.clone();
                    async move { bodies(&mut tenant.begin().await.unwrap()).await }
                });
                assert!(bodies(&mut tx).await.iter().all(|body| *body == own));
                if number % 7 == 0 {
                    beside.abort();
                    return 0;
                }
                tx.commit().await.unwrap();
                assert!(beside.await.unwrap().iter().all(|body| *body == own));
                1
            })
        })
        .collect();
    let mut committed = 0;
    for task in tasks {
        committed += task.await.unwrap();
    }
    assert_eq!(written(&test).await.len(), committed);
    nobody_is_left_in_a_transaction(&test).await;
}

#[tokio::test]
async fn a_read_only_transaction_writes_nothing() {
    let test: TestDb = few().await;
    let mut tx = test.db.tenant(TenantId::new()).read_only(true).begin().await.unwrap();
    assert_eq!(note(&mut tx, "refused").await.unwrap_err().code().unwrap(), "25006");
}

/// T38, CVE-2023-2455, CVE-2024-10976: plans that were made for one role or tenant are not used for another, however deep the table stands.
#[tokio::test]
async fn plans_are_not_carried_from_one_tenant_or_role_to_the_next() {
    let test = with_notes(1).await;
    as_owner(
        &test,
        r"
        create function data.note_bodies() returns setof text language sql stable set search_path = data, pg_catalog
            as 'select body from note';
        create view data.note_view with (security_invoker) as select body from data.note;
        grant execute on function data.note_bodies() to saas_app;
        grant select on data.note_view to saas_app;
        ",
    )
    .await;
    let tenants = [TenantId::new(), TenantId::new()];
    for tenant in tenants {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        note(&mut tx, &tenant.to_string()).await.unwrap();
        tx.commit().await.unwrap();
    }
    let ways = [
        "select body from (select body from note) inner_notes",
        "with notes as materialized (select body from note) select body from notes",
        "select data.note_bodies()",
        "select body from note_view",
        "select body from note where body in (select body from note_view)",
    ];
    // One connection, and the server settles for a generic plan after five executions.
    for turn in 0..40 {
        let tenant = tenants[turn % 2];
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        if turn % 4 > 1 {
            sqlx::query("set local role saas_app").execute(&mut *tx).await.unwrap();
        }
        for way in ways {
            let seen: Vec<String> = sqlx::query_scalar(way).fetch_all(&mut *tx).await.unwrap();
            assert_eq!(seen, [tenant.to_string()], "turn {turn}: {way}");
        }
    }
}

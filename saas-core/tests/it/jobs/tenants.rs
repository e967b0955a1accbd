//! A job belongs to the tenant that enqueued it.

use saas_core::{DbError, Job, JobOptions, Jobs, SystemRun, TenantId, TenantRun, job_in, job_system_in, testing::TestDb};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Heard, Say, dead, enqueue, nothing_left, quick, say, start, until};
use crate::{
    borrower::{note, with_notes, written},
    planted::{as_owner, truth},
};

/// Deletes a note.
#[derive(serde::Serialize, serde::Deserialize)]
struct Delete {
    tenant: TenantId,
    note: Uuid,
}

impl Job for Delete {
    const NAME: &'static str = "test.delete";
}

/// T74: what the payload says, the wall does not hear.
#[tokio::test]
async fn a_payload_with_the_ids_of_another_tenant_finds_nothing() {
    let test = with_notes(5).await;
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let mut tx = test.db.tenant(bob).begin().await.unwrap();
    note(&mut tx, "bob's").await.unwrap();
    tx.commit().await.unwrap();
    let of_bob: Uuid = truth(&test, "select id::text from data.note").await[0].parse().unwrap();

    let jobs = Jobs::new(&test.db);
    let (told, mut deleted) = mpsc::unbounded_channel();
    jobs.on(move |run: TenantRun, job: Delete| {
        let told = told.clone();
        async move {
            assert_ne!(run.tenant(), job.tenant);
            let mut tx = run.db().begin().await?;
            let by_both = sqlx::query("delete from note where tenant_id = $1 and id = $2").bind(job.tenant).bind(job.note);
            let found = by_both.execute(&mut *tx).await?.rows_affected();
            let found = found + sqlx::query("delete from note where id = $1").bind(job.note).execute(&mut *tx).await?.rows_affected();
            tx.commit().await?;
            Ok(told.send(found)?)
        }
    });
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &Delete { tenant: bob, note: of_bob }, JobOptions::new()).await;
    assert_eq!(deleted.recv().await, Some(0));
    nothing_left(&test).await;
    assert_eq!(written(&test).await, ["bob's"]);
}

/// T35
#[tokio::test]
async fn a_job_without_a_tenant_does_not_reach_a_handler_that_needs_one() {
    let test = TestDb::new(&[]).await.unwrap();
    let jobs = Jobs::new(&test.db);
    let heard = Heard::on(&jobs);
    let mut tx = test.db.system("test").begin().await.unwrap();
    job_system_in(&mut tx, None, &say("nobody's"), JobOptions::new()).await.unwrap();
    tx.commit().await.unwrap();
    let _running = start(&jobs, quick(1)).await;
    let letter = dead(&test).await;
    assert_eq!((letter.tenant, letter.error.as_str()), (None, "the handler works for a tenant, and the job has none"));
    assert_eq!(heard.all(), Vec::<String>::new());
}

/// T35: nor does a tenant get work done with the system's eyes.
#[tokio::test]
async fn a_job_of_a_tenant_does_not_reach_a_handler_of_the_system() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    jobs.on(async |_: SystemRun, _: Say| panic!("it ran"));
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("let me see"), JobOptions::new()).await;
    assert_eq!(dead(&test).await.error, "the handler works for the system, and the job is a tenant's");
}

/// T35
#[tokio::test]
async fn a_transaction_without_a_tenant_cannot_enqueue() {
    let test = TestDb::new(&[]).await.unwrap();
    let user = test.user().await;
    let mut tx = test.db.person(user).begin().await.unwrap();
    let error = job_in(&mut tx, &say("whose?"), JobOptions::new()).await.unwrap_err();
    assert_eq!(error.constraint(), Some("job_tenant"));
}

/// T35, T74: the application's login sees nothing of the queue and can put nothing into it but through its own tenant.
#[tokio::test]
async fn the_application_can_neither_read_nor_write_the_queue() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let id = enqueue(&test, ada, &say("secret"), JobOptions::new()).await;
    for statement in [
        "select payload::text from core.job".to_owned(),
        "update core.job set payload = '{}'".to_owned(),
        "delete from core.job".to_owned(),
        format!("insert into core.job (id, tenant_id, name) values (gen_random_uuid(), '{bob}', 'test.say')"),
        "select payload::text from graphile_worker._private_jobs".to_owned(),
        "select graphile_worker.add_job('test.say')".to_owned(),
        format!("select core.job_put(gen_random_uuid(), '{bob}', 'test.say', '{{}}', 1::smallint, null, 1, 0, now())"),
        format!("select core.job_end('{id}', 0)"),
        format!("select core.job_fail('{id}', 0, '', 0, 'never', now())"),
        format!("select core.job_replay('{id}')"),
        format!("select core.job_begin('{id}', 1, now())"),
        "select core.job_promote(1)".to_owned(),
    ] {
        let mut tx = test.db.tenant(ada).begin().await.unwrap();
        let error = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *tx).await.unwrap_err();
        assert_eq!(DbError::from(error).code().as_deref(), Some("42501"), "{statement}");
    }
}

/// T35: nor can it finish what another tenant waits for.
#[tokio::test]
async fn a_tenant_cannot_complete_the_job_of_another() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    let id = enqueue(&test, bob, &say("bob's"), JobOptions::new()).await;
    as_owner(&test, "update core.job set state = 'running', run = 1").await;
    let complete = async |tenant: TenantId| -> bool {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        sqlx::query_scalar("select core.job_complete($1, 1)").bind(Uuid::from(id)).fetch_one(&mut *tx).await.unwrap()
    };
    assert!(!complete(ada).await);
    assert!(complete(bob).await);
}

/// T55
#[tokio::test]
async fn jobs_of_a_suspended_or_leaving_tenant_wait_and_those_of_a_deleted_one_are_gone() {
    for rest in ["state = 'suspended'", "state = 'leaving', leaves_at = now()"] {
        wait_while_one_rests(rest).await;
    }
}

/// Ada rests and comes back; Bob is deleted.
async fn wait_while_one_rests(rest: &str) {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    enqueue(&test, ada, &say("ada's"), JobOptions::new()).await;
    enqueue(&test, bob, &say("bob's"), JobOptions::new()).await;
    as_owner(
        &test,
        &format!("update core.tenant set {rest} where slug = 'ada'; update core.tenant set state = 'deleted' where slug = 'bob'"),
    )
    .await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let _running = start(&jobs, quick(2)).await;
    until(&test, "one waits and one is gone", |stats| (stats.scheduled, stats.waiting + stats.running + stats.dead) == (1, 0)).await;
    assert_eq!(heard.all(), Vec::<String>::new());

    as_owner(&test, "update core.tenant set state = 'active', leaves_at = null where slug = 'ada'; update graphile_worker._private_jobs set run_at = now()").await;
    assert_eq!(heard.next().await, (ada, "ada's".to_owned()));
    nothing_left(&test).await;
    assert_eq!(json!(heard.all()), json!(["ada's"]));
}

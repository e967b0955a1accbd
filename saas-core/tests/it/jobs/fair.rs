//! Whoever has many jobs waiting delays nobody else.

use std::{sync::Arc, time::Duration};

use saas_core::{JobOptions, Jobs, TenantId, testing::TestDb};
use tokio::sync::Semaphore;

use super::{Heard, enqueue, enqueue_many, quick, say, start};

const MANY: i32 = 10_000;

/// Handlers that say what they do and then wait to be let go, one by one.
struct Steps {
    heard: Heard,
    gate: Arc<Semaphore>,
}

impl Steps {
    fn on(jobs: &Jobs) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let inside = gate.clone();
        let heard = Heard::then(jobs, move || {
            let gate = inside.clone();
            async move {
                gate.acquire().await?.forget();
                Ok(())
            }
        });
        Self { heard, gate }
    }

    /// Whose job begins next. With one slot nothing runs beside it.
    async fn begins(&mut self) -> TenantId {
        self.heard.next().await.0
    }

    fn end(&self) {
        self.gate.add_permits(1);
    }
}

/// J7: what is running and one more.
#[tokio::test]
async fn ten_thousand_jobs_of_one_tenant_delay_a_job_of_another_by_two_at_most() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    for _ in 0..MANY / 500 {
        enqueue_many(&test, ada, 500).await;
    }
    let jobs = Jobs::new(&test.db);
    let mut steps = Steps::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    assert_eq!(steps.begins().await, ada);
    enqueue(&test, bob, &say("bob's"), JobOptions::new()).await;
    let mut before = 0;
    loop {
        // The one that runs ends.
        steps.end();
        before += 1;
        if steps.begins().await == bob {
            break;
        }
    }
    assert!(before <= 2, "bob waited for {before} jobs of ada");
}

/// J7: and those who keep asking one by one get their turn and no more.
#[tokio::test]
async fn two_tenants_take_turns_however_many_jobs_each_has_waiting() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    enqueue_many(&test, ada, 100).await;
    let jobs = Jobs::new(&test.db);
    let mut steps = Steps::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    assert_eq!(steps.begins().await, ada);
    let (mut of_ada, mut of_bob) = (1, 0);
    enqueue(&test, bob, &say("bob's"), JobOptions::new()).await;
    for _ in 0..20 {
        steps.end();
        if steps.begins().await == bob {
            of_bob += 1;
            enqueue(&test, bob, &say("bob's next"), JobOptions::new()).await;
        } else {
            of_ada += 1;
        }
        assert!(i32::abs(of_ada - of_bob) <= 2, "{of_ada} of ada, {of_bob} of bob");
    }
}

/// J7: a job whose time comes while others wait comes into the row too.
#[tokio::test]
async fn a_job_whose_time_has_come_does_not_wait_behind_the_backlog_of_another() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    enqueue_many(&test, ada, 1000).await;
    enqueue(&test, bob, &say("bob's"), JobOptions::new().after(Duration::from_millis(100))).await;
    let jobs = Jobs::new(&test.db);
    let mut steps = Steps::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    assert_eq!(steps.begins().await, ada);
    // Its turn has been found once it has one.
    let turn = "select coalesce(turn, 0)::text from core.job where tenant_id <> (select id from core.tenant where slug = 'ada')";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while crate::planted::truth(&test, turn).await == ["0"] {
        assert!(tokio::time::Instant::now() < deadline);
    }
    let mut before = 0;
    loop {
        steps.end();
        before += 1;
        if steps.begins().await == bob {
            break;
        }
    }
    assert!(before <= 2, "bob waited for {before} jobs of ada");
}

/// J7: also where thousands wait for another attempt at the same moment, and not all get their turns at once.
#[tokio::test]
async fn of_those_whose_time_has_come_each_tenants_first_is_among_the_first() {
    let test = TestDb::new(&[]).await.unwrap();
    let (ada, bob) = (test.tenant("ada").await, test.tenant("bob").await);
    for _ in 0..50 {
        enqueue(&test, ada, &say("ada's"), JobOptions::new().after(Duration::from_millis(1))).await;
    }
    let late = enqueue(&test, bob, &say("bob's"), JobOptions::new().after(Duration::from_millis(1))).await;
    let due = "select (max(run_at) < now())::text from graphile_worker._private_jobs";
    while crate::planted::truth(&test, due).await != ["true"] {
        tokio::task::yield_now().await;
    }
    assert_eq!(crate::planted::truth(&test, "select core.job_promote(10)::text").await, ["10"]);
    let first =
        "select id::text from core.job where turn is not null order by tenant_id = (select id from core.tenant where slug = 'ada') limit 1";
    assert_eq!(crate::planted::truth(&test, first).await, [uuid::Uuid::from(late).to_string()]);
}

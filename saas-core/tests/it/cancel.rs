//! T27: a request that is cancelled at any await leaves a connection that the next one can use, and what was committed is there.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use saas_core::{Clock, DatabaseConfig, Db, DbError, TenantId, TenantTx, testing::TestDb};

use crate::{
    borrower::{bodies, few, finds_nothing, nobody_is_left_in_a_transaction, note, written},
    planted::config,
    proxy::Proxy,
};

/// Polls a future so often and then drops it.
struct Cancelled<F> {
    future: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for Cancelled<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

/// More than anything here takes; reached only by what never ends.
const POLLS: usize = 2_000;

/// Bytes: an answer arrives in many pieces.
const PIECE: usize = 8;

/// A database behind a slow network, with one connection to it.
struct Slow {
    test: TestDb,
    proxy: Proxy,
    db: Db,
}

impl Slow {
    async fn new() -> Self {
        let test = few().await;
        let proxy = Proxy::start(&test.database.logins().app).await;
        let config = DatabaseConfig {
            app: proxy.through(&test.database.logins().app),
            system: proxy.through(&test.database.logins().system),
            max_connections: 1,
            ..config(&test)
        };
        let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
        Self { test, proxy, db }
    }

    /// Does something slowly, and cancels it after one poll more each time, until it is through. `arrange` is quick.
    async fn at_every_await<A, T>(
        &self,
        arrange: impl AsyncFn(usize) -> A,
        action: impl AsyncFn(A, usize) -> T,
        check: impl AsyncFn(Option<&T>, usize),
    ) {
        for polls in 0..POLLS {
            let arranged = arrange(polls).await;
            let result = self.cancelled(polls, action(arranged, polls)).await;
            check(result.as_ref(), polls).await;
            let done = result.is_some();
            drop(result);
            finds_nothing(&self.db).await;
            if done {
                assert!(polls > 5, "{polls} polls were too few to cancel anything");
                return nobody_is_left_in_a_transaction(&self.test).await;
            }
        }
        panic!("it never ends");
    }

    async fn cancelled<F: Future>(&self, polls: usize, future: F) -> Option<F::Output> {
        self.proxy.slow(PIECE);
        let result = Cancelled { future: Box::pin(future), left: polls }.await;
        self.proxy.slow(0);
        result
    }

    async fn open(&self) -> TenantTx {
        self.db.tenant(TenantId::new()).begin().await.unwrap()
    }
}

/// T27, TEN-03
#[tokio::test]
async fn opening_a_transaction_may_be_cancelled_at_every_await() {
    let slow = Slow::new().await;
    let tenant = slow.db.tenant(TenantId::new());
    slow.at_every_await(async |_| (), async |(), _| tenant.begin().await.unwrap(), async |_, _| ()).await;
}

/// T27: there are hundreds of awaits in making a connection, so the steps grow.
#[tokio::test]
async fn making_a_connection_may_be_cancelled() {
    let slow = Slow::new().await;
    let tenant = slow.db.tenant(TenantId::new());
    let mut polls = 0;
    loop {
        // Cancelled while it opens a transaction, it takes the connection away.
        drop(slow.cancelled(2, tenant.begin()).await);
        let result = slow.cancelled(polls, tenant.begin()).await;
        if let Some(result) = result {
            drop(result.unwrap());
            break;
        }
        polls += 1 + polls / 4;
    }
    assert!(polls > 50, "{polls} polls were too few to cancel anything");
    finds_nothing(&slow.db).await;
    nobody_is_left_in_a_transaction(&slow.test).await;
}

/// T27
#[tokio::test]
async fn a_transaction_of_the_system_may_be_cancelled_at_every_await() {
    let slow = Slow::new().await;
    let count = async || {
        let mut tx = slow.db.system("test").begin().await.unwrap();
        let number: i64 = sqlx::query_scalar("select count(*) from core.tenant").fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        number
    };
    slow.at_every_await(
        async |_| {
            count().await;
        },
        async |(), _| count().await,
        async |_, _| (),
    )
    .await;
}

/// T27
#[tokio::test]
async fn a_query_may_be_cancelled_at_every_await() {
    let slow = Slow::new().await;
    slow.at_every_await(
        async |_| slow.open().await,
        async |mut tx: TenantTx, polls| {
            note(&mut tx, &format!("cancelled {polls}")).await.unwrap();
            bodies(&mut tx).await
        },
        async |_, _| (),
    )
    .await;
    assert_eq!(written(&slow.test).await, Vec::<String>::new());
}

/// T27
#[tokio::test]
async fn a_lookup_may_be_cancelled_at_every_await() {
    let slow = Slow::new().await;
    let number = || {
        slow.db.lookup(|connection| Box::pin(async move { sqlx::query_scalar::<_, i64>("select 7::bigint").fetch_one(connection).await }))
    };
    slow.at_every_await(async |_| (), async |(), _| number().await.unwrap(), async |_, _| ()).await;
}

/// T27: cancelled, a commit happened or it did not; answered, it happened.
#[tokio::test]
async fn a_commit_may_be_cancelled_at_every_await_and_is_whole_or_nothing() {
    let slow = Slow::new().await;
    let pair = |polls: usize| [format!("{polls} a"), format!("{polls} b")];
    slow.at_every_await(
        async |polls| {
            let mut tx = slow.open().await;
            for body in pair(polls) {
                note(&mut tx, &body).await.unwrap();
            }
            tx
        },
        async |tx: TenantTx, _| tx.commit().await,
        async |result: Option<&Result<(), DbError>>, polls| {
            let expected = if let Some(result) = result {
                assert!(result.is_ok(), "{result:?}");
                vec![2]
            } else {
                vec![0, 2]
            };
            // Through another connection, in the moment of the answer.
            let there = written(&slow.test).await.iter().filter(|body| pair(polls).contains(body)).count();
            assert!(expected.contains(&there), "after {polls} polls, {there} rows");
        },
    )
    .await;
}

/// T27: waiting for a connection that somebody else has.
#[tokio::test]
async fn who_gives_up_waiting_for_a_connection_takes_none_away() {
    let slow = Slow::new().await;
    for milliseconds in [0, 1, 10] {
        let held = slow.open().await;
        let tenant = slow.db.tenant(TenantId::new());
        assert!(tokio::time::timeout(Duration::from_millis(milliseconds), tenant.begin()).await.is_err());
        let waiting = tokio::spawn(async move { tenant.begin().await.unwrap().commit().await });
        tokio::task::yield_now().await;
        drop(held);
        waiting.await.unwrap().unwrap();
        finds_nothing(&slow.db).await;
    }
    assert_eq!(slow.db.pools()[0].1, 1);
}

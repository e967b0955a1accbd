use std::{
    collections::BTreeMap,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all};
use saas_billing::{By, Counts, MIGRATIONS, Recorded, Use};
use saas_core::{Clock, KeyId, Metrics, testing::TestDb};
use sqlx::{Connection as _, PgConnection};

use super::{Dice, MESSAGES, SEARCHES, Sums, record, some, somebody, sums, total};
use crate::given::{billing, database};

fn counts(test: &TestDb) -> Counts {
    Counts::new(&test.db, &Metrics::new())
}

/// MET-01, MET-02: several nodes count at once, write whenever they like, and events of another meter are recorded at the same time: nothing is lost
/// and nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_many_nodes_count_adds_up() {
    let start: DateTime<Utc> = "2026-12-31T23:00:00Z".parse().unwrap();
    let clock = Clock::fixed(start);
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 10).await.unwrap(), billing());
    let tenants = [test.tenant("acme").await, test.tenant("other").await];
    let (nodes, people) = ([counts(&test), counts(&test), counts(&test)], somebody());
    let (mut dice, mut expected) = (Dice(11), Sums::new());
    for round in 0..4 {
        let hour = start + TimeDelta::hours(round);
        let mut uses = Vec::new();
        for number in 0..2_000 {
            let (tenant, quantity) = (tenants[dice.below(2)], u32::try_from(dice.below(5)).unwrap());
            let (by, kind, id) = &people[dice.below(people.len())];
            let is_event = number % 50 == 0;
            let (meter, quantity) = if is_event { (MESSAGES, quantity + 1) } else { (SEARCHES, quantity) };
            if quantity > 0 {
                *expected.entry((tenant, meter.name().to_owned(), hour, (*kind).to_owned(), id.clone())).or_default() +=
                    i64::from(quantity);
            }
            if is_event {
                uses.push((tenant, some(quantity), *by, format!("{round} {number}")));
            } else {
                nodes[dice.below(3)].count(tenant, meter, *by, quantity);
            }
            if number % 500 == 499 {
                let records = uses
                    .iter()
                    .map(|(tenant, quantity, by, event)| record(&test, &billing, *tenant, Use::new(MESSAGES, *quantity, *by, event)));
                let (recorded, flushed) = join(join_all(records), join_all(nodes.iter().map(Counts::flush))).await;
                assert!(recorded.into_iter().all(|recorded| recorded.unwrap() == Recorded::Added));
                flushed.into_iter().for_each(Result::unwrap);
                uses.clear();
            }
        }
        nodes[dice.below(3)].count(tenants[0], SEARCHES, By::System, 1);
        *expected.entry((tenants[0], SEARCHES.name().to_owned(), hour, "system".to_owned(), String::new())).or_default() += 1;
        // What was counted and not written yet belongs to the hour that is over.
        clock.advance(TimeDelta::hours(1));
    }
    // Two flushes of one node at once are one after the other.
    join_all(nodes.iter().map(|node| join(node.flush(), node.flush()))).await.into_iter().for_each(|(one, two)| one.and(two).unwrap());
    assert_eq!(sums(&test).await, expected);
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// Polls a flush until it is done or has been polled so often, and then drops it. True if it was done.
async fn cancelled(counts: &Counts, polls: usize) -> bool {
    let mut flush = pin!(counts.flush());
    for _ in 0..polls {
        let waker = Waker::from(Arc::new(Nobody));
        if let Poll::Ready(flushed) = flush.as_mut().poll(&mut Context::from_waker(&waker)) {
            flushed.unwrap();
            return true;
        }
        // Until the answer is there.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

/// Until the server does nothing more for anybody else.
async fn settled(test: &TestDb) {
    let busy = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut tx = test.db.system("a test waits").begin().await.unwrap();
        if sqlx::query_scalar::<_, i64>(busy).fetch_one(&mut *tx).await.unwrap() == 0 {
            return;
        }
    }
}

/// MET-02: a write that is cut off anywhere, also when it was committed and nobody heard of it, is written once.
#[tokio::test(flavor = "multi_thread")]
async fn a_flush_may_be_cancelled_at_every_await() {
    let (test, mut expected, mut unheard) = (database().await, 0, 0);
    let (tenant, counts) = (test.tenant("acme").await, counts(&test));
    // Again, if the machine was so busy that each answer was there before it was looked for.
    for _ in 0..100 {
        for polls in 0.. {
            counts.count(tenant, SEARCHES, By::System, 7);
            expected += 7;
            let is_done = cancelled(&counts, polls).await;
            settled(&test).await;
            if !is_done && total(&test).await == expected {
                unheard += 1;
            }
            counts.count(tenant, SEARCHES, By::System, 1);
            expected += 1;
            counts.flush().await.unwrap();
            assert_eq!(total(&test).await, expected, "{polls} polls");
            if is_done {
                break;
            }
        }
        if unheard > 0 {
            return;
        }
    }
    panic!("no commit was cut off from its answer");
}

/// MET-02: what is lost by a program that is killed is what it counted since it last wrote.
#[tokio::test]
async fn a_program_that_is_killed_loses_what_it_counted_since_it_last_wrote() {
    let test = database().await;
    let (tenant, killed) = (test.tenant("acme").await, counts(&test));
    killed.count(tenant, SEARCHES, By::System, 100);
    killed.flush().await.unwrap();
    killed.count(tenant, SEARCHES, By::System, 30);
    drop(killed);
    assert_eq!(total(&test).await, 100);
}

/// It writes by itself when the program stops, and before that at the latest after ten seconds.
#[tokio::test]
async fn a_program_that_drains_loses_nothing() {
    let test = database().await;
    let (tenant, counts) = (test.tenant("acme").await, counts(&test));
    let running = counts.start();
    counts.count(tenant, SEARCHES, By::System, 1);
    let waited = tokio::time::Instant::now();
    while total(&test).await == 0 {
        assert!(waited.elapsed() < Duration::from_secs(20), "it does not write by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    counts.count(tenant, SEARCHES, By::System, 2);
    // The database goes away just then, and is back soon.
    away(&test).await;
    let back = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self::back(&test).await;
    };
    join(running.drained(), back).await;
    assert_eq!(total(&test).await, 3);
}

/// Holds the sums, so that whoever writes them waits for as long as the server likes.
async fn held(test: &TestDb) -> PgConnection {
    let mut url = url::Url::parse(test.database.superuser_url().expose()).unwrap();
    url.set_path(test.database.name());
    let mut holder = PgConnection::connect(url.as_str()).await.unwrap();
    sqlx::raw_sql("begin; lock table data.usage_hour in access exclusive mode").execute(&mut holder).await.unwrap();
    holder
}

/// Waits until somebody waits for the sums.
async fn waited_for(holder: &mut PgConnection) {
    let waiting = "select exists (select from pg_locks where relation = 'data.usage_hour'::regclass and not granted)";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut *holder).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A write that nothing is heard of is given up, and sent again.
#[tokio::test]
async fn a_database_that_is_silent_is_waited_for_no_longer_than_50_seconds() {
    let test = database().await;
    let (tenant, counts) = (test.tenant("acme").await, counts(&test));
    counts.count(tenant, SEARCHES, By::System, 7);
    let mut holder = held(&test).await;
    let flush = tokio::spawn({
        let counts = counts.clone();
        async move { counts.flush().await }
    });
    waited_for(&mut holder).await;
    // Of the test's clock alone: the server's own limit is far away.
    tokio::time::pause();
    let error = flush.await.unwrap().unwrap_err();
    tokio::time::resume();
    assert!(error.is_unavailable() && error.code().is_none(), "{error:?}");
    holder.close().await.unwrap();
    counts.flush().await.unwrap();
    assert_eq!(total(&test).await, 7);
}

/// Whoever stops while it waits does not wait on, and says what is lost.
#[tokio::test]
async fn a_program_stops_also_while_the_database_is_silent() {
    let (test, metrics) = (database().await, Metrics::new());
    let (tenant, counts) = (test.tenant("acme").await, Counts::new(&test.db, &metrics));
    let running = counts.start();
    counts.count(tenant, SEARCHES, By::System, 7);
    let mut holder = held(&test).await;
    // Now it is time to write.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    waited_for(&mut holder).await;
    counts.count(tenant, SEARCHES, By::System, 2);
    tokio::time::pause();
    let stopping = tokio::time::Instant::now();
    running.drained().await;
    assert!(stopping.elapsed() < Duration::from_secs(11), "{:?}", stopping.elapsed());
    tokio::time::resume();
    assert!(metrics.text().contains("usage_lost_total{} 9.0"), "{}", metrics.text());
    holder.close().await.unwrap();
}

async fn as_superuser(test: &TestDb, statement: &str) {
    let mut url = url::Url::parse(test.database.superuser_url().expose()).unwrap();
    url.set_path("/postgres");
    let mut superuser = PgConnection::connect(url.as_str()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut superuser).await.unwrap();
}

/// The database lets nobody in any more.
async fn away(test: &TestDb) {
    let name = test.database.name();
    as_superuser(
        test,
        &format!(
            "alter database \"{name}\" allow_connections false;
            select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        ),
    )
    .await;
}

async fn back(test: &TestDb) {
    as_superuser(test, &format!("alter database \"{}\" allow_connections true", test.database.name())).await;
}

/// What is counted while the database is away is written when it is back.
#[tokio::test]
async fn while_the_database_is_away_counts_add_up() {
    let test = database().await;
    let (tenant, counts) = (test.tenant("acme").await, counts(&test));
    counts.count(tenant, SEARCHES, By::System, 1);
    away(&test).await;
    for _ in 0..3 {
        assert!(counts.flush().await.is_err());
        counts.count(tenant, SEARCHES, By::System, 10);
        counts.count(tenant, MESSAGES, By::System, 100);
    }
    back(&test).await;
    counts.flush().await.unwrap();
    let by_meter: BTreeMap<_, _> = sums(&test).await.into_iter().map(|((_, meter, ..), quantity)| (meter, quantity)).collect();
    assert_eq!(by_meter, BTreeMap::from([("messages".to_owned(), 300), ("searches".to_owned(), 31)]));
}

/// Memory is bounded, and what finds no room is counted as lost; what is there already goes on.
#[tokio::test]
async fn what_finds_no_room_is_counted_as_lost() {
    let test = TestDb::at(&[MIGRATIONS], Clock::fixed("2026-06-01T12:00:00Z".parse().unwrap()), 3).await.unwrap();
    let (tenant, metrics) = (test.tenant("acme").await, Metrics::new());
    let counts = Counts::new(&test.db, &metrics);
    let keys: Vec<KeyId> = (0..100_003).map(|_| KeyId::new()).collect();
    for key in &keys {
        counts.count(tenant, SEARCHES, By::Key(*key), 2);
    }
    counts.count(tenant, SEARCHES, By::Key(keys[0]), 5);
    assert!(metrics.text().contains("usage_lost_total{} 6.0"), "{}", metrics.text());
    counts.flush().await.unwrap();
    counts.count(tenant, SEARCHES, By::Key(keys[100_002]), 1);
    counts.flush().await.unwrap();
    assert_eq!((sums(&test).await.len(), total(&test).await), (100_001, 200_006));
}

/// Of an organization that is gone nothing is written, and the others' counts are.
#[tokio::test]
async fn a_tenant_that_is_deleted_is_not_counted_any_more() {
    let test = database().await;
    let (gone, other, counts) = (test.tenant("gone").await, test.tenant("other").await, counts(&test));
    counts.count(gone, SEARCHES, By::System, 1);
    counts.count(other, SEARCHES, By::System, 2);
    let mut tx = test.db.system("a test deletes a tenant").begin().await.unwrap();
    sqlx::query("update core.tenant set state = 'deleted' where id = $1").bind(gone).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    counts.flush().await.unwrap();
    assert_eq!(sums(&test).await.into_iter().map(|((tenant, ..), sum)| (tenant, sum)).collect::<Vec<_>>(), [(other, 2)]);
}

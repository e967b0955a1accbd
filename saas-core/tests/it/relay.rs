//! Events reach every consumer once, whatever happens to whoever carries them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::TimeDelta;
use saas_core::{
    Actor, Clock, Consumer, ConsumerError, EventId, Ledger, Lifecycle, RecordedEvent, Relay, RelaySettings, SystemTx, UserId, event_in,
    system_event_in, testing::TestDb,
};

use crate::{
    happening::{Happened, Renamed, happen},
    planted::{as_owner, as_superuser, truth},
    program::wait_until,
    rounds::RELAY_KILLS,
};

const SOON: Duration = Duration::from_secs(30);

/// Writes down what it takes, and does what the test says at events of a number.
#[derive(Clone, Default)]
struct Scribe {
    name: &'static str,
    refuses: Arc<AtomicUsize>,
    panics: Arc<AtomicUsize>,
    hangs: Arc<AtomicUsize>,
    seen: Arc<std::sync::Mutex<Vec<RecordedEvent>>>,
}

impl Scribe {
    fn new(name: &'static str) -> Self {
        let never = || Arc::new(AtomicUsize::new(usize::MAX));
        Self { name, refuses: never(), panics: never(), hangs: never(), seen: Arc::default() }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("number {0} is not for me")]
struct NotForMe(usize);

#[async_trait]
impl Consumer for Scribe {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn take(&self, tx: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        for event in events {
            sqlx::query("insert into core.taken (consumer, event) values ($1, $2)")
                .bind(self.name)
                .bind(event.id)
                .execute(&mut **tx)
                .await?;
            let number = event.data["number"].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
            if number == self.refuses.load(Ordering::Relaxed) {
                return Err(NotForMe(number).into());
            }
            assert_ne!(number, self.panics.load(Ordering::Relaxed), "a bug of the consumer");
            if number == self.hangs.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            self.seen.lock().unwrap().push(event.clone());
        }
        Ok(())
    }
}

/// Twice by the same consumer would be counted, not refused.
const TAKEN: &str =
    "create table core.taken (consumer text not null, event uuid not null); grant insert, select on core.taken to saas_system";

async fn arranged(clock: Clock) -> TestDb {
    let test = TestDb::at(&[], clock, 10).await.unwrap();
    as_owner(&test, TAKEN).await;
    test
}

fn settings() -> RelaySettings {
    RelaySettings {
        batch: 10,
        poll: Duration::from_millis(50),
        patience: Duration::from_millis(500),
        attempts: 3,
        ..RelaySettings::default()
    }
}

fn relay(test: &TestDb, scribes: &[&Scribe]) -> Relay {
    let relay = Relay::with(&test.db, settings());
    for scribe in scribes {
        relay.register((*scribe).clone());
    }
    relay
}

/// How often each consumer took each event.
async fn taken(test: &TestDb) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for row in truth(test, "select consumer || ' ' || event::text from core.taken").await {
        let (consumer, event) = row.split_once(' ').unwrap();
        *counts.entry((consumer.to_owned(), event.to_owned())).or_default() += 1;
    }
    counts
}

fn once_each(consumers: &[&str], events: &[EventId]) -> BTreeMap<(String, String), usize> {
    consumers.iter().flat_map(|consumer| events.iter().map(|event| (((*consumer).to_owned(), event.to_string()), 1))).collect()
}

#[tokio::test]
async fn a_consumer_gets_an_event_as_it_was_recorded() {
    let test = arranged(Clock::system()).await;
    let (tenant, user) = (test.tenant("acme").await, UserId::new());
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    let id = event_in(&mut tx, Actor::User(user), "thing 7", &Renamed::from_a_to_b()).await.unwrap();
    let at = tx.now();
    tx.commit().await.unwrap();
    let mut tx = test.db.system("test").begin().await.unwrap();
    system_event_in(&mut tx, Ledger::Platform, Actor::Anonymous, "x", &Happened { number: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    let scribe = Scribe::new("scribe");
    assert_eq!(relay(&test, &[&scribe]).relay_now().await.unwrap(), 2);
    let seen = scribe.seen.lock().unwrap().clone();
    assert_eq!((seen[0].id, seen[0].ledger, seen[0].actor), (id, Ledger::Tenant(tenant), Actor::User(user)));
    assert_eq!((seen[0].name.as_str(), seen[0].version, seen[0].subject.as_str()), ("test.thing.renamed", 3, "thing 7"));
    assert_eq!((seen[0].severity.as_str(), &seen[0].data["name"]["new"]), ("warning", &"b".into()));
    assert!((seen[0].at - at).abs() < TimeDelta::seconds(1));
    assert_eq!((seen[1].ledger, seen[1].actor), (Ledger::Platform, Actor::Anonymous));
}

#[tokio::test]
async fn several_relays_at_once_give_each_event_to_each_consumer_once() {
    let test = arranged(Clock::system()).await;
    let tenants = [test.tenant("acme").await, test.tenant("beta").await];
    let mut ids = happen(&test, tenants[0], 40).await;
    ids.extend(happen(&test, tenants[1], 40).await);
    let (a, b) = (Scribe::new("a"), Scribe::new("b"));
    let relays: Vec<_> = (0..4).map(|_| relay(&test, &[&a, &b])).collect();
    let finished: usize = futures_util::future::join_all(relays.iter().map(Relay::relay_now)).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(finished, 80);
    assert_eq!(taken(&test).await, once_each(&["a", "b"], &ids));
    assert_eq!(relays[0].relay_now().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_runs_is_woken_by_the_commit_and_stops_with_the_program() {
    let test = arranged(Clock::system()).await;
    let tenant = test.tenant("acme").await;
    let scribe = Scribe::new("scribe");
    // It would look by itself in an hour.
    let relay = Relay::with(&test.db, RelaySettings { poll: Duration::from_secs(3600), ..settings() });
    relay.register(scribe.clone());
    let lifecycle = Lifecycle::new();
    relay.start(&lifecycle);
    for count in 1..=3 {
        happen(&test, tenant, 1).await;
        wait_until("the event was relayed", SOON, || scribe.seen.lock().unwrap().len() == count);
    }
    lifecycle.drain();
}

#[tokio::test]
async fn what_was_never_committed_is_never_relayed() {
    let test = arranged(Clock::system()).await;
    let tenant = test.tenant("acme").await;
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut tx, Actor::System, "x", &Happened { number: 1 }).await.unwrap();
    let relay = relay(&test, &[&Scribe::new("scribe")]);
    assert_eq!(relay.relay_now().await.unwrap(), 0);
    drop(tx);
    assert_eq!(relay.relay_now().await.unwrap(), 0);
    // One that commits after later ones were relayed is not passed over.
    let mut late = test.db.tenant(tenant).begin().await.unwrap();
    event_in(&mut late, Actor::System, "x", &Happened { number: 1 }).await.unwrap();
    happen(&test, tenant, 1).await;
    assert_eq!(relay.relay_now().await.unwrap(), 1);
    late.commit().await.unwrap();
    assert_eq!(relay.relay_now().await.unwrap(), 1);
}

/// A consumer that refuses, panics or hangs for one event gets the others, and other consumers get that one.
#[tokio::test]
async fn a_consumer_that_fails_for_one_event_stops_neither_others_nor_other_events() {
    type Fault = fn(&Scribe) -> &AtomicUsize;
    let faults: [(Fault, &str); 3] = [
        (|it| &it.refuses, "bad: number 3 is not for me"),
        (|it| &it.panics, "bad: it panicked"),
        (|it| &it.hangs, "bad: it took too long"),
    ];
    for (fault, error) in faults {
        let clock = Clock::fixed(Clock::system().now());
        let test = arranged(clock.clone()).await;
        let tenant = test.tenant("acme").await;
        let ids = happen(&test, tenant, 6).await;
        let (bad, good) = (Scribe::new("bad"), Scribe::new("good"));
        fault(&bad).store(3, Ordering::Relaxed);
        let relay = relay(&test, &[&bad, &good]);
        assert_eq!(relay.relay_now().await.unwrap(), 5);
        let mut expected = once_each(&["bad", "good"], &ids);
        expected.remove(&("bad".to_owned(), ids[3].to_string()));
        assert_eq!(taken(&test).await, expected);
        assert_eq!(truth(&test, "select error from data.outbox where relayed_at is null").await, [error]);

        // Not before its time, and then by the one that has not taken it.
        assert_eq!(relay.relay_now().await.unwrap(), 0);
        assert_eq!(truth(&test, "select attempts::text from data.outbox where relayed_at is null").await, ["1"]);
        fault(&bad).store(usize::MAX, Ordering::Relaxed);
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(relay.relay_now().await.unwrap(), 1);
        assert_eq!(taken(&test).await, once_each(&["bad", "good"], &ids));
    }
}

#[tokio::test]
async fn an_event_that_keeps_failing_is_given_up_visibly_and_can_be_tried_again() {
    let clock = Clock::fixed(Clock::system().now());
    let test = arranged(clock.clone()).await;
    let tenant = test.tenant("acme").await;
    let ids = happen(&test, tenant, 1).await;
    let (bad, good) = (Scribe::new("bad"), Scribe::new("good"));
    bad.refuses.store(0, Ordering::Relaxed);
    let relay = relay(&test, &[&bad, &good]);
    for _ in 0..3 {
        assert_eq!(relay.state().await.unwrap().waiting, 1);
        assert_eq!(relay.relay_now().await.unwrap(), 0);
        clock.advance(TimeDelta::minutes(1));
    }
    let dead = relay.dead(10).await.unwrap().pop().unwrap();
    assert_eq!((dead.id, dead.ledger, dead.attempts), (ids[0], Ledger::Tenant(tenant), 3));
    assert_eq!((dead.taken, dead.error.as_str()), (vec!["good".to_owned()], "bad: number 0 is not for me"));
    assert_eq!((relay.state().await.unwrap().waiting, relay.state().await.unwrap().dead), (0, 1));
    clock.advance(TimeDelta::days(1));
    assert_eq!(relay.relay_now().await.unwrap(), 0);

    bad.refuses.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(relay.replay(Some(ids[0])).await.unwrap(), 1);
    assert_eq!(relay.replay(Some(ids[0])).await.unwrap(), 0);
    assert_eq!(relay.relay_now().await.unwrap(), 1);
    assert_eq!(taken(&test).await, once_each(&["bad", "good"], &ids));
}

#[tokio::test]
async fn how_far_the_relay_is_behind_is_a_number() {
    let clock = Clock::fixed(Clock::system().now());
    let test = arranged(clock.clone()).await;
    let tenant = test.tenant("acme").await;
    let relay = relay(&test, &[]);
    let state = relay.state().await.unwrap();
    assert_eq!((state.waiting, state.lag_seconds, state.dead), (0, 0.0, 0));
    happen(&test, tenant, 3).await;
    clock.advance(TimeDelta::seconds(90));
    happen(&test, tenant, 1).await;
    let state = relay.state().await.unwrap();
    assert_eq!((state.waiting, state.lag_seconds), (4, 90.0));
    relay.relay_now().await.unwrap();
    assert_eq!(relay.state().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn relayed_events_are_deleted_after_the_stated_time_and_waiting_ones_are_not() {
    let clock = Clock::fixed(Clock::system().now());
    let test = arranged(clock.clone()).await;
    let tenant = test.tenant("acme").await;
    let relay = Relay::with(&test.db, RelaySettings { keep: Duration::from_secs(3600), ..settings() });
    happen(&test, tenant, 3).await;
    relay.relay_now().await.unwrap();
    clock.advance(TimeDelta::minutes(59));
    happen(&test, tenant, 1).await;
    assert_eq!(relay.sweep().await.unwrap(), 0);
    clock.advance(TimeDelta::minutes(2));
    assert_eq!(relay.sweep().await.unwrap(), 3);
    clock.advance(TimeDelta::days(1));
    assert_eq!(relay.sweep().await.unwrap(), 0);
    assert_eq!(relay.state().await.unwrap().waiting, 1);
}

/// Remembers how many events it was handed at once.
#[derive(Clone, Default)]
struct Portions(Arc<std::sync::Mutex<Vec<usize>>>);

#[async_trait]
impl Consumer for Portions {
    fn name(&self) -> &'static str {
        "portions"
    }

    async fn take(&self, _: &mut SystemTx, events: &[RecordedEvent]) -> Result<(), ConsumerError> {
        self.0.lock().unwrap().push(events.len());
        Ok(())
    }
}

/// OPS-02: a full queue: whoever records something is neither refused nor kept waiting by those who do not come after, the backlog shows, and it
/// is taken in portions that bound what one transaction holds.
#[tokio::test]
async fn a_full_queue_refuses_nobody_shows_and_is_taken_in_portions() {
    const BACKLOG: usize = 1_005;
    let test = arranged(Clock::system()).await;
    let tenant = test.tenant("acme").await;
    let (portions, refusing) = (Portions::default(), Scribe::new("refusing"));
    let relay = relay(&test, &[]);
    relay.register(portions.clone());
    happen(&test, tenant, BACKLOG).await;
    assert_eq!(relay.state().await.unwrap().waiting, BACKLOG as i64);
    assert_eq!(relay.relay_now().await.unwrap(), BACKLOG);
    let sizes = portions.0.lock().unwrap().clone();
    assert!(sizes.iter().all(|size| *size <= usize::from(settings().batch)), "{sizes:?}");
    assert_eq!((sizes.iter().sum::<usize>(), relay.state().await.unwrap().waiting), (BACKLOG, 0));
    // One that takes nothing at all is in nobody's way either.
    refusing.refuses.store(0, Ordering::Relaxed);
    relay.register(refusing);
    happen(&test, tenant, 1).await;
    assert_eq!(relay.relay_now().await.unwrap(), 0);
    assert_eq!((happen(&test, tenant, 3).await.len(), relay.state().await.unwrap().waiting), (3, 4));
}

/// A worker killed at any point: the server ends its sessions, again and again, while events are recorded and two relays work.
#[tokio::test]
async fn whoever_is_killed_while_relaying_each_event_is_taken_once() {
    let test = arranged(Clock::system()).await;
    let tenant = test.tenant("acme").await;
    let (a, b) = (Scribe::new("a"), Scribe::new("b"));
    let lifecycle = Lifecycle::new();
    let relays = [relay(&test, &[&a, &b]), relay(&test, &[&a, &b])];
    for relay in &relays {
        relay.start(&lifecycle);
    }
    let done = Arc::new(AtomicBool::new(false));
    let recording = async {
        let mut ids = Vec::new();
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            number += 1;
            let recorded = async {
                let mut tx = test.db.tenant(tenant).begin().await?;
                let id = event_in(&mut tx, Actor::System, number, &Happened { number }).await?;
                tx.commit().await?;
                Ok::<_, saas_core::DbError>(id)
            };
            ids.extend(recorded.await.ok());
        }
        ids
    };
    let killing = async {
        for round in 0..RELAY_KILLS.number() {
            // Each round a little later than the one before, so that it hits another step.
            tokio::time::sleep(Duration::from_millis(20 + round as u64 % 17)).await;
            as_superuser(
                &test,
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and usename like '%_system' and pid <> pg_backend_pid()",
            )
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let (ids, ()) = tokio::join!(recording, killing);
    assert!(ids.len() > 10, "{}", ids.len());
    let relay = &relays[0];
    let started = tokio::time::Instant::now();
    while relay.state().await.map_or(1, |state| state.waiting) > 0 {
        assert!(started.elapsed() < SOON, "{:?}", relay.dead(10).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    lifecycle.drain();
    assert_eq!(relay.dead(10).await.unwrap(), []);
    assert_eq!(taken(&test).await, once_each(&["a", "b"], &ids));
}

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use saas_billing::{By, Counts, MIGRATIONS, Recorded, Use, UseError};
use saas_core::{AgentId, Clock, DbError, testing::TestDb};

use super::{Dice, MESSAGES, SEARCHES, Sums, record, some, somebody, sums, sums_of_events, total};
use crate::given::{billing, database};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// MET-02
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_record_an_event_once() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let recorded = join_all((0..200).map(|_| {
        let (test, billing) = (&test, &billing);
        async move { record(test, billing, tenant, Use::new(MESSAGES, some(3), By::System, "message 1")).await.unwrap() }
    }))
    .await;
    assert_eq!(recorded.iter().filter(|recorded| **recorded == Recorded::Added).count(), 1);
    assert_eq!(total(&test).await, 3);
}

/// MET-01, MET-02: whatever comes twice, late, in another order or at once, the sums are those of what happened.
#[tokio::test(flavor = "multi_thread")]
async fn the_sums_are_those_of_the_events_in_whatever_order_they_come() {
    let clock = Clock::fixed(at("2028-03-01T00:30:00Z"));
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 10).await.unwrap(), billing());
    let tenants = [test.tenant("acme").await, test.tenant("other").await];
    let (mut dice, people, mut expected, mut uses) = (Dice(7), somebody(), Sums::new(), Vec::new());
    for number in 0..120 {
        let (tenant, meter) = (tenants[dice.below(2)], [MESSAGES, SEARCHES][dice.below(2)]);
        let (by, kind, id) = &people[dice.below(people.len())];
        let quantity = u32::try_from(dice.below(1_000) + 1).unwrap();
        // Around midnight, the end of February, and as late as may be.
        let happened = clock.now() - [0, 1, 29, 31, 60, 90, 1_471, 50_399].map(TimeDelta::minutes)[dice.below(8)];
        let hour = DateTime::from_timestamp(happened.timestamp().div_euclid(3600) * 3600, 0).unwrap();
        *expected.entry((tenant, meter.name().to_owned(), hour, (*kind).to_owned(), id.clone())).or_default() += i64::from(quantity);
        // The same id of another tenant or meter is another event.
        for _ in 0..=dice.below(3) {
            uses.push((tenant, meter, some(quantity), *by, format!("event {number}"), happened));
        }
    }
    for last in (1..uses.len()).rev() {
        uses.swap(last, dice.below(last + 1));
    }
    for some_of_them in uses.chunks(20) {
        join_all(some_of_them.iter().map(|(tenant, meter, quantity, by, event, happened)| {
            record(&test, &billing, *tenant, Use::new(*meter, *quantity, *by, event).at(*happened))
        }))
        .await
        .into_iter()
        .try_for_each(|recorded| recorded.map(drop))
        .unwrap();
    }
    assert_eq!(sums(&test).await, expected);
    assert_eq!(sums_of_events(&test).await, expected);
}

#[tokio::test]
async fn a_use_is_undone_with_its_work() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let used = Use::new(MESSAGES, some(1), By::System, "message 1");
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    assert_eq!(billing.record_in(&mut tx, used).await.unwrap(), Recorded::Added);
    assert_eq!(billing.record_in(&mut tx, used).await.unwrap(), Recorded::Known);
    drop(tx);
    assert_eq!((sums(&test).await, sums_of_events(&test).await), (Sums::new(), Sums::new()));
    // It was not known, so it counts.
    assert_eq!(record(&test, &billing, tenant, used).await.unwrap(), Recorded::Added);
    assert_eq!(total(&test).await, 1);
}

/// S73, S77: what is wrong is refused before anything is asked, and the work goes on.
#[tokio::test]
async fn what_cannot_be_recorded_leaves_the_transaction_as_it_was() {
    let clock = Clock::fixed(at("2026-12-31T23:59:00Z"));
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 2).await.unwrap(), billing());
    let (tenant, now) = (test.tenant("acme").await, clock.now());
    let used = |event| Use::new(MESSAGES, some(u32::MAX), By::System, event);
    let long = "é".repeat(201);
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    for event in ["", "a\0b", &long] {
        assert!(matches!(billing.record_in(&mut tx, used(event)).await, Err(UseError::Event)), "{event:?}");
    }
    let late = now - TimeDelta::days(35) - TimeDelta::microseconds(1);
    assert!(matches!(billing.record_in(&mut tx, used("late").at(late)).await, Err(UseError::Late(at)) if at == late));
    let ahead = now + TimeDelta::minutes(5) + TimeDelta::microseconds(1);
    assert!(matches!(billing.record_in(&mut tx, used("ahead").at(ahead)).await, Err(UseError::Ahead(at)) if at == ahead));
    // As late and as far ahead as may be; what is ahead counts now, and not in another year.
    billing.record_in(&mut tx, used(&long[..400]).at(now - TimeDelta::days(35))).await.unwrap();
    billing.record_in(&mut tx, used("soon").at(now + TimeDelta::minutes(5))).await.unwrap();
    tx.commit().await.unwrap();
    let hours: Vec<_> = sums(&test).await.into_iter().map(|((_, _, hour, ..), quantity)| (hour, quantity)).collect();
    assert_eq!(hours, [(at("2026-11-26T23:00:00Z"), i64::from(u32::MAX)), (at("2026-12-31T23:00:00Z"), i64::from(u32::MAX))]);
}

/// An hour begins where the one before ends, at midnight of a new year as well.
#[tokio::test]
async fn a_use_counts_in_the_hour_in_which_it_happened() {
    let clock = Clock::fixed(at("2027-01-01T00:00:00Z"));
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock, 2).await.unwrap(), billing());
    let tenant = test.tenant("acme").await;
    for (event, happened) in [("a", "2026-12-31T22:59:59.999999Z"), ("b", "2026-12-31T23:00:00Z"), ("c", "2026-12-31T23:59:59.999999Z")] {
        record(&test, &billing, tenant, Use::new(MESSAGES, some(1), By::System, event).at(at(happened))).await.unwrap();
    }
    record(&test, &billing, tenant, Use::new(MESSAGES, some(1), By::System, "d")).await.unwrap();
    let hours: Vec<_> = sums(&test).await.into_iter().map(|((_, _, hour, ..), quantity)| (hour, quantity)).collect();
    let expected = [("2026-12-31T22:00:00Z", 1), ("2026-12-31T23:00:00Z", 2), ("2027-01-01T00:00:00Z", 1)];
    assert_eq!(hours, expected.map(|(hour, quantity)| (at(hour), quantity)));
}

/// What was recorded is not the tenant's to change.
#[tokio::test]
async fn a_tenant_takes_nothing_back() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    record(&test, &billing, tenant, Use::new(MESSAGES, some(2), By::System, "message 1")).await.unwrap();
    for (statement, code) in [
        ("delete from usage_event", "42501"),
        ("update usage_event set quantity = 0", "42501"),
        ("delete from usage_hour", "42501"),
        ("update usage_hour set hour = hour - interval '1 hour'", "42501"),
        ("update usage_hour set by_kind = 'tool', by_id = 'export'", "42501"),
        ("update usage_hour set quantity = 1", "23514"),
        ("select from billing.usage_batch", "42501"),
    ] {
        let mut tx = test.db.tenant(tenant).begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.map_err(DbError::from).unwrap_err();
        assert_eq!(refused.code().as_deref(), Some(code), "{statement}");
    }
    assert_eq!(total(&test).await, 2);
}

/// S73: whoever uses the id of somebody else's use is told so, and the work may go on.
#[tokio::test]
async fn an_event_is_that_of_one_use() {
    let (test, billing) = (database().await, billing());
    let tenant = test.tenant("acme").await;
    let by = By::Agent(AgentId::new());
    let used = Use::new(MESSAGES, some(3), by, "job 7");
    assert_eq!(record(&test, &billing, tenant, used).await.unwrap(), Recorded::Added);
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    // At another time as well: whoever says none sends it again later.
    let before = tx.now() - TimeDelta::hours(2);
    assert_eq!(billing.record_in(&mut tx, used.at(before)).await.unwrap(), Recorded::Known);
    for other in [
        Use::new(MESSAGES, some(4), by, "job 7"),
        Use::new(MESSAGES, some(3), By::Agent(AgentId::new()), "job 7"),
        Use::new(MESSAGES, some(3), By::System, "job 7"),
    ] {
        assert!(matches!(billing.record_in(&mut tx, other).await, Err(UseError::Taken)), "{other:?}");
    }
    // Of another meter it is another event.
    assert_eq!(billing.record_in(&mut tx, Use::new(SEARCHES, some(4), By::System, "job 7")).await.unwrap(), Recorded::Added);
    tx.commit().await.unwrap();
    assert_eq!(total(&test).await, 7);
}

/// Whoever goes on using is not stopped by the end of the numbers.
#[tokio::test]
async fn a_sum_ends_at_the_greatest_number() {
    let (test, billing) = (database().await, billing());
    let (tenant, counts) = (test.tenant("acme").await, Counts::new(&test.db, &saas_core::Metrics::new()));
    record(&test, &billing, tenant, Use::new(MESSAGES, some(2), By::System, "message 1")).await.unwrap();
    counts.count(tenant, SEARCHES, By::System, 2);
    counts.flush().await.unwrap();
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query("update usage_hour set quantity = 9223372036854775806").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    record(&test, &billing, tenant, Use::new(MESSAGES, some(2), By::System, "message 2")).await.unwrap();
    counts.count(tenant, SEARCHES, By::System, 2);
    counts.flush().await.unwrap();
    assert_eq!(sums(&test).await.into_values().collect::<Vec<_>>(), [i64::MAX, i64::MAX]);
}

/// Each is kept as long as is said, and an event for longer than it may be late.
#[tokio::test]
async fn what_is_old_is_swept() {
    let clock = Clock::fixed(at("2026-01-31T12:00:00Z"));
    let (test, billing) = (TestDb::at(&[MIGRATIONS], clock.clone(), 3).await.unwrap(), billing());
    let tenant = test.tenant("acme").await;
    let counts = Counts::new(&test.db, &saas_core::Metrics::new());
    let used = Use::new(MESSAGES, some(1), By::System, "message 1");
    record(&test, &billing, tenant, used.at(clock.now() - TimeDelta::days(35))).await.unwrap();
    counts.count(tenant, SEARCHES, By::System, 1);
    counts.flush().await.unwrap();
    let sweep = async |days| {
        clock.advance(TimeDelta::days(days));
        test.sweep().await.values().sum::<u64>()
    };
    assert_eq!(sweep(7).await, 0);
    assert_eq!(sweep(1).await, 1, "the batch");
    assert_eq!(sweep(52).await, 0);
    assert_eq!(record(&test, &billing, tenant, used).await.unwrap(), Recorded::Known);
    assert_eq!(sweep(1).await, 1, "the event");
    assert_eq!(sums(&test).await.len(), 2);
    assert_eq!((sweep(761 - 61 - 35).await, sweep(2).await), (0, 1), "what was used in December");
    assert_eq!((sweep(33).await, sweep(2).await), (0, 1), "what was used in January");
    assert_eq!(sums(&test).await, Sums::new());
}

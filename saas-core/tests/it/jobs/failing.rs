//! What does not go well.

use std::{sync::Arc, time::Duration};

use saas_core::{DeadLetters, Job, JobError, JobId, JobOptions, Jobs, ReplayError, TenantRun, testing::TestDb};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Heard, Say, dead, enqueue, nothing_left, quick, say, start, until};
use crate::planted::as_owner;

#[derive(Debug, thiserror::Error)]
#[error("the moon is full")]
struct Moon;

/// A job of one attempt whose end is not good.
#[derive(serde::Serialize, serde::Deserialize)]
enum Bad {
    Panics,
    NeverEnds,
    Blocks,
    GivesUp,
}

impl Job for Bad {
    const NAME: &'static str = "test.bad";
    const ATTEMPTS: u16 = 1;
    // A panic that is written out takes a second on a busy machine.
    const TIME_LIMIT: Duration = Duration::from_secs(4);
}

async fn bad(run: TenantRun, job: Bad) -> Result<(), JobError> {
    assert!(run.is_last_attempt());
    match job {
        Bad::Panics => panic!("no hands"),
        Bad::NeverEnds => std::future::pending().await,
        // Longer than the limit, without ever letting anybody else have a turn.
        Bad::Blocks => {
            std::thread::sleep(Duration::from_secs(6));
            Ok(())
        }
        Bad::GivesUp => Err(JobError::fatal(Moon)),
    }
}

/// NOT-01, OPS-04: what stands in everybody's way for long uses up nobody's attempts.
#[tokio::test]
async fn a_job_that_is_put_off_keeps_its_attempts() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let (told, mut attempts) = mpsc::unbounded_channel();
    let times = Arc::new(std::sync::atomic::AtomicU32::new(0));
    jobs.on(move |run: TenantRun, _: Say| {
        told.send((run.attempt(), run.is_last_attempt())).unwrap();
        let is_in_the_way = times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 10;
        async move { if is_in_the_way { Err(JobError::put_off(Duration::ZERO, Moon)) } else { Ok(()) } }
    });
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("howl"), JobOptions::new().attempts(2)).await;
    for _ in 0..11 {
        assert_eq!(attempts.recv().await, Some((1, false)));
    }
    nothing_left(&test).await;
    assert_eq!(DeadLetters::new(&test.db).list(10).await.unwrap(), []);
}

/// OPS-01
#[tokio::test]
async fn a_job_that_fails_is_tried_again_and_then_a_dead_letter_that_can_be_replayed() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let (told, mut attempts) = mpsc::unbounded_channel();
    let mended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_mended = mended.clone();
    jobs.on(move |run: TenantRun, _: Say| {
        told.send((run.attempt(), run.is_last_attempt(), run.id())).unwrap();
        let outcome =
            if is_mended.load(std::sync::atomic::Ordering::SeqCst) { Ok(()) } else { Err(JobError::retry_after(Duration::ZERO, Moon)) };
        async move { outcome }
    });
    let _running = start(&jobs, quick(1)).await;
    let id = enqueue(&test, ada, &say("howl"), JobOptions::new()).await;
    for (number, is_last) in [(1, false), (2, false), (3, true)] {
        assert_eq!(attempts.recv().await, Some((number, is_last, id)));
    }
    let letter = dead(&test).await;
    assert_eq!((letter.id, letter.tenant, letter.name.as_str(), letter.attempts), (id, Some(ada), "test.say", 3));
    assert_eq!(letter.error, "the moon is full");

    let letters = DeadLetters::new(&test.db);
    let (shown, payload) = letters.show(id).await.unwrap().unwrap();
    assert_eq!((shown, payload), (letter, json!({ "word": "howl" })));
    assert_eq!(letters.show(JobId::new()).await.unwrap(), None);
    assert!(matches!(letters.replay(JobId::new()).await, Err(ReplayError::Unknown)));

    mended.store(true, std::sync::atomic::Ordering::SeqCst);
    letters.replay(id).await.unwrap();
    assert_eq!(attempts.recv().await, Some((1, false, id)));
    nothing_left(&test).await;
    assert_eq!(letters.list(10).await.unwrap(), []);
}

/// OPS-01
#[tokio::test]
async fn the_next_attempt_waits() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::then(&jobs, async || Err(Moon.into()));
    let _running = start(&jobs, quick(1)).await;
    let began = tokio::time::Instant::now();
    enqueue(&test, ada, &say("howl"), JobOptions::new()).await;
    heard.next().await;
    until(&test, "the second attempt is scheduled", |stats| stats.scheduled == 1).await;
    heard.next().await;
    // A second, less half of it by chance.
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
}

/// OPS-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_panic_a_time_limit_and_a_block_are_failed_attempts() {
    for (job, error) in [
        (Bad::Panics, "no hands"),
        (Bad::NeverEnds, "took longer than 4 s"),
        (Bad::Blocks, "took longer than 4 s"),
        (Bad::GivesUp, "the moon is full"),
    ] {
        let test = TestDb::new(&[]).await.unwrap();
        let ada = test.tenant("ada").await;
        let jobs = Jobs::new(&test.db);
        jobs.on(bad);
        let mut heard = Heard::on(&jobs);
        let _running = start(&jobs, quick(1)).await;
        enqueue(&test, ada, &job, JobOptions::new()).await;
        let letter = dead(&test).await;
        assert!(letter.error.contains(error), "{}", letter.error);
        // And the only slot is free for others.
        enqueue(&test, ada, &say("next"), JobOptions::new()).await;
        assert_eq!(heard.next().await.1, "next");
    }
}

/// OPS-01: a final error ends it at once, whatever attempts are left.
#[tokio::test]
async fn what_cannot_be_mended_is_not_tried_again() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let heard = Heard::then(&jobs, async || Err(JobError::fatal(Moon)));
    let _running = start(&jobs, quick(1)).await;
    enqueue(&test, ada, &say("once"), JobOptions::new()).await;
    assert_eq!(dead(&test).await.attempts, 1);
    assert_eq!(heard.all(), ["once"]);
}

/// J3
#[tokio::test]
async fn a_payload_that_does_not_fit_is_a_dead_letter_at_once() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    enqueue(&test, ada, &say("poison"), JobOptions::new()).await;
    as_owner(&test, r#"update core.job set payload = '{"sentence": 1}'"#).await;
    enqueue(&test, ada, &say("next"), JobOptions::new()).await;
    let _running = start(&jobs, quick(1)).await;
    assert_eq!(heard.next().await.1, "next");
    let letter = dead(&test).await;
    assert_eq!((letter.attempts, letter.error.as_str()), (1, "missing field `word`"));
    assert_eq!(heard.all(), ["next"]);
}

/// OPS-01
#[tokio::test]
async fn all_dead_letters_are_replayed_at_once() {
    let test = TestDb::new(&[]).await.unwrap();
    let ada = test.tenant("ada").await;
    for word in ["one", "two"] {
        enqueue(&test, ada, &say(word), JobOptions::new()).await;
    }
    as_owner(&test, "select core.job_die(id, 'gone', now()) from core.job").await;
    assert_eq!(super::stats(&test).await.dead, 2);
    assert_eq!(DeadLetters::new(&test.db).replay_all().await.unwrap(), 2);
    let jobs = Jobs::new(&test.db);
    let mut heard = Heard::on(&jobs);
    let _running = start(&jobs, quick(1)).await;
    assert_eq!([heard.next().await.1, heard.next().await.1], ["one", "two"]);
}

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::response::sse::Event as SseEvent;
use futures_util::{Stream, stream};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::{
    Held,
    hub::{Heard, Seat},
};
use crate::DbError;

/// How often a stream without news shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is asked whether the reader still may, without a reason: a session's time runs out without a word.
const RECHECK: Duration = Duration::from_secs(60);

/// How soon it is asked again when nobody could tell.
const RETRY: Duration = Duration::from_secs(1);

/// For how long nobody may be able to tell.
const DOUBT: Duration = Duration::from_secs(30);

/// What a reader hears, until it may not any more. `held` are the permissions that they hold at the beginning, and `holds` says which later.
pub(super) fn events<F, R>(seat: Seat, held: Held, holds: F) -> impl Stream<Item = Result<SseEvent, Infallible>> + Send
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<Held>, DbError>> + Send + 'static,
{
    let now = Instant::now();
    let mut beat = interval_at(now + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open { seat, held, holds, is_new: true, doubt: None, check_at: now + RECHECK, beat };
    stream::unfold(open, |mut open| async move { open.next().await.map(|event| (Ok(event), open)) })
}

struct Open<F> {
    seat: Seat,
    held: Held,
    holds: F,
    is_new: bool,
    /// Since when nobody can tell whether the reader still may.
    doubt: Option<Instant>,
    check_at: Instant,
    beat: Interval,
}

impl<F, R> Open<F>
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<Held>, DbError>> + Send + 'static,
{
    async fn next(&mut self) -> Option<SseEvent> {
        if std::mem::take(&mut self.is_new) {
            return Some(self.event("open", ""));
        }
        loop {
            // Also where changes come faster than they are read.
            if Instant::now() >= self.check_at {
                self.check().await?;
            }
            if self.doubt.is_none()
                && let Some(change) = self.seat.missed.pop_front()
            {
                if !self.seat.is_for(&change, &self.held) {
                    continue;
                }
                self.seat.at = change.id;
                return Some(self.event("changed", &change.topic));
            }
            tokio::select! {
                biased;
                heard = self.seat.hear() => match heard {
                    Heard::Change => {}
                    Heard::Doubt => self.check().await?,
                    Heard::End => return None,
                },
                () = sleep_until(self.check_at) => {}
                _ = self.beat.tick() => return Some(SseEvent::default().comment("")),
            }
        }
    }

    fn event(&self, kind: &str, data: &str) -> SseEvent {
        SseEvent::default().event(kind).id(format!("{:016x}", self.seat.at)).data(data)
    }

    /// Asks what the reader still may; nothing if that is nothing.
    async fn check(&mut self) -> Option<()> {
        let hub = Arc::clone(self.seat.hub());
        // A thousand streams may be told at once, and requests want the database too.
        let turn = hub.checks.acquire().await.ok()?;
        let answer = (self.holds)().await;
        drop(turn);
        match answer {
            Ok(Some(held)) => {
                self.held = held;
                self.check_at = Instant::now() + RECHECK;
                // What came meanwhile is not known to have been for this reader; it is read again, as whoever that is now.
                if self.doubt.take().is_some() {
                    self.seat.miss();
                }
                Some(())
            }
            Ok(None) => None,
            Err(error) => {
                let since = *self.doubt.get_or_insert_with(Instant::now);
                self.check_at = Instant::now() + RETRY;
                tracing::debug!(error = &error as &dyn std::error::Error, "whether a stream may go on cannot be told");
                (since.elapsed() < DOUBT).then_some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{
        body::BodyDataStream,
        response::{IntoResponse as _, sse::Sse},
    };
    use futures_util::StreamExt as _;

    use super::*;
    use crate::{
        SessionId, TenantId, UserId,
        live::hub::{ANYTHING, Audience, Hub, Reader, Subject},
    };

    struct Answers {
        asked: AtomicUsize,
        /// `None` when nobody can tell.
        answer: Mutex<Option<bool>>,
        held: Mutex<Held>,
    }

    struct Fixture {
        hub: Arc<Hub>,
        reader: Reader,
        answers: Arc<Answers>,
    }

    const READ: &str = "test.thing.read";
    const SECRET: &str = "test.secret.read";

    fn fixture() -> Fixture {
        let reader = Reader { tenant: TenantId::new(), user: Some(UserId::new()), session: SessionId::new() };
        let answers = Answers { asked: AtomicUsize::new(0), answer: Mutex::new(Some(true)), held: Mutex::new(Arc::from([READ])) };
        Fixture { hub: Arc::new(Hub::new()), reader, answers: Arc::new(answers) }
    }

    impl Fixture {
        fn open(&self, last: Option<u64>) -> BodyDataStream {
            let answers = Arc::clone(&self.answers);
            let seat = self.hub.enter(self.reader, last).expect("a seat");
            let held = self.held();
            let events = events(seat, held, move || {
                answers.asked.fetch_add(1, Ordering::SeqCst);
                let answer = *answers.answer.lock().expect("an answer");
                let held = answers.held.lock().expect("permissions").clone();
                async move { answer.map(|may| may.then_some(held)).ok_or_else(|| DbError::from(sqlx::Error::PoolTimedOut)) }
            });
            Sse::new(events).into_response().into_body().into_data_stream()
        }

        fn held(&self) -> Held {
            self.answers.held.lock().expect("permissions").clone()
        }

        fn changed(&self, tenant: TenantId, topic: &str) {
            self.hub.changed(tenant, topic, Audience::of(READ));
        }

        fn answer(&self, answer: Option<bool>) {
            *self.answers.answer.lock().expect("an answer") = answer;
        }
    }

    /// The topic of what comes next, empty at the beginning, or what else it is.
    async fn next(stream: &mut BodyDataStream) -> Option<String> {
        let piece = stream.next().await?.expect("a piece");
        let text = std::str::from_utf8(&piece).expect("text");
        let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()));
        Some(field("event").map_or_else(|| "beat".to_owned(), |_| field("data").unwrap_or_default()))
    }

    /// API-05
    #[tokio::test(start_paused = true)]
    async fn a_busy_tenant_costs_no_question_and_a_quiet_one_a_question_a_minute() {
        let fixture = fixture();
        let mut stream = fixture.open(None);
        assert_eq!(next(&mut stream).await.as_deref(), Some(""));
        for number in 0..1_000 {
            fixture.changed(fixture.reader.tenant, &format!("topic {number}"));
            assert_eq!(next(&mut stream).await, Some(format!("topic {number}")));
        }
        assert_eq!(fixture.answers.asked.load(Ordering::SeqCst), 0);
        let began = Instant::now();
        while began.elapsed() < 5 * RECHECK {
            assert_eq!(next(&mut stream).await.as_deref(), Some("beat"));
        }
        assert!((4..=5).contains(&fixture.answers.asked.load(Ordering::SeqCst)));
    }

    /// T36: also where changes come faster than they are read.
    #[tokio::test(start_paused = true)]
    async fn a_busy_tenant_keeps_no_reader_that_may_not_any_more() {
        let fixture = fixture();
        let mut stream = fixture.open(None);
        fixture.answer(Some(false));
        let began = Instant::now();
        while next(&mut stream).await.is_some() {
            fixture.changed(fixture.reader.tenant, "devices");
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(began.elapsed() <= RECHECK + Duration::from_secs(5), "it still hears");
        }
    }

    /// T36: "no" ends a stream.
    #[tokio::test(start_paused = true)]
    async fn a_reader_that_may_not_any_more_hears_nothing_more() {
        let fixture = fixture();
        for subject in [Subject::User(fixture.reader.user.expect("a user")), Subject::Tenant(fixture.reader.tenant)] {
            let mut stream = fixture.open(None);
            assert_eq!(next(&mut stream).await.as_deref(), Some(""));
            fixture.answer(Some(false));
            let told = Instant::now();
            fixture.hub.doubt(subject);
            fixture.changed(fixture.reader.tenant, "secret");
            assert_eq!(next(&mut stream).await, None);
            assert_eq!(told.elapsed(), Duration::ZERO, "it waits for nothing but the answer");
            fixture.answer(Some(true));
        }
        assert_eq!(fixture.hub.streams(), 0);
    }

    /// T36: "cannot tell" is neither yes nor no.
    #[tokio::test(start_paused = true)]
    async fn while_nobody_can_tell_nothing_is_heard_and_afterwards_everything_is_read_again() {
        let fixture = fixture();
        let user = Subject::User(fixture.reader.user.expect("a user"));
        let mut stream = fixture.open(None);
        assert_eq!(next(&mut stream).await.as_deref(), Some(""));
        fixture.answer(None);
        fixture.hub.doubt(user);
        fixture.changed(fixture.reader.tenant, "devices");
        assert_eq!(next(&mut stream).await.as_deref(), Some("beat"));
        fixture.answer(Some(true));
        assert_eq!(next(&mut stream).await.as_deref(), Some(ANYTHING));
        // For ever would be too long.
        fixture.answer(None);
        fixture.hub.doubt(user);
        let began = Instant::now();
        while next(&mut stream).await.is_some() {}
        assert!(began.elapsed() <= DOUBT + 2 * RETRY, "{:?}", began.elapsed());
    }

    /// API-05: each topic has its permission, asked for when the stream opens, whenever there is doubt, and of what was missed too.
    #[tokio::test(start_paused = true)]
    async fn a_reader_hears_of_what_its_permissions_let_it_hear_now() {
        let fixture = fixture();
        let at = fixture.hub.enter(fixture.reader, None).expect("a seat").at;
        let user = fixture.reader.user.expect("a user");
        let tell = || {
            fixture.hub.changed(fixture.reader.tenant, "secrets", Audience::of(SECRET));
            fixture.hub.changed(fixture.reader.tenant, "somebody's", Audience::of(&UserId::new().to_string()));
            fixture.hub.changed(fixture.reader.tenant, "own", Audience::of(&user.to_string()));
            fixture.changed(fixture.reader.tenant, "things");
        };
        let mut stream = fixture.open(None);
        assert_eq!(next(&mut stream).await.as_deref(), Some(""));
        tell();
        for topic in ["own", "things", "beat"] {
            assert_eq!(next(&mut stream).await.as_deref(), Some(topic));
        }
        for (held, heard) in [(vec![SECRET], ["secrets", "own"]), (vec![], ["own", "beat"]), (vec![SECRET, READ], ["secrets", "own"])] {
            *fixture.answers.held.lock().expect("permissions") = held.into();
            fixture.hub.doubt(Subject::User(user));
            tell();
            for topic in heard {
                assert_eq!(next(&mut stream).await.as_deref(), Some(topic));
            }
        }
        *fixture.answers.held.lock().expect("permissions") = Arc::from([]);
        let mut stream = fixture.open(Some(at));
        for topic in ["", "own", "own", "own", "own", "beat"] {
            assert_eq!(next(&mut stream).await.as_deref(), Some(topic));
        }
    }

    /// API-05: `Last-Event-ID`.
    #[tokio::test]
    async fn a_reader_that_comes_back_hears_what_it_missed_or_reads_everything_again() {
        let fixture = fixture();
        let stream = fixture.hub.enter(fixture.reader, None).expect("a seat");
        let at = stream.at;
        drop(stream);
        for topic in ["devices", "agents"] {
            fixture.changed(fixture.reader.tenant, topic);
            fixture.changed(TenantId::new(), "elsewhere");
        }
        let mut stream = fixture.open(Some(at));
        for expected in ["", "devices", "agents"] {
            assert_eq!(next(&mut stream).await.as_deref(), Some(expected));
        }
        let heard = fixture.hub.enter(fixture.reader, None).expect("a seat").at;
        assert!(fixture.hub.enter(fixture.reader, Some(heard)).expect("a seat").missed.is_empty());
        // Of another node, or none.
        for unknown in [0, 4711] {
            let mut stream = fixture.open(Some(unknown));
            assert_eq!([next(&mut stream).await, next(&mut stream).await], [Some(String::new()), Some(ANYTHING.to_owned())]);
        }
        for _ in 0..5_000 {
            fixture.changed(TenantId::new(), "elsewhere");
        }
        let mut stream = fixture.open(Some(at));
        assert_eq!([next(&mut stream).await, next(&mut stream).await], [Some(String::new()), Some(ANYTHING.to_owned())]);
    }

    /// API-05
    #[tokio::test]
    async fn a_session_with_too_many_streams_loses_its_oldest_and_a_tenant_gets_no_more() {
        let mut fixture = fixture();
        let mut streams: Vec<_> = (0..=crate::Live::PER_SESSION).map(|_| fixture.open(None)).collect();
        assert_eq!([next(&mut streams[0]).await, next(&mut streams[0]).await], [Some(String::new()), None]);
        fixture.changed(fixture.reader.tenant, "devices");
        for stream in &mut streams[1..] {
            assert_eq!([next(stream).await, next(stream).await], [Some(String::new()), Some("devices".to_owned())]);
        }
        drop(streams);
        let mut seats = Vec::new();
        for _ in 0..crate::Live::PER_TENANT {
            fixture.reader.session = SessionId::new();
            seats.push(fixture.hub.enter(fixture.reader, None).expect("a seat"));
        }
        assert!(fixture.hub.enter(fixture.reader, None).is_none());
        seats.pop();
        assert!(fixture.hub.enter(fixture.reader, None).is_some());
    }

    /// API-05: a reader that does not read costs what its tenant's changes take, and those are kept once for all readers.
    #[tokio::test]
    async fn a_reader_that_lags_behind_reads_everything_again() {
        let fixture = fixture();
        let mut stream = fixture.open(None);
        assert_eq!(next(&mut stream).await.as_deref(), Some(""));
        for _ in 0..10_000 {
            fixture.changed(fixture.reader.tenant, "devices");
        }
        assert_eq!(next(&mut stream).await.as_deref(), Some(ANYTHING));
    }
}

//! Streams of live updates on a real database: who hears of what, how soon, and until when.

mod nodes;
mod redis;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue};
use saas_core::{Actor, Clock, DatabaseConfig, Db, DbError, Lifecycle, Live, SessionId, Standing, TenantId, UserId, testing::TestDb};
use tokio::{sync::mpsc, time::timeout};

use crate::{planted::config, proxy::Proxy};

/// Within a second, with five times slack.
const SOON: Duration = Duration::from_secs(5);

/// What whoever opens a stream here holds, and what it takes to hear of the changes.
const READ: &str = "test.thing.read";

struct Node {
    live: Live,
    db: Db,
    lifecycle: Lifecycle,
    asked: Arc<AtomicUsize>,
}

impl Node {
    /// A node that listens to the database itself.
    async fn start(db: &Db) -> Self {
        Self::start_as(db, Live::start).await
    }

    /// A node that hears what is committed from now on.
    async fn start_as(db: &Db, start: impl FnOnce(&Db, &Lifecycle) -> Live) -> Self {
        let lifecycle = Lifecycle::new();
        let node = Self { live: start(db, &lifecycle), db: db.clone(), lifecycle, asked: Arc::default() };
        let tenant = TenantId::new();
        let mut stream = node.open(tenant, UserId::new(), None);
        loop {
            match timeout(Duration::from_millis(100), stream.next()).await.ok() {
                Some(Some(topic)) if topic == "ready" => break,
                // Told to read everything, as whoever is open when a node begins to hear; and nobody is a member here.
                Some(None) => stream = node.open(tenant, UserId::new(), None),
                _ => node.changed(tenant, "ready").await,
            }
        }
        node.asked.store(0, Ordering::SeqCst);
        node
    }

    /// A stream whose reader may hear while they are a member.
    fn open(&self, tenant: TenantId, user: UserId, last: Option<&str>) -> Heard {
        let standing = Standing {
            tenant,
            slug: "acme".into(),
            name: "Acme".into(),
            actor: Actor::User(user),
            role: "owner".into(),
            permissions: Arc::new([READ]),
            revision: None,
        };
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert("last-event-id", HeaderValue::from_str(last).unwrap());
        }
        let (db, asked) = (self.db.tenant(tenant).acting(user), self.asked.clone());
        let response = self.live.stream(&standing, SessionId::new(), &headers, move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let db = db.clone();
            async move {
                let mut tx = db.begin().await?;
                let member = "select count(*) from core.member where user_id = $1 and left_at is null";
                let members: i64 = sqlx::query_scalar(member).bind(user).fetch_one(&mut *tx).await?;
                Ok::<_, DbError>((members > 0).then(|| Arc::from([READ])))
            }
        });
        Heard { body: response.unwrap().into_body().into_data_stream(), last: String::new() }
    }

    async fn changed(&self, tenant: TenantId, topic: &str) {
        let mut tx = self.db.tenant(tenant).begin().await.unwrap();
        let notice = format!("{tenant} {READ} {topic}");
        sqlx::query("select pg_notify('saas_live', $1)").bind(notice).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.lifecycle.drain();
    }
}

struct Heard {
    body: BodyDataStream,
    last: String,
}

impl Heard {
    /// The next topic, empty at the beginning; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let text = String::from_utf8(self.body.next().await?.unwrap().to_vec()).unwrap();
            let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()));
            self.last = field("id").unwrap_or(std::mem::take(&mut self.last));
            if field("event").is_some() {
                return Some(field("data").unwrap_or_default());
            }
        }
    }

    async fn soon(&mut self) -> Option<String> {
        timeout(SOON, self.next()).await.expect("something is heard")
    }
}

async fn leaves(test: &TestDb, tenant: TenantId, user: UserId) {
    let mut tx = test.db.tenant(tenant).begin().await.unwrap();
    sqlx::query("update core.member set left_at = now() where user_id = $1").bind(user).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// API-05, T36: a change asks the database nothing; the end of a membership is heard of at once, and by whom it concerns.
#[tokio::test]
async fn a_stream_ends_with_the_membership_and_asks_nothing_before() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let (stays, goes) = (test.user().await, test.user().await);
    test.member(tenant, stays, "owner").await;
    test.member(tenant, goes, "member").await;
    let node = Node::start(&test.db).await;
    let (mut one, mut other) = (node.open(tenant, stays, None), node.open(tenant, goes, None));
    assert_eq!((one.soon().await.as_deref(), other.soon().await.as_deref()), (Some(""), Some("")));
    for number in 0..50 {
        let topic = format!("topic-{number}");
        node.changed(tenant, &topic).await;
        assert_eq!((one.soon().await, other.soon().await), (Some(topic.clone()), Some(topic)));
    }
    assert_eq!(node.asked.load(Ordering::SeqCst), 0);
    leaves(&test, tenant, goes).await;
    assert_eq!(other.soon().await, None);
    assert_eq!(node.asked.load(Ordering::SeqCst), 1);
    node.changed(tenant, "members").await;
    assert_eq!(one.soon().await.as_deref(), Some("members"));
}

/// API-05, T36: a tenant that is suspended, a person too.
#[tokio::test]
async fn streams_are_doubted_when_a_tenant_or_a_person_is_suspended() {
    let test = TestDb::new(&[]).await.unwrap();
    let tenant = test.tenant("acme").await;
    let user = test.user().await;
    test.member(tenant, user, "owner").await;
    let node = Node::start(&test.db).await;
    let mut stream = node.open(tenant, user, None);
    assert_eq!(stream.soon().await.as_deref(), Some(""));
    for (times, statement) in
        ["update core.tenant set state = 'suspended' where $1 = $1", "update core.user set state = 'suspended' where id = $1"]
            .into_iter()
            .enumerate()
    {
        let mut tx = test.db.system("test").begin().await.unwrap();
        sqlx::query(statement).bind(uuid::Uuid::from(user)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let began = Instant::now();
        while node.asked.load(Ordering::SeqCst) <= times {
            assert!(timeout(Duration::from_millis(20), stream.next()).await.is_err(), "this membership itself goes on");
            assert!(began.elapsed() < SOON);
        }
    }
}

/// API-05: `Last-Event-ID`, on the same node and on another.
#[tokio::test]
async fn a_page_that_lost_its_stream_goes_on_where_it_was() {
    let test = TestDb::new(&[]).await.unwrap();
    let (tenant, user) = (TenantId::new(), UserId::new());
    let (node, another) = (Node::start(&test.db).await, Node::start(&test.db).await);
    let mut stream = node.open(tenant, user, None);
    assert_eq!(stream.soon().await.as_deref(), Some(""));
    node.changed(tenant, "devices").await;
    assert_eq!(stream.soon().await.as_deref(), Some("devices"));
    let last = stream.last.clone();
    drop(stream);
    node.changed(tenant, "agents").await;
    // What the node has heard of, whoever reads.
    let mut here = node.open(tenant, user, None);
    node.changed(tenant, "members").await;
    while here.soon().await.as_deref() != Some("members") {}

    let mut stream = node.open(tenant, user, Some(&last));
    for topic in ["", "agents", "members"] {
        assert_eq!(stream.soon().await.as_deref(), Some(topic));
    }
    let mut stream = another.open(tenant, user, Some(&last));
    for topic in ["", "*"] {
        assert_eq!(stream.soon().await.as_deref(), Some(topic));
    }
}

/// API-05: the connection that hears of changes falls silent, and no end of it is heard of either.
#[tokio::test]
async fn a_listener_whose_connection_was_forgotten_notices_and_has_everything_read_again() {
    let test = TestDb::new(&[]).await.unwrap();
    let proxy = Proxy::start(&test.database.logins().app).await;
    let config = DatabaseConfig {
        app: proxy.through(&test.database.logins().app),
        system: proxy.through(&test.database.logins().system),
        ..config(&test)
    };
    let db = Db::connect(&config, &[], Clock::system()).await.unwrap();
    let (tenant, user) = (test.tenant("acme").await, test.user().await);
    test.member(tenant, user, "owner").await;
    let node = Node::start(&db).await;
    let mut stream = node.open(tenant, user, None);
    assert_eq!(stream.soon().await.as_deref(), Some(""));
    proxy.forget();
    // 5 s of silence, 3 s without an answer, 1 s pause; and a pool of forgotten connections to ask whether the reader may.
    assert_eq!(timeout(Duration::from_secs(45), stream.next()).await.unwrap().as_deref(), Some("*"));
    node.changed(tenant, "devices").await;
    assert_eq!(stream.soon().await.as_deref(), Some("devices"));
}

/// API-05: a thousand readers of a hundred tenants hear of what is theirs, soon, and of nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_hear_of_a_change_within_a_tenth_of_a_second() {
    let test = TestDb::new(&[]).await.unwrap();
    let node = Node::start(&test.db).await;
    let tenants: Vec<_> = (0..100).map(|_| TenantId::new()).collect();
    let (sender, mut heard) = mpsc::unbounded_channel();
    for (number, tenant) in tenants.iter().cycle().take(1_000).enumerate() {
        let (mut stream, sender) = (node.open(*tenant, UserId::new(), None), sender.clone());
        tokio::spawn(async move {
            while let Some(topic) = stream.next().await {
                sender.send((number % 100, topic, Instant::now())).unwrap();
            }
        });
    }
    for _ in 0..1_000 {
        assert_eq!(heard.recv().await.unwrap().1, "");
    }
    assert_eq!(node.live.streams(), 1_000);
    let mut took = Vec::new();
    for (number, tenant) in tenants.iter().enumerate() {
        let topic = format!("of-{number}");
        let committed = Instant::now();
        node.changed(*tenant, &topic).await;
        for _ in 0..10 {
            let (whose, what, at) = timeout(SOON, heard.recv()).await.unwrap().unwrap();
            assert_eq!((whose, &what), (number, &topic));
            took.push(at - committed);
        }
    }
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    assert!(p99 < 5 * Duration::from_millis(100), "{p99:?}");
    assert_eq!(node.asked.load(Ordering::SeqCst), 0);
}

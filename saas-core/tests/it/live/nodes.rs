//! What holds between nodes, whatever carries it: one suite for each way.

use futures_util::future::join_all;
use saas_core::{MasterKey, RedisCarrier, Secret, testing::RedisServer};

use super::*;
use crate::planted::truth;

/// What carries live updates between nodes.
pub(super) enum Way {
    Postgres,
    Redis(RedisServer, MasterKey),
}

impl Way {
    pub(super) async fn redis() -> Self {
        Self::Redis(RedisServer::start().await, MasterKey::generate())
    }

    pub(super) async fn node(&self, db: &Db) -> Node {
        match self {
            Self::Postgres => Node::start(db).await,
            Self::Redis(redis, keys) => Node::start_as(db, |db, lifecycle| through(&redis.address(), keys, db, lifecycle)).await,
        }
    }
}

pub(super) fn through(redis: &Secret, keys: &MasterKey, db: &Db, lifecycle: &Lifecycle) -> Live {
    Live::start_through(RedisCarrier::new(redis, "test", keys).unwrap(), db, lifecycle)
}

/// The processes of the server that listen for live updates.
const LISTENING: &str = "from pg_stat_activity where datname = current_database() and query ilike 'listen%'";

pub(super) async fn listeners(test: &TestDb) -> usize {
    truth(test, &format!("select pid::text {LISTENING}")).await.len()
}

/// API-05, OPS-06: the default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_hear_of_each_other_through_the_database() {
    nodes_hear_of_each_other(Way::Postgres).await;
}

/// API-05, OPS-06: the option.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_hear_of_each_other_through_redis() {
    nodes_hear_of_each_other(Way::redis().await).await;
}

async fn nodes_hear_of_each_other(way: Way) {
    let test = TestDb::new(&[]).await.unwrap();
    let nodes = [way.node(&test.db).await, way.node(&test.db).await];
    what_is_committed_is_heard_everywhere_within_a_second(&nodes).await;
    what_is_undone_is_not_heard_and_the_rest_in_order(&nodes).await;
    hundreds_of_readers_hear_their_own_and_nothing_else(&nodes).await;
    whoever_leaves_hears_no_more_on_any_node(&test, &nodes).await;
    after_a_lost_connection_everybody_reads_everything_again(&test, &nodes).await;
}

async fn what_is_committed_is_heard_everywhere_within_a_second(nodes: &[Node; 2]) {
    let tenant = TenantId::new();
    let mut streams = nodes.each_ref().map(|node| node.open(tenant, UserId::new(), None));
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    let mut took = Vec::new();
    for number in 0..20 {
        let topic = format!("topic-{number}");
        let committed = Instant::now();
        nodes[number % 2].changed(tenant, &topic).await;
        for stream in &mut streams {
            assert_eq!(stream.soon().await.as_ref(), Some(&topic));
        }
        took.push(committed.elapsed());
    }
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
}

async fn what_is_undone_is_not_heard_and_the_rest_in_order(nodes: &[Node; 2]) {
    let tenant = TenantId::new();
    let mut stream = nodes[1].open(tenant, UserId::new(), None);
    assert_eq!(stream.soon().await.as_deref(), Some(""));
    let notify = "select pg_notify('saas_live', concat_ws(' ', $1::uuid, $3::text, $2::text))";
    for (topics, is_committed) in [(["undone-1", "undone-2"], false), (["first", "second"], true), (["third", "fourth with words"], true)] {
        let mut tx = nodes[0].db.tenant(tenant).begin().await.unwrap();
        for topic in topics {
            sqlx::query(notify).bind(tenant).bind(topic).bind(READ).execute(&mut *tx).await.unwrap();
        }
        if is_committed { tx.commit().await.unwrap() } else { drop(tx) }
    }
    for topic in ["first", "second", "third", "fourth with words"] {
        assert_eq!(stream.soon().await.as_deref(), Some(topic));
    }
}

async fn hundreds_of_readers_hear_their_own_and_nothing_else(nodes: &[Node; 2]) {
    let tenants: Vec<_> = (0..20).map(|_| TenantId::new()).collect();
    let readers = (0..400).map(|number| nodes[number % 2].open(tenants[number / 2 % 20], UserId::new(), None));
    let mut readers: Vec<_> = readers.collect();
    for reader in &mut readers {
        assert_eq!(reader.soon().await.as_deref(), Some(""));
    }
    for round in 0..3 {
        for (number, tenant) in tenants.iter().enumerate() {
            nodes[(number + round) % 2].changed(*tenant, &format!("{round} of {number}")).await;
        }
    }
    for node in nodes {
        for tenant in &tenants {
            node.changed(*tenant, "last").await;
        }
    }
    let heard = join_all(readers.iter_mut().map(async |reader| {
        let mut topics = Vec::new();
        while topics.iter().filter(|topic| *topic == "last").count() < 2 {
            topics.push(reader.soon().await.unwrap());
        }
        topics
    }))
    .await;
    for (number, topics) in heard.iter().enumerate() {
        let own = number / 2 % 20;
        let expected: Vec<_> = (0..3).map(|round| format!("{round} of {own}")).chain(["last".to_owned(), "last".to_owned()]).collect();
        assert_eq!(topics, &expected, "reader {number}");
    }
}

/// T36: within a second of the commit, and nothing of what was committed after it.
async fn whoever_leaves_hears_no_more_on_any_node(test: &TestDb, nodes: &[Node; 2]) {
    let tenant = test.tenant("acme").await;
    let stays = test.user().await;
    test.member(tenant, stays, "owner").await;
    let mut stayed = nodes.each_ref().map(|node| node.open(tenant, stays, None));
    for stream in &mut stayed {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    let mut took = Vec::new();
    for number in 0..11 {
        let goes = test.user().await;
        test.member(tenant, goes, "member").await;
        let mut left = nodes.each_ref().map(|node| node.open(tenant, goes, None));
        for stream in &mut left {
            assert_eq!(stream.soon().await.as_deref(), Some(""));
        }
        leaves(test, tenant, goes).await;
        let committed = Instant::now();
        // Whoever commits after that tells them nothing any more.
        let secret = format!("secret-{number}");
        nodes[number % 2].changed(tenant, &secret).await;
        for stream in &mut left {
            assert_eq!(stream.soon().await, None);
        }
        took.push(committed.elapsed());
        for stream in &mut stayed {
            assert_eq!(stream.soon().await.as_deref(), Some(secret.as_str()));
        }
    }
    // Of eleven the one in the middle: this machine may have something else to do for a while.
    took.sort();
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
}

async fn after_a_lost_connection_everybody_reads_everything_again(test: &TestDb, nodes: &[Node; 2]) {
    let tenant = test.tenant("lost").await;
    let user = test.user().await;
    test.member(tenant, user, "owner").await;
    let mut streams = nodes.each_ref().map(|node| node.open(tenant, user, None));
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    let ended = truth(test, &format!("select pg_terminate_backend(pid)::text {LISTENING}")).await;
    assert!(!ended.is_empty());
    for stream in &mut streams {
        assert_eq!(timeout(4 * SOON, stream.next()).await.unwrap().as_deref(), Some("*"));
    }
    nodes[0].changed(tenant, "after").await;
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some("after"));
    }
}

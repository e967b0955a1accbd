//! Redis between nodes: it goes away, hangs and comes back, and so do the nodes.

use saas_core::{
    MasterKey, RedisCarrier, Routes, Secret, finish,
    pages::Pages,
    testing::{RedisServer, TestApp},
};
use tokio::runtime::Builder;

use super::{
    nodes::{Way, listeners, through},
    *,
};
use crate::status::Board;

/// Beyond the longest that a lost connection or a vanished node goes unnoticed: 5 s of silence or of its turn, 3 s without an answer, a pause.
const NOTICED: Duration = Duration::from_secs(50);

/// OPS-06: one connection listens to the database, however many nodes there are; and another's, when the node that had it stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_listens_to_the_database_for_all() {
    let (test, way) = (TestDb::new(&[]).await.unwrap(), Way::redis().await);
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(way.node(&test.db).await);
    }
    assert_eq!(listeners(&test).await, 1);
    // The first has the turn.
    let stopped = nodes.remove(0);
    let (tenant, user) = (test.tenant("acme").await, test.user().await);
    test.member(tenant, user, "owner").await;
    let mut streams: Vec<_> = nodes.iter().map(|node| node.open(tenant, user, None)).collect();
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    drop(stopped);
    for stream in &mut streams {
        assert_eq!(timeout(NOTICED, stream.next()).await.unwrap().as_deref(), Some("*"));
    }
    nodes[0].changed(tenant, "devices").await;
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some("devices"));
    }
    assert_eq!(listeners(&test).await, 1);
}

/// OPS-06: the node that has the turn is killed and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_takes_the_turn_of_one_that_vanished() {
    let scene = Scene::new().await;
    let vanishes = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    {
        let _inside = vanishes.enter();
        drop(through(&scene.redis.address(), &scene.keys, &scene.test.db, &Lifecycle::new()));
    }
    wait_until_listened(&scene.test).await;
    let node = scene.node(&scene.redis.address()).await;
    let mut stream = scene.open(&node).await;
    vanishes.shutdown_background();
    assert_eq!(timeout(NOTICED, stream.next()).await.unwrap().as_deref(), Some("*"));
    node.changed(scene.tenant, "devices").await;
    assert_eq!(stream.soon().await.as_deref(), Some("devices"));
}

/// OPS-04, OPS-06, T36: Redis ends and comes back. Streams stay open, nothing of what happened is missed, and whoever left meanwhile hears
/// nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_redis_was_away_everybody_who_still_may_reads_everything_again() {
    let scene = Scene::new().await;
    let address = scene.redis.address();
    let nodes = [scene.node(&address).await, scene.node(&address).await];
    let goes = scene.test.user().await;
    scene.test.member(scene.tenant, goes, "member").await;
    let mut left = nodes.each_ref().map(|node| node.open(scene.tenant, goes, None));
    let mut stayed = [scene.open(&nodes[0]).await, scene.open(&nodes[1]).await];
    for stream in &mut left {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    let port = scene.redis.stop();
    leaves(&scene.test, scene.tenant, goes).await;
    nodes[0].changed(scene.tenant, "secret").await;
    let _redis = RedisServer::start_at(port).await;
    for stream in &mut left {
        assert_eq!(timeout(NOTICED, stream.next()).await.unwrap(), None);
    }
    for stream in &mut stayed {
        assert_eq!(timeout(NOTICED, stream.next()).await.unwrap().as_deref(), Some("*"));
    }
    for stream in &mut stayed {
        hears_again(&nodes[1], scene.tenant, stream).await;
    }
}

/// OPS-04, OPS-06: Redis hangs, shortly: what it was told meanwhile arrives, or everything is read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_loses_nothing() {
    let scene = Scene::new().await;
    let node = scene.node(&scene.redis.address()).await;
    let mut stream = scene.open(&node).await;
    scene.redis.freeze();
    node.changed(scene.tenant, "meanwhile").await;
    let heard = timeout(Duration::from_millis(500), stream.next()).await;
    assert!(heard.is_err(), "{heard:?}");
    scene.redis.thaw();
    let heard = timeout(NOTICED, stream.next()).await.unwrap().unwrap();
    assert!(["meanwhile", "*"].contains(&heard.as_str()), "{heard}");
    hears_again(&node, scene.tenant, &mut stream).await;
}

/// OPS-06: connections to Redis that fell silent, of whose end nobody hears.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_connections_to_redis_were_forgotten_notices() {
    let scene = Scene::new().await;
    let proxy = Proxy::start(&scene.redis.address()).await;
    let node = scene.node(&proxy.through(&scene.redis.address())).await;
    let mut stream = scene.open(&node).await;
    proxy.forget();
    assert_eq!(timeout(NOTICED, stream.next()).await.unwrap().as_deref(), Some("*"));
    hears_again(&node, scene.tenant, &mut stream).await;
}

/// OPS-06: two installations share a Redis: each hears its own, and neither waits for the other's turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installations_that_share_a_redis_do_not_hear_each_other() {
    let (here, there) = (Scene::new().await, Scene::new().await);
    let nodes = [here.node(&here.redis.address()).await, there.node(&here.redis.address()).await];
    assert_eq!((listeners(&here.test).await, listeners(&there.test).await), (1, 1));
    let mut streams = nodes.each_ref().map(|node| node.open(here.tenant, UserId::new(), None));
    for stream in &mut streams {
        assert_eq!(stream.soon().await.as_deref(), Some(""));
    }
    nodes[0].changed(here.tenant, "ours").await;
    nodes[1].changed(here.tenant, "theirs").await;
    let [ours, theirs] = &mut streams;
    assert_eq!((ours.soon().await.as_deref(), theirs.soon().await.as_deref()), (Some("ours"), Some("theirs")));
}

/// OPS-04: everybody can see that it is away, and that it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_redis_shows_on_the_status_page_until_live_updates_go_through_it_again() {
    let scene = Scene::new().await;
    let web = TestApp::web(&scene.test, &Pages::builder().build().unwrap());
    let carrier = RedisCarrier::new(&scene.redis.address(), "test", &scene.keys).unwrap().shown_in(&web.dependencies);
    let lifecycle = Lifecycle::new();
    let _live = Live::start_through(carrier, &scene.test.db, &lifecycle);
    let board = Board { client: TestApp::new(finish(Routes::new(), web)).browser() };
    wait_until_listened(&scene.test).await;
    assert_eq!(board.state("live_updates").await, "working");
    let port = scene.redis.stop();
    board.becomes("live_updates", "interrupted", async || {}).await;
    board.says("live_updates", &["Live updates", "Interrupted"], &["127.0.0.1", &format!(":{port}"), "edis"]).await;
    let _redis = RedisServer::start_at(port).await;
    board.becomes("live_updates", "working", async || {}).await;
    lifecycle.drain();
}

#[test]
fn a_wrong_address_is_refused_at_the_start() {
    assert!(RedisCarrier::new(&Secret::new("http://127.0.0.1"), "test", &MasterKey::generate()).is_err());
}

/// A database with a member, and a Redis.
struct Scene {
    test: TestDb,
    redis: RedisServer,
    keys: MasterKey,
    tenant: TenantId,
    user: UserId,
}

impl Scene {
    async fn new() -> Self {
        let test = TestDb::new(&[]).await.unwrap();
        let (tenant, user) = (test.tenant("acme").await, test.user().await);
        test.member(tenant, user, "owner").await;
        Self { test, redis: RedisServer::start().await, keys: MasterKey::generate(), tenant, user }
    }

    async fn node(&self, redis: &Secret) -> Node {
        Node::start_as(&self.test.db, |db, lifecycle| through(redis, &self.keys, db, lifecycle)).await
    }

    async fn open(&self, node: &Node) -> Heard {
        let mut stream = node.open(self.tenant, self.user, None);
        assert_eq!(stream.soon().await.as_deref(), Some(""));
        stream
    }
}

async fn wait_until_listened(test: &TestDb) {
    let began = Instant::now();
    while listeners(test).await == 0 {
        assert!(began.elapsed() < NOTICED, "nobody listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Changes something until the stream hears of it. What happens before somebody listens again is not told, but that something may have.
async fn hears_again(node: &Node, tenant: TenantId, stream: &mut Heard) {
    let heard = async {
        loop {
            match timeout(Duration::from_millis(200), stream.next()).await.ok() {
                Some(Some(topic)) if topic == "again" => return,
                Some(None) => panic!("the stream ended"),
                _ => node.changed(tenant, "again").await,
            }
        }
    };
    timeout(NOTICED, heard).await.expect("something is heard again");
}

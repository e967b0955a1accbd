//! The store that several nodes share, on a real Redis that comes and goes.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use rustix::process::{Pid, Signal, kill_process};
use saas_core::{
    Routes, Secret, TenantId, finish,
    limit::{Ask, Count, Key, MemoryStore, Rate, RateLimitStore as _, RateLimits, RedisStore, Rule, StoreError, Subject},
    pages::Pages,
    testing::{TestApp, TestDb, rate_limit_store_conforms},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use crate::{proxy::Proxy, status::Board};

/// A server of its own, that keeps nothing; killed when dropped.
pub(super) struct Redis {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    pub(super) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::at(port).await
    }

    async fn at(port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server (tests/install installs it): {error}"));
        let server = Self { child, port, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not start");
            sleep(Duration::from_millis(10)).await;
        }
        server
    }

    pub(super) fn store(&self) -> RedisStore {
        RedisStore::new(&Secret::new(format!("redis://127.0.0.1:{}", self.port)), "test").unwrap()
    }

    /// Ends it, and gives back the port.
    fn stop(mut self) -> u16 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.port
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends a command as one would type it, and answers with what came back.
    async fn tell(&self, command: &str) -> String {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        connection.write_all(format!("{command}\r\nquit\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have been ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn somebody() -> Key {
    Key { rule: "test", subject: Subject::Tenant(TenantId::new()) }
}

async fn take(store: &RedisStore, key: Key, rate: Rate) -> Result<Count, StoreError> {
    store.take(&[Ask { key, rate }]).await.map(|counts| counts[0].unwrap())
}

/// API-02, design 1: the suite that every store passes.
#[tokio::test]
async fn the_store_in_redis_conforms() {
    let redis = Redis::start().await;
    rate_limit_store_conforms(redis.store()).await;
}

/// API-02: nodes may be one or many, and clients are told the same. By random times, each counted by both: in process on a clock that stands
/// still between them, in Redis by the same script that is told the time.
#[tokio::test(start_paused = true)]
async fn both_stores_say_the_same_whatever_the_times() {
    const NOW: &str = "local time = redis.call('time')\nlocal now = tonumber(time[1]) * 1000000 + tonumber(time[2])";
    let script = include_str!("../../../src/limit/redis.lua");
    assert!(script.contains(NOW));
    let script = script.replace(NOW, "local now = tonumber(ARGV[#ARGV])");
    let mut random = SmallRng::seed_from_u64(15);
    let (store, began) = (MemoryStore::new(), tokio::time::Instant::now());
    let (mut in_process, mut commands) = (Vec::new(), String::new());
    for _ in 0..40 {
        let key = somebody();
        let rate = Rate::new(random.random_range(1..20), Duration::from_secs(random.random_range(60..4000)));
        let window = rate.window().as_micros().to_string();
        for _ in 0..60 {
            // Half of them come at once with another.
            let wait = rate.window().mul_f64(random.random_range(0.0..0.2) * f64::from(random.random_range(0..2)));
            tokio::time::advance(Duration::from_micros(u64::try_from(wait.as_micros()).unwrap())).await;
            in_process.extend(store.take(&[Ask { key, rate }]).await.unwrap().into_iter().flatten());
            let now = began.elapsed().as_micros().to_string();
            commands += &spelled(&["eval", &script, "1", &key.to_string(), &rate.limit().to_string(), &window, &now]);
        }
    }
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap();
    let in_process: Vec<_> = in_process
        .into_iter()
        .flat_map(|count| [i64::from(count.remaining), micros(count.reset), count.retry_after.map_or(-1, micros)])
        .collect();
    assert!(in_process.chunks(3).filter(|count| count[2] >= 0).count() > 200, "many were refused");
    let redis = Redis::start().await;
    let answers = redis.tell(&commands).await;
    let in_redis: Vec<i64> = answers.lines().filter_map(|line| line.strip_prefix(':')?.parse().ok()).collect();
    assert_eq!(in_redis, in_process);
}

/// A command as a client's library sends it.
fn spelled(words: &[&str]) -> String {
    let texts: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{texts}", words.len())
}

/// API-02: several nodes count together, in one round trip for all rules.
#[tokio::test]
async fn nodes_share_what_is_allowed() {
    let redis = Redis::start().await;
    let (one, two, key) = (redis.store(), redis.store(), somebody());
    for nth in 0..10 {
        let store = if nth % 2 == 0 { &one } else { &two };
        assert_eq!(take(store, key, Rate::per_hour(10)).await.unwrap().remaining, 9 - nth);
    }
    assert!(take(&one, key, Rate::per_hour(10)).await.unwrap().retry_after.is_some());

    // The script is known by now: one command for two rules.
    let commands = |stats: &str| {
        let count = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap();
        count.split(',').next().unwrap().parse::<u32>().unwrap()
    };
    let before = commands(&redis.tell("info commandstats").await);
    let asks = [Ask { key: somebody(), rate: Rate::per_hour(10) }, Ask { key: somebody(), rate: Rate::per_hour(10) }];
    assert_eq!(one.take(&asks).await.unwrap().len(), 2);
    assert_eq!(commands(&redis.tell("info commandstats").await), before + 1);
}

/// T73: keys are written with ids and expire; nothing that a client wrote is in them.
#[tokio::test]
async fn keys_name_their_tenant_and_expire() {
    let redis = Redis::start().await;
    let key = somebody();
    take(&redis.store(), key, Rate::per_minute(10)).await.unwrap();
    let keys = redis.tell("keys *").await;
    let Subject::Tenant(tenant) = key.subject else { panic!("{key}") };
    assert!(keys.contains(&format!("test:limit:test:tenant:{tenant}")), "{keys}");
    let left = redis.tell(&format!("pttl test:limit:{key}")).await;
    let left: u64 = left.trim_start_matches(':').lines().next().unwrap().trim().parse().unwrap();
    assert!((1..=62_000).contains(&left), "{left}");
}

/// RL: a clock that jumps back. What it counted before lies in a time to come.
#[tokio::test]
async fn a_clock_that_jumped_back_keeps_nobody_out_for_longer_than_a_window() {
    let redis = Redis::start().await;
    let (store, key, rate) = (redis.store(), somebody(), Rate::new(6, Duration::from_secs(2)));
    take(&store, key, rate).await.unwrap();
    // Slots of the next year.
    redis.tell(&format!("hset test:limit:{key} 99999999999 3 99999999998 2")).await;
    let refused = take(&store, key, rate).await.unwrap();
    let wait = refused.retry_after.unwrap();
    assert!(wait <= Duration::from_millis(2100), "{wait:?}");
    sleep(wait).await;
    assert_eq!(take(&store, key, rate).await.unwrap().retry_after, None);
}

/// OPS-04: Redis goes away, hangs, and comes back.
#[tokio::test]
async fn a_lost_redis_is_noticed_soon_and_so_is_its_return() {
    let redis = Redis::start().await;
    let (store, key, rate) = (redis.store(), somebody(), Rate::per_hour(100));
    take(&store, key, rate).await.unwrap();

    // It takes connections and says nothing: nobody waits for it for long, and not each request anew.
    redis.signal(Signal::STOP);
    let began = Instant::now();
    for _ in 0..50 {
        assert!(matches!(take(&store, key, rate).await, Err(StoreError::Away(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    redis.signal(Signal::CONT);
    comes_back(&store, key, rate).await;

    let port = redis.stop();
    let began = Instant::now();
    assert!(matches!(take(&store, key, rate).await, Err(StoreError::Away(_))));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let _redis = Redis::at(port).await;
    comes_back(&store, key, rate).await;
}

/// OPS-04: a connection that fell silent, of whose end nobody hears, is given up for another one.
#[tokio::test]
async fn a_store_whose_connection_to_redis_was_forgotten_makes_another() {
    let redis = Redis::start().await;
    let address = Secret::new(format!("redis://127.0.0.1:{}", redis.port));
    let proxy = Proxy::start(&address).await;
    let (store, key, rate) = (RedisStore::new(&proxy.through(&address), "test").unwrap(), somebody(), Rate::per_hour(100));
    take(&store, key, rate).await.unwrap();
    proxy.forget();
    assert!(matches!(take(&store, key, rate).await, Err(StoreError::Away(_))));
    comes_back(&store, key, rate).await;
}

async fn comes_back(store: &RedisStore, key: Key, rate: Rate) {
    let began = Instant::now();
    while take(store, key, rate).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "Redis is back and not asked");
        sleep(Duration::from_millis(50)).await;
    }
}

/// OPS-04: everybody can see that it is away, and that it is back.
#[tokio::test]
async fn a_lost_redis_shows_on_the_status_page_until_it_is_back() {
    let (redis, test) = (Redis::start().await, TestDb::new(&[]).await.unwrap());
    let web = TestApp::web(&test, &Pages::builder().build().unwrap());
    let limits = RateLimits::new(redis.store().shown_in(&web.dependencies), &web.metrics);
    let rule = Rule::by_address("reads", Rate::per_hour(100_000));
    let routes = Routes::new().get("/devices", async || "all").layer(limits.layer([rule]));
    let board = Board { client: TestApp::new(finish(routes, web)).browser() };
    let read = async || assert_eq!(board.client.get("/devices").await.status, http::StatusCode::OK);
    read().await;
    assert_eq!(board.state("rate_limits").await, "working");
    let port = redis.stop();
    board.becomes("rate_limits", "interrupted", &read).await;
    let secrets = ["127.0.0.1", &format!(":{port}"), "edis", "Connection"];
    board.says("rate_limits", &["Signing in", "Whoever is signed in goes on as usual"], &secrets).await;
    let _redis = Redis::at(port).await;
    board.becomes("rate_limits", "working", &read).await;
}

#[test]
fn a_wrong_address_is_refused_at_the_start() {
    assert!(RedisStore::new(&Secret::new("http://127.0.0.1"), "test").is_err());
}

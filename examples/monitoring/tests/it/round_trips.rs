//! How often a request asks the database (design 12.15), counted on the wire.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Method, StatusCode};
use saas_core::{Clock, DatabaseConfig, Db, Secret, testing::TestDb};
use saas_tenancy::Role;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::app::{App, expect};

/// Stands between the program and PostgreSQL and counts the messages that wait for an answer: `Query` and `Sync`.
struct Counter {
    port: u16,
    questions: Arc<AtomicUsize>,
}

impl Counter {
    async fn before(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let questions = Arc::new(AtomicUsize::new(0));
        let (server, counted) = (server.to_owned(), Arc::clone(&questions));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let upstream = TcpStream::connect(&server).await.unwrap();
                let (client_read, client_write) = client.into_split();
                let (upstream_read, upstream_write) = upstream.into_split();
                tokio::spawn(count(client_read, upstream_write, Arc::clone(&counted)));
                tokio::spawn(copy(upstream_read, client_write));
            }
        });
        Self { port, questions }
    }

    /// The same address through the counter.
    fn address(&self, url: &Secret) -> Secret {
        let mut url = url::Url::parse(url.expose()).unwrap();
        url.set_port(Some(self.port)).unwrap();
        Secret::new(url)
    }

    fn take(&self) -> usize {
        self.questions.swap(0, Ordering::SeqCst)
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // Either side may close at any time; the test is about what went through before.
    drop(tokio::io::copy(&mut from, &mut to).await);
}

/// A message is a letter, a length that counts itself, and the rest; the first of a connection has no letter.
async fn count(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, questions: Arc<AtomicUsize>) -> Option<()> {
    let (mut first, mut asked) = (true, false);
    loop {
        let letter = if first { None } else { Some(from.read_u8().await.ok()?) };
        let length = from.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        from.read_exact(&mut body).await.ok()?;
        // A rollback, and a `Sync` with nothing before it, are sent when a connection goes back to the pool: nobody waits for them.
        match letter {
            Some(b'Q') if !body.starts_with(b"ROLLBACK") => drop(questions.fetch_add(1, Ordering::SeqCst)),
            Some(b'S') if asked => drop(questions.fetch_add(1, Ordering::SeqCst)),
            _ => {}
        }
        asked = letter == Some(b'E') || (asked && letter != Some(b'S'));
        if let Some(letter) = letter {
            to.write_u8(letter).await.ok()?;
        }
        to.write_u32(length).await.ok()?;
        to.write_all(&body).await.ok()?;
        // A connection may ask for TLS before it says who it is; that message has no letter either.
        first = first && length == 8;
    }
}

/// The same database through a counter.
async fn counted(test: &TestDb) -> (Db, Counter) {
    let url = url::Url::parse(test.database.logins().app.expose()).unwrap();
    let counter = Counter::before(&format!("127.0.0.1:{}", url.port().unwrap())).await;
    let config = DatabaseConfig {
        app: counter.address(&test.database.logins().app),
        system: counter.address(&test.database.logins().system),
        max_connections: 1,
        allow_old_server: true,
        ..DatabaseConfig::default()
    };
    // A minute that passes would have uses noted again.
    let clock = Clock::fixed(Clock::system().now());
    let db = Db::connect(&config, monitoring::server::ALL_MIGRATIONS, clock).await.unwrap();
    (db, counter)
}

/// With one connection, a request that held one while it waited for another would never be answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_asks_the_database_at_most_four_times() {
    let app = App::new().await;
    let tenant = app.tenant("acme").await;
    let owner = app.member(tenant, Role::Owner).await;
    let agent = app.agent(&owner).await;
    let (db, counter) = counted(&app.test).await;
    let (again, lifecycle, _mail) = app.again(&db);
    // What it does by itself now and then would be counted too.
    lifecycle.drain();
    let session = owner.browser.cookie("__Host-session").unwrap();
    let person = again.browser().with("cookie", &format!("__Host-session={session}"));
    let machine = again.browser().bearer(&agent.credential);
    let made = owner.browser.post("/api/v1/api-keys", &json!({ "name": "Reports", "scopes": ["monitoring.device.read"] })).await.json();
    let key = made["key"].as_str().unwrap();
    let program = again.browser().bearer(key);
    let given = owner.browser.post("/api/v1/auth/token", &json!({ "organization": tenant })).await.json();
    let token = given["access_token"].as_str().unwrap();
    let holder = again.browser().bearer(token);
    let beat = json!({ "at": "2026-01-01T00:00:00Z", "version": "1", "uptime_seconds": 1, "buffered": 0 });

    let known = json!({ "devices": [{ "address": "10.0.0.2", "found_by": ["tcp"] }, { "address": "10.0.0.3", "found_by": ["icmp"] }] });
    let reading = |at: &str| json!({ "readings": [{ "address": "10.0.0.2", "at": at, "up": true }, { "address": "10.0.0.3", "at": at, "up": true }] });

    // The first time a statement is prepared too, and the last use noted.
    for at in ["2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"] {
        assert_eq!(machine.post("/api/agent/devices", &known).await.status, StatusCode::OK);
        assert_eq!(machine.post("/api/agent/status", &reading(at)).await.status, StatusCode::OK);
        assert_eq!(person.get("/api/v1/devices").await.status, StatusCode::OK);
        assert_eq!(program.get("/api/v1/devices").await.status, StatusCode::OK);
        assert_eq!(holder.get("/api/v1/devices").await.status, StatusCode::OK);
        assert_eq!(person.page("/devices").await.status, StatusCode::OK);
        assert_eq!(machine.get("/api/agent/status").await.status, StatusCode::OK);
        assert_eq!(machine.post("/api/agent/heartbeat", &beat).await.status, StatusCode::OK);
    }
    let on = json!({ "on": true });
    expect(&owner.browser.json(Method::PUT, "/api/v1/organization/flags/latency", &on).await, StatusCode::NO_CONTENT);
    assert_eq!(person.get("/api/v1/organization/flags").await.status, StatusCode::OK);
    // The note is written off the request.
    let noted = "select (select count(*) from auth.api_key where last_used_at is not null)
        + (select count(*) from auth.agent_credential where last_used_at is not null)";
    app.until("the uses are noted", async || app.count(noted).await == 2).await;
    counter.take();
    assert_eq!(person.get("/api/v1/devices").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 3, "who, begin, the query");
    assert_eq!(program.get("/api/v1/devices").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 3, "whose key, begin, the query");
    assert_eq!(holder.get("/api/v1/devices").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 3, "whose token, begin, the query");
    // What people look at shows several things, and asks for each once.
    assert!(person.page("/devices").await.text().contains("id=\"pointer\""));
    assert_eq!(counter.take(), 6, "who, begin, how many, the devices, what is kept of the first steps, what is done of them");
    expect(&owner.browser.json(Method::POST, "/api/v1/onboarding/dismiss", &json!({})).await, StatusCode::NO_CONTENT);
    counter.take();
    assert!(!person.page("/devices").await.text().contains("id=\"pointer\""));
    assert_eq!(counter.take(), 5, "who, begin, how many, the devices, what is kept of the first steps");
    assert_eq!(machine.get("/api/agent/status").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 4, "who, begin, the agent, its devices");
    assert_eq!(machine.post("/api/agent/heartbeat", &beat).await.status, StatusCode::OK);
    assert_eq!(counter.take(), 4, "who, begin, the agent, commit");
    let applied = machine.post("/api/agent/status", &reading("2026-01-01T00:01:00Z")).await;
    assert_eq!((applied.status, &applied.json()["applied"]), (StatusCode::OK, &json!(2)));
    assert_eq!(counter.take(), 4, "who, begin, the readings, commit");
    assert_eq!(machine.post("/api/agent/devices", &known).await.status, StatusCode::OK);
    assert_eq!(counter.take(), 4, "who, begin, the devices, commit");
    assert_eq!(person.get("/").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 1, "who");
    assert_eq!(again.browser().get("/").await.status, StatusCode::OK);
    assert_eq!(counter.take(), 0, "a stranger costs the database nothing");
    let flags = person.get("/api/v1/organization/flags").await;
    assert_eq!((flags.status, &flags.json()["items"][0]["on"]), (StatusCode::OK, &json!(true)));
    assert_eq!(counter.take(), 1, "who, with the flags");
    assert_eq!(again.browser().bearer("mon_cred_forged").get("/api/agent/status").await.status, StatusCode::UNAUTHORIZED);
    // Every kind of key, right but for one letter of its secret or of its checksum, in the header or in the address.
    for text in [key, &agent.key, &agent.credential] {
        for place in [text.len() - 20, text.len() - 1] {
            let forged = format!("{}{}{}", &text[..place], if text[place..].starts_with('x') { 'y' } else { 'x' }, &text[place + 1..]);
            let path = format!("/api/v1/devices?key={forged}");
            assert_eq!(again.browser().bearer(&forged).get(&path).await.status, StatusCode::UNAUTHORIZED);
        }
    }
    assert_eq!(counter.take(), 0, "a forged key is known by its checksum");
    for place in [5, token.len() / 2, token.len() - 20] {
        let forged = format!("{}{}{}", &token[..place], if token[place..].starts_with('x') { 'y' } else { 'x' }, &token[place + 1..]);
        assert_eq!(again.browser().bearer(&forged).get("/api/v1/devices").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(counter.take(), 0, "a forged token is known by its signature");
}

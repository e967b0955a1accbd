use std::{net::TcpListener, time::Duration};

use saas_core::testing::EmptyDatabase;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::outside::Outside;
use crate::process::{Server, Settings, folder};

/// DX-01: a folder with nothing in it becomes a running product, for two programs at once too; both see the same, and so does the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_from_nothing_and_twice_at_once() {
    let folder = folder();
    let settings = Settings::serving(folder.path());
    let (first, second) = tokio::join!(settings.start(), settings.start());
    assert_ne!(first.port(), second.port());
    assert!(first.said().contains(&format!("Mail  {}/dev/mail", first.url)), "{}", first.said());
    assert!(first.said().contains("Time  http://127.0.0.1:"), "{}", first.said());
    for server in [&first, &second] {
        for (path, text) in [("/", "<html"), ("/dev", "Stand-in for Stripe"), ("/sign-up", "<form"), ("/health/ready", "ready")] {
            let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(answer.text().await.unwrap().contains(text), "{path}");
        }
    }
    let doctor = Settings::new(folder.path()).argument("doctor").argument("--json").run().await;
    assert!(doctor.status.success(), "{doctor:?}");
    let report: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!((&report["findings"], &report["pending_migrations"]), (&serde_json::json!([]), &serde_json::json!(0)), "{report}");

    first.terminate();
    assert_eq!(first.ended().await.code(), Some(0));
    let other = reqwest::get(format!("{}/health/ready", second.url)).await.unwrap();
    assert_eq!(other.status(), 200, "the one that stays keeps the database");
    assert!(!second.said().contains("ahead"), "{}", second.said());
    move_clock(&second).await;
    second.terminate();
    assert_eq!(second.ended().await.code(), Some(0));
    let again = settings.start().await;
    assert_eq!(reqwest::get(format!("{}/health/ready", again.url)).await.unwrap().status(), 200);
    assert!(again.said().contains("/clock (1 day ahead of this computer)"), "a clock that was moved stays so: {}", again.said());
    again.terminate();
    assert!(again.ended().await.success());
}

/// By a day, on the page whose address the program printed.
async fn move_clock(server: &Server) {
    let said = server.said();
    let page = said.lines().find_map(|line| line.trim().strip_prefix("Time")).unwrap().trim();
    let moved = reqwest::Client::new().post(page).body("by=day").send().await.unwrap();
    assert!(moved.status().is_success(), "{moved:?}");
}

/// OPS-03: what is wrong is said all at once, and by a code that a script can tell from others.
#[tokio::test]
async fn wrong_settings_are_all_named_at_once() {
    let folder = folder();
    let wrong = Settings::new(folder.path())
        .set("SAAS_LISTEN", "everywhere")
        .set("SAAS_MODE", "test")
        .set("DATABASE_MAX_CONNECTIONS", "many")
        .set("SAAS_MASTER_KEY", "short")
        .set("SAAS_LIVE", "pigeons")
        .run()
        .await;
    assert_eq!(wrong.status.code(), Some(78), "{wrong:?}");
    for name in ["SAAS_LISTEN", "SAAS_MODE", "DATABASE_MAX_CONNECTIONS", "SAAS_MASTER_KEY", "SAAS_LIVE"] {
        assert!(wrong.stderr.contains(name), "{name} is not named: {}", wrong.stderr);
    }
    assert!(!wrong.stderr.contains("short"), "what is secret is not repeated: {}", wrong.stderr);
    std::fs::write(folder.path().join("bad.toml"), "listen = \"127.0.0.1:0\"\nlistenn = 3\n").unwrap();
    let unknown = Settings::new(folder.path()).argument("--config").argument("bad.toml").run().await;
    assert_eq!(unknown.status.code(), Some(78), "{unknown:?}");
    assert!(unknown.stderr.contains("listenn"), "{}", unknown.stderr);
    let missing = Settings::new(folder.path()).argument("--config").argument("none.toml").run().await;
    assert_eq!(missing.status.code(), Some(78), "{missing:?}");
    let nowhere = Settings::new(folder.path()).set("SAAS_LIVE", "redis").run().await;
    assert_eq!(nowhere.status.code(), Some(78));
    assert!(nowhere.stderr.contains("REDIS_URL"), "{}", nowhere.stderr);
    let open = Settings::new(folder.path()).set("SAAS_LISTEN", "0.0.0.0:0").run().await;
    assert_eq!(open.status.code(), Some(78));
    assert!(open.stderr.contains("plain http") && open.stderr.contains("SAAS_MODE"), "{}", open.stderr);
    assert!(!folder.path().join(".saas").exists(), "nothing was begun");
}

/// OPS-03: a file says what the environment would; the environment wins over it, and an argument over both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_settings_is_obeyed_and_the_environment_and_arguments_win_over_it() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = format!(
        "listen = \"{}\"\nlog.format = \"json\"\nlog.filter = \"info\"\n\n[database]\nurl = \"{}\"\nmax_connections = 4\n\n\
         [limits]\nsign_in = \"2/hour\"\n",
        taken.local_addr().unwrap(),
        database.owner_url().expose()
    );
    std::fs::write(folder.path().join("monitoring.toml"), file).unwrap();
    let from_file = Settings::new(folder.path()).argument("--config").argument("monitoring.toml");
    let refused = from_file.run().await;
    assert_eq!(refused.status.code(), Some(1), "the file says where to listen, and somebody does already: {refused:?}");
    assert!(refused.stderr.contains("cannot listen on"), "{}", refused.stderr);
    drop(taken);

    let http = reqwest::Client::new();
    for (settings, allowed) in [(from_file.clone(), 2), (from_file.clone().set("SAAS_LIMIT_SIGN_IN", "3/hour"), 3)] {
        let server = settings.argument("--listen").argument("127.0.0.1:0").start().await;
        for attempt in 1..=allowed + 1 {
            let sign_in = http.post(format!("{}/api/v1/auth/sign-in", server.url)).json(&serde_json::json!({}));
            let status = sign_in.send().await.unwrap().status();
            assert_eq!(status, if attempt <= allowed { 422 } else { 429 }, "attempt {attempt} of {allowed}");
        }
        let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line["message"] == "answered");
        crate::process::wait_until("a line of the log", Duration::from_secs(20), async || server.said().lines().any(is_json)).await;
        server.kill().await;
    }
    assert!(!folder.path().join(".saas/postgres").exists(), "the file names a database, so none was started");
}

#[tokio::test]
async fn without_a_database_it_says_so_and_ends() {
    let folder = folder();
    // A port that was free a moment ago, where nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://monitoring:secret-password@127.0.0.1:{port}/monitoring");
    let away = Settings::serving(folder.path()).set("DATABASE_URL", &url).run().await;
    assert_eq!(away.status.code(), Some(69), "{away:?}");
    assert!(away.stderr.contains("the database of DATABASE_URL cannot be reached"), "{}", away.stderr);
    assert!(away.stderr.to_lowercase().contains("connection refused"), "{}", away.stderr);
    assert!(!away.stderr.contains("secret-password") && !away.stderr.contains("panicked"), "{}", away.stderr);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let database = EmptyDatabase::create().await.unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let settings = Settings::new(folder.path()).set("DATABASE_URL", database.owner_url().expose()).argument("--listen").argument(&listen);
    let taken = settings.run().await;
    assert_eq!(taken.status.code(), Some(1), "{taken:?}");
    assert!(taken.stderr.contains(&format!("cannot listen on {listen}")), "{}", taken.stderr);
}

/// What production is given, as `migrate --provision` printed it.
struct Production {
    database: EmptyDatabase,
    app: String,
    system: String,
}

impl Production {
    async fn provision(folder: &std::path::Path) -> Self {
        let database = EmptyDatabase::create().await.unwrap();
        let migrate = Settings::new(folder).set("DATABASE_URL", database.owner_url().expose()).set("SAAS_MODE", "production");
        let done = migrate.argument("migrate").argument("--provision").run().await;
        assert!(done.status.success(), "{done:?}");
        let printed = |name: &str| {
            let line = done.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("no {name} in {}", done.stdout)).to_owned()
        };
        Self { app: printed("DATABASE_APP_URL"), system: printed("DATABASE_SYSTEM_URL"), database }
    }

    fn settings(&self, folder: &std::path::Path) -> Settings {
        Settings::serving(folder)
            .set("SAAS_MODE", "production")
            .set("DATABASE_APP_URL", &self.app)
            .set("DATABASE_SYSTEM_URL", &self.system)
            .set("SAAS_STORAGE_URL", &format!("file://{}", folder.join("files").display()))
            .set("SAAS_PUBLIC_URL", "https://monitoring.example.com")
            .set("SAAS_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .set("SMTP_URL", "smtp://127.0.0.1:9")
    }
}

/// OPS-03: production has no owner login, and is refused without what it needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_starts_with_its_own_logins_and_not_without_its_secrets() {
    let folder = folder();
    let production = Production::provision(folder.path()).await;
    let server = production.settings(folder.path()).start().await;
    // It names the address that people use; it listens on another.
    assert_eq!(server.url, "https://monitoring.example.com");
    assert!(!server.said().contains("/dev/mail") && !server.said().contains("Time"), "{}", server.said());
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(!folder.path().join(".saas").exists(), "production keeps nothing beside itself");

    let bare = Settings::serving(folder.path()).set("SAAS_MODE", "production").run().await;
    assert_eq!(bare.status.code(), Some(78), "{bare:?}");
    for name in ["DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "SAAS_MASTER_KEY", "SMTP_URL", "SAAS_STORAGE_URL", "SAAS_PUBLIC_URL"] {
        assert!(bare.stderr.contains(&format!("{name} is not set")), "{name}: {}", bare.stderr);
    }
    let without = Settings::serving(folder.path())
        .set("SAAS_MODE", "production")
        .set("DATABASE_APP_URL", &production.app)
        .set("DATABASE_SYSTEM_URL", &production.system)
        .set("SAAS_PUBLIC_URL", "https://monitoring.example.com")
        .run()
        .await;
    assert_eq!(without.status.code(), Some(78));
    assert!(without.stderr.contains("SAAS_MASTER_KEY") && without.stderr.contains("SMTP_URL"), "{}", without.stderr);
}

/// An application login that could see around the tenant wall is refused, and told which right is too many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_could_bypass_isolation_is_refused() {
    let folder = folder();
    let production = Production::provision(folder.path()).await;
    let login = url::Url::parse(&production.app).unwrap().username().to_owned();
    let mut superuser = PgConnection::connect(production.database.superuser_url().expose()).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("alter role \"{login}\" bypassrls"))).execute(&mut superuser).await.unwrap();
    for command in ["serve", "doctor"] {
        let refused = production.settings(folder.path()).argument(command).run().await;
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(!refused.status.success(), "{command}: {said}");
        assert!(said.contains("bypassrls") && said.contains(&login), "{command}: {said}");
        if command == "serve" {
            assert_eq!(refused.status.code(), Some(69), "{said}");
        }
    }
}

/// SIGTERM: what is under way is finished, and nothing new is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_asked_to_stop_finishes_what_it_has_begun() {
    let (folder, database) = (folder(), EmptyDatabase::create().await.unwrap());
    let owner = database.owner_url().expose().to_owned();
    let server = Settings::serving(folder.path()).set("DATABASE_URL", &owner).start().await;
    let outside = Outside::at(&server.url, folder.path(), &owner).await;
    let stream = outside.as_person(outside.http.get(format!("{}/live", server.url))).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    // The tenant's rows are locked, so that the request cannot end before the server was told to.
    let mut lock = PgConnection::connect(&owner).await.unwrap();
    sqlx::raw_sql("begin; lock table data.device in access exclusive mode").execute(&mut lock).await.unwrap();
    let request = async {
        let answer = outside.post_device("10.0.0.1").await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    let stop = async {
        crate::process::wait_until("the request waits", Duration::from_secs(20), async || {
            let mut watch = PgConnection::connect(&owner).await.unwrap();
            let waits = "select exists (select from pg_locks where relation = 'data.device'::regclass and not granted)";
            sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watch).await.unwrap()
        })
        .await;
        server.terminate();
        let is_closed = async || outside.http.get(format!("{}/health/live", server.url)).send().await.is_err();
        crate::process::wait_until("nothing new is taken", Duration::from_secs(5), is_closed).await;
        sqlx::raw_sql("commit").execute(&mut lock).await.unwrap();
    };
    tokio::join!(request, stop);
    // The open page is let go, rather than waited for.
    tokio::time::timeout(Duration::from_secs(5), stream.bytes()).await.expect("the stream ends").unwrap();
    assert_eq!(server.ended().await.code(), Some(0));
}

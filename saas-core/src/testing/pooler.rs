use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};
use url::Url;

use super::TestDatabase;
use crate::{Logins, Secret, dev::Account};

/// A PgBouncer of a test's own in front of a test database, in transaction mode; it ends when it is dropped.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one with at most so many sessions at the server for each login.
    ///
    /// # Panics
    ///
    /// If there is no `pgbouncer`, or it does not start.
    pub async fn start(database: &TestDatabase, sessions: u32) -> Self {
        let account = Account::choose().unwrap_or_else(|error| panic!("no account for PgBouncer: {error}"));
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder for PgBouncer: {error}"));
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.unwrap_or_else(|error| panic!("no port is free: {error}")).port();
        let logins = database.logins();
        let (app, system) = (parsed(&logins.app), parsed(&logins.system));
        let known: String =
            [&app, &system].map(|url| format!("\"{}\" \"{}\"\n", url.username(), url.password().unwrap_or_default())).concat();
        let settings = format!(
            "[databases]\n\
             * = host={host} port={server}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = scram-sha-256\n\
             auth_file = users.txt\n\
             pool_mode = transaction\n\
             default_pool_size = {sessions}\n\
             ignore_startup_parameters = extra_float_digits\n",
            host = app.host_str().unwrap_or("127.0.0.1"),
            server = app.port().unwrap_or(5432),
        );
        let mut given = account.own(folder.path()).map_err(|error| error.to_string());
        for (name, text) in [("users.txt", known), ("pgbouncer.ini", settings)] {
            let path = folder.path().join(name);
            let written = fs::write(&path, text).map_err(|error| error.to_string());
            given = given.and(written).and_then(|()| account.own(&path).map_err(|error| error.to_string()));
        }
        given.unwrap_or_else(|error| panic!("no settings for PgBouncer: {error}"));
        let child = account
            .command("pgbouncer", folder.path())
            .args(["--quiet", "pgbouncer.ini"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("pgbouncer (tests/install installs it): {error}"));
        let pooler = Self { child, port, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "PgBouncer does not start");
            sleep(Duration::from_millis(10)).await;
        }
        pooler
    }

    /// The addresses of these logins at the pooler.
    #[must_use]
    pub fn through(&self, logins: &Logins) -> Logins {
        let [app, system] = [&logins.app, &logins.system].map(|login| {
            let mut url = parsed(login);
            let moved = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(self.port)).is_ok();
            assert!(moved, "the address of a login names a server");
            Secret::new(url)
        });
        Logins { app, system }
    }
}

fn parsed(login: &Secret) -> Url {
    Url::parse(login.expose()).unwrap_or_else(|error| panic!("the address of a login: {error}"))
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

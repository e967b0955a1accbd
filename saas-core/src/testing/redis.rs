use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

use crate::Secret;

/// A Redis of a test's own, that keeps nothing; it ends when it is dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`, or it does not start.
    pub async fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        Self::start_at(free.unwrap_or_else(|error| panic!("no port is free: {error}")).port()).await
    }

    /// Starts one where another was [stopped](Self::stop).
    ///
    /// # Panics
    ///
    /// If there is no `redis-server`, or it does not start.
    pub async fn start_at(port: u16) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder for Redis: {error}"));
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server (tests/install installs it): {error}"));
        let server = Self { child, port, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not start");
            sleep(Duration::from_millis(10)).await;
        }
        server
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> Secret {
        Secret::new(format!("redis://127.0.0.1:{}", self.port))
    }

    /// The port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it takes connections and answers nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// It answers again.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it, and gives back the port.
    #[must_use]
    pub fn stop(self) -> u16 {
        self.port
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap_or_else(|error| panic!("no signal for Redis: {error}"));
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! The server as its users run it: a process in a folder of its own, with settings, an address and signals.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::app::App;

/// Far beyond what anything here takes; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A folder to run in, removed at the end.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    // A cluster in it that root starts runs as somebody else, who has to get through.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// How the server is started: nothing of the tests' own environment reaches it but where programs are.
#[derive(Clone)]
pub(crate) struct Settings {
    folder: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// A command of the product, against the database of a test.
    pub(crate) fn of(app: &App, folder: &Path, arguments: &[&str]) -> Self {
        let logins = app.test.database.logins();
        let settings = Self::new(folder)
            .set("DATABASE_URL", app.test.database.owner_url().expose())
            .set("DATABASE_APP_URL", logins.app.expose())
            .set("DATABASE_SYSTEM_URL", logins.system.expose())
            .set("SAAS_MASTER_KEY", &app.program.master_key.text());
        arguments.iter().fold(settings, |settings, argument| settings.argument(argument))
    }

    /// On a port that the system chooses.
    pub(crate) fn serving(folder: &Path) -> Self {
        Self::new(folder).argument("--listen").argument("127.0.0.1:0").set("RUST_LOG", "warn")
    }

    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monitoring"));
        command.current_dir(&self.folder).args(&self.arguments).env_clear().kill_on_drop(true).stdin(Stdio::null());
        let inherited = ["PATH", "HOME", "TMPDIR", "USER"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(inherited).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end: a command that is none of serving, or a start that is refused.
    pub(crate) async fn run(&self) -> Ended {
        Ended::of(timeout(PATIENCE, self.command().output()).await.unwrap().unwrap())
    }

    /// The same with something to read.
    pub(crate) async fn run_with(&self, input: &[u8]) -> Ended {
        let mut child = self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
        // It need not read all of it.
        let written = tokio::spawn(async move { stdin.write_all(&input).await });
        let ended = Ended::of(timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap());
        drop(written.await.unwrap());
        ended
    }

    /// Starts to serve, and waits until it says where.
    pub(crate) async fn start(&self) -> Server {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        let (sender, mut lines) = mpsc::unbounded_channel();
        follow(child.stdout.take().unwrap(), Arc::clone(&output), sender.clone());
        follow(child.stderr.take().unwrap(), Arc::clone(&output), sender);
        let deadline = Instant::now() + PATIENCE;
        let mut url = None;
        let url = loop {
            let line = tokio::time::timeout_at(deadline, lines.recv()).await.ok().flatten();
            let line = line.unwrap_or_else(|| panic!("it does not serve:\n{}", output.lock().unwrap()));
            if let Some((_, open)) = line.split_once("Open  ") {
                url = Some(open.trim().trim_end_matches('/').to_owned());
            }
            // The last line of its greeting.
            if let Some(url) = url.take_if(|_| line.contains("Ctrl-C")) {
                break url;
            }
        };
        Server { child, url, output }
    }
}

/// Keeps what a process says, and passes it on line by line.
fn follow(from: impl AsyncRead + Unpin + Send + 'static, into: Arc<Mutex<String>>, to: mpsc::UnboundedSender<String>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            into.lock().unwrap().push_str(&format!("{line}\n"));
            // Nobody listens any more once it serves.
            drop(to.send(line));
        }
    });
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A server that runs; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it serves, with no slash at the end.
    pub(crate) url: String,
    output: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    }

    pub(crate) async fn ended(mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// Waits until something holds.
pub(crate) async fn wait_until(what: &str, at_most: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < at_most, "{what}: not within {at_most:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

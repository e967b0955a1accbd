//! The agent as a user runs it: a process with arguments, an environment, and lines on standard error.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use super::server::KEY;

/// How to start the agent.
#[derive(Debug, Clone)]
pub(crate) struct AgentSettings {
    namespace: Option<String>,
    state: PathBuf,
    arguments: Vec<String>,
    key: Option<String>,
}

impl AgentSettings {
    /// The usual arguments, with short intervals.
    pub(crate) fn new(server: &str, network: &str, state: &Path) -> Self {
        let arguments = ["--server", server, "--network", network, "--check-seconds", "1", "--heartbeat-seconds", "1"];
        Self { namespace: None, state: state.to_owned(), arguments: arguments.map(str::to_owned).to_vec(), key: Some(KEY.to_owned()) }
    }

    /// Runs it in a network namespace.
    pub(crate) fn inside(mut self, namespace: String) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Adds arguments.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Gives another key, or none.
    pub(crate) fn key(mut self, key: Option<&str>) -> Self {
        self.key = key.map(str::to_owned);
        self
    }

    /// Starts it.
    pub(crate) fn start(&self) -> AgentProcess {
        let binary = env!("CARGO_BIN_EXE_monitoring-agent");
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, binary]);
                command
            }
            None => Command::new(binary),
        };
        command.args(&self.arguments).arg("--state").arg(&self.state);
        command.env_remove("MONITORING_SERVER").env_remove("MONITORING_NETWORK").env_remove("MONITORING_KEY");
        if let Some(key) = &self.key {
            command.env("MONITORING_KEY", key);
        }
        command.env("RUST_LOG", "monitoring=debug,monitoring_agent=debug").env("NO_PROXY", "*");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let (sender, lines) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        AgentProcess { child, lines, reader }
    }
}

/// A running agent, killed when it is dropped.
pub(crate) struct AgentProcess {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
    reader: JoinHandle<()>,
}

impl AgentProcess {
    /// What it has said so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits for so many lines that contain a text.
    pub(crate) async fn until_said(&mut self, patience: Duration, text: &str, count: usize) {
        let said = |lines: &Vec<String>| lines.iter().filter(|line| line.contains(text)).count() >= count;
        let waited = timeout(patience, self.lines.wait_for(said)).await.is_ok_and(|lines| lines.is_ok());
        assert!(waited, "{text:?} was not said {count} times in {patience:?}, but:\n{}", self.lines().join("\n"));
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends SIGKILL, and returns all that it said before.
    pub(crate) async fn kill(mut self) -> Vec<String> {
        self.signal(rustix::process::Signal::KILL);
        self.child.wait().await.unwrap();
        (&mut self.reader).await.unwrap();
        self.lines()
    }

    /// Waits for its end, and returns how it ended and all that it said.
    pub(crate) async fn ended(mut self, patience: Duration) -> (ExitStatus, String) {
        let Ok(status) = timeout(patience, self.child.wait()).await else {
            panic!("the agent did not end in {patience:?}, but said:\n{}", self.lines().join("\n"));
        };
        (&mut self.reader).await.unwrap();
        (status.unwrap(), self.lines().join("\n"))
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().unwrap()));
        rustix::process::kill_process(id.unwrap(), signal).unwrap();
    }
}

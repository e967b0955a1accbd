//! The network agent: finds devices, checks them, and reports to the monitoring server.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use monitoring::agent::{AgentError, Config, Networks, NetworksError, print_status, protocol::Secret, run, run_once};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use url::Url;

/// Finds the devices of a network, checks them, and reports to the monitoring server.
///
/// Exit codes: 0 stopped as asked, 1 failed, 2 wrong arguments, 3 the key is wrong or was revoked, 4 another agent runs with
/// the same state folder.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    state: StateArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what the server knows of this agent and its devices.
    Status(StateArguments),
}

#[derive(Debug, Args)]
struct StateArguments {
    /// Where to keep state [default: $XDG_STATE_HOME/monitoring-agent, ~/.local/state/monitoring-agent, or
    /// /var/lib/monitoring-agent as root].
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Address of the server.
    #[arg(long, value_name = "URL", env = "MONITORING_SERVER", value_parser = server)]
    #[arg(required = true)]
    server: Option<Url>,
    /// The agent key that the server shows under "Agents". Needed until the agent is registered.
    #[arg(long, value_name = "KEY", env = "MONITORING_KEY", hide_env_values = true)]
    key: Option<Secret>,
    /// A network to watch, as in 192.168.1.0/24; may be given several times.
    #[arg(long = "network", value_name = "CIDR", env = "MONITORING_NETWORK", value_delimiter = ',', required = true)]
    networks: Vec<IpNet>,
    /// Sweep, check and send once, and exit.
    #[arg(long)]
    once: bool,
    /// Seconds between two checks [default: 30, or what the server says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    check_seconds: Option<u64>,
    /// Seconds between two heartbeats [default: 60, or what the server says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    heartbeat_seconds: Option<u64>,
    /// Seconds between two sweeps.
    #[arg(long, value_name = "N", default_value = "300", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    discover_seconds: u64,
    /// The most that readings which are not sent yet may take on disk, in MiB [default: what an hour of them takes, 64 or more].
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    buffer_mib: Option<u64>,
}

/// What is wrong before the agent starts.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Networks(#[from] NetworksError),
    #[error("no folder to keep state in: neither XDG_STATE_HOME nor HOME is set; give --state DIR")]
    NoState,
    #[error("--server is missing")]
    NoServer,
    #[error("the process cannot be set up: {0}")]
    System(#[from] io::Error),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    let result = runtime.block_on(start(arguments));
    // A lookup of a name may hang in the system's resolver: nobody waits for it.
    runtime.shutdown_background();
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(&error, error.exit_code()),
        Err(error) => fail(&error, if matches!(error, StartError::System(_)) { 1 } else { 2 }),
    }
}

async fn start(arguments: Arguments) -> Result<Result<(), AgentError>, StartError> {
    if let Some(Command::Status(state)) = arguments.command {
        return Ok(print_status(&state.dir()?, &mut io::stdout()).await);
    }
    let RunArguments { server, key, networks, once, check_seconds, heartbeat_seconds, discover_seconds, buffer_mib } = arguments.run;
    let networks = Networks::new(networks)?;
    let config = Config {
        server: server.ok_or(StartError::NoServer)?,
        key,
        buffer_bytes: buffer_mib.map_or_else(|| networks.buffer_bytes(), |mib| mib * 1024 * 1024),
        networks,
        state: arguments.state.dir()?,
        check: check_seconds.map(Duration::from_secs),
        heartbeat: heartbeat_seconds.map(Duration::from_secs),
        discover: Duration::from_secs(discover_seconds),
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    if once {
        return Ok(tokio::select! {
            result = run_once(config) => result,
            () = shutdown => Ok(()),
        });
    }
    Ok(run(config, shutdown).await)
}

impl StateArguments {
    fn dir(self) -> Result<PathBuf, StartError> {
        if let Some(dir) = self.state {
            return Ok(dir);
        }
        if rustix::process::geteuid().is_root() {
            return Ok("/var/lib/monitoring-agent".into());
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        Ok(base.ok_or(StartError::NoState)?.join("monitoring-agent"))
    }
}

fn server(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("{error}; it looks like https://monitoring.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("it begins with https:// or http:// and names a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds no user name or password; the key goes into --key".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// Log lines go to standard error, by `RUST_LOG`, with colours on a terminal only.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().compact().with_env_filter(filter).with_target(false);
    subscriber.with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    tracing::error!("{text}");
    ExitCode::from(code)
}

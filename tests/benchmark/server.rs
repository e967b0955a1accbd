//! Servers under test, each in a process of its own.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    Outcome,
    http::{Connection, request},
};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
    child: Child,
    /// A hand-written server ends when this is closed.
    _input: Option<ChildStdin>,
    /// Kept, or whatever it says next would be an error.
    _output: Lines<BufReader<ChildStdout>>,
}

/// Where the product is reached, how it finds its database, and how much it writes down.
pub(crate) struct Product<'a> {
    pub(crate) name: &'static str,
    pub(crate) folder: &'a Path,
    /// None: it starts a cluster of its own in its folder.
    pub(crate) logins: Option<&'a Logins>,
    pub(crate) pool: u32,
    /// None: as it is delivered.
    pub(crate) log: Option<&'static str>,
}

/// What `migrate --provision` printed.
#[derive(Debug, Clone)]
pub(crate) struct Logins {
    pub(crate) app: String,
    pub(crate) system: String,
}

/// How patient we are with a program that starts.
const PATIENCE: Duration = Duration::from_secs(60);

fn program(name: &str) -> Outcome<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

fn command(name: &str, folder: &Path) -> Outcome<Command> {
    let mut command = Command::new(program(name)?);
    command.current_dir(folder).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped());
    for variable in ["DATABASE_URL", "DATABASE_APP_URL", "DATABASE_SYSTEM_URL", "SAAS_MODE", "SAAS_PUBLIC_URL", "RUST_LOG"] {
        command.env_remove(variable);
    }
    Ok(command)
}

/// Brings a database up to date with the product's own command, and makes its logins.
pub(crate) async fn migrate(owner: &str, folder: &Path) -> Outcome<Logins> {
    let mut command = command("monitoring", folder)?;
    let output = command.args(["migrate", "--provision"]).env("DATABASE_URL", owner).output().await?;
    let text = String::from_utf8(output.stdout)?;
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(ToOwned::to_owned).ok_or_else(|| format!("migrate printed no {name}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    Ok(Logins { app: value("DATABASE_APP_URL")?, system: value("DATABASE_SYSTEM_URL")? })
}

impl Server {
    /// Starts the product, as it is delivered. Answers when it is ready.
    pub(crate) async fn product(product: Product<'_>) -> Outcome<Self> {
        let mut command = command("monitoring", product.folder)?;
        command.args(["--listen", "127.0.0.1:0"]);
        if let Some(log) = product.log {
            command.env("RUST_LOG", log);
        }
        if let Some(logins) = product.logins {
            command.env("DATABASE_APP_URL", &logins.app).env("DATABASE_SYSTEM_URL", &logins.system);
            command.env("DATABASE_MIGRATE_AT_START", "false");
        }
        command.env("DATABASE_MAX_CONNECTIONS", product.pool.to_string());
        // One generator asks for thousands of people. Its requests are counted, as everybody's are, and never refused.
        for limit in
            ["SAAS_LIMIT_ADDRESS", "SAAS_LIMIT_SIGN_IN", "SAAS_LIMIT_MAIL", "SAAS_LIMIT_ACCOUNT", "SAAS_LIMIT_AGENT", "SAAS_LIMIT_TENANT"]
        {
            command.env(limit, "1000000000/second");
        }
        // The generator says where its clients are.
        command.env("SAAS_TRUSTED_PROXIES", "127.0.0.0/8");
        command.stderr(File::create(product.folder.join(format!("{}.log", product.name.replace(' ', "-"))))?);
        let server = Self::spawn(product.name, command, None, |line| line.split_once("http://localhost:")?.1.split('/').next()).await?;
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Starts a hand-written one: this program again.
    pub(crate) async fn by_hand(name: &'static str, configuration: &serde_json::Value, folder: &Path) -> Outcome<Self> {
        let own = std::env::current_exe()?;
        let mut command = command(own.file_name().and_then(|name| name.to_str()).unwrap_or_default(), folder)?;
        command.arg("serve").stdin(Stdio::piped());
        Self::spawn(name, command, Some(configuration.to_string()), |line| Some(line)).await
    }

    async fn spawn(name: &'static str, mut command: Command, input: Option<String>, port: fn(&str) -> Option<&str>) -> Outcome<Self> {
        let mut child = command.spawn()?;
        let process = child.id().ok_or("the server has ended")?;
        let mut pipe = child.stdin.take();
        if let (Some(pipe), Some(text)) = (&mut pipe, input) {
            pipe.write_all(format!("{text}\n").as_bytes()).await?;
        }
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let found = async {
            while let Some(line) = output.next_line().await? {
                if let Some(port) = port(&line).and_then(|text| text.parse::<u16>().ok()) {
                    return Ok(port);
                }
            }
            Err(format!("{name} did not start"))?
        };
        let port: u16 = tokio::time::timeout(PATIENCE, async { found.await as Outcome<u16> }).await??;
        Ok(Self { name, address: SocketAddr::from(([127, 0, 0, 1], port)), process, child, _input: pipe, _output: output })
    }

    async fn wait_until_ready(&self) -> Outcome<()> {
        let deadline = Instant::now() + PATIENCE;
        let ready = request("GET", "/health/ready", &[], b"");
        loop {
            let mut connection = Connection::open(self.address).await;
            if let Ok(connection) = &mut connection
                && let Ok((200, _)) = connection.exchange(&ready).await
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{} does not become ready", self.name).into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Tells it to stop, and waits.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        let process = i32::try_from(self.process).ok().and_then(rustix::process::Pid::from_raw).ok_or("no such process")?;
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        tokio::time::timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
}

//! Creating a cluster and starting its server.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    DevError,
    binaries::Binaries,
    guardian::{reap, remove},
    place::Place,
    postmaster::{self, State},
};

/// Closes what a careless ancestor of ours left open, such as the pipe of a test harness that waits for its end.
const WRAPPER: &str = r#"exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; umask 077; exec "$@""#;

/// Creates the cluster. The caller holds the start lock.
///
/// It is made under another name and renamed, so that data is either complete or not there.
pub(super) fn initialize(place: &Place, binaries: &Binaries, durable: bool) -> Result<(), DevError> {
    for entry in fs::read_dir(place.home()).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("initdb-") {
            // Left by a program that was killed. Its initdb may still be writing there; then the next start tries again.
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::debug!(%error, "the remains of an interrupted initdb could not be removed");
            }
        }
    }
    let work = place.home().join(format!("initdb-{}", random_hex(8)));
    fs::create_dir(&work).map_err(DevError::file("create", &work))?;
    place.account().own(&work)?;
    let (new, password) = (work.join("data"), work.join("password"));
    place.write_private(&password, &random_hex(32))?;

    let mut output = String::new();
    for locale in locales(binaries.major()) {
        let initdb = binaries.program("initdb");
        let mut command = place.account().command(&initdb, place.home());
        command
            .arg("--pgdata")
            .arg(&new)
            .arg("--pwfile")
            .arg(&password)
            .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"])
            .args(*locale);
        if !durable {
            command.arg("--no-sync");
        }
        let finished = command.output().map_err(|source| DevError::Spawn { program: initdb, source })?;
        if finished.status.success() {
            let secret = new.join("superuser.password");
            fs::rename(&password, &secret).map_err(DevError::file("create", secret))?;
            fs::rename(&new, place.data()).map_err(DevError::file("create", place.data()))?;
            return fs::remove_dir(&work).map_err(DevError::file("remove", work));
        }
        output = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        if !output.contains("locale") && !output.contains("ICU") {
            break;
        }
    }
    fs::remove_dir_all(&work).map_err(DevError::file("remove", &work))?;
    Err(DevError::Initialize { folder: place.data(), output })
}

/// Collations by Unicode code point with case mapping for all letters, from whatever the server and the system have;
/// plain C, which maps ASCII only, comes last.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const SYSTEM: &[&str] = &["--locale=C.UTF-8"];
    const BUILTIN: &[&str] = &["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
    const ICU: &[&str] = &["--locale-provider=icu", "--icu-locale=und", "--locale=C"];
    const PLAIN: &[&str] = &["--locale=C"];
    match major {
        ..15 => &[SYSTEM, PLAIN],
        15..17 => &[SYSTEM, ICU, PLAIN],
        17.. => &[BUILTIN, SYSTEM, PLAIN],
    }
}

/// Starts the server and waits until it accepts connections; answers its port. The caller holds the start lock and a
/// membership.
pub(super) fn launch(place: &Place, binaries: &Binaries, durable: bool, deadline: Instant) -> Result<u16, DevError> {
    let starting = place.home().join("starting");
    fs::write(&starting, "").map_err(DevError::file("create", &starting))?;
    let result = try_ports(place, binaries, durable, deadline);
    remove(&starting)?;
    result
}

fn try_ports(place: &Place, binaries: &Binaries, durable: bool, deadline: Instant) -> Result<u16, DevError> {
    let mut wanted = place.usual_port();
    loop {
        let port = free_port(wanted)?;
        let start = fs::metadata(place.log()).map_or(0, |log| log.len());
        let server = spawn(place, binaries, durable, port)?;
        let Some(server) = wait_until_ready(place, server, deadline)? else {
            let output = log_since(&place.log(), start);
            if output.contains("could not bind") {
                wanted = port.wrapping_add(1).max(1024);
            } else if output.contains("shared memory block") || output.contains("lock file \"postmaster.pid\"") {
                // The processes of a server that was killed take a moment to see it.
                thread::sleep(Duration::from_millis(100));
            } else {
                return Err(DevError::Start { log: place.log(), output });
            }
            if Instant::now() >= deadline {
                return Err(late(place));
            }
            continue;
        };
        reap(server);
        return Ok(port);
    }
}

fn late(place: &Place) -> DevError {
    DevError::Timeout { awaited: "the development database has started", path: place.log() }
}

fn spawn(place: &Place, binaries: &Binaries, durable: bool, port: u16) -> Result<Child, DevError> {
    let postgres = binaries.program("postgres");
    let log = place.open_log()?;
    let errors = log.try_clone().map_err(DevError::file("open", place.log()))?;
    let mut command = place.account().command("/bin/sh", place.home());
    command
        .args(["-c", WRAPPER, "sh"])
        .arg(&postgres)
        .arg("-D")
        .arg(place.data())
        .arg("-c")
        .arg(format!("port={port}"))
        // Ctrl-C in the terminal must not stop the server under a program that is about to end in good order.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    let hazardous: &[&str] = if durable { &[] } else { &FAST_AND_HAZARDOUS };
    for setting in SETTINGS.iter().chain(hazardous) {
        command.arg("-c").arg(setting);
    }
    command.spawn().map_err(|source| DevError::Spawn { program: postgres, source })
}

/// On the command line, where they win over whatever the data's configuration files say.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    // The data's path may be too long for one.
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_line_prefix=%m [%p] %u@%d ",
    "lc_messages=C",
    "log_checkpoints=off",
];

const FAST_AND_HAZARDOUS: [&str; 6] =
    ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=512MB"];

/// The server once it is ready, or nothing when it ended instead.
fn wait_until_ready(place: &Place, mut server: Child, deadline: Instant) -> Result<Option<Child>, DevError> {
    let data = place.data();
    loop {
        if let State::Ready { process, .. } = postmaster::state(&data)
            && process == server.id()
        {
            return Ok(Some(server));
        }
        let ended = server.try_wait().map_err(DevError::file("wait for the server in", &data))?;
        if ended.is_some() {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            reap(server);
            return Err(late(place));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The wanted port, else one close to it, else any.
fn free_port(wanted: u16) -> Result<u16, DevError> {
    let near = wanted..wanted.saturating_add(16);
    for port in near.chain([0]) {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port))
            && let Ok(address) = listener.local_addr()
        {
            return Ok(address.port());
        }
    }
    Err(DevError::NoPort)
}

/// The last lines that the log gained since it had this length.
fn log_since(log: &Path, start: u64) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut text)
    });
    if let Err(error) = read {
        return error.to_string();
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn random_hex(bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", rand::random::<u8>())).collect()
}

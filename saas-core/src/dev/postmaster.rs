//! What `postmaster.pid` in a data directory tells about the server.

use std::{fs, path::Path, process::Command};

use rustix::process::{Pid, test_kill_process};

/// The state of a cluster's server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Nobody claims the data, or a server that died does, which the next server finds out by itself.
    Stopped,
    /// The claim is of a process that is not the server: the id was given to another one after a crash. A server
    /// would take that one for a server and refuse to start.
    Stale,
    /// Starting, recovering from a crash, or stopping.
    Busy,
    /// Accepts connections on this port.
    Ready { process: u32, port: u16 },
}

pub(super) fn state(data: &Path) -> State {
    let Some(claim) = Claim::read(data) else {
        return State::Stopped;
    };
    match claim {
        _ if !runs_on(claim.process, data) => {
            if exists(claim.process) {
                State::Stale
            } else {
                State::Stopped
            }
        }
        Claim { process, port: Some(port), ready: true } => State::Ready { process, port },
        _ => State::Busy,
    }
}

/// Lines of the file: process id, data directory, start time, port, socket directory, address, shared memory key,
/// status. They are written one after another while the server starts.
#[derive(Debug)]
struct Claim {
    process: u32,
    port: Option<u16>,
    ready: bool,
}

impl Claim {
    fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            process: lines.first()?.parse().ok()?,
            port: lines.get(3).and_then(|port| port.parse().ok()),
            ready: lines.get(7) == Some(&"ready"),
        })
    }
}

/// Whether a process is a server that was started on this data, told by its arguments: an id alone may have been
/// given to another process. A zombie has no arguments.
fn runs_on(process: u32, data: &Path) -> bool {
    let data = data.as_os_str().as_encoded_bytes();
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{process}/cmdline"))
            .is_ok_and(|arguments| arguments.split(|byte| *byte == 0).any(|argument| argument == data));
    }
    Command::new("ps")
        .args(["-ww", "-o", "command=", "-p", &process.to_string()])
        .output()
        .is_ok_and(|output| output.stdout.windows(data.len()).any(|part| part == data))
}

fn exists(process: u32) -> bool {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
        return false;
    };
    match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

#[cfg(test)]
mod tests {
    use super::{State, state};

    #[test]
    fn a_process_that_is_not_the_server_makes_the_claim_stale() {
        let data = tempfile::tempdir().expect("a folder");
        assert_eq!(state(data.path()), State::Stopped);

        let lines = format!("{}\n{}\n1700000000\n20001\n\n127.0.0.1\n 1 2\nready   \n", std::process::id(), "/elsewhere");
        std::fs::write(data.path().join("postmaster.pid"), lines).expect("written");
        assert_eq!(state(data.path()), State::Stale);
    }
}

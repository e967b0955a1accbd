//! The test program itself, started again as a program of its own that runs one of its tests.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Pid;

const MARK: &str = "reported: ";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    /// Runs the named test in a process and a process group of its own.
    pub(crate) fn start(test: &str, configure: impl FnOnce(&mut Command)) -> Self {
        Self::start_as(&std::env::current_exe().unwrap(), test, configure)
    }

    /// The same with a copy of the test program.
    pub(crate) fn start_as(program: &Path, test: &str, configure: impl FnOnce(&mut Command)) -> Self {
        // A shell that starts tests in its background has them ignore Ctrl-C, and what they start inherits that.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(program);
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Inside of the program: tells something to whoever started it.
    pub(crate) fn report(text: &str) {
        let mut output = std::io::stdout();
        writeln!(output, "\n{MARK}{text}").unwrap();
        output.flush().unwrap();
    }

    /// Inside of the program: goes on until it is killed, or whoever started it has gone.
    pub(crate) fn wait_for_the_end() {
        let mut nothing = Vec::new();
        std::io::stdin().read_to_end(&mut nothing).unwrap();
    }

    /// The next thing that the program reported.
    pub(crate) fn reported(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).unwrap();
            if let Some(text) = line.strip_prefix(MARK) {
                return text.to_owned();
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until nobody can write to what was the program's output.
    pub(crate) fn wait_for_end_of_output(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("somebody holds the program's output open"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Waits for a condition that another process brings about.
pub(crate) fn wait_until(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

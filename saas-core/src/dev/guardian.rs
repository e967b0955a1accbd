//! Who uses a cluster, and what stops it when nobody does.
//!
//! A cluster has one *guardian*, a small shell script that reads a named pipe in the cluster's home. Every user of
//! the cluster holds a write end of that pipe. The kernel closes it however the user ends, so end of file at the
//! guardian means that nobody is left, without process ids that could have been given to another process, and
//! without a tool for locks that not every system has.
//!
//! *Invariant: the guardian stops the server only when no program has joined.* A program has joined when it opened
//! the pipe, then wrote a line into it, then saw no `closing` file, and still holds the pipe. The guardian stops the
//! server only after it read end of file, then made the `closing` file, then read end of file **again** with no line
//! before it. A program that joined before the second read had opened the pipe after the first end of file (it could
//! not have come otherwise), so its line is still unread and the second read returns it: the guardian takes `closing`
//! away and goes on. A program that looks after `closing` was made sees it, has not joined, and tries again until
//! the guardian is gone.
//!
//! A guardian lives exactly while the pipe has a reader, and opening the write end of a pipe without one fails. Only
//! the holder of the start lock makes a new guardian, so there is at most one. The pipe itself is never replaced: if
//! a guardian is killed, the next one reads the same pipe and so still sees all users.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    os::unix::{fs::FileTypeExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, fcntl_setfl, open},
    io::Errno,
};

use super::{DevError, place::Place};

const SCRIPT: &str = include_str!("guardian.sh");

/// Holds the cluster up; dropping the last one of all programs stops it.
#[derive(Debug)]
pub(super) struct Membership {
    _pipe: File,
}

/// Joins the users of a cluster where it has a guardian. The caller holds the start lock.
pub(super) fn join(place: &Place, deadline: Instant) -> Result<Option<Membership>, DevError> {
    let path = pipe_path(place);
    let closing = place.home().join("closing");
    loop {
        let mut pipe = match open_pipe(&path, OFlags::WRONLY) {
            Ok(pipe) => pipe,
            Err(Errno::NOENT | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(DevError::file("open", path)(error.into())),
        };
        let greeted = match pipe.write_all(b"joined\n") {
            Ok(()) => true,
            // The guardian died between the two calls.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => false,
            // A full pipe holds lines that the guardian has not read, which is what ours is for.
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => return Err(DevError::file("write to", path)(error)),
        };
        if greeted && closing.symlink_metadata().is_err() {
            return Ok(Some(Membership { _pipe: pipe }));
        }
        drop(pipe);
        if Instant::now() >= deadline {
            return Err(DevError::Timeout {
                awaited: "the development database has stopped, so that it can start again",
                path: place.log(),
            });
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Joins a cluster that has no guardian, and gives it one. The caller holds the start lock.
pub(super) fn employ(place: &Place, pg_ctl: &Path, linger: Duration) -> Result<Membership, DevError> {
    let path = pipe_path(place);
    make_pipe(place, &path)?;
    remove(&place.home().join("closing"))?;

    let failed = |error: Errno| DevError::file("open", &path)(error.into());
    let reader = open_pipe(&path, OFlags::RDONLY).map_err(failed)?;
    let pipe = open_pipe(&path, OFlags::WRONLY).map_err(failed)?;
    fcntl_setfl(&reader, OFlags::empty()).map_err(failed)?;

    let seconds = linger.as_secs() + u64::from(linger.subsec_nanos() > 0);
    let log = place.open_log()?;
    let errors = log.try_clone().map_err(DevError::file("open", place.log()))?;
    let shell = Path::new("/bin/sh");
    let guardian = place
        .account()
        .command(shell, place.home())
        .arg("-c")
        .arg(SCRIPT)
        .arg("saas-guardian")
        .arg(seconds.to_string())
        .arg(pg_ctl)
        // Ctrl-C ends the programs in the terminal's group, and the guardian must see them end.
        .process_group(0)
        .stdin(reader)
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|source| DevError::Spawn { program: shell.to_owned(), source })?;
    reap(guardian);
    Ok(Membership { _pipe: pipe })
}

/// Waits for a child of ours that may end before us, so that it does not linger as a zombie, whose id still looks
/// alive.
pub(super) fn reap(mut child: Child) {
    thread::spawn(move || match child.wait() {
        Ok(status) => {
            tracing::debug!(process.status = %status, "a process of the development database ended")
        }
        Err(error) => {
            tracing::debug!(%error, "a process of the development database could not be waited for")
        }
    });
}

/// Removes a file that need not be there.
pub(super) fn remove(path: &Path) -> Result<(), DevError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DevError::file("remove", path)(error)),
        _ => Ok(()),
    }
}

fn pipe_path(place: &Place) -> PathBuf {
    place.home().join("users")
}

fn open_pipe(path: &Path, access: OFlags) -> Result<File, Errno> {
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    open(path, flags, Mode::empty()).map(File::from)
}

fn make_pipe(place: &Place, path: &Path) -> Result<(), DevError> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        return Ok(());
    }
    remove(path)?;
    let output = place
        .account()
        .command("mkfifo", place.home())
        .args(["-m", "600", "users"])
        .output()
        .map_err(|source| DevError::Spawn { program: "mkfifo".into(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(DevError::file("create", path)(std::io::Error::other(answer)))
}

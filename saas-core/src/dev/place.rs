//! Where a cluster lies.
//!
//! `<directory>` belongs to whoever starts programs: it holds the start lock and `postgres.json`. The *home*
//! belongs to the account that the server runs as: it holds the data, the log and the guardian's pipe. The home is
//! `<directory>/postgres` where that account can reach it, else a folder under `/var/tmp` that is named after the
//! directory.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DevError, account::Account};

/// A log beyond this many bytes is set aside at the next start.
const LOG_LIMIT: u64 = 16 << 20;

/// What `postgres.json` tells: for people, for other tools, and for the port of the next start.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record {
    /// Where the cluster is.
    pub(super) home: PathBuf,
    /// The last port on 127.0.0.1.
    pub(super) port: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Place {
    directory: PathBuf,
    home: PathBuf,
    account: Account,
}

impl Place {
    /// The directory's absolute path; made, with a `.gitignore` that covers everything in it, where it is not there.
    pub(super) fn directory(directory: &Path) -> Result<PathBuf, DevError> {
        if !directory.is_dir() {
            fs::create_dir_all(directory).map_err(DevError::file("create", directory))?;
            let ignore = directory.join(".gitignore");
            fs::write(&ignore, "*\n").map_err(DevError::file("write", ignore))?;
        }
        directory.canonicalize().map_err(DevError::file("find", directory))
    }

    /// Holds the start lock of a directory: whoever has it may create, start or look for things in the cluster.
    pub(super) fn lock(directory: &Path, deadline: Instant) -> Result<File, DevError> {
        let path = directory.join("postgres.lock");
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(DevError::file("open", &path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(DevError::Timeout { awaited: "another program has started the development database", path });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(DevError::file("lock", path)(source));
                }
            }
        }
    }

    /// Finds the home or makes it. The caller holds the start lock.
    pub(super) fn settle(directory: &Path) -> Result<Self, DevError> {
        let near = directory.join("postgres");
        let far = far_home(directory);
        for home in [&near, &far] {
            // An empty one is left when a program is killed while it makes it; this fails on any other.
            if fs::remove_dir(home).is_err() && home.symlink_metadata().is_ok() {
                return Self::at(directory, home);
            }
        }
        let account = Account::choose()?;
        for home in [&near, &far] {
            if create_home(home, &account)? {
                return Self::at(directory, home);
            }
        }
        Err(DevError::NoPlace { near, far, account: account.to_string() })
    }

    fn at(directory: &Path, home: &Path) -> Result<Self, DevError> {
        let account = Account::of(home)?;
        // In a folder that everybody can write to, such as /var/tmp, somebody else may have been here first.
        let found = fs::symlink_metadata(home).map_err(DevError::file("read", home))?;
        if !found.is_dir() || found.uid() != account.uid() || found.mode() & 0o077 != 0 {
            return Err(DevError::Unsafe { path: home.to_owned(), account: account.to_string() });
        }
        Ok(Self { directory: directory.to_owned(), home: home.to_owned(), account })
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// The major version that wrote the data, if there is any.
    pub(super) fn data_version(&self) -> Result<Option<String>, DevError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DevError::file("read", path)(error)),
        }
    }

    /// The superuser's password. It lies in the data so that both come and go together.
    pub(super) fn secret(&self) -> Result<String, DevError> {
        let path = self.data().join("superuser.password");
        fs::read_to_string(&path).map(|secret| secret.trim().to_owned()).map_err(DevError::file("read", path))
    }

    /// The port of the last start, else one that follows from the directory, so that a project keeps its port.
    pub(super) fn usual_port(&self) -> u16 {
        let record = fs::read(self.directory.join("postgres.json")).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
        if let Some(record) = record {
            return record.port;
        }
        let digest = Sha256::digest(self.directory.as_os_str().as_encoded_bytes());
        // Below the ranges that systems take ports of outgoing connections from.
        20_000 + u16::from_be_bytes([digest[0], digest[1]]) % 10_000
    }

    /// Writes `postgres.json` where it is not up to date.
    pub(super) fn record(&self, port: u16) -> Result<(), DevError> {
        let path = self.directory.join("postgres.json");
        let record = Record { home: self.home.clone(), port };
        let mut text = serde_json::to_string_pretty(&record).map_err(|error| DevError::file("write", &path)(error.into()))?;
        text.push('\n');
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let new = self.directory.join("postgres.json.new");
        fs::write(&new, text).map_err(DevError::file("write", &new))?;
        fs::rename(&new, &path).map_err(DevError::file("write", path))
    }

    /// The server's log, opened for appending. The folder is the account's own, so a link in it is not followed.
    pub(super) fn open_log(&self) -> Result<File, DevError> {
        let path = self.log();
        if path.symlink_metadata().is_ok_and(|log| log.len() > LOG_LIMIT) {
            fs::rename(&path, self.home.join("postgres.log.old")).map_err(DevError::file("rename", &path))?;
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(&path)
            .map_err(DevError::file("open", &path))?;
        self.account.own_open(&log).map_err(DevError::file("hand over", path))?;
        Ok(log)
    }

    /// Writes a new file that only the account can read.
    pub(super) fn write_private(&self, path: &Path, text: &str) -> Result<(), DevError> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(DevError::file("create", path))?;
        file.write_all(text.as_bytes()).map_err(DevError::file("write", path))?;
        self.account.own(path)
    }
}

fn far_home(directory: &Path) -> PathBuf {
    let digest = Sha256::digest(directory.as_os_str().as_encoded_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let uid = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/var/tmp/saas-dev-{uid}-{hash}"))
}

/// Whether the account can use a new folder there: enter it, and make pipes in it, which some shared file systems
/// do not know.
fn create_home(home: &Path, account: &Account) -> Result<bool, DevError> {
    DirBuilder::new().mode(0o700).create(home).map_err(DevError::file("create", home))?;
    account.own(home)?;
    let private = fs::metadata(home).is_ok_and(|folder| folder.permissions().mode() & 0o077 == 0);
    let usable = private
        && account
            .command("/bin/sh", home)
            .args(["-c", "mkfifo -m 600 probe && rm -f probe"])
            .output()
            .is_ok_and(|output| output.status.success());
    if !usable {
        fs::remove_dir_all(home).map_err(DevError::file("remove", home))?;
    }
    Ok(usable)
}

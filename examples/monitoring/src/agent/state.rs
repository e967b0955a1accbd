//! What the agent keeps between runs: who it is, what it knows, and what it has not sent.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::protocol::Secret;

const LOCK: &str = "lock";
const INSTANCE: &str = "instance.json";
const CREDENTIAL: &str = "credential.json";
const DEVICES: &str = "devices.json";
const BUFFER: &str = "buffer";

/// The state folder, locked for this process until it is dropped or the process ends.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

/// The state folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another agent runs with the same folder.
    #[error(
        "another agent{} is running with the state folder {path}: stop it first, or give this one a folder of its own \
         with --state",
        if holder.is_empty() { String::new() } else { format!(" (process {holder})") }
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The id of the process that holds it, when it is known.
        holder: String,
    },
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} is damaged; move it away to start over")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
}

impl StateError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// What the agent authenticates with, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The server that issued it. It is never sent to another one.
    pub server: Url,
    /// Id of the agent there.
    pub agent: Uuid,
    /// Name of the agent there.
    pub name: String,
    /// The credential.
    pub credential: Secret,
    /// SHA-256 of the agent key that it was obtained with: a different key on the command line means "register anew".
    pub key_sha256: String,
    /// Since when it has been held; unknown for one that an earlier version of the agent kept.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
}

impl Credential {
    /// Reads the credential in a state folder without locking the folder; `None` before the first registration.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is damaged.
    pub fn read(dir: &Path) -> Result<Option<Self>, StateError> {
        read_json(&dir.join(CREDENTIAL))
    }

    /// Whether it was obtained with this key.
    #[must_use]
    pub fn is_from(&self, key: &Secret) -> bool {
        self.key_sha256 == fingerprint(key)
    }
}

/// The fingerprint of a key. A key has enough entropy of its own that a plain hash does not give it away.
pub(super) fn fingerprint(key: &Secret) -> String {
    Sha256::digest(key.expose().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl StateDir {
    /// Opens a state folder, which is created with mode 0700 when missing, and locks it.
    ///
    /// # Errors
    ///
    /// [`StateError::InUse`] when another process holds it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StateError::io(path))?;
        let lock = path.join(LOCK);
        let mut options = OpenOptions::new();
        // Not truncated: until the lock is ours, the file says who holds it.
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&lock).map_err(StateError::io(&lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                if file.read_to_string(&mut holder).is_err() || holder.trim().parse::<u32>().is_err() {
                    holder.clear();
                }
                return Err(StateError::InUse { path: path.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(StateError::Io { path: lock, source }),
        }
        file.set_len(0).and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes())).map_err(StateError::io(&lock))?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the buffer.
    #[must_use]
    pub fn buffer(&self) -> PathBuf {
        self.path.join(BUFFER)
    }

    /// The id under which this agent registers, made at the first call.
    ///
    /// # Errors
    ///
    /// It cannot be read, or cannot be kept.
    pub fn instance(&self) -> Result<Uuid, StateError> {
        if let Some(instance) = read_json(&self.path.join(INSTANCE))? {
            return Ok(instance);
        }
        let instance = Uuid::new_v4();
        self.write(INSTANCE, &instance)?;
        Ok(instance)
    }

    /// Keeps a credential in a file with mode 0600. When it belongs to another agent than the last one, what the buffer
    /// holds is set aside: it was gathered for somebody else.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn save_credential(&self, credential: &Credential) -> Result<(), StateError> {
        let previous = Credential::read(&self.path).ok().flatten();
        if let Some(previous) = previous.filter(|previous| previous.agent != credential.agent) {
            self.set_buffer_aside(&previous)?;
        }
        self.write(CREDENTIAL, credential)
    }

    fn set_buffer_aside(&self, previous: &Credential) -> Result<(), StateError> {
        let buffer = self.buffer();
        let aside = self.path.join(format!("buffer-of-{}", previous.agent));
        if !buffer.exists() {
            return Ok(());
        }
        if aside.exists() {
            fs::remove_dir_all(&aside).map_err(StateError::io(&aside))?;
        }
        fs::rename(&buffer, &aside).map_err(StateError::io(&buffer))?;
        tracing::warn!("what was gathered as agent {} is not sent; it is kept in {}", previous.name, aside.display());
        Ok(())
    }

    /// The devices that were known, if any.
    pub(super) fn devices<T: DeserializeOwned>(&self) -> Result<Option<T>, StateError> {
        read_json(&self.path.join(DEVICES))
    }

    /// Keeps the known devices.
    pub(super) fn save_devices<T: Serialize>(&self, devices: &T) -> Result<(), StateError> {
        self.write(DEVICES, devices)
    }

    /// Replaces a file as a whole, with mode 0600, so that a crash leaves the old or the new one.
    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StateError> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Left by a crash, or not there: the lock keeps others away.
                Ok(()) | Err(_) => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(value)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(StateError::io(&path))
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { path: path.to_owned(), source }),
    };
    let mode = fs::metadata(path).map_err(StateError::io(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!("{} was readable by others (mode {:o}); now it is not", path.display(), mode & 0o777);
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(StateError::io(path))?;
    }
    serde_json::from_slice(&text).map(Some).map_err(|source| StateError::Damaged { path: path.to_owned(), source })
}

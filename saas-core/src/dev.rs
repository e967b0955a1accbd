//! A private PostgreSQL cluster for development and tests.
//!
//! [`start`] gives a program a database with nothing to install but PostgreSQL itself, and with the feature
//! `download-postgres` not even that: it finds the server's programs or fetches them ([`Programs`]), creates a
//! cluster under the project's directory once, starts it, and creates the database and the login that owns it. Data stays between runs. Several programs share the cluster, and it stops when the
//! last of them has gone, however that one ended (see [`DevDatabase`]).
//!
//! The server listens on 127.0.0.1 only, on a port that is kept between runs while it is free. Started by
//! root, who PostgreSQL refuses, the server runs as `postgres` or `nobody`; where that account cannot reach the
//! project, the data lies under `/var/tmp`, and `postgres.json` in the project's directory says where.
//!
//! ```no_run
//! # async fn example() -> Result<(), saas_core::dev::DevError> {
//! use saas_core::dev::{self, DevOptions};
//!
//! let database = dev::start(DevOptions::new("monitoring")).await?;
//! println!("connect to {}", database.url());
//! # Ok(())
//! # }
//! ```

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

mod account;
mod binaries;
mod cluster;
mod database;
#[cfg(feature = "download-postgres")]
mod download;
mod error;
mod guardian;
mod launch;
mod place;
mod postmaster;
mod programs;

#[cfg(feature = "download-postgres")]
pub use download::DownloadError;
pub use error::DevError;
pub use programs::Programs;

#[cfg(feature = "testing")]
pub(crate) use account::Account;
#[cfg(feature = "testing")]
pub(crate) use database::create_owner;

use cluster::Cluster;
use database::{DatabaseName, Urls};
use guardian::Membership;

/// What [`start`] should provide.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The folder that holds the cluster, usually `.saas` in the project; two folders are two clusters.
    pub directory: PathBuf,
    /// The database's name: a letter, then lower-case letters, digits and `_`, at most 50 in all.
    pub name: String,
    /// Whether data must survive a power cut. Without it the server is faster, and a cluster that a power cut
    /// damaged is created anew: for tests only. Of programs that share a cluster, the one that starts it decides.
    pub durable: bool,
    /// How long the cluster runs on after its last user has gone, rounded up to seconds. For programs that
    /// follow each other closely. The one that starts the cluster decides.
    pub linger: Duration,
    /// Where the server's programs come from.
    pub programs: Programs,
}

impl DevOptions {
    /// A durable database of this name in `.saas` under the current folder.
    pub fn new(name: impl Into<String>) -> Self {
        Self { directory: PathBuf::from(".saas"), name: name.into(), durable: true, linger: Duration::ZERO, programs: Programs::default() }
    }
}

/// A database in a running private cluster.
///
/// The cluster runs at least as long as this value lives, and stops when the last such value of all programs
/// is gone: dropped, or its program ended in whatever way, `kill -9` included.
#[must_use = "the cluster stops when the last of these is dropped"]
pub struct DevDatabase {
    urls: Urls,
    version: String,
    directory: PathBuf,
    reused: bool,
    _membership: Membership,
}

impl DevDatabase {
    /// The address for the owner of the database: the login `<name>_owner`, which may create roles and is no
    /// superuser.
    pub fn url(&self) -> &str {
        &self.urls.owner
    }

    /// The address of the same database for the cluster's superuser, for setting up and for diagnosis.
    ///
    /// # Security
    ///
    /// A superuser sees through row-level security: nothing that is tested or served may run as it.
    pub fn superuser_url(&self) -> &str {
        &self.urls.superuser
    }

    /// The folder that the cluster belongs to, as an absolute path.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the database was there already, with the data of an earlier run or of a program beside us.
    pub fn reused(&self) -> bool {
        self.reused
    }

    /// The version of the server, such as `17.6`.
    pub fn postgres_version(&self) -> &str {
        &self.version
    }
}

impl fmt::Debug for DevDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DevDatabase")
            .field("directory", &self.directory)
            .field("reused", &self.reused)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Starts the cluster of a directory, or joins it where it runs, and provides the database.
///
/// # Errors
///
/// Each [`DevError`] says what to do about it.
pub async fn start(options: DevOptions) -> Result<DevDatabase, DevError> {
    for _ in 0..BROKEN_OFF_TRIES {
        match start_once(options.clone()).await {
            Err(error) if error.is_broken_off() => tokio::time::sleep(BROKEN_OFF_PAUSE).await,
            result => return result,
        }
    }
    start_once(options).await
}

/// A server that was killed a moment ago may still seem to be there; the next look knows better.
const BROKEN_OFF_TRIES: u32 = 10;
const BROKEN_OFF_PAUSE: Duration = Duration::from_millis(200);

async fn start_once(options: DevOptions) -> Result<DevDatabase, DevError> {
    let name = DatabaseName::parse(&options.name)?;
    let Cluster { directory, port, secret, membership, lock } = open(options).await?;
    let urls = Urls::new(&name, port, &secret);
    let ready = database::ensure(&name, &secret, port).await?;
    // Only now may another program look whether the same database exists.
    drop(lock);
    Ok(DevDatabase { urls, version: ready.version, directory, reused: ready.existed, _membership: membership })
}

/// Opens the cluster with the programs that are there, or else with fetched ones.
#[cfg(feature = "download-postgres")]
async fn open(options: DevOptions) -> Result<Cluster, DevError> {
    let missing = match open_with_what_is_there(options.clone()).await {
        Err(missing @ (DevError::NoBinaries { .. } | DevError::OtherVersion { .. })) => missing,
        result => return result,
    };
    // Nothing is locked meanwhile: this may take minutes, and whoever else waits for this cluster may find programs.
    let folder = download::provide(&options.programs, missing).await?;
    match open_with_what_is_there(options).await {
        Err(DevError::NoBinaries { .. }) => Err(download::unusable(folder)),
        result => result,
    }
}

#[cfg(not(feature = "download-postgres"))]
async fn open(options: DevOptions) -> Result<Cluster, DevError> {
    open_with_what_is_there(options).await
}

async fn open_with_what_is_there(options: DevOptions) -> Result<Cluster, DevError> {
    tokio::task::spawn_blocking(move || cluster::open(&options)).await.map_err(DevError::Interrupted)?
}

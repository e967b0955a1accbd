//! The folder of fetched programs, shared by all projects of a user: one folder `<version>-<platform>` for each version.

use std::{
    env,
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{DownloadError, release::Version, target};
use crate::dev::{Programs, binaries};

/// Longer than a download over a slow line.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How the folders of downloads that are under way begin.
const UNFINISHED: &str = "fetching-";

#[derive(Clone, Debug)]
pub(in crate::dev) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Nothing where the user has no folder for it.
    pub(in crate::dev) fn of(programs: &Programs) -> Option<Self> {
        let folder = match &programs.cache {
            Some(folder) => folder.clone(),
            None => user_cache()?.join("saas/postgresql"),
        };
        Some(Self { folder })
    }

    pub(in crate::dev) fn path(&self) -> &Path {
        &self.folder
    }

    /// The folders of programs that are here and new enough, newest first.
    pub(in crate::dev) fn folders(&self) -> Vec<PathBuf> {
        self.versions(None).into_iter().map(|(_, folder)| folder).collect()
    }

    /// The newest folder of programs, of the wanted major version if one is wanted.
    pub(super) fn newest(&self, wanted: Option<u32>) -> Option<PathBuf> {
        self.versions(wanted).into_iter().next().map(|(_, folder)| folder)
    }

    fn versions(&self, wanted: Option<u32>) -> Vec<(Version, PathBuf)> {
        let mut found: Vec<(Version, PathBuf)> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let (version, target) = name.split_once('-')?;
                let version = Version::parse(version).filter(|version| version.suits(wanted))?;
                (Some(target) == super::target()).then(|| (version, entry.path().join("bin")))
            })
            .filter(|(_, folder)| binaries::is_complete(folder))
            .collect();
        found.sort();
        found.reverse();
        found
    }

    /// Where the programs of a version are, or are to be.
    pub(super) fn place(&self, version: Version) -> PathBuf {
        self.folder.join(format!("{version}-{}", target().unwrap_or("unknown")))
    }

    /// Makes the folder, which the server's account has to be able to enter, and waits until no other program fetches.
    pub(super) async fn lock(&self) -> Result<File, DownloadError> {
        for folder in self.folder.parent().into_iter().chain([self.folder.as_path()]).filter(|folder| !folder.is_dir()) {
            // Root's umask may be narrow.
            fs::create_dir_all(folder).and_then(|()| open(folder)).map_err(DownloadError::file("create", folder))?;
        }
        let path = self.folder.join("fetch.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(DownloadError::file("open", &path))?;
        let deadline = Instant::now() + PATIENCE;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    if !said {
                        tracing::info!("waiting for another program, which fetches PostgreSQL");
                        said = true;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(TryLockError::WouldBlock) => return Err(DownloadError::Timeout { path }),
                Err(TryLockError::Error(source)) => return Err(DownloadError::file("lock", path)(source)),
            }
        }
    }

    /// A folder for a download, removed when dropped. The caller holds the lock, so older ones are left by programs that were killed.
    pub(super) fn workplace(&self) -> Result<TempDir, DownloadError> {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(entry.path()).map_err(DownloadError::file("remove", entry.path()))?;
            }
        }
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.folder)
            .map_err(DownloadError::file("create a folder in", &self.folder))
    }

    /// Puts a complete folder into its place. The caller holds the lock.
    pub(super) fn install(&self, complete: &Path, version: Version) -> Result<PathBuf, DownloadError> {
        let place = self.place(version);
        // What is there would have been used if it were whole.
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(DownloadError::file("remove", place)(error)),
            _ => {}
        }
        fs::rename(complete, &place).map_err(DownloadError::file("create", &place))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(DownloadError::file("write", &self.folder))?;
        Ok(place.join("bin"))
    }
}

/// Lets every account enter and read a folder.
pub(super) fn open(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

fn user_cache() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        // The cache of whoever became root is closed to the server's account.
        return Some(PathBuf::from("/var/cache"));
    }
    env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".cache")))
}

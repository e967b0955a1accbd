//! Where the programs of PostgreSQL are.
//!
//! [`candidates`] is the seam for other sources: whatever can name a folder with `postgres`, `initdb` and
//! `pg_ctl` in it is one more candidate.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

#[cfg(feature = "download-postgres")]
use super::download::Cache;
use super::{DevError, Programs, place::Place};

/// What a cluster needs.
const NEEDED: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

/// The programs of one PostgreSQL version.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: String,
}

impl Binaries {
    /// The first ones that run as the cluster's account and, where the cluster exists, match its version.
    pub(super) fn find(place: &Place, programs: &Programs) -> Result<Self, DevError> {
        let wanted = place.data_version()?;
        let (folders, searched) = candidates(programs);
        let mut others: Vec<String> = Vec::new();
        for folder in folders {
            let Some(major) = major_version(&folder, place) else {
                continue;
            };
            match &wanted {
                Some(wanted) if *wanted != major => {
                    if !others.contains(&major) {
                        others.push(major);
                    }
                }
                _ => return Ok(Self { folder, major }),
            }
        }
        match wanted {
            Some(data) if !others.is_empty() => Err(DevError::OtherVersion { data, installed: others, folder: place.data() }),
            data => Err(DevError::NoBinaries { searched, data }),
        }
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn major(&self) -> u32 {
        self.major.parse().unwrap_or(0)
    }
}

/// Whether a folder holds all that a cluster needs.
pub(super) fn is_complete(folder: &Path) -> bool {
    NEEDED.iter().all(|program| folder.join(program).is_file())
}

/// The folders that hold a server, best first, and all the places that were looked at.
fn candidates(programs: &Programs) -> (Vec<PathBuf>, Vec<String>) {
    let (mut folders, searched) = match &programs.folders {
        Some(folders) => (folders.clone(), folders.iter().map(|folder| folder.display().to_string()).collect()),
        None => installed(),
    };
    #[cfg(feature = "download-postgres")]
    let searched = match Cache::of(programs) {
        Some(cache) => {
            folders.extend(cache.folders());
            [searched, vec![cache.path().display().to_string()]].concat()
        }
        None => searched,
    };
    folders.retain(|folder| is_complete(folder));
    (folders, searched)
}

/// Where systems install PostgreSQL.
fn installed() -> (Vec<PathBuf>, Vec<String>) {
    let mut folders: Vec<PathBuf> = env::var_os("PATH").iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute()).collect();
    let mut searched = vec!["PATH".to_owned()];
    for (root, prefix, bin) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        searched.push(format!("{root}/{prefix}*/{bin}"));
        folders.extend(versions(Path::new(root), prefix).into_iter().map(|folder| folder.join(bin)));
    }
    (folders, searched)
}

/// The folders `<root>/<prefix>…`, newest version first.
fn versions(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches(['@', '-']);
            Some((leading_number(version).unwrap_or(0), entry.path()))
        })
        .collect();
    found.sort_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The major version of a server, or nothing when the account cannot run it.
fn major_version(folder: &Path, place: &Place) -> Option<String> {
    let output = place
        .account()
        .command(folder.join("postgres"), place.home())
        .arg("--version")
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `17` from `postgres (PostgreSQL) 17.6 (Debian 17.6-1)`, `19` from `postgres (PostgreSQL) 19devel`.
fn parse_major(output: &str) -> Option<String> {
    let version = output.split("(PostgreSQL)").nth(1)?.trim_start();
    leading_number(version).map(|major| major.to_string())
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{parse_major, versions};

    #[test]
    fn the_major_version_is_read_from_releases_and_from_development_builds() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.20 (Debian 15.20-1)\n").as_deref(), Some("15"));
        assert_eq!(parse_major("postgres (PostgreSQL) 19devel").as_deref(), Some("19"));
        assert_eq!(parse_major("something else"), None);
    }

    #[test]
    fn newer_versions_come_first_by_number() {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["postgresql@9", "postgresql@17", "postgresql", "postgresql@16", "redis"] {
            std::fs::create_dir(root.path().join(name)).expect("a folder");
        }
        let names: Vec<_> =
            versions(root.path(), "postgresql").iter().filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
        assert_eq!(names, ["postgresql@17", "postgresql@16", "postgresql@9", "postgresql"]);
    }
}

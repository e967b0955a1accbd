//! Unpacking an archive: all of it, readable by every account and safe on the disk, or an error.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use flate2::bufread::GzDecoder;
use url::Url;

use super::{DownloadError, cache};
use crate::dev::binaries;

/// Unpacks what came from `url`, and answers the one folder that it holds.
pub(super) fn unpack(archive: &Path, into: &Path, url: &Url) -> Result<PathBuf, DownloadError> {
    let failed = |source| DownloadError::Unpack { url: url.clone(), source };
    let file = File::open(archive).map_err(DownloadError::file("read", archive))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    archive.set_preserve_mtime(false);
    archive.unpack(into).map_err(failed)?;
    let folder = only_entry(into).map_err(failed)?.filter(|folder| binaries::is_complete(&folder.join("bin")));
    let folder = folder.ok_or_else(|| DownloadError::Content { url: url.clone() })?;
    settle(&folder).map_err(failed)?;
    Ok(folder)
}

fn only_entry(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut entries = fs::read_dir(folder)?;
    let first = entries.next().transpose()?;
    Ok(first.filter(|_| entries.next().is_none()).map(|entry| entry.path()))
}

/// Gives everything usual rights, and has it written out: after a power cut the folder's name must not promise what is not there.
fn settle(folder: &Path) -> io::Result<()> {
    cache::open(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            settle(&entry.path())?;
        } else if kind.is_file() {
            let file = File::open(entry.path())?;
            let runs = file.metadata()?.permissions().mode() & 0o111 != 0;
            file.set_permissions(Permissions::from_mode(if runs { 0o755 } else { 0o644 }))?;
            file.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

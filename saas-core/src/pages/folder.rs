//! The application's own folder, whose files replace embedded ones.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// A folder with `templates/`, `locales/` and `assets/`, each of which may be missing.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

/// A file below one of the three, by its name with `/` between folders.
pub(super) struct FolderFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Folder {
    /// The files below `part`, sorted by name; none if there is no such folder.
    pub(super) fn files(&self, part: &str) -> io::Result<Vec<FolderFile>> {
        let mut files = Vec::new();
        let root = self.0.join(part);
        if root.is_dir() {
            collect(&root, "", &mut files)?;
            files.sort_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(files)
    }

    /// Changes when a file is added, removed or written.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for part in ["templates", "locales", "assets"] {
            for file in self.files(part).unwrap_or_default() {
                file.path.hash(&mut hasher);
                match fs::metadata(&file.path) {
                    Ok(metadata) => (metadata.len(), metadata.modified().map_err(|error| error.kind())).hash(&mut hasher),
                    // One that goes away meanwhile makes another fingerprint, which is what it is for.
                    Err(error) => error.kind().hash(&mut hasher),
                }
            }
        }
        hasher.finish()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<FolderFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        // Hidden files are an editor's or the system's, and a name that is not UTF-8 can be no template's.
        let Some(name) = file_name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let name = format!("{prefix}{name}");
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else {
            files.push(FolderFile { name, path });
        }
    }
    Ok(())
}

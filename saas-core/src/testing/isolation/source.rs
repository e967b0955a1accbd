//! T31: source that would move a transaction to another tenant by itself.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// What a transaction's tenant and user are kept in.
const SETTINGS: [&str; 2] = ["saas.tenant_id", "saas.user_id"];

/// A place in the source that sets the tenant or the user of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setter {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
}

impl fmt::Display for Setter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The places in the Rust and SQL files of a folder, and of those in it, that set the tenant or the user of a transaction (`T31`), in the
/// order of their paths. There should be none: a transaction is given its tenant by [`Db::tenant`](crate::Db::tenant) and keeps it.
///
/// This reads text, so that a setting whose name is put together at run time goes unseen.
///
/// ```no_run
/// # use std::path::Path;
/// # use saas_core::testing::isolation;
/// let setters = isolation::setters(Path::new(env!("CARGO_MANIFEST_DIR")))?;
/// assert!(setters.is_empty(), "{setters:?}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Fails if a folder or file cannot be read.
pub fn setters(folder: &Path) -> io::Result<Vec<Setter>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(setters(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "sql") {
            let text = fs::read_to_string(&path)?;
            found.extend(lines(&text).into_iter().map(|line| Setter { file: path.clone(), line }));
        }
    }
    Ok(found)
}

fn lines(text: &str) -> Vec<usize> {
    let mut lines: Vec<_> = SETTINGS
        .iter()
        .flat_map(|setting| text.match_indices(setting))
        .filter(|(at, _)| is_set(&text[..*at]))
        .map(|(at, _)| text[..at].matches('\n').count() + 1)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// Whether what stands before a setting's name sets it: `set_config('`, `set `, `set local `, `set session ` or `reset `.
fn is_set(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '(' | '\'' | '"' | '\\'));
    let word = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    ["set_config", "set", "local", "session", "reset"].iter().any(|verb| word.eq_ignore_ascii_case(verb))
}

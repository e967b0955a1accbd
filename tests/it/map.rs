//! The map in ARCHITECTURE.md leads to files that there are.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The first path of a row is given from the top; one after it from there too, from the folder of the one before, or from that one's crate and
/// its `src`. What could be meant is one file.
fn find(root: &Path, path: &str, before: Option<&Path>) -> PathBuf {
    let mut folders = vec![root.to_owned()];
    if let Some(before) = before {
        let crate_of = before.ancestors().find(|folder| folder.join("Cargo.toml").exists()).unwrap();
        let beside = if before.is_dir() { before } else { before.parent().unwrap() };
        folders.extend([beside.to_owned(), crate_of.to_owned(), crate_of.join("src")]);
    }
    let meant: BTreeSet<_> = folders.iter().map(|folder| folder.join(path)).filter(|path| path.exists()).collect();
    assert_eq!(meant.len(), 1, "{path}, after {before:?}, is {meant:?}");
    meant.into_iter().next().unwrap()
}

#[test]
fn every_file_that_the_map_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, map) = text.split_once("## Where each thing is").unwrap();
    let (map, _) = map.split_once("\n## ").unwrap();
    let mut found = 0;
    for row in map.lines() {
        let mut before: Option<PathBuf> = None;
        for path in row.split('`').skip(1).step_by(2).filter(|code| code.contains('/') || code.ends_with(".rs")) {
            before = Some(find(root, path, before.as_deref()));
            found += 1;
        }
    }
    assert!(found > 50, "{found} files are named");
}

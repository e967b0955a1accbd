//! The map in ARCHITECTURE.md leads to files that there are.

use std::path::{Path, PathBuf};

/// A path in the map is given from the top, or from the folder or the crate of the one before it.
fn find(root: &Path, path: &str, before: &Path) -> Option<PathBuf> {
    let folder = if before.is_dir() { before } else { before.parent().unwrap() };
    let from = folder.ancestors().take_while(|ancestor| *ancestor != root.parent().unwrap());
    from.flat_map(|folder| [folder.join(path), folder.join("src").join(path)]).find(|path| path.exists())
}

#[test]
fn every_file_that_the_map_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, map) = text.split_once("## Where each thing is").unwrap();
    let (map, _) = map.split_once("\n## ").unwrap();
    let (mut before, mut found) = (root.to_owned(), 0);
    for path in map.split('`').skip(1).step_by(2).filter(|code| code.contains('/') || code.ends_with(".rs")) {
        before = find(root, path, &before).unwrap_or_else(|| panic!("{path}, after {}, is nowhere", before.display()));
        found += 1;
    }
    assert!(found > 50, "{found} files are named");
}

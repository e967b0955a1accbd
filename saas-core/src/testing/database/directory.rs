//! Where the tests' cluster lies.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::TestDatabaseError;

/// `SAAS_TEST_DIRECTORY`, else `saas-test` in the target folder that the running test program lies in.
pub(super) fn find() -> Result<PathBuf, TestDatabaseError> {
    if let Some(directory) = env::var_os("SAAS_TEST_DIRECTORY").filter(|directory| !directory.is_empty()) {
        return Ok(directory.into());
    }
    if let Some(target) = env::var_os("CARGO_TARGET_DIR").filter(|target| !target.is_empty()) {
        let target = PathBuf::from(target);
        // A relative one is relative to where Cargo was started, which is not where tests run.
        if target.is_absolute() {
            return Ok(target.join("saas-test"));
        }
    }
    let program = env::current_exe().map_err(|error| TestDatabaseError::NoDirectory(Some(error)))?;
    target_above(&program).map(|target| target.join("saas-test")).ok_or(TestDatabaseError::NoDirectory(None))
}

/// Cargo marks its target folder, whatever its name is, as a cache; a copy of the program may lie in one that was not made by Cargo.
fn target_above(program: &Path) -> Option<&Path> {
    let mut above = program.ancestors().skip(1);
    above
        .clone()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .or_else(|| above.find(|folder| folder.file_name().is_some_and(|name| name == "target")))
}

#[cfg(test)]
mod tests {
    use super::target_above;

    #[test]
    fn the_target_folder_is_found_by_cargos_mark_or_by_name() {
        let root = tempfile::tempdir().unwrap();
        let deps = root.path().join("target/debug/deps");
        std::fs::create_dir_all(&deps).unwrap();
        assert_eq!(target_above(&deps.join("it-1")), Some(root.path().join("target").as_path()));

        std::fs::write(root.path().join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(target_above(&deps.join("it-1")), Some(root.path()));
    }
}

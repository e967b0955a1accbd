//! The table of what is required and what shows it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// What shows that a requirement holds, and what is still open of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    /// `"open"`: nothing shows it yet.
    Open(String),
    /// Tests, as `path/to/file.rs::name`.
    Shown(Vec<String>),
    /// Tests of a part, and what is open.
    Partly { tests: Vec<String>, open: String },
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn contract() -> BTreeMap<String, BTreeMap<String, Entry>> {
    let text = fs::read_to_string(root().join("tests/contract.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

#[test]
fn every_test_that_the_contract_names_exists() {
    let mut missing = Vec::new();
    for (id, entry) in contract().values().flatten() {
        let tests: &[String] = match entry {
            Entry::Open(word) => {
                assert_eq!(word, "open", "{id} is neither open nor a list of tests");
                &[]
            }
            Entry::Shown(tests) => {
                assert!(!tests.is_empty(), "{id} names no test");
                tests
            }
            Entry::Partly { tests, open } => {
                assert!(!tests.is_empty() && !open.is_empty(), "{id} is partly shown: say by what, and what is open");
                tests
            }
        };
        for test in tests {
            let found = test.rsplit_once("::").is_some_and(|(file, name)| has_test(&root().join(file), name));
            if !found {
                missing.push(format!("{id}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "the contract names tests that do not exist:\n{}", missing.join("\n"));
}

/// Whether the file has a function of this name that is a test.
fn has_test(file: &Path, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&format!("fn {name}(")));
    at.is_some_and(|at| {
        lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#["))
            .any(|line| line.starts_with("#[test") || line.starts_with("#[tokio::test"))
    })
}

/// Nothing that was listed may fall out of the table.
#[test]
fn every_listed_case_has_its_row() {
    let contract = contract();
    let count = |section: &str| contract.get(section).map_or(0, BTreeMap::len);
    assert_eq!(count("requirements"), 139, "rows of the requirements");
    for (section, letter, last) in [("isolation", 'T', 84), ("stripe", 'S', 80)] {
        assert_eq!(count(section), last, "rows of {section}");
        for number in 1..=last {
            let id = format!("{letter}{number:02}");
            assert!(contract[section].contains_key(&id), "{id} is lost");
        }
    }
    // As many as apply of each chapter of the standard.
    for (chapter, applicable) in [("3", 8), ("6", 33), ("7", 18), ("8", 7), ("9", 7), ("10", 8), ("11", 13), ("16", 3)] {
        let listed = contract["asvs"].keys().filter(|id| id.split('.').next() == Some(chapter)).count();
        assert_eq!(listed, applicable, "chapter {chapter} of the ASVS");
    }
    for (topic, last) in [("AUDIT", 5), ("J", 10), ("MAIL", 7), ("RL", 10), ("SSRF", 1), ("W", 12)] {
        for number in 1..=last {
            let id = format!("{topic}{number:02}");
            assert!(contract["topics"].contains_key(&id), "{id} is lost");
        }
    }
}

#[test]
fn no_test_is_switched_off() {
    let mut off = Vec::new();
    for folder in ["saas-core", "saas-auth", "saas-tenancy", "saas-billing", "saas-admin", "examples", "tests"] {
        visit(&root().join(folder), &mut |file, text| {
            if text.contains(concat!("#[", "ignore")) {
                off.push(file.display().to_string());
            }
        });
    }
    assert_eq!(off, Vec::<String>::new());
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, see);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            see(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

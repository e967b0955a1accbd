//! The table of what is required and what shows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::asvs;

/// What shows that a requirement holds, and what is still open of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    /// `"open"`: nothing shows it yet.
    Open(String),
    /// Tests, as `path/to/file.rs::name`.
    Shown(Vec<String>),
    /// Tests of a part, and what is open.
    Partly { tests: Vec<String>, open: String },
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn contract() -> BTreeMap<String, BTreeMap<String, Entry>> {
    let text = fs::read_to_string(root().join("tests/contract.toml")).unwrap();
    let mut contract: BTreeMap<_, _> = toml::from_str(&text).unwrap();
    contract.insert("asvs".to_owned(), asvs::items().into_iter().map(|(id, item)| (id, item.into())).collect());
    contract
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

/// Those of the standard that apply.
const ASVS: &str = "3.3.1 3.3.2 3.3.3 3.3.4 3.5.1 3.5.2 3.5.3 3.7.2
    6.1.1 6.1.2 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 6.3.2 6.3.3 6.3.4
    6.4.1 6.4.2 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.2 6.6.3 6.8.1 6.8.2 6.8.4
    7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2
    8.1.1 8.1.2 8.2.1 8.2.2 8.2.3 8.3.1 8.4.1 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4
    10.1.1 10.1.2 10.2.1 10.2.2 10.5.1 10.5.2 10.5.3 10.5.4
    11.1.1 11.1.2 11.2.1 11.2.2 11.2.3 11.3.1 11.3.2 11.3.3 11.4.1 11.4.2 11.4.3 11.5.1 11.6.1 16.3.1 16.3.2 16.3.3";

/// The ids of lists that count from one, by what each begins with and how far it goes.
fn counted<const N: usize>(lists: [(&str, u32); N]) -> BTreeSet<String> {
    let ids = |(begins, last): (&str, u32)| (1..=last).map(|number| format!("{begins}{number:02}")).collect::<Vec<_>>();
    lists.into_iter().flat_map(ids).collect()
}

/// Nothing that was listed may fall out of the table, and nothing may stand in its place.
#[test]
fn every_listed_case_has_its_row() {
    let contract = contract();
    let requirements = [
        ("ADM-", 9),
        ("AI-", 5),
        ("API-", 5),
        ("AUD-", 3),
        ("AUT-", 18),
        ("BIL-", 16),
        ("CMP-", 6),
        ("DX-", 10),
        ("HST-", 7),
        ("MET-", 5),
        ("MON-", 9),
        ("NOT-", 6),
        ("OPS-", 9),
        ("PRO-", 10),
        ("RBA-", 5),
        ("TEN-", 16),
    ];
    for (section, listed) in [
        ("requirements", counted(requirements)),
        ("isolation", counted([("T", 84)])),
        ("stripe", counted([("S", 80)])),
        ("topics", counted([("AUDIT", 5), ("J", 10), ("MAIL", 7), ("RL", 10), ("SSRF", 1), ("W", 12)])),
        ("asvs", ASVS.split_whitespace().map(str::to_owned).collect()),
    ] {
        let rows: BTreeSet<String> = contract[section].keys().cloned().collect();
        let wrong: Vec<_> = rows.symmetric_difference(&listed).collect();
        assert!(wrong.is_empty(), "in one of {section} and the list, and not in the other: {wrong:?}");
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

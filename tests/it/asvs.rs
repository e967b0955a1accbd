//! The items of the OWASP ASVS: each has its row in the documentation, and a mutant that its test has to see.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::contract::{Entry, root};

/// What the row of an item says.
#[derive(Debug, Default)]
pub(crate) struct Item {
    /// The first is the one that its mutant makes fail.
    tests: Vec<String>,
    open: Option<String>,
    no_mutant: Option<String>,
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        match (item.tests, item.open) {
            (tests, None) => Self::Shown(tests),
            (tests, Some(_)) if tests.is_empty() => Self::Open("open".to_owned()),
            (tests, Some(open)) => Self::Partly { tests, open },
        }
    }
}

/// The rows of `saas-auth/ASVS.md`.
pub(crate) fn items() -> BTreeMap<String, Item> {
    let text = fs::read_to_string(root().join("saas-auth/ASVS.md")).unwrap();
    let (_, section) = text.split_once("\n## Items\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut items = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| item ")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, shown] = cells[..] else { panic!("{row}") };
        let mut item = Item::default();
        for part in shown.split("<br>") {
            if let Some(open) = part.strip_prefix("open: ") {
                item.open = Some(open.to_owned());
            } else if let Some(why) = part.strip_prefix("no mutant: ") {
                item.no_mutant = Some(why.to_owned());
            } else {
                item.tests.push(part.trim_matches('`').to_owned());
            }
        }
        assert!(items.insert(id.to_owned(), item).is_none(), "{id} has two rows");
    }
    items
}

/// The mutants, by their items.
fn mutants() -> BTreeMap<String, String> {
    let mut mutants = BTreeMap::new();
    for entry in fs::read_dir(root().join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            mutants.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap());
        }
    }
    mutants
}

/// Design 12.31.
#[test]
fn every_item_that_a_test_shows_has_a_mutant_or_says_why_not() {
    let (items, mutants) = (items(), mutants());
    for (id, item) in &items {
        let wanted = !item.tests.is_empty() && item.no_mutant.is_none();
        assert_eq!(mutants.contains_key(id), wanted, "the mutant of {id}");
    }
    assert!(mutants.keys().all(|id| items.contains_key(id)), "{:?}", mutants.keys());
}

/// The name of the function that a migration has at a place, if a later migration writes it anew.
fn is_written_anew(migration: &Path, text: &str, place: usize) -> Option<String> {
    let (_, function) = text[..place].rsplit_once(" function ")?;
    let name = format!(" function {}(", function.split_once('(')?.0);
    let later = fs::read_dir(migration.parent()?).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.as_path() > migration);
    later.into_iter().any(|path| fs::read_to_string(path).unwrap().contains(&name)).then_some(name)
}

/// A mutant changes what is there and holds, and no test.
#[test]
fn every_mutant_still_applies() {
    for (id, patch) in mutants() {
        let (mut path, mut file, mut hunks) = (PathBuf::new(), String::new(), 0);
        for part in patch.split("\n@@ ") {
            let (header, body) = part.split_once('\n').unwrap();
            if hunks > 0 || header.contains(" @@") {
                let old: String = body
                    .lines()
                    .take_while(|line| !line.starts_with("--- a/"))
                    .filter_map(|line| line.strip_prefix([' ', '-']))
                    .flat_map(|line| [line, "\n"])
                    .collect();
                let place = file.find(&old);
                let place = place.unwrap_or_else(|| panic!("{id} does not apply: change it as the code has changed\n{old}"));
                if path.extension().is_some_and(|extension| extension == "sql") {
                    assert_eq!(is_written_anew(&path, &file, place), None, "{id} changes what a later migration writes anew");
                }
                hunks += 1;
            }
            if let Some(changed) = part.lines().find_map(|line| line.strip_prefix("+++ b/")) {
                assert!(!changed.contains("tests/"), "{id} changes {changed}");
                path = root().join(changed);
                file = fs::read_to_string(&path).unwrap();
            }
        }
        assert!(hunks > 0, "{id} changes nothing");
    }
}

/// What came of a mutant.
#[derive(Debug, Deserialize)]
struct Tried {
    result: String,
    commit: String,
}

/// Of those that were tried; the others wait for whoever has the time.
#[test]
fn no_mutant_that_was_tried_has_survived() {
    let tried: BTreeMap<String, Tried> = toml::from_str(&fs::read_to_string(root().join("tests/mutants/result.toml")).unwrap()).unwrap();
    let mutants = mutants();
    assert!(!tried.is_empty());
    for (id, tried) in tried {
        assert!(mutants.contains_key(&id), "{id} has no mutant any more");
        assert_eq!(tried.result, "killed", "the mutant of {id} lives, as of {}", tried.commit);
    }
}

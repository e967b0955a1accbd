//! What the code calls, and what it never does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(super) const CRATES: [&str; 4] = ["saas-core", "saas-auth", "saas-tenancy", "saas-billing"];

/// The sources of a crate by their paths in it, without their tests and what is for the tests of others.
pub(super) fn sources(name: &str) -> Vec<(String, String)> {
    let (mut sources, mut folders) = (Vec::new(), vec![root().join(name).join("src")]);
    let top = folders[0].clone();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if inside.ends_with(".rs") && !inside.starts_with("testing") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
                sources.push((inside, code.to_owned()));
            }
        }
    }
    assert!(sources.len() > 20, "{name}");
    sources
}

/// Each line of code, where it is.
fn lines() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for name in CRATES {
        for (file, text) in sources(name) {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.extend(code.map(|line| (format!("{name}/src/{file}"), line.to_owned())));
        }
    }
    lines
}

/// What P-256 needs is drawn in its library, which the system seeds too: for signatures, and key pairs for one message each.
const DRAWN: [(&str, &str); 2] =
    [("SystemRandom", "saas-core/src/push/vapid.rs"), ("PrivateKey::generate", "saas-core/src/push/encryption.rs")];

/// 6.5.3: the one that the system seeds, and that cannot be foreseen.
#[test]
fn all_chance_comes_from_one_generator() {
    let mut calls = BTreeSet::new();
    for (file, line) in lines() {
        let is_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
        let places = line.match_indices("rand::").filter(|(at, _)| !line[..*at].ends_with(is_of_a_word));
        calls.extend(places.map(|(at, found)| line[at + found.len()..].split(|c| !is_of_a_word(c)).next().unwrap().to_owned()));
        for other in ["fastrand", "getrandom", "SmallRng", "StdRng", "seed_from", "SystemRandom", "PrivateKey::generate"] {
            assert!(!line.contains(other) || DRAWN.contains(&(other, &file)), "{file}: {line}");
        }
    }
    assert_eq!(calls, ["SystemRandom", "random", "random_range"].map(str::to_owned).into());
}

/// 11.5.1: ids that are random are so where nothing is to be guessed.
#[test]
fn no_secret_is_an_id() {
    let mut files = BTreeSet::new();
    for (file, line) in lines() {
        if line.contains("Uuid::new_v4") {
            files.insert(file);
        }
    }
    // What the stand-in for Stripe signs with, which serves development alone, and what the short name of a deleted organization becomes.
    assert_eq!(files, ["saas-billing/src/dev_stripe/hooks.rs", "saas-core/src/purge.rs"].map(str::to_owned).into());
}

/// What is broken, and what is short.
const WEAK: &str = "
    3des aes128 blowfish cbc ecb hmac_sha1 md4 md5 pkcs1v15encrypt rc4 ripemd sha1 sha224 sha_1 tripledes verify_truncated
";

/// What push services and browsers understand (RFC 8188) is AES with 128 bits, under a key for each message.
const SHORT: (&str, &str) = ("aes128", "saas-core/src/push/encryption.rs");

/// 11.3.1, 11.4.1 and 11.4.3.
#[test]
fn nothing_weak_is_called() {
    for (file, line) in lines() {
        let lower = line.to_lowercase();
        for weak in WEAK.split_whitespace() {
            assert!(!lower.contains(weak) || (weak, file.as_str()) == SHORT, "{weak} in {file}: {line}");
        }
    }
}

//! What the ASVS wants to have written down stands in `ASVS.md`, and says what the code says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use http::Method;
use serde_json::json;

use super::sources::{CRATES, root, sources};
use crate::app::{App, PASSWORD, pointers};

/// The rows of the table under a heading, cell by cell.
pub(super) fn table(heading: &str) -> Vec<Vec<String>> {
    let document = fs::read_to_string(root().join("saas-auth/ASVS.md")).unwrap();
    let (_, section) = document.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("{heading} is not written down"));
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

/// The constants of a type in a source, and what each is.
fn constants<'t>(text: &'t str, kind: &str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let kind = format!(": {kind} = ");
    text.lines().filter_map(move |line| {
        let (name, value) = line.split_once(&kind)?;
        Some((name.rsplit(' ').next()?, value.strip_suffix(';')?))
    })
}

/// `minutes(5)` as people say it.
fn said(span: &str) -> String {
    let (unit, count) = span.trim_end_matches(')').split_once('(').unwrap();
    match count.split('*').map(|factor| factor.trim().parse::<u32>().unwrap()).product::<u32>() {
        1 => format!("1 {}", unit.trim_end_matches('s')),
        count => format!("{count} {unit}"),
    }
}

/// Each span of time that has a name. One that is another's is said there.
fn spans() -> BTreeMap<String, String> {
    let mut spans = BTreeMap::new();
    for (file, text) in sources("saas-auth") {
        let named = constants(&text, "TimeDelta").filter_map(|(name, value)| Some((name, value.strip_prefix("TimeDelta::")?)));
        spans.extend(named.map(|(name, value)| (format!("{file}::{name}"), said(value))));
    }
    spans
}

/// The same of each number of attempts.
fn limits() -> BTreeMap<String, String> {
    let spans = spans();
    let mut limits = BTreeMap::new();
    for (file, text) in sources("saas-auth") {
        for (name, value) in constants(&text, "AttemptLimit") {
            let (most, within) = value.strip_prefix("AttemptLimit::new(").unwrap().split_once(", ").unwrap();
            let (within, pause) = within.split_once(").pause(").map_or((within, None), |(within, pause)| (within, Some(pause)));
            let span = |span: &str| match span.strip_prefix("TimeDelta::") {
                Some(span) => said(span),
                None => spans[&format!("{file}::{}", span.trim_end_matches(')'))].clone(),
            };
            let pause = pause.map_or_else(String::new, |pause| format!(", then none for {}", span(pause)));
            limits.insert(format!("{file}::{name}"), format!("{most} in {}{pause}", span(within)));
        }
    }
    limits
}

/// What is said of each place.
fn by_place(heading: &str) -> BTreeMap<String, String> {
    table(heading).into_iter().map(|row| (row[2].clone(), row[1].clone())).collect()
}

/// 6.1.1.
#[test]
fn every_limit_is_written_down() {
    let limits = limits();
    assert!(limits.len() >= 10, "{limits:#?}");
    assert_eq!(by_place("How often"), limits);
}

/// 7.1.1.
#[test]
fn every_span_of_time_is_written_down() {
    let spans = spans();
    assert!(spans.len() >= 30, "{spans:#?}");
    assert_eq!(by_place("How long"), spans);
}

/// 6.1.2: and the product refuses what is made of them.
#[tokio::test]
async fn no_password_is_made_of_the_words_that_are_written_down() {
    let app = App::new().await;
    let rows = table("Words that no password is made of");
    let (of_organizations, rows) = rows.split_last().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let body = json!({ "name": "Ada Lovelace", "email": "ada.lovelace@analytical.example", "password": row[1] });
        let answer = app.browser().post("/api/v1/auth/sign-up", &body).await;
        assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/password".to_owned()]), "{row:?}");
        assert!(answer.text().contains("easy to guess for somebody who knows your name or address"), "{row:?}: {}", answer.text());
        let another = json!({ "name": "Bob", "email": "bob@example.com", "password": row[1].replace("Monitoring", "Submarine") });
        assert_eq!(app.browser().post("/api/v1/auth/sign-up", &another).await.status, 202, "somebody else may have it: {row:?}");
    }
    // Nobody belongs to one while they sign up.
    let another = json!({ "name": "Cleo", "email": "cleo@example.com", "password": of_organizations[1] });
    assert_eq!(app.browser().post("/api/v1/auth/sign-up", &another).await.status, 202, "somebody else may have it");
    let user = app.account("ada@example.com").await;
    let tenant = app.test.tenant("acme").await;
    app.test.member(tenant, user, "member").await;
    let mut tx = app.system().await;
    sqlx::query("update core.tenant set name = 'Zwetschgenhof GmbH' where id = $1").bind(tenant).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let change = json!({ "current_password": PASSWORD, "new_password": of_organizations[1] });
    let answer = app.signed_in("ada@example.com").await.json(Method::PUT, "/api/v1/auth/password", &change).await;
    assert_eq!((answer.status.as_u16(), pointers(&answer)), (422, vec!["/new_password".to_owned()]), "{}", answer.text());
}

/// 6.4.2.
#[tokio::test]
async fn nothing_is_kept_that_hints_at_a_password() {
    let app = App::new().await;
    for table in app.test.db.inventory().into_iter().filter(|table| table.name.starts_with("auth.")) {
        for (column, _) in table.columns {
            assert!(!["hint", "question", "answer", "reminder"].iter().any(|word| column.contains(word)), "{}.{column}", table.name);
        }
    }
}

/// 11.1.1.
#[test]
fn every_derived_key_is_written_down() {
    let mut purposes = BTreeSet::new();
    for name in CRATES {
        for (_, text) in sources(name) {
            let uses = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            purposes.extend(uses.filter_map(|line| Some(line.split_once("Purpose::new(\"")?.1.split('"').next()?.to_owned())));
        }
    }
    let written: BTreeSet<_> = table("Keys").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(written, purposes);
}

/// Whatever of the kind a crate might be built on.
const CRYPTOGRAPHY: &str = "
    aead aes aes-gcm aes-gcm-siv argon2 aws-lc-rs bcrypt blake2 blake3 blowfish boring cbc chacha20 chacha20poly1305 des ecb
    ed25519-dalek fastrand getrandom hkdf hmac jsonwebtoken k256 md-5 md5 oauth2 openidconnect openssl orion p256 pbkdf2
    rand ring rsa scrypt sha1 sha2 sha3 subtle totp-rs webauthn-rs
";

/// 11.1.2 and 11.2.1.
#[test]
fn all_cryptography_is_written_down() {
    let mut used = BTreeSet::new();
    for name in ["saas-core", "saas-auth"] {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
        let names = dependencies.lines().take_while(|line| !line.starts_with('[')).filter_map(|line| line.split(['.', ' ']).next());
        used.extend(names.filter(|name| CRYPTOGRAPHY.split_whitespace().any(|it| it == *name)).map(str::to_owned));
    }
    let written: BTreeSet<_> = table("Cryptography").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(written, used);
}

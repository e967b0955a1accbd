//! What an answer tells that it should not.

use http::header;
use uuid::Uuid;

use crate::testing::{Answer, isolation::catalogue::Catalogue};

/// What no answer says of how the application is made: databases, libraries, files.
const SPEECH: &[&str] = &[
    "violates unique constraint",
    "violates foreign key",
    "violates check constraint",
    "violates not-null",
    "violates row-level security",
    "duplicate key value",
    "syntax error at",
    "invalid input syntax",
    "invalid byte sequence",
    "error returned from database",
    "permission denied for",
    "relation \"",
    "sqlstate",
    "sqlx",
    "pool timed out",
    "panicked at",
    "stack backtrace",
    ".rs:",
    "/src/",
    "/home/",
    "/root/",
];

/// The names of things in a database, which a refusal must not say.
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(catalogue: &Catalogue) -> Self {
        let names = catalogue.tables.iter().flat_map(|table| {
            let uniques = table.uniques.iter().map(|unique| &unique.name);
            let checks = table.checks.iter().map(|check| &check.name);
            let references = table.references.iter().map(|reference| &reference.constraint);
            [&table.label].into_iter().chain(uniques).chain(checks).chain(references).cloned()
        });
        Self(names.collect())
    }

    /// What a refusal says of the inside.
    pub(super) fn told(&self, answer: &Answer) -> Option<String> {
        if answer.status.as_u16() < 400 {
            return None;
        }
        // A nonce is any letters, and so may be these.
        let text = without_nonce(answer);
        let lower = text.to_lowercase();
        let speech = SPEECH.iter().find(|speech| lower.contains(**speech)).map(|speech| (*speech).to_owned());
        speech.or_else(|| self.0.iter().find(|name| is_word(&text, name)).cloned())
    }
}

/// Whether a name stands in a text by itself, and not as a part of another.
fn is_word(text: &str, name: &str) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | '/');
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

/// Headers that differ from answer to answer and say nothing of what was asked for; the length is seen in the body.
const PASSING: &[&str] = &[
    "content-length",
    "content-security-policy",
    "date",
    "retry-after",
    "set-cookie",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];

/// A refusal as one text, without what differs from request to request: its id, the nonce, and what was asked for. What was done is its
/// status alone, since it speaks of what was made.
pub(super) fn essence(answer: &Answer, asked: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    if answer.status.as_u16() < 400 {
        return answer.status.to_string();
    }
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !PASSING.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    let mut text = without_nonce(answer);
    for asked in asked {
        text = text.replace(asked.as_ref(), "{asked}");
    }
    let id = answer.headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| id.parse::<Uuid>().is_ok());
    if let Some(id) = id {
        text = text.replace(id, "{request}");
    }
    format!("{}\n{}\n{text}", answer.status, headers.join("\n"))
}

fn without_nonce(answer: &Answer) -> String {
    let text = answer.text();
    let policy = answer.headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok()).unwrap_or_default();
    match policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()) {
        // As it stands in a header, and as in a page.
        Some(nonce) => text.replace(nonce, "{nonce}").replace(&nonce.replace('/', "&#x2f;"), "{nonce}"),
        None => text,
    }
}

/// Why an answer to somebody in particular may be kept for others: its header says so, or does not forbid it.
pub(super) fn is_shared(answer: &Answer) -> Option<String> {
    let said = answer.headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let keeps_apart = |said: &str| said.split(',').any(|word| matches!(word.trim(), "private" | "no-store"));
    match said {
        Some(said) if keeps_apart(said) => None,
        Some(said) => Some(format!("cache-control: {said}")),
        None => Some("no cache-control".to_owned()),
    }
}

/// The mark by which a cache knows an answer again.
pub(super) fn tag(answer: &Answer) -> Option<&str> {
    answer.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::is_word;

    #[test]
    fn a_name_is_one_only_by_itself() {
        assert!(is_word("relation data.note is", "data.note") && is_word("\"note_pkey\"", "note_pkey"));
        assert!(!is_word("data.notes", "data.note") && !is_word("tenancy.invitation.sent", "tenancy.invitation"));
    }
}

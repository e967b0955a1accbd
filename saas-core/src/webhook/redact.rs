//! Takes what looks like a secret out of what a receiver answered, before it is stored, and out of what was sent, before it is shown.

use uuid::Uuid;

/// How much of an answer is kept, in bytes.
const KEPT: usize = 4 * 1024;

/// What stands in a secret's place.
const TAKEN: &str = "[redacted]";

/// Words after which a value is a secret, whatever it looks like.
const NAMES: [&str; 9] = ["authorization", "cookie", "password", "passwd", "secret", "token", "apikey", "api_key", "signature"];

/// The beginning of an answer as text, without what its receiver may have let slip: long runs of letters and digits such as keys and
/// signatures (our own, sent back), addresses of people, and values whose name says that they are secret. Too much is taken rather than too
/// little: it is there to recognise an error by.
pub(super) fn redact(body: &[u8]) -> String {
    without_secrets(&String::from_utf8_lossy(&body[..body.len().min(KEPT)]), |_| false)
}

/// What we sent, as whoever looks after an endpoint sees it: ids of ours stay.
pub(super) fn redact_sent(body: &str) -> String {
    without_secrets(body, |word| Uuid::try_parse(word).is_ok())
}

/// The beginning of what we sent, for a page that shows many.
pub(super) fn redact_sent_shortly(body: &str) -> String {
    match body.char_indices().nth(KEPT) {
        Some((end, _)) => redact_sent(&body[..end]) + "…",
        None => redact_sent(body),
    }
}

fn without_secrets(text: &str, is_ours: impl Fn(&str) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut word = String::new();
    let mut after_name = false;
    for c in text.chars().chain(['\n']) {
        if c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '+' | '/') || (c == '=' && word.len() >= 16) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            let lower = word.to_ascii_lowercase();
            let is_name = NAMES.iter().any(|name| lower.contains(name));
            // `Authorization: Bearer abc`: the scheme is no value.
            let is_scheme = matches!(lower.as_str(), "bearer" | "basic");
            let is_secret = (looks_secret(&word) && !is_ours(&word)) || (after_name && !is_scheme && !is_name);
            kept.push_str(if is_secret { TAKEN } else { &word });
            after_name = is_name || is_scheme;
            word.clear();
        }
        match c {
            // A new line or a new member: what is said about the one before does not hold for it.
            '\n' | ',' | ';' | '&' | '}' => after_name = false,
            _ => {}
        }
        // PostgreSQL stores no NUL; other control characters would only garble a page.
        if !c.is_control() || matches!(c, '\n' | '\t') {
            kept.push(c);
        }
    }
    kept.pop();
    kept
}

fn looks_secret(word: &str) -> bool {
    let is_address = word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_long = word.split(['.', '/']).any(|part| part.len() >= 20 && part.chars().any(|c| c.is_ascii_digit()));
    is_address || is_long || word.starts_with("whsec_") || word.starts_with("eyJ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Topic 1 (response body stored redacted)
    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        for (answer, kept) in [
            ("queue is full, try later", "queue is full, try later"),
            (r#"{"error":"no such order","order":1234}"#, r#"{"error":"no such order","order":1234}"#),
            (r#"{"password":"hunter2","code":7}"#, r#"{"password":"[redacted]","code":7}"#),
            ("Authorization: Bearer abc", "Authorization: Bearer [redacted]"),
            ("db_token=short&x=1", "db_token=[redacted]&x=1"),
            ("mail ada@example.com now", "mail [redacted] now"),
            ("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,[redacted]"),
            ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc!", "key [redacted]!"),
            ("eyJhbGciOiJIUzI1NiJ9.e30.x", "[redacted]"),
        ] {
            assert_eq!(redact(answer.as_bytes()), kept);
        }
    }

    /// Topic 1: of what was sent, ids of ours are shown, and nothing of anybody's.
    #[test]
    fn what_was_sent_is_shown_with_its_ids_and_without_secrets() {
        let id = "0199b5c2-a1f0-7c2e-8a3b-4d5e6f708192";
        let sent =
            format!(r#"{{"type":"auth.api_key.created","data":{{"email":"ada@example.com","token":"short","id":"{id}"}},"sequence":1}}"#);
        let shown =
            format!(r#"{{"type":"auth.api_key.created","data":{{"email":"[redacted]","token":"[redacted]","id":"{id}"}},"sequence":1}}"#);
        assert_eq!(redact_sent(&sent), shown);
        assert!(redact(sent.as_bytes()).contains(r#""id":"[redacted]""#), "what a receiver answers is nothing of ours");
        assert_eq!(redact_sent_shortly(&sent), shown);
        let long = redact_sent_shortly(&"ä ".repeat(KEPT));
        assert!(long.ends_with('…') && long.chars().count() == KEPT + 1);
    }

    #[test]
    fn any_bytes_become_a_text_that_can_be_stored() {
        assert_eq!(redact(b"a\0b\x1b[1m\xff"), "ab[1m\u{fffd}");
        assert_eq!(redact(&[b' '; 64 * 1024]).len(), KEPT);
        assert_eq!(redact(b""), "");
    }
}

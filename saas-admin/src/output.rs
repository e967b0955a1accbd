use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::json;

/// Writes a line.
pub(crate) fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Writes what was found: as JSON under its name, or each item in words, and `none` where there is nothing.
pub(crate) fn list<T: Serialize>(name: &str, found: &[T], as_json: bool, none: &str, in_words: impl Fn(&T) -> String) -> io::Result<()> {
    match found {
        _ if as_json => say(&json!({ name: found }).to_string()),
        [] => say(none),
        found => found.iter().try_for_each(|it| say(&in_words(it))),
    }
}

/// Says how many dead letters will be tried again.
pub(crate) fn replayed(number: impl Serialize + std::fmt::Display, as_json: bool) -> io::Result<()> {
    say(&if as_json { json!({ "replayed": number }).to_string() } else { format!("{number} will be done again") })
}

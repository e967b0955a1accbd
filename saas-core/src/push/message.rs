//! What a browser is told.

use serde_json::json;

use super::encryption::MOST_BYTES;
use crate::{EventId, pages::Locale};

/// The longest name and sentence in characters, and the longest link in bytes: together they always fit into a message.
const LONGEST_TITLE: usize = 100;
const LONGEST_TEXT: usize = 500;
const LONGEST_LINK: usize = 1000;

/// No more than the list inside the product says.
pub(super) struct Message<'a> {
    pub(super) id: EventId,
    /// The organization.
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    /// A path of the product.
    pub(super) link: &'a str,
    pub(super) locale: Locale,
}

impl Message<'_> {
    /// As `push-worker.js` reads it, the same at each attempt.
    pub(super) fn body(&self) -> String {
        let cut = |text: &str, longest| -> String { text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest).collect() };
        let link = if self.link.len() <= LONGEST_LINK { self.link } else { "/notifications" };
        let body = json!({
            "id": self.id, "title": cut(self.title, LONGEST_TITLE), "text": cut(self.text, LONGEST_TEXT), "link": link,
            "lang": self.locale.to_string(),
        });
        let body = body.to_string();
        debug_assert!(body.len() <= MOST_BYTES);
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_always_fits() {
        let link = format!("/{}", "x".repeat(LONGEST_LINK - 1));
        for letter in ["a", "\u{1}", "\"", "\\", "ä", "😀"] {
            let long = letter.repeat(10_000);
            let body = Message { id: EventId::new(), title: &long, text: &long, link: &link, locale: Locale::De }.body();
            assert!(body.len() <= MOST_BYTES, "{letter:?}: {}", body.len());
        }
        let far = format!("/{}", "x".repeat(LONGEST_LINK));
        let body = Message { id: EventId::new(), title: "a", text: "b\nc", link: &far, locale: Locale::De }.body();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["link"], &body["text"]), (&json!("/notifications"), &json!("b c")));
    }
}

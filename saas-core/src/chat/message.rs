//! What is sent.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{ChatFormat, ChatMessageId};
use crate::EventId;

/// The kind of a message that somebody sends to see whether it arrives.
pub(super) const TEST: &str = "chat.test";
/// The longest sentence and subject, in characters: with all that escaping adds, a message stays below what the table takes.
const LONGEST: usize = 2_000;
/// The longest address of a page that is linked to.
const LONGEST_LINK: usize = 2_000;

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum ChatMessageState {
    /// It is sent, or sent again, when it is due.
    Waiting,
    /// The channel has it.
    Delivered,
    /// It was given up.
    Failed,
    /// The channel was paused or switched off while it waited.
    Dropped,
}

/// A message to a channel, and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
#[non_exhaustive]
pub struct ChatMessage {
    /// The id of the event, or of a test.
    pub id: ChatMessageId,
    /// What it tells of.
    pub kind: String,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// How far it is.
    pub state: ChatMessageState,
    /// How often it was tried.
    pub attempts: i32,
    /// What was answered the last time, if there was an answer.
    pub status: Option<i32>,
    /// Why there was none: `unreachable`, `timeout`, `expired` for what waited too long, or `internal` for a failure of ours.
    pub error: Option<String>,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
}

/// The columns of [`ChatMessage`], up to the filters of a list.
pub(super) const MESSAGES: &str = "select id, kind, at, state, attempts, status, error, case when state = 'waiting' then due_at end as due_at \
     from chat_message where tenant_id = ";

impl From<EventId> for ChatMessageId {
    fn from(id: EventId) -> Self {
        uuid::Uuid::from(id).into()
    }
}

/// What a message says.
pub(super) struct Message<'a> {
    pub(super) id: ChatMessageId,
    pub(super) kind: &'a str,
    pub(super) at: DateTime<Utc>,
    pub(super) organization: &'a str,
    pub(super) subject: &'a str,
    pub(super) sentence: &'a str,
    pub(super) link: &'a str,
    /// The words that lead there.
    pub(super) label: &'a str,
}

impl Message<'_> {
    /// The body of the request, the same at each attempt.
    pub(super) fn body(&self, format: ChatFormat) -> String {
        let cut = |text: &str| -> String { text.chars().take(LONGEST).collect() };
        let (sentence, subject) = (cut(self.sentence), cut(self.subject));
        let link = if self.link.len() <= LONGEST_LINK { self.link } else { "" };
        let body = match format {
            ChatFormat::Slack => {
                let text = format!("{}: {}", plain(self.organization), plain(&sentence));
                // In an address nothing is hidden: what Slack would take for the end of the link is encoded.
                let link = link.replace('|', "%7C").replace('<', "%3C").replace('>', "%3E").replace('&', "&amp;");
                json!({ "text": if link.is_empty() { text } else { format!("{text} <{link}|{}>", plain(self.label)) } })
            }
            ChatFormat::Json => json!({
                "id": self.id, "kind": self.kind, "at": self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
                "organization": self.organization, "subject": subject, "text": sentence, "url": link,
            }),
        };
        body.to_string()
    }
}

/// A text as Slack wants it, in one line: `&`, `<` and `>` as entities, so that nothing in it is a link or calls somebody (`<!channel>`). What
/// Mattermost and Discord would take for that (`@all`, `[text](address)`) is broken up by a space of no width.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' | ']' => safe.extend([c, '\u{200b}']),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(sentence: &'a str, link: &'a str) -> Message<'a> {
        Message {
            id: ChatMessageId::from(uuid::Uuid::nil()),
            kind: "a.b.c",
            at: "2026-03-01T12:00:00Z".parse().unwrap(),
            organization: "Acme & Söhne",
            subject: "s",
            sentence,
            link,
            label: "See",
        }
    }

    fn text(sentence: &str, link: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&message(sentence, link).body(ChatFormat::Slack)).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1);
        body["text"].as_str().unwrap().to_owned()
    }

    /// NOT-05: a name calls nobody and hides no link.
    #[test]
    fn what_slack_and_its_kin_would_heed_is_text() {
        for (name, shown) in [
            ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
            ("<!channel> <https://evil.example|click>", "&lt;!channel&gt; &lt;https://evil.example|click&gt;"),
            ("@everyone", "@\u{200b}everyone"),
            ("[click](https://evil.example)", "[click]\u{200b}(https://evil.example)"),
            ("one\r\ntwo\0", "one  two "),
            ("&lt;", "&amp;lt;"),
        ] {
            assert_eq!(
                text(name, "https://here/x?a=1&b=<|>"),
                format!("Acme &amp; Söhne: {shown} <https://here/x?a=1&amp;b=%3C%7C%3E|See>")
            );
        }
    }

    #[test]
    fn a_message_always_fits_its_table() {
        let link = format!("https://here/{}", "x".repeat(1_980));
        for letter in ["&", "\u{1}", "]", "😀"] {
            let long = letter.repeat(100_000);
            let whole = Message { subject: &long, ..message(&long, &link) };
            for format in [ChatFormat::Slack, ChatFormat::Json] {
                assert!(whole.body(format).len() < 40_000, "{letter:?}: {}", whole.body(format).len());
            }
        }
        assert!(text(&"😀".repeat(100_000), "").ends_with('😀'));
    }

    #[test]
    fn json_says_what_happened_and_has_an_id_to_tell_repetitions_by() {
        let body: serde_json::Value = serde_json::from_str(&message("It's <b>", "https://here/").body(ChatFormat::Json)).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000000", "kind": "a.b.c", "at": "2026-03-01T12:00:00.000000Z",
            "organization": "Acme & Söhne", "subject": "s", "text": "It's <b>", "url": "https://here/",
        });
        assert_eq!(body, expected);
    }
}

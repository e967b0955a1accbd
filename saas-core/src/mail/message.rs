use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::MailError;

/// One message to one person, rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// What tells it from all others: the same when it is sent again.
    pub message_id: MessageId,
    /// In whose name it is sent; the address beside it is the mailer's.
    pub from_name: Option<String>,
    /// The address of the reader.
    pub to: String,
    /// What the reader is called.
    pub to_name: Option<String>,
    /// One line.
    pub subject: String,
    /// The message for readers that show no HTML.
    pub text: String,
    /// The message.
    pub html: String,
    /// Where a mail program can unsubscribe its reader with one `POST` (RFC 8058), for what is not mandatory.
    pub unsubscribe: Option<Url>,
}

impl Mail {
    /// Checks what every mailer must refuse, and reads the address.
    pub(super) fn check(&self) -> Result<lettre::Address, MailError> {
        let names = [&self.from_name, &self.to_name].into_iter().flatten();
        let mut lines = names.chain([&self.to, &self.subject]);
        if lines.any(|line| line.contains(char::is_control)) {
            return Err(MailError::Message("a control character in a header".into()));
        }
        if self.to.len() > ADDRESS_MAX {
            return Err(MailError::Message("the address is longer than a mail server takes".into()));
        }
        self.to.parse::<lettre::Address>().map_err(|error| MailError::Message(error.into()))
    }
}

/// RFC 5321, section 4.5.3.1.3, without the angle brackets.
const ADDRESS_MAX: usize = 254;

/// What tells a message from all others (RFC 5322, section 3.6.4), with its angle brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// Made of an id and the name of the host that it is unique on. Of the host, what is no letter, digit, dot or hyphen is left out.
    #[must_use]
    pub fn new(id: Uuid, host: &str) -> Self {
        Self::unique(&id.to_string(), host)
    }

    /// That of a letter: its id, which logs have, and beside it a mark that nobody can make of the id.
    pub(super) fn marked(id: Uuid, mark: &[u8; 32], host: &str) -> Self {
        Self::unique(&URL_SAFE_NO_PAD.encode([id.as_bytes().as_slice(), &mark[..16]].concat()), host)
    }

    /// One that somebody wrote, without its angle brackets, and the id of the letter in it; none if it is not written as ours are.
    pub(super) fn read(text: &str) -> Option<(Uuid, Self)> {
        let (unique, host) = text.split_once('@')?;
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(unique).ok()?.try_into().ok()?;
        let id = Uuid::from_bytes(*bytes.first_chunk()?);
        (host.len() <= HOST_MAX && host.chars().all(of_a_host)).then(|| (id, Self(format!("<{text}>"))))
    }

    fn unique(unique: &str, host: &str) -> Self {
        let host: String = host.chars().filter(|&c| of_a_host(c)).collect();
        let host = host.trim_matches(['.', '-']);
        Self(format!("<{unique}@{}>", if host.is_empty() { "localhost" } else { host }))
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 1035, section 2.3.4, written out.
const HOST_MAX: usize = 253;

fn of_a_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;
    use uuid::Uuid;

    #[test]
    fn a_message_id_is_one_whatever_the_host_is_called() {
        for (host, expected) in [("example.com", "example.com"), ("[::1]", "1"), ("a\r\nBcc: x@y>", "aBccxy"), ("", "localhost")] {
            assert_eq!(MessageId::new(Uuid::nil(), host).as_str(), format!("<{}@{expected}>", Uuid::nil()));
        }
    }

    #[test]
    fn the_id_of_a_letter_is_read_as_it_was_written_and_no_other_is() {
        let (letter, host) = (Uuid::now_v7(), "a".repeat(253));
        let id = MessageId::marked(letter, &[7; 32], &host);
        assert!(id.as_str().len() <= 300, "that many fit into the table");
        let text = id.as_str().trim_matches(['<', '>']);
        assert_eq!(MessageId::read(text), Some((letter, id.clone())));
        assert_ne!(MessageId::marked(letter, &[8; 32], &host), id);
        let [long, zero, foreign] = [format!("{text}a"), text.replace("@a", "@\0"), text.replace("@a", "@ä")];
        for other in [long.as_str(), &zero, &foreign, &text[1..], &format!("{letter}@a"), "@", ""] {
            assert_eq!(MessageId::read(other), None, "{other}");
        }
    }
}

use std::fmt;

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
        let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        let host = host.trim_matches(['.', '-']);
        Self(format!("<{id}@{}>", if host.is_empty() { "localhost" } else { host }))
    }

    /// As somebody wrote it, without its angle brackets.
    pub(super) fn written(text: &str) -> Self {
        Self(format!("<{text}>"))
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
}

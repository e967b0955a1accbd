//! The parts of a message, as far as a report needs them: one level, and never further.
//!
//! A parser that goes into all that is nested goes as deep as a stranger likes, so lines are divided here, and `mail-parser` reads the fields.

use std::borrow::Cow;

use mail_parser::{
    Message, MessageParser, MimeHeaders as _,
    decoders::{base64::base64_decode, quoted_printable::quoted_printable_decode},
};

/// A report has three parts.
const PARTS_MAX: usize = 10;

/// How many bytes of fields are read. Letters that came a long way have a tenth of it; `mail-parser` puts together again what was divided
/// (RFC 2231) in a time that grows with the square.
const FIELDS_MAX: usize = 32 << 10;

/// One part of a message.
pub(super) struct Part<'a> {
    fields: Message<'static>,
    body: &'a [u8],
}

impl Part<'_> {
    pub(super) fn is_one_of(&self, kinds: &[(&str, &str)]) -> bool {
        kinds.iter().any(|(kind, subkind)| self.fields.is_content_type(kind, subkind))
    }

    /// What is in it, decoded; nothing if that fails.
    pub(super) fn content(&self) -> Cow<'_, [u8]> {
        let decode = match self.fields.content_transfer_encoding().map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
            Some("base64") => base64_decode,
            Some("quoted-printable") => quoted_printable_decode,
            _ => return self.body.into(),
        };
        decode(self.body).unwrap_or_default().into()
    }
}

/// Fields, and what follows on the empty line after them.
pub(super) fn head(text: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if line.trim_ascii().is_empty() {
            return (&text[..end], &text[end + line.len()..]);
        }
        end += line.len();
    }
    (text, &[])
}

/// A block of fields, if it has any and no more than a letter has.
pub(super) fn fields(block: &[u8]) -> Option<Message<'static>> {
    if block.len() > FIELDS_MAX {
        return None;
    }
    let whole = [block, b"\n\n"].concat();
    MessageParser::new().parse_headers(&whole).map(Message::into_owned)
}

/// What a field says, on one line and without what no text has.
pub(super) fn field(fields: &Message<'_>, name: &'static str) -> Option<String> {
    let words: Vec<_> = fields.header(name)?.as_text()?.split_whitespace().collect();
    Some(words.join(" ").chars().filter(|c| !c.is_control()).collect())
}

/// The parts of a message's body, between the lines that begin with its boundary. None if it is not closed, or has more than any report.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let (mut parts, mut begin, mut end) = (Vec::new(), None, 0);
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let start = end;
        end += line.len();
        let Some(after) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes())) else { continue };
        let after = after.trim_ascii_end();
        if !matches!(after, b"" | b"--") {
            // A longer one, of what is nested.
            continue;
        }
        if let Some(begin) = begin {
            let (head, body) = head(&body[begin..start]);
            parts.extend(fields(head).map(|fields| Part { fields, body }));
        }
        match after {
            b"--" => return Some(parts),
            _ if parts.len() == PARTS_MAX => return None,
            _ => begin = Some(end),
        }
    }
    None
}

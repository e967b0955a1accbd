/// What files are taken.
#[derive(Debug, Clone, Copy)]
pub struct FileRules {
    /// The most bytes that a file may have.
    pub max_bytes: u64,
    /// The media types that are taken. What a file is, its first bytes say; its sender is believed only about kinds of plain text.
    pub types: &'static [&'static str],
}

impl FileRules {
    /// Documents and pictures up to 25 MiB.
    pub const DOCUMENTS: Self = Self {
        max_bytes: 25 << 20,
        types: &[
            "application/json",
            "application/pdf",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/zip",
            "image/gif",
            "image/jpeg",
            "image/png",
            "image/webp",
            "text/csv",
            "text/plain",
        ],
    };

    /// The type of a file that begins with `head` and that its sender calls `declared`; none if it is not taken.
    pub(super) fn media_type(&self, head: &[u8], declared: &str) -> Option<&'static str> {
        let declared = declared.split(';').next().unwrap_or_default().trim();
        let found = match infer::get(head) {
            Some(kind) => kind.mime_type(),
            None if is_text(head) && TEXTS.contains(&declared) => declared,
            None if is_text(head) => "text/plain",
            None => return None,
        };
        self.types.iter().copied().find(|taken| *taken == found)
    }
}

/// Kinds of text that no first bytes tell apart.
const TEXTS: [&str; 3] = ["application/json", "text/csv", "text/plain"];

/// UTF-8 without control characters other than white space; the last character may be cut off.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide_and_not_the_sender() {
        let rules = FileRules::DOCUMENTS;
        assert_eq!(rules.media_type(b"%PDF-1.7\n", "image/png"), Some("application/pdf"));
        assert_eq!(rules.media_type(b"a,b\n1,2\n", "text/csv; charset=utf-8"), Some("text/csv"));
        assert_eq!(rules.media_type("caf\u{e9}".as_bytes(), "application/octet-stream"), Some("text/plain"));
        assert_eq!(rules.media_type(&"caf\u{e9}".as_bytes()[..4], "text/plain"), Some("text/plain"), "cut inside a character");
        for refused in [b"<!DOCTYPE html><script>".as_slice(), b"MZ\x90\x00", b"\x7fELF\x02\x01", b"\x00\x01\x02", b"#!/bin/sh\nrm"] {
            assert_eq!(rules.media_type(refused, "application/pdf"), None, "{refused:?}");
        }
    }
}

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MasterKey, Purpose};

/// Where a page ended: the last item's place in the order, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The order, by its name.
    pub(super) order: String,
    pub(super) descending: bool,
    /// What the order compares, as the database writes it.
    pub(super) key: String,
    pub(super) id: Uuid,
}

const CURSORS: Purpose = Purpose::new("cursors of lists");
const SIGNATURE: usize = 32;

/// Signs cursors, so that what comes back was ours: the database reads the key in it as a time or an address without a further look.
#[derive(Clone)]
pub(super) struct Signer {
    keys: MasterKey,
    /// The list and the tenant: a cursor of another means nothing here.
    list: String,
}

impl Signer {
    pub(super) fn new(keys: &MasterKey, list: String) -> Self {
        Self { keys: keys.clone(), list }
    }

    pub(super) fn text(&self, cursor: &Cursor) -> String {
        // Text, a flag and an id are always JSON.
        let json = serde_json::to_vec(cursor).unwrap_or_default();
        let signature = self.keys.sign(CURSORS, &self.signed(&json));
        URL_SAFE_NO_PAD.encode([signature.as_slice(), &json].concat())
    }

    /// The cursor in a text that [`text`](Self::text) wrote; none in any other.
    pub(super) fn read(&self, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signature, json) = bytes.split_at_checked(SIGNATURE)?;
        self.keys.signed(CURSORS, &self.signed(json), signature).then(|| serde_json::from_slice(json).ok()).flatten()
    }

    fn signed(&self, json: &[u8]) -> Vec<u8> {
        // Neither a path nor an id holds a zero byte.
        [self.list.as_bytes(), b"\0", json].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-01.
    #[test]
    fn a_cursor_is_read_by_its_own_list_alone_and_only_as_it_was_written() {
        let keys = MasterKey::generate();
        let (ours, other) = (Signer::new(&keys, "/api/v1/devices a".to_owned()), Signer::new(&keys, "/api/v1/devices b".to_owned()));
        let cursor = Cursor { order: "name".to_owned(), descending: true, key: "it's \u{e4}".to_owned(), id: Uuid::from_u128(7) };
        let text = ours.text(&cursor);
        assert_eq!(ours.read(&text), Some(cursor));
        assert_eq!(other.read(&text), None);
        assert_eq!(Signer::new(&MasterKey::generate(), "/api/v1/devices a".to_owned()).read(&text), None);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ours.read(std::str::from_utf8(&changed).unwrap()), None, "changed at {at}");
        }
        for text in ["", "A", "AAAA", &text[..text.len() - 1]] {
            assert_eq!(ours.read(text), None, "{text}");
        }
    }
}

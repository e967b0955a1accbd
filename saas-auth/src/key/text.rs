//! How keys and credentials are written: `<prefix>_<kind>_<id>_<secret><checksum>`.
//!
//! The prefix and the kind let a scanner find leaked ones; the checksum tells a real one from a look-alike without asking a database. All
//! numbers are in base 62 with a fixed width, so that one value has one text.

use std::fmt;

use saas_core::{MasterKey, Purpose, Secret};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const ID_WIDTH: usize = 22;
const SECRET_WIDTH: usize = 43;
const CHECKSUM_WIDTH: usize = 6;

/// What a text lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Use the API.
    ApiKey,
    /// Register agents.
    AgentKey,
    /// Be one agent.
    Credential,
    /// Get other tokens.
    RefreshToken,
}

impl Kind {
    const ALL: [Self; 4] = [Self::ApiKey, Self::AgentKey, Self::Credential, Self::RefreshToken];

    const fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "key",
            Self::AgentKey => "agent",
            Self::Credential => "cred",
            Self::RefreshToken => "refresh",
        }
    }
}

/// The half of a secret that shows that we have made the other half.
const MARK: Purpose = Purpose::new("marks of keys");

const MARK_BYTES: usize = 16;

/// A key or a credential: its id, which is no secret, and 256 random bits.
#[derive(Clone)]
pub(crate) struct KeyText {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    secret: Zeroizing<[u8; 32]>,
}

impl KeyText {
    pub(crate) fn generate(kind: Kind, id: Uuid) -> Self {
        Self { kind, id, secret: Zeroizing::new(rand::random()) }
    }

    /// One that is known as ours also when nothing of it is stored any more: half of its secret is random, and the other half shows that we
    /// have made it.
    pub(crate) fn marked(kind: Kind, id: Uuid, keys: &MasterKey) -> Self {
        let mut made = Self::generate(kind, id);
        let mark = keys.sign(MARK, &made.marked_part());
        made.secret[MARK_BYTES..].copy_from_slice(&mark[..MARK_BYTES]);
        made
    }

    /// Whether it was made by [`marked`](Self::marked), with any of the keys.
    pub(crate) fn is_marked(&self, keys: &MasterKey) -> bool {
        keys.signatures(MARK, &self.marked_part()).any(|mark| mark[..MARK_BYTES].ct_eq(&self.secret[MARK_BYTES..]).into())
    }

    fn marked_part(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.kind.word().as_bytes(), self.id.as_bytes(), &self.secret[..MARK_BYTES]].concat())
    }

    /// What is shown to its holder, once.
    pub(crate) fn write(&self, prefix: &str) -> Secret {
        let mut text = Zeroizing::new(format!("{prefix}_{}_", self.kind.word()));
        encode(self.id.as_bytes(), ID_WIDTH, &mut text);
        text.push('_');
        encode(self.secret.as_slice(), SECRET_WIDTH, &mut text);
        let checksum = crc32fast::hash(text.as_bytes());
        encode(&checksum.to_be_bytes(), CHECKSUM_WIDTH, &mut text);
        Secret::new(text.as_str())
    }

    /// Reads what [`write`](Self::write) wrote. Anything else is `None`, without a look at the database.
    pub(crate) fn parse(prefix: &str, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(prefix)?.strip_prefix('_')?;
        let (kind, rest) = Kind::ALL.into_iter().find_map(|kind| Some((kind, rest.strip_prefix(kind.word())?.strip_prefix('_')?)))?;
        let (id, rest) = rest.split_at_checked(ID_WIDTH)?;
        let (secret, checksum) = rest.strip_prefix('_')?.split_at_checked(SECRET_WIDTH)?;
        let stated: [u8; 4] = decode(checksum, CHECKSUM_WIDTH)?;
        if crc32fast::hash(&text.as_bytes()[..text.len() - CHECKSUM_WIDTH]) != u32::from_be_bytes(stated) {
            return None;
        }
        Some(Self { kind, id: Uuid::from_bytes(decode(id, ID_WIDTH)?), secret: Zeroizing::new(decode(secret, SECRET_WIDTH)?) })
    }

    /// Every key or credential in a text that may hold anything else beside it.
    pub(crate) fn find<'t>(prefix: &'t str, text: &'t str) -> impl Iterator<Item = Self> + 't {
        text.match_indices(prefix).filter_map(move |(at, _)| {
            let rest = &text[at..];
            Kind::ALL.into_iter().find_map(|kind| {
                let width = prefix.len() + kind.word().len() + 3 + ID_WIDTH + SECRET_WIDTH + CHECKSUM_WIDTH;
                Self::parse(prefix, rest.get(..width)?).filter(|found| found.kind == kind)
            })
        })
    }

    /// What is stored: it covers all that the text says, so a text with another id or kind is another.
    pub(crate) fn hash(&self) -> Vec<u8> {
        let digest = Sha256::new().chain_update(self.kind.word()).chain_update(self.id.as_bytes()).chain_update(self.secret.as_slice());
        digest.finalize().to_vec()
    }

    /// The beginning, by which people recognize it in a list.
    pub(crate) fn beginning(&self, prefix: &str) -> String {
        const SHOWN: usize = 12;
        let mut text = format!("{prefix}_{}_", self.kind.word());
        let shown = text.len() + SHOWN;
        encode(self.id.as_bytes(), ID_WIDTH, &mut text);
        text.truncate(shown);
        text
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyText").field("kind", &self.kind).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Appends a big-endian number in base 62.
fn encode(bytes: &[u8], width: usize, to: &mut String) {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut digits = Zeroizing::new(Vec::with_capacity(width));
    for _ in 0..width {
        let mut remainder = 0u16;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u16::from(*byte);
            // Below 256, since the remainder is below 62.
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        digits.push(DIGITS[usize::from(remainder)]);
    }
    to.extend(digits.iter().rev().map(|digit| char::from(*digit)));
}

/// Reads a number of exactly this width; one that is too large for `N` bytes has another text.
fn decode<const N: usize>(text: &str, width: usize) -> Option<[u8; N]> {
    if text.len() != width {
        return None;
    }
    let mut number = [0u8; N];
    for digit in text.bytes() {
        let mut carry = u16::try_from(DIGITS.iter().position(|it| *it == digit)?).ok()?;
        for byte in number.iter_mut().rev() {
            let value = u16::from(*byte) * 62 + carry;
            let [high, low] = value.to_be_bytes();
            *byte = low;
            carry = u16::from(high);
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> KeyText {
        KeyText { kind: Kind::AgentKey, id: Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0001), secret: Zeroizing::new([0xff; 32]) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for kind in Kind::ALL {
            let made = KeyText::generate(kind, Uuid::now_v7());
            let text = made.write("mon");
            let read = KeyText::parse("mon", text.expose()).unwrap();
            assert_eq!((read.kind, read.id, read.hash()), (made.kind, made.id, made.hash()));
            assert!(text.expose().starts_with(&made.beginning("mon")));
        }
        let zero = KeyText { secret: Zeroizing::new([0; 32]), id: Uuid::nil(), ..example() };
        assert!(KeyText::parse("mon", zero.write("mon").expose()).is_some());
        assert!(KeyText::parse("mon", example().write("mon").expose()).is_some());
    }

    #[test]
    fn every_text_that_differs_in_one_place_is_refused() {
        let text = example().write("mon").expose().to_owned();
        assert_eq!(text.len(), 4 + 6 + 22 + 1 + 43 + 6);
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(KeyText::parse("mon", &changed).is_none(), "{changed}");
        }
        for end in 0..text.len() {
            assert!(KeyText::parse("mon", &text[..end]).is_none());
        }
        assert!(KeyText::parse("mon", &format!("{text}0")).is_none());
        assert!(KeyText::parse("other", &text).is_none());
        assert!(KeyText::parse("mon", "mon_agent_ä").is_none());
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(decode::<4>("4gfFC3", 6), Some([0xff; 4]));
        assert_eq!(decode::<4>("4gfFC4", 6), None);
    }

    /// AUT-04: nobody makes one up, and none of another id or kind is one.
    #[test]
    fn what_is_marked_is_known_as_ours_after_a_rotation_too() {
        let old = MasterKey::generate();
        let made = KeyText::marked(Kind::RefreshToken, Uuid::now_v7(), &old);
        let rotated: MasterKey = format!("{},{}", *MasterKey::generate().text(), *old.text()).parse().unwrap();
        assert!(made.is_marked(&old) && made.is_marked(&rotated));
        assert!(!made.is_marked(&MasterKey::generate()));
        assert!(!KeyText { id: Uuid::now_v7(), ..made.clone() }.is_marked(&old));
        assert!(!KeyText { kind: Kind::ApiKey, ..made.clone() }.is_marked(&old));
        assert!(!KeyText::generate(Kind::RefreshToken, made.id).is_marked(&old));
        for place in 0..32 {
            let mut changed = made.clone();
            changed.secret[place] ^= 1;
            assert!(!changed.is_marked(&old), "{place}");
        }
        assert_ne!(KeyText::marked(Kind::RefreshToken, made.id, &old).hash(), made.hash(), "no two are the same");
    }

    /// AUT-10: whatever stands around it.
    #[test]
    fn a_key_is_found_in_a_text() {
        for kind in Kind::ALL {
            let key = KeyText { kind, ..example() };
            let text = key.write("mon");
            let ways = [text.expose().to_owned(), format!("mon_mon_key_{}&x", text.expose()), format!("ä{}ä", text.expose())];
            for way in ways {
                let found: Vec<_> = KeyText::find("mon", &way).map(|found| (found.kind, found.hash())).collect();
                assert_eq!(found, [(kind, key.hash())], "{way}");
            }
            assert_eq!(KeyText::find("mon", &format!("{0}{0}", text.expose())).count(), 2);
            assert_eq!(KeyText::find("mon", &text.expose()[..text.expose().len() - 1]).count(), 0);
        }
        assert_eq!(KeyText::find("mon", "mon_key_4gfFC3 mon_agent_ ä mon").count(), 0);
    }

    #[test]
    fn the_hash_depends_on_all_of_it() {
        let one = example();
        let other_id = KeyText { id: Uuid::nil(), ..example() };
        let other_kind = KeyText { kind: Kind::Credential, ..example() };
        assert_ne!(one.hash(), other_id.hash());
        assert_ne!(one.hash(), other_kind.hash());
        assert!(!format!("{one:?}").contains("secret"));
    }
}

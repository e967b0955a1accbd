//! One master key, and keys for single purposes derived from it.

use std::{fmt, str::FromStr};

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The program's master key: 32 bytes, or several of them while the key is being rotated. The first encrypts, all decrypt.
///
/// ```
/// use saas_core::{MasterKey, Purpose};
///
/// const SEEDS: Purpose = Purpose::new("totp seeds");
/// let keys = MasterKey::generate();
/// let sealed = keys.seal(SEEDS, b"acme/account/7", b"secret");
/// assert_eq!(keys.open(SEEDS, b"acme/account/7", &sealed)?.as_slice(), b"secret");
/// assert!(keys.open(SEEDS, b"other/account/7", &sealed).is_err());
/// # Ok::<(), saas_core::OpenError>(())
/// ```
///
/// # Security
///
/// Each purpose has a key of its own (HKDF-SHA256, RFC 5869), so that what one part encrypts means nothing to another. The place where a
/// sealed value is stored (tenant, table, column, row) is authenticated with it: moved elsewhere it does not open.
#[derive(Clone)]
pub struct MasterKey {
    current: Key,
    older: Vec<Key>,
}

pub(crate) type Key = Zeroizing<[u8; 32]>;

/// What a derived key is for. Two purposes never share a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(&'static str);

impl Purpose {
    /// Names a purpose. Changing the name makes what was sealed under it unreadable.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

const NONCE_BYTES: usize = 12;

impl MasterKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self { current: Zeroizing::new(rand::random()), older: Vec::new() }
    }

    /// The key as it is written in `SAAS_MASTER_KEY`.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let keys: Vec<_> = self.keys().map(|key| STANDARD.encode(key.as_slice())).collect();
        Zeroizing::new(keys.join(","))
    }

    /// The key for one purpose, for use with another algorithm than [`seal`](Self::seal)'s.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> Key {
        derive(&self.current, purpose)
    }

    /// The keys for one purpose, of each of the master keys.
    pub(crate) fn derive_each(&self, purpose: Purpose) -> impl Iterator<Item = Key> {
        self.keys().map(move |key| derive(key, purpose))
    }

    /// Encrypts with AES-256-GCM under a random nonce; `place` says where the value will be stored and is authenticated.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let cipher = Aes256Gcm::new(&(*self.derive(purpose)).into());
        // AES-GCM refuses nothing but a message over 64 GiB.
        let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: place }).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Authenticates a message for one purpose with HMAC-SHA256 (RFC 2104).
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        mac(&self.current, purpose, message).finalize().into_bytes().into()
    }

    /// Whether [`sign`](Self::sign) made `signature` of this message for the same purpose, with any of the keys. In constant time.
    #[must_use]
    pub fn signed(&self, purpose: Purpose, message: &[u8], signature: &[u8]) -> bool {
        self.keys().any(|key| mac(key, purpose, message).verify_slice(signature).is_ok())
    }

    /// What [`sign`](Self::sign) makes of this message with each of the keys, to look for what was written down under any of them.
    pub fn signatures<'a>(&'a self, purpose: Purpose, message: &'a [u8]) -> impl Iterator<Item = [u8; 32]> + 'a {
        self.keys().map(move |key| mac(key, purpose, message).finalize().into_bytes().into())
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// Decrypts what [`seal`](Self::seal) made for the same purpose and place, with whichever of the keys fits.
    ///
    /// # Errors
    ///
    /// Fails if none of the keys fits, or the value was changed or moved.
    pub fn open(&self, purpose: Purpose, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError)?;
        self.keys()
            .find_map(|key| {
                Aes256Gcm::new(&(*derive(key, purpose)).into()).decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: place }).ok()
            })
            .map(Zeroizing::new)
            .ok_or(OpenError)
    }
}

fn mac(key: &[u8; 32], purpose: Purpose, message: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    // A key is filled up with zeros to a block of the hash (RFC 2104, section 2).
    block[..32].copy_from_slice(derive(key, purpose).as_slice());
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    mac.update(message);
    mac
}

fn derive(key: &[u8; 32], purpose: Purpose) -> Key {
    let mut derived = Zeroizing::new([0; 32]);
    // HKDF can only refuse to fill more than 8,160 bytes.
    let filled = Hkdf::<Sha256>::new(Some(b"saas"), key).expand(purpose.0.as_bytes(), derived.as_mut_slice());
    debug_assert!(filled.is_ok());
    derived
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut keys = text.split(',').map(|key| {
            let bytes = Zeroizing::new(STANDARD.decode(key.trim()).map_err(|_| MasterKeyError)?);
            bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| MasterKeyError)
        });
        let current = keys.next().ok_or(MasterKeyError)??;
        Ok(Self { current, older: keys.collect::<Result<_, _>>()? })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// The text is no master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 random bytes in base64; several are separated by commas (make one with `openssl rand -base64 32`)")]
pub struct MasterKeyError;

/// A sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value was sealed with another key, for another purpose or place, or it was changed")]
pub struct OpenError;

#[cfg(test)]
mod tests {
    use super::*;

    const A: Purpose = Purpose::new("a");
    const B: Purpose = Purpose::new("b");

    #[test]
    fn a_sealed_value_opens_only_for_its_purpose_and_place() {
        let keys = MasterKey::generate();
        let sealed = keys.seal(A, b"here", b"x");
        assert_eq!(keys.open(A, b"here", &sealed).unwrap().as_slice(), b"x");
        assert_eq!(keys.open(B, b"here", &sealed), Err(OpenError));
        assert_eq!(keys.open(A, b"there", &sealed), Err(OpenError));
        assert_eq!(keys.open(A, b"here", &sealed[..sealed.len() - 1]), Err(OpenError));
        assert_eq!(keys.open(A, b"here", b""), Err(OpenError));
    }

    /// ASVS 11.3.2.
    #[test]
    fn a_sealed_value_that_differs_in_one_place_does_not_open() {
        let keys = MasterKey::generate();
        let (plain, sealed) = (b"a secret of some length", keys.seal(A, b"here", b"a secret of some length"));
        assert_eq!(sealed.len(), NONCE_BYTES + plain.len() + 16);
        assert!(!sealed.windows(8).any(|part| plain.windows(8).any(|it| it == part)), "it cannot be read");
        assert_ne!(sealed, keys.seal(A, b"here", plain), "nor compared");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(keys.open(A, b"here", &changed), Err(OpenError), "{place}");
        }
    }

    #[test]
    fn a_rotated_key_still_opens_what_the_old_one_sealed() {
        let old = MasterKey::generate();
        let sealed = old.seal(A, b"", b"x");
        let new = MasterKey::generate();
        assert!(new.open(A, b"", &sealed).is_err());
        let both: MasterKey = format!("{},{}", *new.text(), *old.text()).parse().unwrap();
        assert_eq!(both.open(A, b"", &sealed).unwrap().as_slice(), b"x");
        assert!(old.open(A, b"", &both.seal(A, b"", b"y")).is_err(), "the first key encrypts");
    }

    #[test]
    fn a_signature_holds_for_its_purpose_and_message_also_after_a_rotation() {
        let old = MasterKey::generate();
        let signature = old.sign(A, b"x");
        let new: MasterKey = format!("{},{}", *MasterKey::generate().text(), *old.text()).parse().unwrap();
        assert!(new.signed(A, b"x", &signature));
        assert!(!new.signed(B, b"x", &signature));
        assert!(!new.signed(A, b"y", &signature));
        assert!(!new.signed(A, b"x", &signature[..31]));
        assert!(!MasterKey::generate().signed(A, b"x", &signature));
    }

    #[test]
    fn a_malformed_key_is_refused() {
        for text in ["", "abc", "AAAA", &STANDARD.encode([0; 31])] {
            assert_eq!(text.parse::<MasterKey>().err(), Some(MasterKeyError));
        }
    }
}

//! A message that its browser alone can read (RFC 8291), in one record of the coding `aes128gcm` (RFC 8188).

use aes_gcm::{Aes128Gcm, KeyInit as _, Nonce, aead::Aead as _};
use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, PrivateKey, UnparsedPublicKey, agree};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// What a request calls the coding of its body.
pub(super) const CODING: &str = "aes128gcm";

/// A point of the curve P-256, uncompressed.
pub(super) const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;
const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// What a push service takes at least (RFC 8030, section 7.2), and the size of the one record.
const BODY_BYTES: usize = 4096;
const RECORD_SIZE: [u8; 4] = [0, 0, 0x10, 0];

/// Says that a record is the last one.
const LAST: u8 = 2;

/// How long what is said may be: what is left of a body for it beside salt, size, key, its length, the mark of the last record and the tag.
pub(super) const MOST_BYTES: usize = BODY_BYTES - (SALT_BYTES + RECORD_SIZE.len() + 1 + POINT_BYTES) - 1 - TAG_BYTES;

/// What a browser reads its messages with, as far as others may know it.
pub(super) struct BrowserKeys {
    point: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; AUTH_BYTES]>,
}

/// The message could not be encrypted: it is too long, or the browser's key is none.
#[derive(Debug, thiserror::Error)]
#[error("the message cannot be encrypted for its browser")]
pub(super) struct NotEncrypted;

impl BrowserKeys {
    /// A point of the curve, and a secret.
    pub(super) fn of(point: &[u8], auth: &[u8]) -> Option<Self> {
        let (point, auth): ([u8; POINT_BYTES], _) = (point.try_into().ok()?, Zeroizing::new(auth.try_into().ok()?));
        // Nobody else's parser has to be trusted with what is no point.
        ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, point.as_slice())).ok()?;
        (point[0] == UNCOMPRESSED).then_some(Self { point, auth })
    }

    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    pub(super) fn auth(&self) -> &[u8] {
        self.auth.as_slice()
    }

    /// The body of a request that says this, with a key pair and a salt that nothing else is said with.
    pub(super) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, NotEncrypted> {
        let own = PrivateKey::generate(&ECDH_P256).map_err(|_| NotEncrypted)?;
        self.encrypt_with(&own, &rand::random(), plain)
    }

    fn encrypt_with(&self, own: &PrivateKey, salt: &[u8; SALT_BYTES], plain: &[u8]) -> Result<Vec<u8>, NotEncrypted> {
        if plain.len() > MOST_BYTES {
            return Err(NotEncrypted);
        }
        let own_point = own.compute_public_key().map_err(|_| NotEncrypted)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, self.point.as_slice());
        // Section 3.4: the secret that both have, bound to both of their keys.
        let info = [b"WebPush: info\0".as_slice(), &self.point, own_point.as_ref()].concat();
        let shared: Zeroizing<[u8; 32]> = agree(own, peer, NotEncrypted, |secret| expand(self.auth.as_slice(), secret, &info))?;
        let key: Zeroizing<[u8; 16]> = expand(salt, shared.as_slice(), b"Content-Encoding: aes128gcm\0")?;
        let nonce: Zeroizing<[u8; 12]> = expand(salt, shared.as_slice(), b"Content-Encoding: nonce\0")?;
        let record = Zeroizing::new([plain, &[LAST]].concat());
        let sealed = Aes128Gcm::new(&(*key).into()).encrypt(&Nonce::from(*nonce), record.as_slice()).map_err(|_| NotEncrypted)?;
        let length = u8::try_from(POINT_BYTES).map_err(|_| NotEncrypted)?;
        Ok([salt.as_slice(), &RECORD_SIZE, &[length], own_point.as_ref(), &sealed].concat())
    }
}

/// HKDF with SHA-256 (RFC 5869).
fn expand<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; N]>, NotEncrypted> {
    let mut derived = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(Some(salt), secret).expand(info, derived.as_mut_slice()).map_err(|_| NotEncrypted)?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    const PLAIN: &str = "When I grow up, I want to be a watermelon";
    const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn decode(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out_as_it_stands_there() {
        let keys = BrowserKeys::of(&decode(POINT), &decode(AUTH)).unwrap();
        let own = PrivateKey::from_private_key(&ECDH_P256, &decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = decode("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let body = keys.encrypt_with(&own, &salt, PLAIN.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(body), BODY);
    }

    #[test]
    fn a_message_is_never_longer_than_a_push_service_takes() {
        let keys = BrowserKeys::of(&decode(POINT), &decode(AUTH)).unwrap();
        assert_eq!(keys.encrypt(&[b'x'; MOST_BYTES]).unwrap().len(), BODY_BYTES);
        assert!(keys.encrypt(&[b'x'; MOST_BYTES + 1]).is_err());
        assert_ne!(keys.encrypt(b"x").unwrap(), keys.encrypt(b"x").unwrap(), "each with a key of its own");
    }

    #[test]
    fn what_is_no_point_or_no_secret_is_no_key() {
        let (point, auth) = (decode(POINT), decode(AUTH));
        let (mut elsewhere, mut short) = (point.clone(), point.clone());
        elsewhere[64] ^= 1;
        short.pop();
        for point in [elsewhere, short, vec![0; POINT_BYTES], Vec::new()] {
            assert!(BrowserKeys::of(&point, &auth).is_none(), "{point:?}");
        }
        for auth in [&auth[1..], &[]] {
            assert!(BrowserKeys::of(&point, auth).is_none(), "{auth:?}");
        }
    }
}

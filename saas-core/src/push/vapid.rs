//! Who sends a message (RFC 8292): a key of the program's, which a browser is told when it is asked, and which signs what goes to its push service.

use std::fmt;

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;
use serde_json::json;
use url::Url;

use super::encryption::POINT_BYTES;
use crate::{MasterKey, Purpose};

const PURPOSE: Purpose = Purpose::new("push messages");

/// How long what is signed is good for; a push service takes a day at most.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);

/// A key pair of one master key.
pub(super) struct Vapid {
    pair: EcdsaKeyPair,
    point: [u8; POINT_BYTES],
}

impl Vapid {
    /// Of each master key its own, the current one first. A browser knows the one that it was asked with, so older ones go on signing for it.
    pub(super) fn each(keys: &MasterKey) -> Vec<Self> {
        let masters = keys.signatures(PURPOSE, &[0]).count();
        // What is drawn is no number of the curve once in four billion times; then the next one is.
        let of = |master| (0..=u8::MAX).find_map(|number| Self::new(&keys.signatures(PURPOSE, &[number]).nth(master)?));
        (0..masters).filter_map(of).collect()
    }

    fn new(secret: &[u8; 32]) -> Option<Self> {
        let key = PrivateKey::from_private_key(&ECDH_P256, secret).ok()?;
        let point: [u8; POINT_BYTES] = key.compute_public_key().ok()?.as_ref().try_into().ok()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, secret, &point).ok()?;
        Some(Self { pair, point })
    }

    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    /// What browsers are asked with.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.point)
    }

    /// What goes along with a message to this push service: that it comes from us, whom they can reach there.
    pub(super) fn authorization(&self, service: &Url, from: &Url, now: DateTime<Utc>) -> Option<HeaderValue> {
        let claims = json!({
            "aud": service.origin().ascii_serialization(),
            "exp": (now + GOOD_FOR).timestamp(),
            "sub": from.as_str(),
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(json!({ "typ": "JWT", "alg": "ES256" })), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).ok()?;
        let text = format!("vapid t={message}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.text());
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_master_key_brings_another_key_and_keeps_the_old_one() {
        let old = MasterKey::generate();
        let new: MasterKey = format!("{},{}", *MasterKey::generate().text(), *old.text()).parse().unwrap();
        let (before, after) = (Vapid::each(&old), Vapid::each(&new));
        assert_eq!((before.len(), after.len()), (1, 2));
        assert_ne!(before[0].point(), after[0].point());
        assert_eq!(before[0].point(), after[1].point());
        assert_eq!(before[0].point(), Vapid::each(&old)[0].point(), "it is the same on each node");
    }
}

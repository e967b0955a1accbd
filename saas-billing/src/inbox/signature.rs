//! Whether the gateway signed these bytes (<https://docs.stripe.com/webhooks#verify-manually>).

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderValue;
use saas_core::Secret;
use sha2::{Digest as _, Sha256};

/// How far the gateway's clock and ours may be apart.
const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

/// A header is a time and a signature, or some while secrets change. Longer ones are nobody's.
const LONGEST: usize = 4_096;

/// Why bytes do not count as signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no header.
    #[error("there is no signature")]
    Missing,
    /// The header is no signature.
    #[error("the signature cannot be read")]
    Unreadable,
    /// It was made too long ago, or is not yet made.
    #[error("the signature is of another time")]
    Time,
    /// No secret of ours makes it.
    #[error("the signature is of another secret or another body")]
    Wrong,
}

/// Whether one of the signatures is one of the secrets', over these very bytes and within the tolerance.
pub(super) fn check(header: Option<&HeaderValue>, body: &[u8], secrets: &[Secret], now: DateTime<Utc>) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let text = header.to_str().ok().filter(|text| text.len() <= LONGEST).ok_or(SignatureError::Unreadable)?;
    let parts: Vec<_> = text.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let mut times = parts.iter().filter(|(name, _)| *name == "t").map(|(_, value)| *value);
    let (Some(time), None) = (times.next(), times.next()) else { return Err(SignatureError::Unreadable) };
    let at = time.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(SignatureError::Unreadable)?;
    let signatures: Vec<_> = parts.iter().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| bytes(value)).collect();
    if signatures.is_empty() {
        return Err(SignatureError::Unreadable);
    }
    let is_ours = secrets.iter().any(|secret| {
        let mac = mac(secret, time, body);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    });
    if !is_ours {
        return Err(SignatureError::Wrong);
    }
    if (now - at).abs() > TOLERANCE {
        return Err(SignatureError::Time);
    }
    Ok(())
}

/// HMAC takes a key of one block; a longer one is hashed (RFC 2104, section 2).
fn mac(secret: &Secret, time: &str, body: &[u8]) -> Hmac<Sha256> {
    let secret = secret.expose().as_bytes();
    let mut block = [0; 64];
    match block.get_mut(..secret.len()) {
        Some(start) => start.copy_from_slice(secret),
        None => block[..32].copy_from_slice(&Sha256::digest(secret)),
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

/// 32 bytes in hexadecimal.
fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

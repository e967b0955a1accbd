//! Tokens that are signed with a key on the curve P-256 (RFC 7518, section 3.4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::DecodePrivateKey as _,
};
use serde_json::{Value, json};

/// A key that signs.
#[derive(Clone)]
pub(super) struct Es256(SigningKey);

impl Es256 {
    /// Reads a key in PKCS #8, as PEM.
    pub(super) fn from_pem(pem: &str) -> Option<Self> {
        SigningKey::from_pkcs8_pem(pem).ok().map(Self)
    }

    /// A signed token with these claims.
    pub(super) fn sign(&self, key_id: &str, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": key_id, "typ": "JWT" })), part(claims));
        let signature: Signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

#[cfg(feature = "dev-oidc")]
impl Es256 {
    /// A new key.
    pub(super) fn generate() -> Self {
        loop {
            // All but one of 2³² are below the order of the curve.
            if let Ok(key) = SigningKey::from_slice(&rand::random::<[u8; 32]>()) {
                return Self(key);
            }
        }
    }

    /// Its public half (RFC 7517).
    pub(super) fn public(&self, key_id: &str) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let (x, y) = (point.x().map(|x| URL_SAFE_NO_PAD.encode(x)), point.y().map(|y| URL_SAFE_NO_PAD.encode(y)));
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key_id, "x": x, "y": y })
    }
}

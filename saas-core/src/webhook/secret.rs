use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::EndpointId;
use crate::{MasterKey, OpenError, Purpose, Secret, TenantId};

const PURPOSE: Purpose = Purpose::new("webhook secrets");

/// What the deliveries to one endpoint are signed with: 24 to 64 bytes (Standard Webhooks, "signature scheme"); ours have 32.
pub(super) struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    pub(super) fn generate() -> Self {
        Self(Zeroizing::new(rand::random::<[u8; 32]>().to_vec()))
    }

    /// As its receiver configures it.
    pub(super) fn text(&self) -> Secret {
        Secret::new(format!("whsec_{}", STANDARD.encode(self.0.as_slice())))
    }

    /// Reads what [`text`](Self::text) writes.
    #[cfg(test)]
    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then(|| Self(Zeroizing::new(bytes)))
    }

    /// One entry of the header `webhook-signature`. `timestamp` is in seconds since 1970.
    pub(super) fn sign(&self, message: &str, timestamp: i64, body: &[u8]) -> String {
        let mut block = Zeroizing::new([0; 64]);
        // A key is filled up with zeros to a block of the hash (RFC 2104, section 2); none is longer.
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(format!("{message}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    pub(super) fn seal(&self, keys: &MasterKey, tenant: TenantId, endpoint: EndpointId, id: Uuid) -> Vec<u8> {
        keys.seal(PURPOSE, &place(tenant, endpoint, id), &self.0)
    }

    pub(super) fn open(keys: &MasterKey, tenant: TenantId, endpoint: EndpointId, id: Uuid, sealed: &[u8]) -> Result<Self, OpenError> {
        keys.open(PURPOSE, &place(tenant, endpoint, id), sealed).map(Self)
    }
}

/// Where it is stored: moved to another tenant, endpoint or row it does not open.
fn place(tenant: TenantId, endpoint: EndpointId, id: Uuid) -> Vec<u8> {
    format!("{tenant}/webhook_secret/sealed/{endpoint}/{id}").into_bytes()
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Topic 1: the example that the libraries of Standard Webhooks test themselves with.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_written_as_it_is_read() {
        let secret = SigningSecret::generate();
        let text = secret.text();
        assert_eq!(SigningSecret::parse(text.expose()).unwrap().0, secret.0);
        assert_eq!(format!("{secret:?}"), "[hidden]");
    }

    /// Topic 1 (secrets encrypted at rest), topic 20, T77
    #[test]
    fn a_sealed_secret_opens_nowhere_but_in_its_row() {
        let keys = MasterKey::generate();
        let (tenant, endpoint, id) = (TenantId::new(), EndpointId::new(), Uuid::now_v7());
        let secret = SigningSecret::generate();
        let sealed = secret.seal(&keys, tenant, endpoint, id);
        assert!(!sealed.windows(8).any(|part| secret.0.windows(8).any(|plain| plain == part)));
        assert_eq!(SigningSecret::open(&keys, tenant, endpoint, id, &sealed).unwrap().0, secret.0);
        assert!(SigningSecret::open(&keys, TenantId::new(), endpoint, id, &sealed).is_err());
        assert!(SigningSecret::open(&keys, tenant, EndpointId::new(), id, &sealed).is_err());
        assert!(SigningSecret::open(&keys, tenant, endpoint, Uuid::now_v7(), &sealed).is_err());
        assert!(SigningSecret::open(&MasterKey::generate(), tenant, endpoint, id, &sealed).is_err());
    }
}

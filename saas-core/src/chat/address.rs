use std::fmt;

use url::Url;
use zeroize::Zeroizing;

use super::ChatChannelId;
use crate::{MasterKey, Outbound, Purpose, TenantId};

const PURPOSE: Purpose = Purpose::new("chat addresses");

/// Where a chat takes messages. Whoever knows it can write there.
pub(super) struct Address(Url);

/// What was sealed is no address any more: the key is another, or the row was moved.
#[derive(Debug, thiserror::Error)]
#[error("the address cannot be read")]
pub(super) struct Unreadable;

impl Address {
    /// What somebody typed, if it may be called.
    pub(super) fn parse(text: &str, outbound: &Outbound) -> Option<Self> {
        let text = text.trim();
        let url = Url::parse(text).ok().filter(|url| text.len() <= 2000 && outbound.check(url).is_ok())?;
        Some(Self(url))
    }

    /// What of it is no secret.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn seal(&self, keys: &MasterKey, tenant: TenantId, channel: ChatChannelId) -> Vec<u8> {
        keys.seal(PURPOSE, &place(tenant, channel), self.0.as_str().as_bytes())
    }

    pub(super) fn open(keys: &MasterKey, tenant: TenantId, channel: ChatChannelId, sealed: &[u8]) -> Result<Self, Unreadable> {
        let plain: Zeroizing<Vec<u8>> = keys.open(PURPOSE, &place(tenant, channel), sealed).map_err(|_| Unreadable)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Unreadable)?;
        Url::parse(text).map(Self).map_err(|_| Unreadable)
    }
}

/// Where it is stored: moved to another tenant or channel it does not open.
fn place(tenant: TenantId, channel: ChatChannelId) -> Vec<u8> {
    format!("{tenant}/chat_channel/sealed/{channel}").into_bytes()
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutboundPolicy;

    /// Topic 20, T77
    #[test]
    fn a_sealed_address_opens_nowhere_but_in_its_row() {
        let outbound = Outbound::new(OutboundPolicy::public()).unwrap();
        let (keys, tenant, channel) = (MasterKey::generate(), TenantId::new(), ChatChannelId::new());
        let address = Address::parse(" https://hooks.example.com/services/T0/B0/hush ", &outbound).unwrap();
        assert_eq!((address.host(), format!("{address:?}").as_str()), ("hooks.example.com", "[hidden]"));
        let sealed = address.seal(&keys, tenant, channel);
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
        assert_eq!(Address::open(&keys, tenant, channel, &sealed).unwrap().url(), address.url());
        assert!(Address::open(&keys, TenantId::new(), channel, &sealed).is_err());
        assert!(Address::open(&keys, tenant, ChatChannelId::new(), &sealed).is_err());
        assert!(Address::open(&MasterKey::generate(), tenant, channel, &sealed).is_err());
    }
}

use std::{fmt, net::IpAddr};

use sha2::{Digest as _, Sha256};

use crate::{AgentId, ClientAddress, KeyId, TenantId, UserId};

/// Whose requests are counted together.
///
/// What belongs to a tenant carries its id, so that no key of one can be another's. All parts are ids, numbers and hashes that print
/// themselves: nothing that a client writes gets into a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A client's network.
    Address(Network),
    /// An account that somebody says is theirs.
    Claimed(Claimed),
    /// A person, whatever tenant they work in.
    Person(UserId),
    /// An API key of a tenant.
    ApiKey {
        /// The tenant.
        tenant: TenantId,
        /// The key.
        key: KeyId,
    },
    /// A machine of a tenant.
    Agent {
        /// The tenant.
        tenant: TenantId,
        /// The machine.
        agent: AgentId,
    },
    /// A tenant, all its people and machines together.
    Tenant(TenantId),
}

impl Subject {
    /// Whether a client makes as many of them as it likes: by what it enters, or by what it has of addresses.
    pub(super) fn is_chosen(&self) -> bool {
        match self {
            Self::Address(_) | Self::Claimed(_) => true,
            Self::Person(_) | Self::ApiKey { .. } | Self::Agent { .. } | Self::Tenant(_) => false,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(network) => write!(f, "address:{network}"),
            Self::Claimed(claimed) => write!(f, "claimed:{claimed}"),
            Self::Person(user) => write!(f, "person:{user}"),
            Self::ApiKey { tenant, key } => write!(f, "key:{tenant}:{key}"),
            Self::Agent { tenant, agent } => write!(f, "agent:{tenant}:{agent}"),
            Self::Tenant(tenant) => write!(f, "tenant:{tenant}"),
        }
    }
}

/// What one client can choose its address from: one address of IPv4, a /64 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<ClientAddress> for Network {
    fn from(address: ClientAddress) -> Self {
        Self(match address.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// The hash of an e-mail address that somebody entered, in whatever letters they wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claimed([u8; 16]);

impl Claimed {
    /// Forgets the address.
    #[must_use]
    pub fn new(email: &str) -> Self {
        let hash = Sha256::digest(email.trim().to_lowercase());
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Self(short)
    }
}

impl fmt::Display for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is counted: whose requests, by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The rule's name; each counts for itself.
    pub rule: &'static str,
    /// Whose requests.
    pub subject: Subject,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.rule, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        ClientAddress(address.parse().unwrap()).into()
    }

    /// RL: IPv6 rotation.
    #[test]
    fn one_client_is_one_network() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
    }

    #[test]
    fn an_account_is_the_same_however_it_is_written() {
        assert_eq!(Claimed::new("Ada@Example.com "), Claimed::new("ada@example.com"));
        assert_ne!(Claimed::new("ada@example.com"), Claimed::new("bob@example.com"));
    }

    /// T73.
    #[test]
    fn two_tenants_share_no_key() {
        let (one, two, agent) = (TenantId::new(), TenantId::new(), AgentId::new());
        let key = |subject| Key { rule: "api", subject }.to_string();
        assert_ne!(key(Subject::Tenant(one)), key(Subject::Tenant(two)));
        assert_ne!(key(Subject::Agent { tenant: one, agent }), key(Subject::Agent { tenant: two, agent }));
        assert!(key(Subject::Agent { tenant: one, agent }).contains(&one.to_string()));
    }
}

//! From where a key may be used.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use saas_core::ClientAddress;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// Networks or single addresses, as people write them: `203.0.113.0/24, 2001:db8::7`. None means everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<String>)]
pub struct AllowedFrom(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        network(&text).map(Self)
    }
}

/// A text is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network, such as 203.0.113.7 or 203.0.113.0/24")]
pub struct NoNetwork;

fn network(text: &str) -> Result<IpNet, NoNetwork> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| NoNetwork)?;
    Ok(canonical(network).trunc())
}

/// An IPv4 address that is written as IPv6 is compared as what it is.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let Some((address, bits)) = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)) else { return network };
    IpNet::new(address.into(), bits).unwrap_or(network)
}

impl AllowedFrom {
    /// Reads what was entered, separated by commas, spaces or lines.
    ///
    /// # Errors
    ///
    /// Fails if a part is neither an address nor a network.
    pub fn parse(text: &str) -> Result<Self, NoNetwork> {
        let parts = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|part| !part.is_empty());
        parts.map(|part| network(part).map(Network)).collect::<Result<_, _>>().map(Self)
    }

    /// The networks.
    #[must_use]
    pub fn networks(&self) -> Vec<IpNet> {
        self.0.iter().map(|network| network.0).collect()
    }
}

impl From<Vec<IpNet>> for AllowedFrom {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks.into_iter().map(Network).collect())
    }
}

/// As it is entered, separated by commas.
impl fmt::Display for AllowedFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A single address without the length of its network.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Whether an address is on one of the networks; an empty list allows all, and an unknown address is on none.
pub(crate) fn is_allowed(networks: &[IpNet], address: Option<ClientAddress>) -> bool {
    networks.is_empty() || address.is_some_and(|ClientAddress(ip)| networks.iter().any(|network| network.contains(&ip)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_people_write_them() {
        let read = |text: &str| AllowedFrom::parse(text).map(|allowed| allowed.to_string());
        assert_eq!(read(""), Ok(String::new()));
        assert_eq!(read(" 203.0.113.9/24,2001:db8::7;\n10.0.0.1 "), Ok("203.0.113.0/24, 2001:db8::7, 10.0.0.1".to_owned()));
        assert_eq!(read("::ffff:10.0.0.1, ::ffff:10.1.2.3/112"), Ok("10.0.0.1, 10.1.0.0/16".to_owned()));
        for bad in ["10.0.0", "10.0.0.0/33", "example.com", "10.0.0.1/24/8"] {
            assert_eq!(read(bad), Err(NoNetwork), "{bad}");
        }
    }
}

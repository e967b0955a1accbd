//! From where an agent may come.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use utoipa::ToSchema;

/// Networks or single addresses, as people write them: `203.0.113.0/24, 2001:db8::7`. None means everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<String>)]
pub(super) struct AllowedFrom(Vec<Network>);

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
pub(super) struct NoNetwork;

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
    pub(super) fn parse(text: &str) -> Result<Self, NoNetwork> {
        let parts = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|part| !part.is_empty());
        parts.map(|part| network(part).map(Network)).collect::<Result<_, _>>().map(Self)
    }

    /// The networks.
    pub(super) fn networks(&self) -> Vec<IpNet> {
        self.0.iter().map(|network| network.0).collect()
    }
}

/// As it is entered and shown: a single address without the length of its network.
pub(super) fn shown(networks: &[IpNet]) -> String {
    let texts = networks.iter().map(|network| match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_people_write_them() {
        let read = |text: &str| AllowedFrom::parse(text).map(|allowed| shown(&allowed.networks()));
        assert_eq!(read(""), Ok(String::new()));
        assert_eq!(read(" 203.0.113.9/24,2001:db8::7;\n10.0.0.1 "), Ok("203.0.113.0/24, 2001:db8::7, 10.0.0.1".to_owned()));
        assert_eq!(read("::ffff:10.0.0.1, ::ffff:10.1.2.3/112"), Ok("10.0.0.1, 10.1.0.0/16".to_owned()));
        for bad in ["10.0.0", "10.0.0.0/33", "example.com", "10.0.0.1/24/8"] {
            assert_eq!(read(bad), Err(NoNetwork), "{bad}");
        }
    }
}

//! Which addresses may be swept.

use std::net::IpAddr;

use ipnet::IpNet;

/// The largest IPv4 network: a /16 has 65,534 hosts.
const SHORTEST_IPV4_PREFIX: u8 = 16;
/// The largest IPv6 network: a /120 has 256 addresses. A usual /64 cannot be swept in a lifetime.
const SHORTEST_IPV6_PREFIX: u8 = 120;
/// The most addresses in all networks together, which bounds the agent's memory.
const MAX_ADDRESSES: u64 = 4 * 65_536;
/// One each 30 seconds, unless somebody says otherwise.
const CHECKS_IN_AN_HOUR: u64 = 120;
/// More than a reading takes on disk, of whatever address.
const READING_BYTES: u64 = 128;
/// A small network's buffer, which costs nothing until it is used.
const LEAST_BUFFER_BYTES: u64 = 64 * 1024 * 1024;

/// The networks that an agent watches: sweepable, without host bits, none inside another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

/// A network that the agent refuses to sweep.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworksError {
    /// There is none.
    #[error("no network to watch: give at least one, as in --network 192.168.1.0/24")]
    None,
    /// An IPv4 network is larger than a /16.
    #[error("{0} is too large: an IPv4 network may be a /16 (65,534 hosts) at most; name the parts that are in use")]
    TooLarge(IpNet),
    /// An IPv6 network is larger than a /120.
    #[error("{0} cannot be swept: an IPv6 network may be a /120 (256 addresses) at most; name the addresses in use")]
    TooLargeV6(IpNet),
    /// All networks together are too many.
    #[error("the networks have {0} addresses together; an agent watches {MAX_ADDRESSES} at most")]
    TooMany(u64),
    /// No single host can have an address in there.
    #[error("{0} holds no addresses of hosts (multicast, reserved or unspecified)")]
    NoHosts(IpNet),
}

impl Networks {
    /// Accepts networks that can be swept in reasonable time.
    ///
    /// # Errors
    ///
    /// [`NetworksError`] names the network that cannot be swept, and why.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, NetworksError> {
        let mut kept: Vec<IpNet> = Vec::new();
        for network in networks {
            let network = network.trunc();
            check(network)?;
            if kept.iter().any(|other| other.contains(&network)) {
                continue;
            }
            kept.retain(|other| !network.contains(other));
            kept.push(network);
        }
        if kept.is_empty() {
            return Err(NetworksError::None);
        }
        let total = total(&kept);
        if total > MAX_ADDRESSES {
            return Err(NetworksError::TooMany(total));
        }
        Ok(Self(kept))
    }

    /// The networks.
    #[must_use]
    pub fn as_slice(&self) -> &[IpNet] {
        &self.0
    }

    /// The room on disk that an hour of readings takes at most, if every address is a device: the default of the buffer.
    #[must_use]
    pub fn buffer_bytes(&self) -> u64 {
        (total(&self.0) * CHECKS_IN_AN_HOUR * READING_BYTES).max(LEAST_BUFFER_BYTES)
    }

    /// Whether an address is a host of one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| is_host(*network, address))
    }
}

/// The addresses of a network that a host can have: never the network's own or the broadcast address, except in a /31,
/// where both are hosts (RFC 3021), and a /32; in IPv6 never the subnet-router anycast address (RFC 4291, 2.6.1), except
/// in a /127 (RFC 6164) and a /128.
pub(super) fn hosts(network: IpNet) -> impl Iterator<Item = IpAddr> {
    network.hosts().filter(move |address| is_host(network, *address))
}

fn is_host(network: IpNet, address: IpAddr) -> bool {
    if !network.contains(&address) {
        return false;
    }
    match network {
        IpNet::V4(net) => net.prefix_len() >= 31 || (address != net.network() && address != net.broadcast()),
        IpNet::V6(net) => net.prefix_len() >= 127 || address != net.network(),
    }
}

fn total(networks: &[IpNet]) -> u64 {
    networks.iter().map(|network| addresses(*network)).sum()
}

fn addresses(network: IpNet) -> u64 {
    let free_bits = network.max_prefix_len() - network.prefix_len();
    1_u64 << free_bits.min(63)
}

fn check(network: IpNet) -> Result<(), NetworksError> {
    let address = network.addr();
    let reserved = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.octets()[0] >= 224,
        IpAddr::V6(_) => false,
    };
    if reserved || address.is_multicast() || address.is_unspecified() {
        return Err(NetworksError::NoHosts(network));
    }
    match network {
        IpNet::V4(net) if net.prefix_len() < SHORTEST_IPV4_PREFIX => Err(NetworksError::TooLarge(network)),
        IpNet::V6(net) if net.prefix_len() < SHORTEST_IPV6_PREFIX => Err(NetworksError::TooLargeV6(network)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Result<Networks, NetworksError> {
        Networks::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    fn all(text: &str) -> Vec<IpAddr> {
        hosts(text.parse().unwrap()).collect()
    }

    #[test]
    fn the_network_and_broadcast_addresses_are_no_hosts() {
        let hosts = all("10.7.0.0/24");
        assert_eq!(hosts.len(), 254);
        assert_eq!(hosts.first().unwrap().to_string(), "10.7.0.1");
        assert_eq!(hosts.last().unwrap().to_string(), "10.7.0.254");
        let networks = networks(&["10.7.0.0/24"]).unwrap();
        assert!(!networks.contains("10.7.0.255".parse().unwrap()));
        assert!(networks.contains("10.7.0.9".parse().unwrap()));
    }

    #[test]
    fn a_point_to_point_network_has_two_hosts_and_a_single_address_one() {
        assert_eq!(all("10.7.0.0/31").len(), 2);
        assert_eq!(all("10.7.0.9/32").len(), 1);
        assert_eq!(all("2001:db8::/127").len(), 2);
        assert_eq!(all("2001:db8::/126").len(), 3);
    }

    #[test]
    fn a_network_larger_than_a_slash_16_is_refused() {
        assert!(matches!(networks(&["10.0.0.0/15"]), Err(NetworksError::TooLarge(_))));
        assert_eq!(all("10.7.0.0/16").len(), 65_534);
    }

    #[test]
    fn an_ipv6_network_is_refused_unless_it_is_small() {
        assert!(matches!(networks(&["2001:db8::/64"]), Err(NetworksError::TooLargeV6(_))));
        assert!(networks(&["2001:db8::/120"]).is_ok());
    }

    #[test]
    fn networks_without_hosts_are_refused() {
        for text in ["224.0.0.0/24", "0.0.0.0/16", "255.255.255.255/32", "ff02::/120", "::/128"] {
            assert!(matches!(networks(&[text]), Err(NetworksError::NoHosts(_))), "{text} was accepted");
        }
        assert!(matches!(networks(&[]), Err(NetworksError::None)));
    }

    #[test]
    fn a_network_inside_another_is_swept_once() {
        let kept = networks(&["10.7.3.0/24", "10.7.0.9/16", "10.7.4.0/24"]).unwrap();
        assert_eq!(kept.as_slice(), &["10.7.0.0/16".parse::<IpNet>().unwrap()]);
    }

    #[test]
    fn too_many_addresses_together_are_refused() {
        let texts = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"];
        assert!(matches!(networks(&texts), Err(NetworksError::TooMany(327_680))));
    }
}

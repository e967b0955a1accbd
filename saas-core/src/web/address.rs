use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::{HeaderMap, request::Parts};
use ipnet::IpNet;

use crate::{Declares, Problem};

/// The address of the client, as far as it can be trusted.
///
/// # Security
///
/// `X-Forwarded-For` is read from the right, past the proxies that the configuration names; the first address that is none of them is the
/// client. What stands left of it was written by the client and means nothing. With no proxies configured the header is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub(super) fn of(parts: &Parts, trusted: &[IpNet]) -> Option<Self> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
        Some(Self(behind_proxies(peer, &parts.headers, trusted)))
    }
}

fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut client = peer;
    let hops: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        // A hop that cannot be read ends what can be believed.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
    }
    client
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| Problem::missing_layer("finish, or the peer's address"))
    }
}

impl Declares for ClientAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        behind_proxies(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
        assert_eq!(client("198.51.100.7", &["203.0.113.9"], &[]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        let spoofed = ["127.0.0.1, 1.1.1.1, 203.0.113.9, 10.0.0.2"];
        assert_eq!(client("10.0.0.1", &spoofed, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, garbage"], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn a_mapped_address_is_the_address_that_it_maps() {
        assert_eq!(client("10.0.0.1", &["::ffff:203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
    }
}

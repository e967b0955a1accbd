use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Who may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundPolicy {
    allow: Vec<IpNet>,
    deny: Vec<IpAddr>,
    /// None: all of them.
    ports: Option<Vec<u16>>,
    plain_http: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// What of IPv4 is not the public Internet (IANA's registry of special-purpose addresses, and what is reserved).
const NOT_PUBLIC_V4: &[Ipv4Net] = &[
    v4(0, 0, 0, 0, 8),       // this network
    v4(10, 0, 0, 0, 8),      // private (RFC 1918)
    v4(100, 64, 0, 0, 10),   // shared by a carrier's customers (RFC 6598)
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local, with the metadata services of clouds
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments (RFC 6890)
    v4(192, 0, 2, 0, 24),    // documentation (RFC 5737)
    v4(192, 88, 99, 0, 24),  // 6to4 relays (RFC 7526)
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks (RFC 2544)
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// Public addresses of IPv6 begin here. NAT64, unique local, link-local, site-local, multicast, discard and segment routing lie elsewhere.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What of it is not public.
const NOT_PUBLIC_V6: &[Ipv6Net] = &[
    v6(0x2001, 0, 23),      // protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
    v6(0x2001, 0x0db8, 32), // documentation (RFC 3849)
    v6(0x2002, 0, 16),      // 6to4, which holds an IPv4 address (RFC 3056)
    v6(0x3fff, 0, 20),      // documentation (RFC 9637)
];

impl OutboundPolicy {
    /// The public Internet over https, on ports 443 and 8443.
    #[must_use]
    pub fn public() -> Self {
        Self { allow: Vec::new(), deny: Vec::new(), ports: Some(vec![443, 8443]), plain_http: false }
    }

    /// The public Internet and this very machine, over http too and on all ports: for development and tests.
    #[must_use]
    pub fn local() -> Self {
        let loopback = [v4(127, 0, 0, 0, 8).into(), Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into()];
        Self { allow: loopback.to_vec(), deny: Vec::new(), ports: None, plain_http: true }
    }

    /// Permits a network that is not public as well.
    #[must_use]
    pub fn allow(mut self, network: IpNet) -> Self {
        self.allow.push(network);
        self
    }

    /// Forbids an address that is public, such as the program's own. A network that is [allowed](Self::allow) stays so.
    #[must_use]
    pub fn deny(mut self, address: IpAddr) -> Self {
        self.deny.push(address.to_canonical());
        self
    }

    /// Forbids the program's own address: where it listens, or where this machine is reached if it listens everywhere.
    #[must_use]
    pub fn deny_own(self, listener: SocketAddr) -> Self {
        if !listener.ip().is_unspecified() {
            return self.deny(listener.ip());
        }
        // Which address of ours leads outside; nothing is sent to these (TEST-NET-1, and a documentation network).
        let outside: [(SocketAddr, SocketAddr); 2] = [
            (SocketAddr::from(([0; 4], 0)), SocketAddr::from(([192, 0, 2, 1], 9))),
            (SocketAddr::from(([0; 8], 0)), SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9))),
        ];
        outside.into_iter().fold(self, |policy, (any, there)| {
            let own = UdpSocket::bind(any).and_then(|socket| socket.connect(there).and_then(|()| socket.local_addr()));
            own.map_or(policy.clone(), |own| policy.deny(own.ip()))
        })
    }

    /// Permits these ports and no others.
    #[must_use]
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = Some(ports.into_iter().collect());
        self
    }

    /// Permits all ports.
    #[must_use]
    pub fn any_port(mut self) -> Self {
        self.ports = None;
        self
    }

    /// Permits http, which shows what is sent to everybody on the way.
    #[must_use]
    pub fn plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Whether this address may be called.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|network| network.contains(&address)) || (is_public(address) && !self.deny.contains(&address))
    }

    pub(super) fn permits_port(&self, port: u16) -> bool {
        self.ports.as_ref().is_none_or(|ports| ports.contains(&port))
    }

    pub(super) fn is_plain_http_allowed(&self) -> bool {
        self.plain_http
    }
}

impl Default for OutboundPolicy {
    fn default() -> Self {
        Self::public()
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address)),
    }
}

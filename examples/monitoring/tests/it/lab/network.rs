//! A /24 of real hosts in Linux network namespaces.
//!
//! One namespace for the agent, with a bridge, and one for each kind of host, whose thirty addresses stand on one end of a
//! veth pair. What a kind drops is dropped by policy routing (`ip rule … ipproto … blackhole`), which needs neither nft nor
//! iptables; ARP is not routed, and so always answered.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::thread::{CapabilitySet, LinkNameSpaceType, capabilities, move_into_link_name_space};
use tokio::task::JoinSet;

/// Hosts of each kind.
pub(crate) const PLANTED: u8 = 30;

static LABS: AtomicU32 = AtomicU32::new(0);

/// How a host answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// ICMP only: TCP is dropped.
    Icmp,
    /// TCP only: ICMP is dropped. Port 22 is open.
    Tcp,
    /// Everything but ARP is dropped.
    Arp,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Icmp, Self::Tcp, Self::Arp];

    fn letter(self) -> char {
        match self {
            Self::Icmp => 'i',
            Self::Tcp => 't',
            Self::Arp => 'r',
        }
    }

    fn dropped(self) -> &'static [&'static str] {
        match self {
            Self::Icmp => &["tcp", "udp"],
            Self::Tcp => &["icmp"],
            Self::Arp => &["tcp", "udp", "icmp"],
        }
    }

    /// The planted addresses, spread over the network.
    pub(crate) fn addresses(self) -> BTreeSet<IpAddr> {
        let first = match self {
            Self::Icmp => 1,
            Self::Tcp => 2,
            Self::Arp => 3,
        };
        (0..PLANTED).map(|number| IpAddr::from([10, 7, 0, first + 8 * number])).collect()
    }
}

/// The namespaces, which are removed when it is dropped.
pub(crate) struct Lab {
    name: String,
    /// What accepts on the open port of the hosts of kind TCP.
    services: JoinSet<()>,
}

impl Lab {
    pub(crate) const NETWORK: &str = "10.7.0.0/24";
    /// The agent's own address, which answers like any host.
    pub(crate) const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 254));

    /// Builds the network, or nothing where this process may not: loopback has to do then, and `tests/run` says so. Whoever may and cannot is
    /// told what is missing.
    pub(crate) fn where_permitted() -> Option<Self> {
        let may = CapabilitySet::NET_ADMIN | CapabilitySet::SYS_ADMIN;
        if !capabilities(None).unwrap().effective.contains(may) {
            return None;
        }
        Some(Self::build().unwrap_or_else(|error| panic!("no network namespaces, with all rights to them (iproute2 is needed): {error}")))
    }

    fn build() -> io::Result<Self> {
        let name = format!("mon{}x{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        remove_leftovers();
        let mut lab = Self { name, services: JoinSet::new() };
        lab.raise()?;
        Ok(lab)
    }

    /// The namespace of the agent.
    pub(crate) fn agent(&self) -> String {
        format!("{}a", self.name)
    }

    /// Binds a port in the agent's namespace, where a server of the test then listens.
    pub(crate) fn listen(&self, address: SocketAddr) -> TcpListener {
        listen_in(&self.agent(), address).unwrap()
    }

    /// Pulls or plugs the cable of all hosts of a kind.
    pub(crate) fn plug(&self, kind: Kind, plugged: bool) {
        let port = format!("p{}", kind.letter());
        ip(&["-n", &self.agent(), "link", "set", &port, if plugged { "up" } else { "down" }]).unwrap();
    }

    /// Makes the agent's kernel ask its neighbours again every few seconds instead of every half minute.
    pub(crate) fn hurry_arp(&self) {
        let set = "echo 2000 > /proc/sys/net/ipv4/neigh/br0/base_reachable_time_ms; \
                   echo 1 > /proc/sys/net/ipv4/neigh/br0/delay_first_probe_time";
        ip(&["netns", "exec", &self.agent(), "sh", "-c", set]).unwrap();
    }

    fn raise(&mut self) -> io::Result<()> {
        let agent = self.agent();
        ip(&["netns", "add", &agent])?;
        ip(&["-n", &agent, "link", "set", "lo", "up"])?;
        ip(&["-n", &agent, "link", "add", "br0", "type", "bridge"])?;
        ip(&["-n", &agent, "addr", "add", "10.7.0.254/24", "dev", "br0"])?;
        ip(&["-n", &agent, "link", "set", "br0", "up"])?;
        for kind in Kind::ALL {
            let hosts = self.hosts(kind);
            let port = format!("p{}", kind.letter());
            ip(&["netns", "add", &hosts])?;
            ip(&["-n", &agent, "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &hosts])?;
            ip(&["-n", &agent, "link", "set", &port, "master", "br0", "up"])?;
            ip(&["-n", &hosts, "link", "set", "eth0", "up"])?;
            for address in kind.addresses() {
                ip(&["-n", &hosts, "addr", "add", &format!("{address}/24"), "dev", "eth0"])?;
            }
            // The table of local addresses is asked first by default: make room for rules before it.
            ip(&["-n", &hosts, "rule", "add", "pref", "10", "table", "local"])?;
            ip(&["-n", &hosts, "rule", "del", "pref", "0"])?;
            for protocol in kind.dropped() {
                ip(&["-n", &hosts, "rule", "add", "pref", "1", "ipproto", protocol, "blackhole"])?;
            }
        }
        let open = listen_in(&self.hosts(Kind::Tcp), SocketAddr::from(([0, 0, 0, 0], 22)))?;
        open.set_nonblocking(true)?;
        let open = tokio::net::TcpListener::from_std(open)?;
        self.services.spawn(async move { while open.accept().await.is_ok() {} });
        Ok(())
    }

    fn hosts(&self, kind: Kind) -> String {
        format!("{}{}", self.name, kind.letter())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in Kind::ALL.map(|kind| self.hosts(kind)).into_iter().chain([self.agent()]) {
            // It may never have been made.
            drop(ip(&["netns", "del", &name]));
        }
    }
}

/// Removes the namespaces of test processes that were killed.
fn remove_leftovers() {
    let Ok(namespaces) = fs::read_dir("/run/netns") else {
        return;
    };
    for name in namespaces.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let process = name.strip_prefix("mon").and_then(|rest| rest.split_once('x')).map(|(process, _)| process);
        let is_gone = |process: &str| process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists();
        if process.is_some_and(is_gone) {
            drop(ip(&["netns", "del", &name]));
        }
    }
}

/// A socket stays in the namespace in which it was made, so that a thread which moves there and ends is enough.
fn listen_in(namespace: &str, address: SocketAddr) -> io::Result<TcpListener> {
    let namespace = File::open(format!("/run/netns/{namespace}"))?;
    let listen = move || -> io::Result<TcpListener> {
        use std::os::fd::AsFd;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        TcpListener::bind(address)
    };
    std::thread::spawn(listen).join().unwrap()
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {}: {}", arguments.join(" "), said.trim())))
}

//! Finds the hosts of networks.
//!
//! A network is swept in blocks, so that a /16 needs no more memory, sockets and neighbour entries than two /24, and its
//! first hosts are known long before its last. First the kernel is made to ask by ARP, which also finds hosts that
//! drop all else; addresses that are then worth it are asked by ICMP echo and on a few TCP ports.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use futures_util::{StreamExt, future::join, stream};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    names::Names,
    neighbours::{self, Neighbour, POKE_EVERY, SETTLING, Table},
    networks::{Networks, hosts},
    probe::{Prober, Proof},
    protocol::{FoundDevice, MacAddress, Method},
};

/// Addresses in a block.
const BLOCK: usize = 256;
/// Blocks at once: together below 1,024 addresses, beyond which Linux discards neighbour entries in use.
const BLOCKS_AT_ONCE: usize = 2;
/// Addresses of a block that are asked at once.
const HOSTS_AT_ONCE: usize = 128;
/// How long a host in the same segment usually needs to answer ARP, also after the kernel repeated the question.
const ARP_PATIENCE: Duration = Duration::from_millis(1_200);
/// When the kernel gives up (`mcast_solicit`, 3 questions one second apart); a device that sleeps may need so long.
const ARP_GIVES_UP: Duration = Duration::from_millis(3_200);
/// From this many addresses on, a network can show that a router answers ARP for everybody.
const PROXY_ARP_FROM: usize = 16;

/// How to sweep.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DiscoveryOptions {
    /// Look up names of the hosts that were found.
    pub names: bool,
}

impl Default for DiscoveryOptions {
    fn default() -> Self {
        Self { names: true }
    }
}

/// A host that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its address.
    pub address: IpAddr,
    /// Its Ethernet address, when it is in the same segment.
    pub mac: Option<MacAddress>,
    /// Its name by reverse lookup.
    pub hostname: Option<String>,
    /// Every way in which it was found.
    pub found_by: Vec<Method>,
    /// The TCP port that answered.
    pub port: Option<u16>,
}

impl From<&Found> for FoundDevice {
    fn from(found: &Found) -> Self {
        Self { address: found.address, mac: found.mac, hostname: found.hostname.clone(), found_by: found.found_by.clone() }
    }
}

/// Finds the hosts of all networks, in order of address. A /24 takes about ten seconds, at most twenty.
pub async fn discover(networks: &Networks, options: &DiscoveryOptions) -> Vec<Found> {
    let prober = Prober::open(networks);
    let (sender, mut receiver) = mpsc::channel::<Vec<Found>>(BLOCKS_AT_ONCE);
    let collect = async {
        let mut all = BTreeMap::new();
        while let Some(hosts) = receiver.recv().await {
            all.extend(hosts.into_iter().map(|host| (host.address, host)));
        }
        all
    };
    let ((), all) = join(sweep(networks, options, &prober, sender), collect).await;
    all.into_values().collect()
}

/// Sweeps all networks one after the other and hands over the hosts as they are found, each once.
pub(super) async fn sweep(networks: &Networks, options: &DiscoveryOptions, prober: &Prober, found: mpsc::Sender<Vec<Found>>) {
    let names = options.names.then(Names::new);
    for network in networks.as_slice() {
        if found.is_closed() {
            return;
        }
        let started = Instant::now();
        let failures = prober.local_failures();
        let summary = sweep_network(*network, names.as_ref(), prober, &found).await;
        tracing::info!(seconds = started.elapsed().as_secs(), "found {summary} in {network}");
        let failures = prober.local_failures() - failures;
        if failures > 0 {
            tracing::warn!("{failures} questions could not be asked: this machine was short of sockets or permission");
        }
    }
}

#[derive(Default)]
struct Summary {
    devices: usize,
    by: BTreeMap<Method, usize>,
}

impl Summary {
    fn count(&mut self, hosts: &[Found]) {
        self.devices += hosts.len();
        for method in hosts.iter().flat_map(|host| &host.found_by) {
            *self.by.entry(*method).or_default() += 1;
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = |method| self.by.get(&method).copied().unwrap_or_default();
        let plural = if self.devices == 1 { "" } else { "s" };
        write!(f, "{} device{plural} (", self.devices)?;
        write!(f, "icmp {}, tcp {}, arp {})", by(Method::Icmp), by(Method::Tcp), by(Method::Arp))
    }
}

/// A host of which only the neighbour table speaks.
struct ArpOnly {
    address: IpAddr,
    mac: MacAddress,
    /// The entry was there before the sweep and may be a memory of a host that is gone.
    old: bool,
}

async fn sweep_network(network: IpNet, names: Option<&Names>, prober: &Prober, found: &mpsc::Sender<Vec<Found>>) -> Summary {
    let mut summary = Summary::default();
    let mut addresses = hosts(network).peekable();
    let blocks = std::iter::from_fn(|| {
        addresses.peek()?;
        Some(addresses.by_ref().take(BLOCK).collect::<Vec<_>>())
    });
    let mut blocks = stream::iter(blocks).map(|block| sweep_block(block, prober.clone())).buffer_unordered(BLOCKS_AT_ONCE);
    let mut remembered = Vec::new();
    while let Some((hosts, arp_only)) = blocks.next().await {
        let (old, new): (Vec<_>, Vec<_>) = arp_only.into_iter().partition(|host| host.old);
        remembered.extend(old);
        let hosts = named(hosts.into_iter().chain(new.into_iter().map(by_arp)).collect(), names).await;
        hand_over(hosts, &mut summary, found).await;
    }
    let hosts = named(settle(remembered).await.into_iter().map(by_arp).collect(), names).await;
    hand_over(hosts, &mut summary, found).await;
    summary
}

async fn hand_over(hosts: Vec<Found>, summary: &mut Summary, found: &mpsc::Sender<Vec<Found>>) {
    summary.count(&hosts);
    if !hosts.is_empty() && found.send(hosts).await.is_err() {
        tracing::debug!("nobody waits for the hosts of this sweep any more");
    }
}

async fn sweep_block(block: Vec<IpAddr>, prober: Prober) -> (Vec<Found>, Vec<ArpOnly>) {
    let before = table().await;
    let (worth_asking, unused) = knock(&block).await;
    let late = async {
        if !unused.is_empty() {
            sleep(ARP_GIVES_UP - ARP_PATIENCE).await;
        }
        let table = table().await;
        let late = unused.into_iter().filter(|address| table.get(address) != Some(&Neighbour::Absent));
        ask(late.collect(), &prober).await
    };
    let (mut proofs, late) = join(ask(worth_asking, &prober), late).await;
    proofs.extend(late);
    let after = table().await;

    let asked = block.len();
    let mut hosts = Vec::new();
    let mut arp_only = Vec::new();
    for address in block {
        let methods = proofs.get(&address).map(Proof::methods).unwrap_or_default();
        let mac = present(&after, address);
        match (methods.is_empty(), mac) {
            (false, mac) => hosts.push(Found {
                address,
                mac,
                hostname: None,
                found_by: methods.into_iter().chain(mac.map(|_| Method::Arp)).collect(),
                port: proofs.get(&address).and_then(|proof| proof.port),
            }),
            (true, Some(mac)) => {
                arp_only.push(ArpOnly { address, mac, old: present(&before, address).is_some() });
            }
            (true, None) => {}
        }
    }
    drop_proxied(&mut arp_only, asked);
    (hosts, arp_only)
}

/// Makes the kernel ask by ARP, and tells the addresses that are worth more questions from those that nobody has: a host
/// in our segment that does not answer ARP can answer nothing else. Packets to such an address would only wait in the
/// kernel, and with a few hundred of them no others could be sent.
async fn knock(block: &[IpAddr]) -> (Vec<IpAddr>, Vec<IpAddr>) {
    if block.iter().any(IpAddr::is_ipv4) {
        poke(block);
        sleep(ARP_PATIENCE).await;
    }
    let table = table().await;
    block.iter().partition(|address| table.get(address) != Some(&Neighbour::Absent))
}

async fn ask(addresses: Vec<IpAddr>, prober: &Prober) -> HashMap<IpAddr, Proof> {
    let asked = stream::iter(addresses).map(|address| async move { (address, prober.sweep(address).await) });
    asked.buffer_unordered(HOSTS_AT_ONCE).collect().await
}

/// A router with proxy ARP answers for every address. When one Ethernet address answers for more than half of a block,
/// its answers prove nothing.
fn drop_proxied(arp_only: &mut Vec<ArpOnly>, asked: usize) {
    let mut by_mac: HashMap<MacAddress, usize> = HashMap::new();
    for host in arp_only.iter() {
        *by_mac.entry(host.mac).or_default() += 1;
    }
    let proxy = by_mac.into_iter().find(|(_, count)| asked >= PROXY_ARP_FROM && *count > asked / 2);
    if let Some((mac, count)) = proxy {
        tracing::warn!("{mac} answers ARP for {count} of {asked} addresses: ignored, it seems to be a proxy");
        arp_only.retain(|host| host.mac != mac);
    }
}

/// Gives the kernel time to find out which of the neighbours that it remembers are still there.
async fn settle(mut remembered: Vec<ArpOnly>) -> Vec<ArpOnly> {
    if remembered.is_empty() {
        return remembered;
    }
    let addresses: Vec<_> = remembered.iter().map(|host| host.address).collect();
    let present = settled(&addresses).await;
    remembered.retain(|host| present.contains_key(&host.address));
    remembered
}

/// Which addresses answer ARP, after their entries had time to settle. Takes [`SETTLING`]. Linux trusts an answer for up
/// to 45 seconds (`base_reachable_time`), so that a host which went away a moment ago may still be among them.
pub(super) async fn settled(addresses: &[IpAddr]) -> HashMap<IpAddr, MacAddress> {
    let started = Instant::now();
    let mut next = started;
    while next < started + SETTLING {
        poke(addresses);
        next += POKE_EVERY;
        sleep_until(next).await;
    }
    let after = table().await;
    addresses.iter().filter_map(|address| Some((*address, present(&after, *address)?))).collect()
}

async fn named(mut hosts: Vec<Found>, names: Option<&Names>) -> Vec<Found> {
    if let Some(names) = names.filter(|_| !hosts.is_empty()) {
        let mut names = names.of(hosts.iter().map(|host| host.address).collect()).await;
        for host in &mut hosts {
            host.hostname = names.remove(&host.address);
        }
    }
    hosts
}

fn by_arp(host: ArpOnly) -> Found {
    let ArpOnly { address, mac, old: _ } = host;
    Found { address, mac: Some(mac), hostname: None, found_by: vec![Method::Arp], port: None }
}

fn poke(addresses: &[IpAddr]) {
    if let Err(error) = neighbours::poke(addresses) {
        tracing::debug!(%error, "neighbours could not be poked");
    }
}

async fn table() -> Table {
    neighbours::read().await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the neighbour table cannot be read");
        Table::new()
    })
}

fn present(table: &Table, address: IpAddr) -> Option<MacAddress> {
    match table.get(&address)? {
        Neighbour::Present(mac) => Some(*mac),
        Neighbour::Absent => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arp_only(host: u8, mac: &str) -> ArpOnly {
        ArpOnly { address: IpAddr::from([10, 0, 0, host]), mac: mac.parse().unwrap(), old: false }
    }

    #[test]
    fn a_proxy_that_answers_for_everybody_is_ignored_and_others_are_kept() {
        let mut hosts: Vec<_> = (1..=200).map(|host| arp_only(host, "0:0:0:0:0:1")).collect();
        hosts.push(arp_only(201, "0:0:0:0:0:2"));
        drop_proxied(&mut hosts, 254);
        assert_eq!(hosts.iter().map(|host| host.address.to_string()).collect::<Vec<_>>(), ["10.0.0.201"]);
    }

    #[test]
    fn a_host_with_many_addresses_is_not_a_proxy() {
        let mut hosts: Vec<_> = (1..=90).map(|host| arp_only(host, "0:0:0:0:0:1")).collect();
        drop_proxied(&mut hosts, 254);
        assert_eq!(hosts.len(), 90);
    }

    #[test]
    fn a_summary_reads_like_a_sentence() {
        let mut summary = Summary::default();
        summary.count(&[by_arp(arp_only(1, "0:0:0:0:0:1"))]);
        assert_eq!(summary.to_string(), "1 device (icmp 0, tcp 0, arp 1)");
    }
}

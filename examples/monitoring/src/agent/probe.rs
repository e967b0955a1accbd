//! Asks single hosts whether they are there.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::join, stream::FuturesUnordered};
use rustix::process::{Resource, getrlimit};
use tokio::{sync::Semaphore, time::sleep};

use super::{
    icmp::Echo,
    networks::Networks,
    protocol::Method,
    tcp::{self, Answer},
};

/// Ports that hosts of an office or home network most often have open, or refuse: asked first.
const FIRST_PORTS: [u16; 3] = [80, 443, 22];
/// Ports asked when the first ones showed nothing: file sharing, remote desktop, printers, DNS, cameras, phones.
const MORE_PORTS: [u16; 9] = [445, 3389, 53, 9100, 8080, 554, 23, 5060, 62_078];

/// How long an echo request may take.
const ECHO_PATIENCE: Duration = Duration::from_secs(1);
/// How long a connection attempt may take: the system repeats a lost first packet after one second.
const CONNECT_PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a host is asked before it counts as silent.
const TRIES: usize = 2;
/// How long to wait, and how often, when this machine cannot ask right now.
const PAUSE: Duration = Duration::from_millis(300);
const MAX_PAUSES: usize = 5;
/// The most connection attempts at once; fewer where the limit of open files is low.
const MAX_CONNECTS: u64 = 512;

/// Asks hosts, with bounded use of sockets. Cloning is cheap.
#[derive(Clone)]
pub struct Prober {
    inner: Arc<Inner>,
}

struct Inner {
    echo: Result<Echo, io::Error>,
    connects: Semaphore,
    local_failures: AtomicU64,
}

/// What proved that a host is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) icmp: bool,
    /// The port that answered, an open one where there is one.
    pub(super) port: Option<u16>,
}

impl Proof {
    /// The proof that a device was found by.
    pub(super) fn of(methods: &[Method], port: Option<u16>) -> Self {
        Self { icmp: methods.contains(&Method::Icmp), port }
    }

    /// Whether the host did not answer by itself.
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn methods(&self) -> Vec<Method> {
        let icmp = self.icmp.then_some(Method::Icmp);
        let tcp = self.port.map(|_| Method::Tcp);
        icmp.into_iter().chain(tcp).collect()
    }
}

impl Prober {
    /// Opens what this process may open. Must run inside a Tokio runtime.
    #[must_use]
    pub fn open(networks: &Networks) -> Self {
        let with_v6 = networks.as_slice().iter().any(|network| network.addr().is_ipv6());
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let connects = usize::try_from((files / 2).clamp(16, MAX_CONNECTS)).unwrap_or(16);
        let inner = Inner { echo: Echo::open(with_v6), connects: Semaphore::new(connects), local_failures: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// The methods that are available, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.inner.echo {
            Ok(echo) => format!("icmp ({}), tcp, arp", echo.kind()),
            Err(error) => format!("tcp, arp; no icmp ({error}): run as root, grant CAP_NET_RAW, or widen net.ipv4.ping_group_range"),
        }
    }

    /// Asks in every way, until each has answered or failed.
    pub(super) async fn sweep(&self, address: IpAddr) -> Proof {
        let (icmp, mut port) = join(self.echo(address, TRIES), self.first_port(address, &FIRST_PORTS)).await;
        if port.is_none() {
            port = self.first_port(address, &MORE_PORTS).await;
        }
        Proof { icmp: icmp.is_some(), port }
    }

    /// Checks a host in the ways in which it was found: first the best one, and when that fails all of them.
    /// `Some(None)` is a host that is down; `None` means that nothing can be said, because this machine failed.
    pub(super) async fn check(&self, address: IpAddr, proof: &Proof) -> Option<Option<Duration>> {
        // A device found as root by ICMP says nothing to a process that may not ask it so.
        let icmp = proof.icmp && self.inner.echo.as_ref().is_ok_and(|echo| echo.serves(address));
        let failures = self.local_failures();
        let first = match proof.port {
            _ if icmp => self.echo(address, 1).await,
            Some(port) => self.connect(address, port).await,
            None => return None,
        };
        if first.is_some() {
            return Some(first);
        }
        let echo = async { if icmp { self.echo(address, 1).await } else { None } };
        // A service that hangs does not make its host one that is down: ask for the usual ones too.
        let connect = async {
            let port = proof.port?;
            let usual = FIRST_PORTS.into_iter().filter(|usual| *usual != port);
            let attempts = usual.chain([port]).map(|port| self.connect(address, port));
            let mut answers = FuturesUnordered::from_iter(attempts).filter_map(std::future::ready);
            answers.next().await
        };
        let (echo, connect) = join(echo, connect).await;
        let second = echo.or(connect);
        // Others count into the same number, so that this errs on the side of saying nothing.
        (second.is_some() || failures == self.local_failures()).then_some(second)
    }

    /// How many questions could not be asked for a reason on this machine.
    pub(super) fn local_failures(&self) -> u64 {
        self.inner.local_failures.load(Ordering::Relaxed)
    }

    async fn echo(&self, address: IpAddr, tries: usize) -> Option<Duration> {
        let echo = self.inner.echo.as_ref().ok().filter(|echo| echo.serves(address))?;
        let mut pauses = 0;
        let mut tried = 0;
        while tried < tries {
            match echo.ask(address, ECHO_PATIENCE).await {
                Ok(Some(latency)) => return Some(latency),
                Ok(None) => tried += 1,
                // Packets to neighbours that do not answer ARP fill the socket until the kernel gives them up.
                Err(_) if pauses < MAX_PAUSES => {
                    pauses += 1;
                    sleep(PAUSE).await;
                }
                Err(error) => {
                    tried += 1;
                    self.note_local(address, &error);
                }
            }
        }
        None
    }

    async fn connect(&self, address: IpAddr, port: u16) -> Option<Duration> {
        self.attempt(address, port).await.latency()
    }

    async fn attempt(&self, address: IpAddr, port: u16) -> Answer {
        // The semaphore is never closed.
        let Ok(_permit) = self.inner.connects.acquire().await else {
            return Answer::Silent;
        };
        match tcp::connect(address, port, CONNECT_PATIENCE).await {
            Ok(answer) => answer,
            Err(error) => {
                self.note_local(address, &error);
                Answer::Silent
            }
        }
    }

    async fn first_port(&self, address: IpAddr, ports: &[u16]) -> Option<u16> {
        let mut attempts: FuturesUnordered<_> = ports.iter().map(|port| async { (*port, self.attempt(address, *port).await) }).collect();
        let mut refused = None;
        while let Some((port, answer)) = attempts.next().await {
            match answer {
                Answer::Open(_) => return Some(port),
                Answer::Refused(_) => refused = refused.or(Some(port)),
                Answer::Silent => {}
            }
        }
        refused
    }

    fn note_local(&self, address: IpAddr, error: &io::Error) {
        self.inner.local_failures.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(device.address = %address, %error, "a question could not be asked");
    }
}

//! ICMP echo.

use std::{
    io,
    net::IpAddr,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use socket2::Type;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};

use super::tcp::is_unreachable;

/// What an echo request carries: as much as `ping` sends, since some devices drop shorter ones.
const PAYLOAD: [u8; 56] = [0x5a; 56];

/// Sends echo requests, through one socket per address family that all requests share.
pub(super) struct Echo {
    v4: Option<Client>,
    v6: Option<Client>,
    identifier: PingIdentifier,
    sequence: AtomicU16,
}

impl Echo {
    /// Opens the sockets that this process may open: an unprivileged one first, a raw one else.
    ///
    /// Must run inside a Tokio runtime.
    pub(super) fn open(with_v6: bool) -> Result<Self, io::Error> {
        let v4 = Client::new(&Config::default());
        let v6 = with_v6.then(|| Client::new(&Config::builder().kind(ICMP::V6).build()));
        let (v4, v6) = match (v4, v6) {
            (Err(error), None | Some(Err(_))) => return Err(error),
            (v4, v6) => (v4.ok(), v6.and_then(Result::ok)),
        };
        Ok(Self { v4, v6, identifier: PingIdentifier(rand::random()), sequence: AtomicU16::new(0) })
    }

    /// The kind of socket, for the log line at start.
    pub(super) fn kind(&self) -> &'static str {
        match self.v4.as_ref().or(self.v6.as_ref()).map(|client| client.get_socket().get_type()) {
            Some(Type::RAW) => "raw socket",
            _ => "unprivileged socket",
        }
    }

    /// Whether addresses of this family can be asked.
    pub(super) fn serves(&self, address: IpAddr) -> bool {
        self.client(address).is_some()
    }

    /// How long a host took to answer, `None` when it did not.
    ///
    /// # Errors
    ///
    /// The request could not be sent for a reason on this machine, which says nothing about the host.
    pub(super) async fn ask(&self, address: IpAddr, patience: Duration) -> Result<Option<Duration>, io::Error> {
        let Some(client) = self.client(address) else {
            return Ok(None);
        };
        let sequence = PingSequence(self.sequence.fetch_add(1, Ordering::Relaxed));
        let mut pinger = client.pinger(address, self.identifier).await;
        match pinger.timeout(patience).ping(sequence, &PAYLOAD).await {
            Ok((packet, latency)) => Ok(is_reply(&packet).then_some(latency)),
            Err(SurgeError::IOError(error)) if !is_unreachable(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn client(&self, address: IpAddr) -> Option<&Client> {
        match address {
            IpAddr::V4(_) => self.v4.as_ref(),
            IpAddr::V6(_) => self.v6.as_ref(),
        }
    }
}

/// An error message about the request ("host unreachable", sent by a router) is delivered like a reply.
fn is_reply(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == 0,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == 129,
    }
}

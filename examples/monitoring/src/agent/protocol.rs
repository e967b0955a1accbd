//! The messages between agent and server: JSON over HTTP, `Authorization: Bearer …`.
//!
//! | request | bearer | body | answer |
//! |---|---|---|---|
//! | `POST /api/agent/register` | agent key | [`Register`] | 201 [`Registered`] |
//! | `POST /api/agent/heartbeat` | credential | [`Heartbeat`] | 200 [`HeartbeatAnswer`] |
//! | `POST /api/agent/credential` | credential | | 200 [`Renewed`] |
//! | `POST /api/agent/devices` | credential | [`Devices`] | 200 [`DevicesAnswer`], 402 when a limit is reached |
//! | `POST /api/agent/status` | credential | [`Status`] | 200 [`StatusAnswer`] |
//! | `GET /api/agent/status` | credential | | 200 [`AgentReport`] |
//!
//! Errors are RFC 9457 problem documents ([`ProblemDocument`]). What the server receives refuses unknown fields; what the
//! agent receives tolerates them, so that an older agent keeps working with a newer server.
//!
//! Within one request an address appears at most once, and requests arrive in the order in which they were recorded.

use std::{fmt, net::IpAddr, num::ParseIntError, str::FromStr};

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The most devices or readings that one request may carry.
pub const MAX_PER_REQUEST: usize = 5_000;

/// Path of [`Register`].
pub const REGISTER_PATH: &str = "/api/agent/register";
/// Path of [`Heartbeat`].
pub const HEARTBEAT_PATH: &str = "/api/agent/heartbeat";
/// Path of [`Renewed`].
pub const CREDENTIAL_PATH: &str = "/api/agent/credential";
/// Path of [`Devices`].
pub const DEVICES_PATH: &str = "/api/agent/devices";
/// Path of [`Status`] and of [`AgentReport`].
pub const STATUS_PATH: &str = "/api/agent/status";

/// A bearer token: an agent key or an agent's credential.
///
/// # Security
///
/// `Debug` shows nothing of it, and its memory is overwritten when it is dropped. It serializes as the plain text, since
/// that is what the wire and the credential file hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop, ToSchema)]
#[serde(transparent)]
#[schema(as = AgentSecret)]
pub struct Secret(String);

impl Secret {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The token itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = EmptySecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EmptySecret);
        }
        Ok(Self(token.to_owned()))
    }
}

/// A token was empty or held characters that no header can carry.
#[derive(Debug, thiserror::Error)]
#[error("a key consists of printable ASCII characters without spaces")]
pub struct EmptySecret;

/// An Ethernet address, as `aa:bb:cc:dd:ee:ff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Whether this is the all-zero address that stands for "not known".
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Text that is not an Ethernet address.
#[derive(Debug, thiserror::Error)]
#[error("an Ethernet address is six hexadecimal bytes separated by colons")]
pub struct MacAddressError;

impl From<ParseIntError> for MacAddressError {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for MacAddress {
    type Err = MacAddressError;

    /// Accepts one or two digits in a part: macOS prints `a:b:c:1:2:3`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let is_hex = |part: &&str| part.bytes().all(|digit| digit.is_ascii_hexdigit());
            let part = parts.next().filter(|part| matches!(part.len(), 1 | 2)).filter(is_hex);
            *byte = u8::from_str_radix(part.ok_or(MacAddressError)?, 16)?;
        }
        if parts.next().is_some() {
            return Err(MacAddressError);
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for MacAddress {
    type Error = MacAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

/// A way in which a host proved that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// It answered an ICMP echo request.
    Icmp,
    /// It accepted or refused a TCP connection.
    Tcp,
    /// It answered an ARP request.
    Arp,
}

impl Method {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Icmp, Self::Tcp, Self::Arp];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Arp => "arp",
        })
    }
}

/// An agent introduces itself, once per agent key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Made once and kept, so that a registration whose answer was lost can be repeated and yields the same agent.
    pub instance: Uuid,
    /// Name of the machine.
    pub hostname: String,
    /// Version of the agent.
    pub version: String,
    /// Operating system and processor, for people.
    pub os: String,
    /// The networks that it watches.
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
}

/// The server knows the agent from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// Id of the agent.
    pub agent: Uuid,
    /// Its name on the server's pages.
    pub name: String,
    /// What the agent authenticates with from now on.
    pub credential: Secret,
}

/// The agent is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// When it was sent, by the agent's clock.
    pub at: DateTime<Utc>,
    /// Version of the agent.
    pub version: String,
    /// Seconds since the agent started.
    pub uptime_seconds: u64,
    /// Readings that the agent holds and the server has not acknowledged.
    pub buffered: u64,
}

/// How often the server wants to hear from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    /// Seconds between two checks of a device.
    pub check_seconds: u64,
    /// Seconds between two heartbeats.
    pub heartbeat_seconds: u64,
    /// Seconds after which a credential should be renewed; never if absent.
    #[serde(default)]
    pub credential_seconds: Option<u64>,
}

/// Another credential for the same agent. The one before works until an hour after this one was used for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renewed {
    /// What the agent authenticates with from now on.
    pub credential: Secret,
}

/// Devices that a sweep found, at most [`MAX_PER_REQUEST`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    /// What was found.
    pub devices: Vec<FoundDevice>,
}

/// One device that a sweep found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundDevice {
    /// Its address.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Its Ethernet address, where the agent is in the same segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// Its name by reverse lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Every way in which it was found, at least one.
    pub found_by: Vec<Method>,
}

/// What the server did with found devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DevicesAnswer {
    /// New devices.
    pub added: u64,
    /// Devices that were known.
    pub known: u64,
    /// Devices that the plan has no room for.
    pub refused: u64,
    /// Why devices were refused.
    #[serde(default)]
    pub problem: Option<ProblemDocument>,
}

/// Readings of one check, at most [`MAX_PER_REQUEST`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// What was measured.
    pub readings: Vec<Reading>,
}

/// The state of one device at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The device.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// When it was measured, by the agent's clock, to the microsecond.
    pub at: DateTime<Utc>,
    /// Whether it answered.
    pub up: bool,
    /// How long the answer took, in microseconds; absent when it did not answer, and for devices seen by ARP only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<u64>,
}

/// What the server did with readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusAnswer {
    /// Readings that it stored.
    pub applied: u64,
    /// Readings older than what it had.
    pub stale: u64,
    /// Readings of addresses that are no device of this agent.
    pub unknown: u64,
}

/// What the server knows of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentReport {
    /// The agent.
    pub agent: ReportedAgent,
    /// Its devices.
    pub devices: Vec<ReportedDevice>,
}

/// An agent as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedAgent {
    /// Id of the agent.
    pub id: Uuid,
    /// Its name on the server's pages.
    pub name: String,
    /// When the server last heard from it, by the server's clock.
    #[serde(default)]
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// A device as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedDevice {
    /// Its address.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Its name.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Its state.
    pub state: DeviceState,
    /// The last latency in microseconds.
    #[serde(default)]
    pub latency_us: Option<u64>,
    /// When it was last measured, by the agent's clock.
    #[serde(default)]
    pub checked_at: Option<DateTime<Utc>>,
}

/// Whether a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It answered the last check.
    Up,
    /// It did not answer the last check.
    Down,
    /// It was never checked.
    #[serde(other)]
    Unknown,
}

impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        })
    }
}

/// A problem document (RFC 9457), as far as the agent reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// Kind of the problem, a URI.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Short summary.
    pub title: String,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened here, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl fmt::Display for ProblemDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) if *detail != self.title => write!(f, "{}: {detail}", self.title),
            _ => f.write_str(&self.title),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let secret: Secret = "mon_agent_abc".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""mon_agent_abc""#);
        assert!("two words".parse::<Secret>().is_err());
    }

    #[test]
    fn an_ethernet_address_reads_short_parts_and_prints_long_ones() {
        let address: MacAddress = "0:1b:2:ff:a:9".parse().unwrap();
        assert_eq!(address.to_string(), "00:1b:02:ff:0a:09");
        for bad in ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:zz", "1:2:3:4:5:+6", "001:2:3:4:5:6"] {
            assert!(bad.parse::<MacAddress>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn what_the_server_receives_refuses_unknown_fields() {
        let reading = r#"{"address":"10.0.0.1","at":"2025-01-01T00:00:00Z","up":true,"colour":"red"}"#;
        assert!(serde_json::from_str::<Reading>(reading).is_err());
    }

    #[test]
    fn what_the_agent_receives_tolerates_unknown_fields_and_states() {
        let answer = r#"{"check_seconds":30,"heartbeat_seconds":60,"more":1}"#;
        assert!(serde_json::from_str::<HeartbeatAnswer>(answer).is_ok());
        assert_eq!(serde_json::from_str::<DeviceState>(r#""paused""#).unwrap(), DeviceState::Unknown);
    }
}

//! The network agent: it finds the devices of a network, checks them, and reports what it saw.
//!
//! The agent runs inside a customer's network and talks to the server over HTTP only, outwards. It depends on nothing
//! of the server; the server imports the messages of [`protocol`] from here, so that both sides share one definition.
//!
//! * [`discover`] sweeps [`Networks`] by ICMP echo, TCP connect and the neighbour (ARP) table.
//! * [`Buffer`] keeps on disk what was seen until the server has acknowledged it.
//! * [`Client`] speaks the protocol.
//! * [`run`] ties them together until it is told to stop.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use monitoring::agent::{DiscoveryOptions, Networks, discover};
//!
//! let networks = Networks::new(["192.168.1.0/24".parse()?])?;
//! for host in discover(&networks, &DiscoveryOptions::default()).await {
//!     tracing::info!(device.address = %host.address, "found");
//! }
//! # Ok(())
//! # }
//! ```

mod backoff;
mod buffer;
mod check;
mod client;
mod config;
mod devices;
mod discovery;
mod error;
mod host;
mod icmp;
mod names;
mod neighbours;
mod networks;
mod probe;
pub mod protocol;
mod registration;
mod renewal;
mod report;
mod run;
mod segment;
mod sender;
mod state;
mod tcp;

pub use buffer::{Batch, Buffer, BufferError, Entry, Position};
pub use client::{Client, ClientError};
pub use config::{Config, Intervals};
pub use discovery::{DiscoveryOptions, Found, discover};
pub use error::AgentError;
pub use networks::{Networks, NetworksError};
pub use probe::Prober;
pub use report::print_status;
pub use run::{run, run_once};
pub use state::{Credential, StateDir, StateError};

//! What the tests of the agent share: a network of real hosts, a server that records, and the agent as a process.

mod network;
mod process;
mod server;

pub(crate) use network::{Kind, Lab, PLANTED};
pub(crate) use process::AgentSettings;
pub(crate) use server::{Answer, CREDENTIAL, KEY, Recorded, RecordingServer};

//! Network monitoring, a product on the framework: a server with pages, and an agent that watches networks.

pub mod agent;
pub mod server;

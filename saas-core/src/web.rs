//! What stands around every application: [`finish`] puts it there, outermost.

mod address;
mod assets;
mod csrf;
mod finish;
mod headers;
mod health;
mod host;
mod page;
mod patience;
mod serve;
mod stall;
mod status;

pub use address::ClientAddress;
pub use finish::{App, NavLink, RequestId, Web, finish};
pub use headers::Nonce;
pub(crate) use health::DATABASE;
pub use host::{HostName, InvalidHostName, OnTenantHost, TenantHost, TenantHosts};
pub use page::{FormErrors, Html, Page};
pub use serve::serve;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::OutboundPolicy;

/// Tells which addresses a name stands for.
///
/// * It must ask anew each time, or as long as the answer itself says that it holds.
/// * It must return addresses that may not be called like all others: whoever asks decides.
#[async_trait]
pub trait ResolveName: Send + Sync + 'static {
    /// All addresses of a name, in the order in which they are to be tried.
    ///
    /// # Errors
    ///
    /// Fails if the name is not known or nobody can be asked.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Names as the system knows them: its hosts file, its name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl ResolveName for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// What the HTTP client asks when it connects.
pub(super) struct Guard {
    policy: Arc<OutboundPolicy>,
    names: Arc<dyn ResolveName>,
}

impl Guard {
    pub(super) fn new(policy: Arc<OutboundPolicy>, names: impl ResolveName) -> Self {
        Self { policy, names: Arc::new(names) }
    }
}

/// A name stands for an address that may not be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that may not be called")]
pub(super) struct Forbidden;

impl Resolve for Guard {
    /// One address that may not be called forbids them all: a name with a private address is no public name.
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, names) = (Arc::clone(&self.policy), Arc::clone(&self.names));
        Box::pin(async move {
            let addresses = names.resolve(name.as_str()).await?;
            if !addresses.iter().all(|address| policy.permits(*address)) {
                return Err(Forbidden.into());
            }
            // The client puts the port of the address in place of zero.
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

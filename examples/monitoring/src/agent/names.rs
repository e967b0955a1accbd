//! Names of hosts, by reverse lookup.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{sync::Semaphore, time::timeout_at};

/// The most lookups at once. One that hangs keeps its place, so that a dead name server never costs more threads.
const LOOKUPS: usize = 8;
/// How long a batch of lookups may take. A device without a name is better than one that is reported late.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest name of a host (RFC 1035).
const LONGEST: usize = 253;

/// Looks up names with the system's resolver, which also knows `/etc/hosts` and mDNS where they are set up.
#[derive(Clone)]
pub(super) struct Names {
    places: Arc<Semaphore>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    /// The names that were found in time.
    pub(super) async fn of(&self, addresses: Vec<IpAddr>) -> HashMap<IpAddr, String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let lookups = addresses.into_iter().map(|address| timeout_at(deadline, self.lookup(address)));
        let mut answers = stream::iter(lookups).buffer_unordered(LOOKUPS);
        let mut names = HashMap::new();
        while let Some(answer) = answers.next().await {
            if let Ok(Some((address, name))) = answer {
                names.insert(address, name);
            }
        }
        names
    }

    async fn lookup(&self, address: IpAddr) -> Option<(IpAddr, String)> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let name = tokio::task::spawn_blocking(move || {
            let name = dns_lookup::lookup_addr(&address);
            drop(place);
            name
        });
        let name = name.await.ok()?.ok()?;
        Some((address, clean(&name)?))
    }
}

/// Whoever runs the name server chose the text: only what can be the name of a host passes.
fn clean(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = !name.is_empty() && name.len() <= LONGEST && name.bytes().all(allowed) && name.parse::<IpAddr>().is_err();
    is_name.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_hosts_pass() {
        assert_eq!(clean("Printer-2.Office.example."), Some("printer-2.office.example".to_owned()));
        for bad in ["", ".", "10.0.0.1", "<script>", "two words", "a\u{e4}.example", &"x".repeat(254)] {
            assert_eq!(clean(bad), None, "{bad:?} passed");
        }
    }

    #[tokio::test]
    async fn an_address_without_a_name_is_left_out() {
        let nameless: IpAddr = "192.0.2.1".parse().unwrap();
        let names = Names::new().of(vec![nameless]).await;
        assert!(!names.contains_key(&nameless));
    }
}

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use saas_core::{FieldError, Problem};

use crate::refused::{self, Refusal};

const NETWORKS_MAX: usize = 32;

/// What cannot be taken of a key that is to be made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFlaw {
    /// The name cannot be taken.
    #[error("the name of a key {0}")]
    Name(Refusal),
    /// Too many networks.
    #[error("a key has at most 32 networks")]
    Networks,
    /// It would expire in the past.
    #[error("a key expires in the future")]
    Expiry,
}

impl From<KeyFlaw> for Problem {
    fn from(flaw: KeyFlaw) -> Self {
        Self::invalid([match flaw {
            KeyFlaw::Name(refusal) => FieldError::new("/name", refusal.to_string()),
            KeyFlaw::Networks => FieldError::new("/allowed_from", "at most 32 networks"),
            KeyFlaw::Expiry => FieldError::new("/expires_at", "must be in the future"),
        }])
    }
}

/// What every new key is asked for.
pub(crate) struct Proposed {
    pub(crate) name: String,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl Proposed {
    /// Checks it, and leaves out what does not count: space around the name, and what stands behind the length of a network.
    pub(crate) fn check(name: &str, networks: &[IpNet], expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Self, KeyFlaw> {
        let name = refused::name(name).map_err(KeyFlaw::Name)?;
        let networks = Self::networks(networks)?;
        if expires_at.is_some_and(|at| at <= now) { Err(KeyFlaw::Expiry) } else { Ok(Self { name, networks, expires_at }) }
    }

    /// The same for the networks alone.
    pub(crate) fn networks(networks: &[IpNet]) -> Result<Vec<IpNet>, KeyFlaw> {
        if networks.len() > NETWORKS_MAX { Err(KeyFlaw::Networks) } else { Ok(networks.iter().map(IpNet::trunc).collect()) }
    }
}

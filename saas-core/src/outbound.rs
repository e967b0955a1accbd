//! Requests to addresses that somebody else chose: webhooks, sign-in providers, pictures.
//!
//! Such an address may lead to this machine or into our network (server-side request forgery). [`Outbound`] calls nobody but the public
//! Internet, and decides when it connects: a name that turns private between a check and the call is refused like one that always was.
//!
//! ```no_run
//! use http::{HeaderMap, Method};
//! use saas_core::{Outbound, OutboundPolicy};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let outbound = Outbound::new(OutboundPolicy::public())?;
//! let answer = outbound.send(Method::GET, &"https://example.com/".parse()?, HeaderMap::new(), "".into()).await?;
//! assert!(answer.status.is_success());
//! # Ok(())
//! # }
//! ```

mod policy;
mod resolve;

pub use policy::OutboundPolicy;
pub use resolve::{ResolveName, SystemResolver};

use std::{error::Error, fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Client, redirect};
use url::{Host, Url};

use crate::failure;
use resolve::{Forbidden, Guard};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long all of it may take.
const TOTAL: Duration = Duration::from_secs(30);
/// How much of an answer is read.
const ANSWER_BYTES: usize = 64 * 1024;

/// Calls addresses that others chose. Cheap to clone.
///
/// # Security
///
/// The policy is applied to the address as it is written, and to each address that a name stands for, in the resolver itself. Redirects are
/// not followed, proxies that the environment names are not used, and of an answer no more than 64 KiB are read.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    policy: Arc<OutboundPolicy>,
    limit: Duration,
}

/// What was answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OutboundAnswer {
    /// The status. A redirect is one like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or the first 64 KiB of it.
    pub body: Bytes,
}

/// Nobody was called, or nobody answered.
///
/// # Security
///
/// What it says is the same for a name that does not exist, a machine that does not answer and an address that may not be called, so that
/// nobody can find out with it what is in our network. The source is for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The policy does not permit the address.
    #[error("the address cannot be reached")]
    Refused,
    /// It took too long.
    #[error("the address did not answer in time")]
    TimedOut,
    /// There was no connection, or it broke.
    #[error("the address cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
}

impl OutboundError {
    /// What the log of an attempt calls it.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::Refused | Self::Unreachable(_) => "unreachable",
        }
    }
}

impl Outbound {
    /// Calls under this policy, with the names that the system knows.
    ///
    /// # Errors
    ///
    /// Fails if the system's certificates cannot be read.
    pub fn new(policy: OutboundPolicy) -> Result<Self, OutboundError> {
        Self::with_resolver(policy, SystemResolver)
    }

    /// The same with names from somewhere else. What they stand for is checked all the same.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_resolver(policy: OutboundPolicy, names: impl ResolveName) -> Result<Self, OutboundError> {
        let policy = Arc::new(policy);
        let client = Client::builder()
            .dns_resolver(Guard::new(Arc::clone(&policy), names))
            .https_only(!policy.is_plain_http_allowed())
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OutboundError::Unreachable(error.into()))?;
        Ok(Self { client, policy, limit: TOTAL })
    }

    /// The same with another limit for how long a call may take; 30 seconds is the default.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether the address is refused for how it is written. One that passes may still be refused when it is called.
    ///
    /// # Errors
    ///
    /// [`OutboundError::Refused`], if it is no https address on a permitted port, holds a name or a password, or is a number of a network
    /// that may not be called.
    pub fn check(&self, url: &Url) -> Result<(), OutboundError> {
        let is_plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(OutboundError::Refused),
        };
        let is_public = match url.host() {
            // The parser has made numbers of all their spellings: decimal, octal, hexadecimal, short, with other alphabets' digits.
            Some(Host::Ipv4(address)) => self.policy.permits(address.into()),
            Some(Host::Ipv6(address)) => self.policy.permits(address.into()),
            Some(Host::Domain(name)) => !name.is_empty(),
            None => false,
        };
        let is_fine = is_public
            && (!is_plain || self.policy.is_plain_http_allowed())
            && url.username().is_empty()
            && url.password().is_none()
            && url.port_or_known_default().is_some_and(|port| self.policy.permits_port(port));
        if is_fine { Ok(()) } else { Err(OutboundError::Refused) }
    }

    /// Sends a request and reads the answer, as far as it is read.
    ///
    /// # Errors
    ///
    /// Fails if the address is refused, cannot be reached or takes too long. An answer with an error status is an answer.
    pub async fn send(&self, method: Method, url: &Url, headers: HeaderMap, body: Bytes) -> Result<OutboundAnswer, OutboundError> {
        self.check(url)?;
        let request = self.client.request(method, url.clone()).headers(headers).body(body).timeout(self.limit);
        let mut response = request.send().await.map_err(failed)?;
        let mut body = BytesMut::new();
        while body.len() < ANSWER_BYTES {
            let Some(chunk) = response.chunk().await.map_err(failed)? else { break };
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES - body.len())]);
        }
        Ok(OutboundAnswer { status: response.status(), headers: std::mem::take(response.headers_mut()), body: body.freeze() })
    }
}

fn failed(error: reqwest::Error) -> OutboundError {
    if failure::causes(&error).any(|error| error.is::<Forbidden>()) {
        return OutboundError::Refused;
    }
    if error.is_timeout() {
        return OutboundError::TimedOut;
    }
    // The address may hold a secret of its owner.
    OutboundError::Unreachable(error.without_url().into())
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("policy", &self.policy).field("limit", &self.limit).finish_non_exhaustive()
    }
}

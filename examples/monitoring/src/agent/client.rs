//! Speaks the protocol with the server.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::{Method, Response, StatusCode, header, redirect};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{
    buffer::Batch,
    host::{self, VERSION},
    protocol::{
        AgentReport, CREDENTIAL_PATH, DEVICES_PATH, DevicesAnswer, HEARTBEAT_PATH, Heartbeat, HeartbeatAnswer, ProblemDocument,
        REGISTER_PATH, Register, Registered, Renewed, STATUS_PATH, Secret, StatusAnswer,
    },
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read: a report of a /16.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Why a request failed, by what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// 401 or 403: the key or credential is not accepted. Stop.
    #[error("the key is not accepted: {0}")]
    Refused(ProblemDocument),
    /// 402: a limit of the plan is reached. Go on.
    #[error("a limit is reached: {0}")]
    Limit(ProblemDocument),
    /// 400, 413 or 422: the server will never take this request. Set it aside.
    #[error("the request is not accepted: {0}")]
    Rejected(ProblemDocument),
    /// 429 or 503: the server asks for a pause. Wait at least so long.
    #[error("the server asks for a pause: {problem}")]
    Busy {
        /// How long.
        pause: Option<Duration>,
        /// What it said.
        problem: ProblemDocument,
    },
    /// Any other status. Try again.
    #[error("the server failed: {0}")]
    Failed(ProblemDocument),
    /// The server moved. Try again, and tell.
    #[error("the server sends us to {0:?}: use that address with --server")]
    Moved(String),
    /// The answer is not the server's: a proxy, or a login page of the network. Try again.
    #[error("the answer is not one of our server; is a proxy or a login page in between?")]
    Foreign(#[source] serde_json::Error),
    /// The answer is too long. Try again.
    #[error("the answer is too long")]
    TooLong,
    /// There is no connection. Try again.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The HTTP client cannot be set up on this machine.
    #[error("the HTTP client cannot be set up; are the system's root certificates (ca-certificates) installed?")]
    Setup(#[source] reqwest::Error),
}

/// What the server did with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Accepted {
    Devices(DevicesAnswer),
    Readings(StatusAnswer),
}

/// A connection to one server, with one bearer token at a time, which all clones share. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    bearer: Arc<RwLock<Secret>>,
}

impl Client {
    /// Prepares a client; nothing is sent yet. `bearer` is the agent key to register, the credential for all else.
    ///
    /// # Security
    ///
    /// Redirects are not followed: the token goes to the named server and to no other.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`].
    pub fn new(server: &Url, bearer: Secret) -> Result<Self, ClientError> {
        let mut http = reqwest::Client::builder();
        if server.scheme() == "http" {
            // Without TLS a machine without root certificates is no reason to fail.
            http = http.tls_certs_only([]);
        }
        let http = http
            .user_agent(format!("monitoring-agent/{VERSION}"))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(ClientError::Setup)?;
        Ok(Self { http, base: server.as_str().trim_end_matches('/').to_owned(), bearer: Arc::new(RwLock::new(bearer)) })
    }

    /// Registers the agent.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says what to do.
    pub async fn register(&self, body: &Register) -> Result<Registered, ClientError> {
        self.post(REGISTER_PATH, body).await
    }

    /// Tells that the agent is alive.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says what to do.
    pub async fn heartbeat(&self, body: &Heartbeat) -> Result<HeartbeatAnswer, ClientError> {
        self.post(HEARTBEAT_PATH, body).await
    }

    /// Asks for another credential. It is not used before [`use_from_now_on`](Self::use_from_now_on).
    ///
    /// # Errors
    ///
    /// [`ClientError`] says what to do.
    pub async fn renew(&self) -> Result<Renewed, ClientError> {
        self.request(Method::POST, CREDENTIAL_PATH, None::<&()>).await
    }

    /// Authenticates with another token from the next request on.
    pub fn use_from_now_on(&self, bearer: Secret) {
        *self.bearer.write().unwrap_or_else(PoisonError::into_inner) = bearer;
    }

    /// Sends a batch of the buffer.
    pub(super) async fn send(&self, batch: &Batch) -> Result<Accepted, ClientError> {
        match batch {
            Batch::Devices(devices) => self.post(DEVICES_PATH, devices).await.map(Accepted::Devices),
            Batch::Readings(status) => self.post(STATUS_PATH, status).await.map(Accepted::Readings),
        }
    }

    /// Asks what the server knows of this agent.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says what to do.
    pub async fn report(&self) -> Result<AgentReport, ClientError> {
        self.request(Method::GET, STATUS_PATH, None::<&()>).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.request(Method::POST, path, Some(body)).await
    }

    async fn request<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<T, ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth(self.bearer.read().unwrap_or_else(PoisonError::into_inner).expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(ClientError::Unreachable)?;
        let status = response.status();
        if status.is_success() {
            return serde_json::from_slice(&read(response).await?).map_err(ClientError::Foreign);
        }
        if status.is_redirection() {
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            return Err(ClientError::Moved(target.unwrap_or("nowhere").to_owned()));
        }
        let pause = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let pause = pause.and_then(|value| retry_after(value, host::now()));
        let body = read(response).await?;
        // A firewall in between also says 403, for an hour or a day; only our server's word, a problem document, ends the agent.
        let (problem, is_ours) = match serde_json::from_slice(&body) {
            Ok(problem) => (problem, true),
            Err(_) => (bare(status), false),
        };
        Err(match status.as_u16() {
            401 => ClientError::Refused(problem),
            403 if is_ours => ClientError::Refused(problem),
            402 => ClientError::Limit(problem),
            400 | 413 | 422 => ClientError::Rejected(problem),
            429 | 503 => ClientError::Busy { pause, problem },
            _ => ClientError::Failed(problem),
        })
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ClientError::Unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The status alone, when what answered is not our server.
fn bare(status: StatusCode) -> ProblemDocument {
    ProblemDocument { kind: None, title: status.to_string(), status: Some(status.as_u16()), detail: None }
}

/// `Retry-After` (RFC 9110, 10.2.3): seconds or a date.
fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let pause = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value).ok()?;
            (date.to_utc() - now).to_std().unwrap_or(Duration::ZERO)
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date_and_is_bounded() {
        let now = DateTime::parse_from_rfc3339("2025-03-01T10:00:00Z").unwrap().to_utc();
        let pause = |value| retry_after(value, now).map(|pause| pause.as_secs());
        assert_eq!(pause("7"), Some(7));
        assert_eq!(pause("Sat, 01 Mar 2025 10:00:20 GMT"), Some(20));
        assert_eq!(pause("Sat, 01 Mar 2025 09:00:00 GMT"), Some(0));
        assert_eq!(pause("999999999"), Some(3_600));
        assert_eq!(pause("soon"), None);
    }
}

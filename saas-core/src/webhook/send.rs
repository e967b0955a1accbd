//! One attempt.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;
use uuid::Uuid;

use super::{EndpointId, MessageId, Webhooks, redact::redact, secret::SigningSecret};
use crate::{TenantId, backoff};

/// A delivery that is this worker's to try.
pub(super) struct Claimed {
    pub(super) tenant: TenantId,
    pub(super) endpoint: EndpointId,
    pub(super) message: MessageId,
    /// The how-manieth attempt of all.
    pub(super) attempt: i32,
    /// The how-manieth since it was last asked for.
    pub(super) tries: i32,
    pub(super) event: String,
    pub(super) url: String,
    pub(super) body: String,
    /// The newest first, all of which sign.
    pub(super) secrets: Vec<(Uuid, Vec<u8>)>,
}

/// How an attempt went.
pub(super) struct Outcome {
    pub(super) answer: Result<StatusCode, &'static str>,
    pub(super) response: String,
    pub(super) duration: Duration,
    /// How long the receiver wants us to stay away.
    pub(super) asked: Option<Duration>,
}

impl Outcome {
    pub(super) fn is_delivered(&self) -> bool {
        self.answer.is_ok_and(|status| status.is_success())
    }

    pub(super) fn is_gone(&self) -> bool {
        self.answer == Ok(StatusCode::GONE)
    }
}

impl Webhooks {
    /// Tries once. The signature is made for this moment, over the very bytes that are sent.
    pub(super) async fn send(&self, claimed: &Claimed) -> Outcome {
        let started = Instant::now();
        let failed = |error| Outcome { answer: Err(error), response: String::new(), duration: started.elapsed(), asked: None };
        let (url, headers) = match (Url::parse(&claimed.url), self.headers(claimed)) {
            (Ok(url), Ok(headers)) => (url, headers),
            (_, Err(error)) => {
                tracing::error!(error = &*error, endpoint.id = %claimed.endpoint, "a webhook cannot be signed");
                return failed("internal");
            }
            (Err(error), _) => {
                tracing::error!(error = &error as &dyn std::error::Error, endpoint.id = %claimed.endpoint, "a webhook has no address");
                return failed("internal");
            }
        };
        match self.0.outbound.send(Method::POST, &url, headers, claimed.body.clone().into()).await {
            Ok(answer) => Outcome {
                answer: Ok(answer.status),
                response: redact(&answer.body),
                duration: started.elapsed(),
                asked: backoff::asked(answer.status, &answer.headers, self.0.db.clock().now()),
            },
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, endpoint.id = %claimed.endpoint, "a webhook did not arrive");
                failed(error.as_str())
            }
        }
    }

    fn headers(&self, claimed: &Claimed) -> Result<HeaderMap, Box<dyn std::error::Error + Send + Sync>> {
        let id = claimed.message.header();
        let timestamp = self.0.db.clock().now().timestamp();
        let mut signatures = Vec::with_capacity(claimed.secrets.len());
        for (secret, sealed) in &claimed.secrets {
            let secret = SigningSecret::open(&self.0.keys, claimed.tenant, claimed.endpoint, *secret, sealed)?;
            signatures.push(secret.sign(&id, timestamp, claimed.body.as_bytes()));
        }
        if signatures.is_empty() {
            return Err("an endpoint without a secret".into());
        }
        Ok(HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("webhook-id"), HeaderValue::from_str(&id)?),
            (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp)),
            (HeaderName::from_static("webhook-signature"), HeaderValue::from_str(&signatures.join(" "))?),
        ]))
    }
}

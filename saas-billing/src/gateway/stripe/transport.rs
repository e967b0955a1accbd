//! The way to Stripe: each request once, under the key that it was given, within a limit of time and of size.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Method, redirect::Policy};
use saas_core::{Breaker, BreakerPass, Secret};
use serde::Deserialize;
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, StripeClient, StripeClientErr, StripeMethod, StripeRequest as _, VERSION,
};
use stripe_core::customer::UpdateCustomer;
use stripe_product::price::ListPrice;
use tracing::Instrument as _;
use url::{Host, Url};

use super::{STRIPE, StripeConfigError};
use crate::GatewayError;

/// How long Stripe may take for one request. Making a checkout session takes it seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take until it can be asked. What cannot be reached is found out sooner than what is slow.
const CONNECTING: Duration = Duration::from_secs(5);

/// A customer of nobody.
const NOBODY: &str = "cus_nobody";

/// No answer is as large: a hundred invoices are some hundred kilobytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    inner: Arc<Inner>,
    breaker: Breaker,
}

struct Inner {
    http: reqwest::Client,
    api: Url,
    /// Whether the last write found Stripe down. Until it takes another, that something can be read says nothing.
    takes_nothing: AtomicBool,
}

/// Stripe refused. Its message names ids and parameters, and never a whole key.
#[derive(Debug, thiserror::Error)]
#[error("{status} {} {} {}: {} (request {request})", .error.kind, .error.code, .error.param, .error.message)]
pub(super) struct Refusal {
    status: StatusCode,
    error: ErrorShape,
    request: String,
}

/// Stripe's answer is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the answer cannot be read: {0}")]
pub(super) struct Unreadable(String);

impl Unreadable {
    pub(super) fn refused(what: impl Into<String>) -> GatewayError {
        GatewayError::Refused(Box::new(Self(what.into())))
    }
}

/// An answer is larger than any should be.
#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than {LARGEST} bytes")]
struct TooLarge;

/// <https://docs.stripe.com/api/errors>
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorShape {
    #[serde(rename = "type")]
    kind: String,
    code: String,
    param: String,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: ErrorShape,
}

impl Transport {
    pub(super) fn new(key: &Secret, api: &Url, patience: Duration) -> Result<Self, StripeConfigError> {
        let is_key = key.expose().starts_with("sk_") || key.expose().starts_with("rk_");
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", key.expose())).ok().filter(|_| is_key).ok_or(StripeConfigError::Key)?;
        authorization.set_sensitive(true);
        let is_here = match api.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if api.scheme() != "https" && !is_here {
            return Err(StripeConfigError::Address);
        }
        let version = HeaderValue::try_from(VERSION.as_str()).map_err(|_| StripeConfigError::Key)?;
        let headers = [(header::AUTHORIZATION, authorization), (header::HeaderName::from_static("stripe-version"), version)];
        // What is answered with a redirect is not Stripe.
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter(headers))
            .user_agent(concat!("saas-billing/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECTING.min(patience))
            .timeout(patience);
        // A proxy is for what is outside.
        let http = if is_here { http.no_proxy() } else { http };
        let http = http.build().map_err(StripeConfigError::Client)?;
        let inner = Arc::new(Inner { http, api: api.clone(), takes_nothing: AtomicBool::new(false) });
        Ok(Self { inner, breaker: Breaker::new(STRIPE) }.with_probe())
    }

    /// The same, behind this breaker.
    pub(super) fn behind(self, breaker: Breaker) -> Self {
        Self { breaker, ..self }.with_probe()
    }

    fn with_probe(self) -> Self {
        let inner = Arc::clone(&self.inner);
        self.breaker.probe_with(move || {
            let inner = Arc::clone(&inner);
            async move { inner.is_back().await }
        });
        self
    }

    pub(super) fn api(&self) -> &Url {
        &self.inner.api
    }

    /// The same, for a write of what was read to be undone just now.
    pub(super) const fn insisting(&self) -> Insisting<'_> {
        Insisting(self)
    }

    /// Whoever gives up on it says nothing of Stripe, so it is heard to its end by itself, which comes in time.
    async fn ask(&self, asked: &Arc<RequestBuilder>, key: Option<String>) -> Result<Bytes, GatewayError> {
        let pass = self.breaker.enter()?;
        let (inner, asked) = (Arc::clone(&self.inner), Arc::clone(asked));
        let asking = async move {
            let answer = inner.ask(&asked, key.as_deref()).await;
            inner.weigh(pass, asked.method, &answer);
            answer
        };
        let ended = tokio::spawn(asking.in_current_span()).await;
        ended.unwrap_or_else(|error| Err(GatewayError::Away { retry_after: None, source: Box::new(error) }))
    }
}

impl Inner {
    /// Says how it went. What is read while nothing can be written is neither a success nor a failure.
    fn weigh(&self, pass: BreakerPass, method: StripeMethod, answer: &Result<Bytes, GatewayError>) {
        let (is_write, is_down) = (!matches!(method, StripeMethod::Get), answer.as_ref().is_err_and(is_down));
        if is_write {
            self.takes_nothing.store(is_down, Ordering::Relaxed);
        }
        if is_down {
            pass.failed();
        } else if !self.takes_nothing.load(Ordering::Relaxed) {
            pass.succeeded();
        }
    }

    /// Asks for a price, of which there may be none: the least that a key may do. If nothing could be written, it has a customer of nobody changed too,
    /// which Stripe refuses when it works.
    async fn is_back(&self) -> bool {
        let is_answered = async |asked: RequestBuilder| !self.ask(&asked, None).await.as_ref().is_err_and(is_down);
        if !is_answered(ListPrice::new().limit(1).build()).await {
            return false;
        }
        let is_back = !self.takes_nothing.load(Ordering::Relaxed) || is_answered(UpdateCustomer::new(NOBODY).build()).await;
        if is_back {
            self.takes_nothing.store(false, Ordering::Relaxed);
        }
        is_back
    }

    async fn ask(&self, asked: &RequestBuilder, key: Option<&str>) -> Result<Bytes, GatewayError> {
        let mut url = self.api.join(&format!("v1{}", asked.path)).map_err(|error| GatewayError::Refused(Box::new(error)))?;
        url.set_query(asked.query.as_deref().filter(|query| !query.is_empty()));
        let method = match asked.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut request = self.http.request(method, url);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = asked.body.clone() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let mut answer = request.send().await.map_err(away)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(part) = answer.chunk().await.map_err(away)? {
            if body.len() + part.len() > LARGEST {
                return Err(GatewayError::Refused(Box::new(TooLarge)));
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() { Ok(body.freeze()) } else { Err(refused(status, &headers, &body)) }
    }
}

impl StripeClient for Transport {
    type Err = GatewayError;

    async fn execute(&self, asked: CustomizedStripeRequest) -> Result<Bytes, GatewayError> {
        let (asked, how) = asked.into_pieces();
        let key = how.request_strategy.and_then(|strategy| strategy.get_key());
        self.ask(&Arc::new(asked), key.map(|key| key.as_str().to_owned())).await
    }
}

/// How many keys are tried, one after the other, if Stripe failed under each of them for good.
const KEYS: u32 = 5;

/// Asks under another key where one is spent.
pub(super) struct Insisting<'a>(&'a Transport);

impl StripeClient for Insisting<'_> {
    type Err = GatewayError;

    async fn execute(&self, asked: CustomizedStripeRequest) -> Result<Bytes, GatewayError> {
        let (asked, how) = asked.into_pieces();
        let asked = Arc::new(asked);
        let Some(key) = how.request_strategy.and_then(|strategy| strategy.get_key()) else { return self.0.ask(&asked, None).await };
        let mut outcome = self.0.ask(&asked, Some(key.as_str().to_owned())).await;
        for again in 1..KEYS {
            if !matches!(outcome, Err(GatewayError::KeySpent(_))) {
                break;
            }
            outcome = self.0.ask(&asked, Some(format!("{}:again:{again}", key.as_str()))).await;
        }
        outcome
    }
}

/// No answer, or not all of it.
fn away(error: reqwest::Error) -> GatewayError {
    GatewayError::Away { retry_after: None, source: Box::new(error.without_url()) }
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> GatewayError {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // What stands between us and Stripe answers in pages.
    let ErrorBody { error } = serde_json::from_slice(body).unwrap_or_default();
    if error.kind == "idempotency_error" && status == StatusCode::BAD_REQUEST {
        return GatewayError::KeyReused;
    }
    let refusal = Box::new(Refusal { status, error, request: text("request-id").unwrap_or_default().to_owned() });
    // https://docs.stripe.com/error-low-level: 409 is two requests with one key at once, 424 and 5xx are Stripe's own failures.
    match status.as_u16() {
        500.. if text("idempotent-replayed") == Some("true") => GatewayError::KeySpent(refusal),
        408 | 409 | 424 | 425 | 429 | 500.. => {
            let retry_after = text("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            GatewayError::Away { retry_after, source: refusal }
        }
        _ => GatewayError::Refused(refusal),
    }
}

/// Whether Stripe does not answer, or says that it cannot work. A failure that it keeps under its key and says again is an answer.
fn is_down(error: &GatewayError) -> bool {
    let GatewayError::Away { source, .. } = error else { return false };
    source.downcast_ref::<Refusal>().is_none_or(|refusal| refusal.status.is_server_error())
}

/// Whether there is no such thing at Stripe.
pub(super) fn is_missing(error: &GatewayError) -> bool {
    let GatewayError::Refused(source) = error else { return false };
    source.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.status == StatusCode::NOT_FOUND)
}

impl StripeClientErr for GatewayError {
    fn deserialize_err(what: impl std::fmt::Display) -> Self {
        Unreadable::refused(what.to_string())
    }
}

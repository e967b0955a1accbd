//! Where the parts of a provider are, and with which keys it signs: asked for once, and kept for a while.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use openidconnect::core::CoreJsonWebKeySet;
use saas_core::{Clock, Outbound, Secret};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;
use url::Url;

use super::{
    ProviderError,
    config::{Issuer, Oidc},
};

/// For how long it is believed that nothing has changed.
pub(super) const FRESH: TimeDelta = TimeDelta::hours(1);
/// For how long what was known goes on when nobody can be asked.
const STALE: TimeDelta = TimeDelta::days(1);
/// How often it may be asked for a key that is not known: whoever makes keys up does not make us ask each time.
pub(super) const KEYS_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Something that is kept. Whoever comes while it is fetched waits for that.
#[derive(Debug)]
pub(super) struct Kept<T> {
    clock: Clock,
    kept: Mutex<Option<(DateTime<Utc>, Arc<T>)>>,
}

impl<T> Kept<T> {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), kept: Mutex::new(None) }
    }

    /// What is kept and younger than that, or what is fetched.
    pub(super) async fn get(
        &self,
        younger_than: TimeDelta,
        fetch: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        // A clock that was put back makes nothing young again.
        let is_within = |at: DateTime<Utc>, span| (now - at).abs() < span;
        if let Some((at, it)) = &*kept
            && is_within(*at, younger_than)
        {
            return Ok(Arc::clone(it));
        }
        let error = match fetch.await {
            Ok(fetched) => {
                let fetched = Arc::new(fetched);
                *kept = Some((now, Arc::clone(&fetched)));
                return Ok(fetched);
            }
            Err(error) => error,
        };
        match &*kept {
            Some((at, it)) if is_within(*at, STALE) => Ok(Arc::clone(it)),
            _ => Err(error),
        }
    }
}

/// What a provider publishes about itself (OpenID Connect Discovery 1.0, section 3), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether each of its answers says whose it is (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// The client secret goes into a header unless the provider wants it in the form.
    pub(super) fn takes_secret_in_header(&self) -> bool {
        self.token_endpoint_auth_methods_supported
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }

    pub(super) async fn of(outbound: &Outbound, oidc: &Oidc) -> Result<Self, ProviderError> {
        let (Issuer::One(issuer) | Issuer::PerTenant(issuer)) = &oidc.issuer;
        if let Some(endpoints) = &oidc.endpoints {
            let [authorization_endpoint, token_endpoint, jwks_uri] = (**endpoints).clone();
            return Ok(Self {
                issuer: issuer.clone(),
                authorization_endpoint,
                token_endpoint,
                jwks_uri,
                userinfo_endpoint: None,
                token_endpoint_auth_methods_supported: None,
                authorization_response_iss_parameter_supported: false,
            });
        }
        let address = format!("{}/.well-known/openid-configuration", oidc.base.trim_end_matches('/'));
        let metadata: Self = fetch(outbound, &Url::parse(&address).map_err(ProviderError::away)?, None).await?;
        // Section 4.3: else one provider could send people to another.
        if metadata.issuer != *issuer {
            return Err(ProviderError::lied(format!("its document is about {:?}", metadata.issuer)));
        }
        Ok(metadata)
    }

    pub(super) async fn keys(&self, outbound: &Outbound) -> Result<CoreJsonWebKeySet, ProviderError> {
        fetch(outbound, &self.jwks_uri, None).await
    }
}

/// Reads a document, one of a person's with the token that they were given.
pub(super) async fn fetch<T: DeserializeOwned>(outbound: &Outbound, url: &Url, access: Option<&Secret>) -> Result<T, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(access) = access {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", access.expose())).map_err(ProviderError::lied)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
    }
    let answer = outbound.send(Method::GET, url, headers, "".into()).await?;
    if answer.status != StatusCode::OK {
        return Err(ProviderError::away(format!("it answered {}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(ProviderError::away)
}

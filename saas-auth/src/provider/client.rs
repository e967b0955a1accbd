use std::{fmt, sync::Arc, time::Duration};

use chrono::TimeDelta;
use openidconnect::core::CoreJsonWebKeySet;
use saas_core::{Breaker, Clock, Dependencies, Dependency, Outbound, Secret};
use tokio::time::timeout;
use url::Url;

use super::{
    Claimed, ProviderError,
    claimed::UserInfo,
    config::{Credential, Kind, Oidc, Provider, ProviderFlaw},
    discovery::{FRESH, KEYS_AGAIN, Kept, Metadata, fetch},
    exchange::{Party, Received},
    github,
    id_token::{Shown, TokenFlaw},
};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// How long all questions together may take that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long one that does not answer is left alone.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Speaks to a provider: with time limits, through a breaker, and to addresses that may be called.
pub(crate) struct ProviderClient {
    provider: Provider,
    redirect: Url,
    clock: Clock,
    outbound: Outbound,
    breaker: Breaker,
    metadata: Kept<Metadata>,
    keys: Kept<CoreJsonWebKeySet>,
}

/// What goes with somebody to the provider, and must come back or be shown with what comes back.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) state: Secret,
    pub(crate) nonce: String,
    pub(crate) verifier: Secret,
}

impl ProviderClient {
    /// `public_url` is where people reach us.
    pub(crate) fn new(
        provider: Provider,
        public_url: &Url,
        clock: &Clock,
        outbound: &Outbound,
        dependencies: Option<&Dependencies>,
    ) -> Result<Self, ProviderFlaw> {
        provider.check()?;
        let end = if provider.posts_its_answer() { "posted" } else { "return" };
        let redirect = public_url.join(&format!("/sign-in/with/{}/{end}", provider.name));
        let redirect = redirect.map_err(|_| ProviderFlaw::Name(provider.name.clone()))?;
        // Dependencies have names that stay; providers are named once, when the program starts.
        let dependency = Dependency::new(String::leak(format!("sign-in-{}", provider.name))).pauses(FIRST_PAUSE, LONGEST_PAUSE);
        let breaker = dependencies.map_or_else(|| Breaker::new(dependency), |all| all.breaker(dependency));
        let outbound = outbound.clone().within(QUESTION);
        let (metadata, keys) = (Kept::new(clock), Kept::new(clock));
        Ok(Self { provider, redirect, clock: clock.clone(), outbound, breaker, metadata, keys })
    }

    pub(crate) fn name(&self) -> &str {
        &self.provider.name
    }

    pub(crate) fn label(&self) -> &str {
        &self.provider.label
    }

    /// Where somebody says to the provider who they are.
    pub(crate) async fn authorization(&self, asked: &Asked) -> Result<Url, ProviderError> {
        let scopes: Vec<&str> = self.provider.scopes.iter().map(String::as_str).collect();
        match &self.provider.kind {
            Kind::Oidc(oidc) => {
                let endpoint = self.metadata(oidc).await?.authorization_endpoint.clone();
                let scopes: Vec<&str> = ["openid"].into_iter().chain(scopes).collect();
                let mut extra = vec![("nonce", asked.nonce.as_str())];
                if self.provider.posts_its_answer() {
                    extra.push(("response_mode", "form_post"));
                }
                Ok(self.party().authorization(endpoint, asked, &scopes, &extra))
            }
            Kind::GitHub { web, .. } => Ok(self.party().authorization(at(web, "/login/oauth/authorize")?, asked, &scopes, &[])),
        }
    }

    /// Whether an answer that says whose it is (RFC 9207) is this provider's; and whether it says so, where it always does.
    pub(crate) async fn is_its_answer(&self, issuer: Option<&str>) -> Result<bool, ProviderError> {
        match (&self.provider.kind, issuer) {
            (Kind::Oidc(oidc), Some(issuer)) => Ok(oidc.issuer.is(issuer)),
            (Kind::Oidc(oidc), None) => Ok(!self.metadata(oidc).await?.authorization_response_iss_parameter_supported),
            (Kind::GitHub { web, .. }, issuer) => Ok(issuer.is_none_or(|issuer| issuer.starts_with(web.as_str()))),
        }
    }

    /// Who came back with this code.
    pub(crate) async fn claimed(&self, code: &Secret, asked: &Asked) -> Result<Claimed, ProviderError> {
        match &self.provider.kind {
            Kind::Oidc(oidc) => self.claimed_by_token(oidc, code, asked).await,
            Kind::GitHub { web, api } => {
                let asking = async {
                    let received = self.exchange(at(web, "/login/oauth/access_token")?, false, code, asked).await?;
                    github::claimed(&self.outbound, &self.provider, web, api, &received.access).await
                };
                self.call(asking).await
            }
        }
    }

    async fn claimed_by_token(&self, oidc: &Oidc, code: &Secret, asked: &Asked) -> Result<Claimed, ProviderError> {
        let metadata = self.metadata(oidc).await?;
        let in_header = metadata.takes_secret_in_header() && matches!(self.provider.credential, Credential::Secret(_));
        let received = self.call(self.exchange(metadata.token_endpoint.clone(), in_header, code, asked)).await?;
        let token = received.id_token.ok_or_else(|| ProviderError::lied("there is no ID token"))?;
        let shown =
            Shown { provider: &self.provider, issuer: &oidc.issuer, text: token.expose(), nonce: &asked.nonce, now: self.clock.now() };
        let keys = self.keys(&metadata, FRESH).await?;
        let said = match shown.said(&keys) {
            // It may have begun to sign with another.
            Err(TokenFlaw::UnknownKey) => shown.said(&*self.keys(&metadata, KEYS_AGAIN).await?),
            said => said,
        };
        let said = said.map_err(ProviderError::lied)?;
        // Many write all of it into the token, and some only where they are asked with the other one.
        let said = match (&said.email, &metadata.userinfo_endpoint) {
            (None, Some(endpoint)) => {
                let info: UserInfo = self.call(fetch(&self.outbound, endpoint, Some(&received.access))).await?;
                if info.sub != said.subject {
                    return Err(ProviderError::lied("it speaks of somebody else"));
                }
                said.and(&self.provider, info)
            }
            _ => said,
        };
        Ok(said.claimed(&self.provider))
    }

    async fn metadata(&self, oidc: &Oidc) -> Result<Arc<Metadata>, ProviderError> {
        self.metadata.get(FRESH, self.call(Metadata::of(&self.outbound, oidc))).await
    }

    async fn keys(&self, metadata: &Metadata, younger_than: TimeDelta) -> Result<Arc<CoreJsonWebKeySet>, ProviderError> {
        self.keys.get(younger_than, self.call(metadata.keys(&self.outbound))).await
    }

    async fn exchange(&self, endpoint: Url, in_header: bool, code: &Secret, asked: &Asked) -> Result<Received, ProviderError> {
        let secret = match &self.provider.credential {
            Credential::Secret(secret) => secret.clone(),
            Credential::Apple(key) => {
                key.client_secret(&self.provider.client_id, self.clock.now()).ok_or_else(|| ProviderError::refused("the key is no key"))?
            }
        };
        self.party().exchange(&self.outbound, endpoint, &secret, in_header, code, asked).await
    }

    fn party(&self) -> Party<'_> {
        Party { client_id: &self.provider.client_id, redirect: &self.redirect }
    }

    /// Asks, unless the provider was away lately, and gives up in time.
    async fn call<T>(&self, asking: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
        let bounded = async { timeout(PATIENCE, asking).await.unwrap_or_else(|late| Err(ProviderError::away(late))) };
        self.breaker.call(bounded, ProviderError::is_away).await
    }
}

fn at(web: &str, path: &str) -> Result<Url, ProviderError> {
    Url::parse(&format!("{web}{path}")).map_err(ProviderError::away)
}

impl fmt::Debug for ProviderClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderClient").field("name", &self.provider.name).finish_non_exhaustive()
    }
}

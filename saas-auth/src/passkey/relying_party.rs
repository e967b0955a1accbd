use saas_core::{Problem, Token};
use url::Url;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder, WebauthnError};

use super::challenge::LIFETIME;
use crate::session::{Carried, TokenCookie};

/// Who asks browsers for passkeys: the name of the application's host, from its origin alone.
#[derive(Debug, Clone)]
pub(crate) struct RelyingParty {
    pub(super) webauthn: Webauthn,
    cookie: TokenCookie,
}

impl RelyingParty {
    /// None where people reach the application by a network address: a passkey belongs to a name.
    pub(crate) fn new(public_url: &Url, product: &str, cookie: TokenCookie) -> Result<Option<Self>, WebauthnError> {
        let Some(host) = public_url.domain() else { return Ok(None) };
        let patience = LIFETIME.to_std().unwrap_or_default();
        let webauthn = WebauthnBuilder::new(host, public_url)?.rp_name(product).timeout(patience).build()?;
        Ok(Some(Self { webauthn, cookie }))
    }

    /// The token with which a request answers what its browser was asked.
    pub(crate) fn token(&self, headers: &http::HeaderMap) -> Option<Token> {
        match self.cookie.read(headers) {
            Carried::Token(token) => Some(token),
            Carried::Nothing | Carried::Garbage => None,
        }
    }

    /// Gives the browser what it must answer with.
    pub(crate) fn set(&self, token: &Token) -> Result<http::HeaderValue, Problem> {
        self.cookie.set(token, Some(LIFETIME))
    }
}

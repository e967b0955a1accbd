//! What an ID token says, if it says it (OpenID Connect Core 1.0, section 3.1.3.7).

use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, IdToken, IdTokenVerifier, IssuerUrl, Nonce, SignatureVerificationError,
    core::{CoreGenderClaim, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    claimed::{Flag, Said, joined},
    config::{Issuer, Provider, Vouch},
};

/// Signatures that are believed. None of them is made with a key that we have too.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How far clocks may be apart.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How long ago a token may have been signed that was just asked for.
const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// What some providers say beside what all say.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Extra {
    /// From when on it holds.
    nbf: Option<f64>,
    /// Google: whose mail it runs.
    hd: Option<String>,
    /// Microsoft: the organization.
    tid: Option<Uuid>,
    /// Microsoft: whether the address' domain is the organization's.
    xms_edov: Option<Flag>,
}

impl AdditionalClaims for Extra {}

/// A token is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenFlaw {
    /// It is signed with a key that is not among those that are known.
    #[error("the token is signed with a key that is not known")]
    UnknownKey,
    #[error("the token cannot be read")]
    Malformed(#[from] serde_json::Error),
    #[error("the token does not hold")]
    Invalid(#[source] ClaimsVerificationError),
    #[error("the token is of no issuer of this provider")]
    Issuer,
    #[error("the token was made for somebody else")]
    Party,
    #[error("the token does not hold yet")]
    Early,
    #[error("the token names nobody")]
    Subject,
}

impl From<ClaimsVerificationError> for TokenFlaw {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Self::UnknownKey,
            error => Self::Invalid(error),
        }
    }
}

/// A token and what it is held against.
pub(super) struct Shown<'a> {
    pub(super) provider: &'a Provider,
    pub(super) issuer: &'a Issuer,
    pub(super) text: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: DateTime<Utc>,
}

impl Shown<'_> {
    pub(super) fn said(&self, keys: &CoreJsonWebKeySet) -> Result<Said, TokenFlaw> {
        type Token = IdToken<Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
        let (now, token) = (self.now, Token::from_str(self.text)?);
        let (Issuer::One(issuer) | Issuer::PerTenant(issuer)) = self.issuer;
        let issuer = IssuerUrl::new(issuer.clone()).map_err(|_| TokenFlaw::Issuer)?;
        // As a client without a secret: one that both sides know signs nothing.
        let verifier = IdTokenVerifier::new_public_client(ClientId::new(self.provider.client_id.clone()), issuer, keys.clone())
            .set_allowed_algs(ALGORITHMS)
            .require_issuer_match(matches!(self.issuer, Issuer::One(_)))
            .set_time_fn(move || now - SKEW)
            .set_issue_time_verifier_fn(move |at| match at {
                at if at > now + SKEW => Err("it comes from the future".to_owned()),
                at if at < now - SKEW - OLDEST => Err("it is old".to_owned()),
                _ => Ok(()),
            });
        let claims = token.into_claims(&verifier, &Nonce::new(self.nonce.to_owned()))?;
        let extra = claims.additional_claims();
        let tenants = match (self.issuer, extra.tid) {
            (Issuer::PerTenant(all), Some(tenant)) => Some(all.replace("{tenantid}", &tenant.to_string())),
            (Issuer::PerTenant(_), None) => return Err(TokenFlaw::Issuer),
            (Issuer::One(_), _) => None,
        };
        if tenants.is_some_and(|issuer| issuer != claims.issuer().as_str()) {
            return Err(TokenFlaw::Issuer);
        }
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.provider.client_id) {
            return Err(TokenFlaw::Party);
        }
        if extra.nbf.is_some_and(|from| from > (now + SKEW).timestamp() as f64) {
            return Err(TokenFlaw::Early);
        }
        let subject = claims.subject().as_str();
        if !(1..=255).contains(&subject.len()) || subject.contains(char::is_control) {
            return Err(TokenFlaw::Subject);
        }
        let is_verified = match self.provider.vouch {
            Vouch::Nothing => false,
            Vouch::Verified => claims.email_verified() == Some(true),
            Vouch::DomainOwner => extra.xms_edov.as_ref().is_some_and(Flag::is_set),
        };
        let whole = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
        let given = claims.given_name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let family = claims.family_name().and_then(|name| name.get(None)).map(|name| name.as_str());
        Ok(Said {
            issuer: claims.issuer().as_str().to_owned(),
            subject: subject.to_owned(),
            email: claims.email().map(|email| email.as_str().to_owned()),
            is_verified,
            hosted: extra.hd.clone(),
            name: whole.or_else(|| joined(given, family)),
        })
    }
}

//! An access token: a JWT as RFC 9068 wants it, signed with Ed25519 (RFC 8037).

use std::fmt;

use aws_lc_rs::signature::ParsedPublicKey;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Secret, TenantId, TokenFamilyId, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;
use uuid::Uuid;

use super::signing_key::SigningKey;

/// How long an access token works.
pub(super) const LIFETIME: TimeDelta = TimeDelta::hours(1);

/// By how much the clock of the node that made a token may be ahead.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

/// Longer is none of ours.
const MAX_BYTES: usize = 8 * 1024;

/// Says who makes tokens, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    issuer: String,
    audience: String,
}

impl Issuer {
    pub(crate) fn new(public_url: &Url) -> Self {
        let issuer = public_url.origin().ascii_serialization();
        Self { audience: format!("{issuer}/api"), issuer }
    }
}

/// What stands before a token. Anything else, or more, is no token of ours.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: Algorithm,
    typ: Type,
    kid: Uuid,
}

#[derive(Serialize, Deserialize)]
enum Algorithm {
    #[serde(rename = "EdDSA")]
    Ed25519,
}

#[derive(Serialize, Deserialize)]
enum Type {
    #[serde(rename = "at+jwt")]
    AccessToken,
}

/// What a token says.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) sub: UserId,
    /// No program is registered with us: each is known by the tokens that it was given first.
    client_id: TokenFamilyId,
    pub(super) tenant_id: TenantId,
    email: String,
    role: String,
    features: Vec<String>,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Whom a token is for.
pub(super) struct Holder {
    pub(super) user: UserId,
    pub(super) family: TokenFamilyId,
    pub(super) tenant: TenantId,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) features: Vec<String>,
}

/// Signs a token that works until `expires_at`.
pub(super) fn sign(
    key: &SigningKey,
    issuer: &Issuer,
    holder: Holder,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Secret, serde_json::Error> {
    let header = Header { alg: Algorithm::Ed25519, typ: Type::AccessToken, kid: key.id };
    let claims = Claims {
        iss: issuer.issuer.clone(),
        aud: issuer.audience.clone(),
        sub: holder.user,
        client_id: holder.family,
        tenant_id: holder.tenant,
        email: holder.email,
        role: holder.role,
        features: holder.features,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
        jti: Uuid::now_v7(),
    };
    let signed = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(&signed));
    Ok(Secret::new(format!("{signed}.{signature}")))
}

fn encoded<T: Serialize>(part: &T) -> Result<String, serde_json::Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part)?))
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A text that has the shape of an access token and names a key. Nothing else of it is believed yet.
pub(crate) struct AccessToken {
    pub(super) key: Uuid,
    text: Secret,
    /// Where the claims and where the signature begins.
    claims_at: usize,
    signature_at: usize,
}

impl AccessToken {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut dots = text.match_indices('.').map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else { return None };
        if text.len() > MAX_BYTES {
            return None;
        }
        let header: Header = decoded(&text[..first])?;
        Some(Self { key: header.kid, text: Secret::new(text), claims_at: first + 1, signature_at: second + 1 })
    }

    /// What it says, if this key has signed it.
    pub(super) fn verify(&self, key: &ParsedPublicKey) -> Option<Claims> {
        let text = self.text.expose();
        let signature = URL_SAFE_NO_PAD.decode(&text[self.signature_at..]).ok()?;
        key.verify_sig(&text.as_bytes()[..self.signature_at - 1], &signature).ok()?;
        decoded(&text[self.claims_at..self.signature_at - 1])
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Claims {
    /// Whether it was made by us, for us, and for this moment.
    pub(super) fn hold(&self, issuer: &Issuer, now: DateTime<Utc>) -> bool {
        let is_ours = self.iss == issuer.issuer && self.aud == issuer.audience;
        is_ours && self.iat <= (now + AHEAD).timestamp() && now.timestamp() < self.exp
    }

    pub(super) const fn family(&self) -> TokenFamilyId {
        self.client_id
    }
}

//! Tokens for programs, as OAuth 2.0 names them (RFC 6749, RFC 7009), and the keys that they are checked with (RFC 7517).

use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, header};
use saas_core::{FieldError, Json, Origin, Problem, Routes, Secret, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    entry::entered_for_tokens,
    visitor::{Language, Visitor},
};
use crate::{
    Auth, Credentials,
    account::account_sign_in,
    refused,
    session::{DeviceCookies, session_end},
    token::{NewTokens, Tokens, published, token_revoke, tokens_issue, tokens_refresh},
};

pub(super) fn routes() -> Routes<Auth> {
    Routes::new()
        .get("/.well-known/jwks.json", keys)
        .post("/api/v1/auth/token", issue)
        .about("Gives a program tokens with which it acts for a person in one organization")
        .post("/api/v1/auth/token/refresh", refresh)
        .about("Gives other tokens in the place of a refresh token, which works once")
        .post("/api/v1/auth/token/revoke", revoke)
        .about("Ends what a program may do, by either of its tokens")
}

/// The tokens that a program asks for, with a session or with what somebody enters to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// The organization in which it will act: its id or its short name.
    organization: String,
    /// What to call the program in the list of what may act for one: 1 to 100 characters.
    name: Option<String>,
    /// What somebody enters to sign in, in the place of a session.
    credentials: Option<Credentials>,
}

impl Validate for TokenRequest {
    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.organization.is_empty() {
            errors.push(FieldError::new("/organization", "is missing"));
        }
        if let Some(Err(refusal)) = self.name.as_deref().map(refused::name) {
            errors.push(FieldError::new("/name", refusal.to_string()));
        }
        errors
    }
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
struct TokenPair {
    /// A JWT (RFC 9068) for the `Authorization` header.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token works: 3600, or what is left until the person has to sign in again.
    expires_in: i64,
    /// Gets the next pair, once. Shown this once.
    refresh_token: String,
}

impl From<Tokens> for Json<TokenPair> {
    fn from(tokens: Tokens) -> Self {
        Self(TokenPair {
            access_token: tokens.access.expose().to_owned(),
            token_type: "Bearer",
            expires_in: tokens.expires_in.num_seconds(),
            refresh_token: tokens.refresh.expose().to_owned(),
        })
    }
}

async fn issue(
    State(auth): State<Auth>,
    Visitor(visitor): Visitor,
    cookies: DeviceCookies,
    origin: Origin,
    Json(request): Json<TokenRequest>,
) -> Result<Json<TokenPair>, Problem> {
    let name = request.name.as_deref().and_then(|name| refused::name(name).ok());
    let new = NewTokens { organization: &request.organization, name: name.as_deref() };
    let Some(credentials) = &request.credentials else {
        let me = visitor.ok_or_else(Problem::unauthenticated)?;
        return Ok(tokens_issue(&auth, origin, &me, new).await?.into());
    };
    let entry = account_sign_in(&auth, credentials, &origin, None, &cookies).await?;
    let me = entered_for_tokens(&auth, &entry).await?;
    let tokens = tokens_issue(&auth, origin.clone(), &me, new).await;
    // The session was the way in and nobody has its cookie.
    session_end(auth.db(), origin, me.user, me.session).await?;
    Ok(tokens?.into())
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    refresh_token: Secret,
}

impl Validate for RefreshRequest {}

async fn refresh(
    State(auth): State<Auth>,
    Language(locale): Language,
    origin: Origin,
    Json(request): Json<RefreshRequest>,
) -> Result<Json<TokenPair>, Problem> {
    Ok(tokens_refresh(&auth, origin, &request.refresh_token, &auth.letters(locale, None)).await?.into())
}

/// A token to revoke.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    /// An access token or a refresh token.
    token: Secret,
    /// `access_token` or `refresh_token`. It is not needed: a token shows which it is.
    #[serde(rename = "token_type_hint")]
    _token_type_hint: Option<String>,
}

impl Validate for RevokeRequest {}

/// Nothing is said of a token that was revoked or never was one.
#[derive(Serialize, ToSchema)]
struct Revoked {}

async fn revoke(State(auth): State<Auth>, origin: Origin, Json(request): Json<RevokeRequest>) -> Result<Json<Revoked>, Problem> {
    token_revoke(&auth, origin, &request.token).await?;
    Ok(Json(Revoked {}))
}

/// The public keys, as whoever checks tokens elsewhere reads them.
#[derive(Serialize, ToSchema)]
struct KeySet {
    keys: Vec<Key>,
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
struct Key {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: Uuid,
    x: String,
}

/// For how long an answer may be kept: a new key is published a day before it signs.
const KEPT: &str = "public, max-age=300";

async fn keys(State(auth): State<Auth>) -> Result<([(HeaderName, HeaderValue); 1], Json<KeySet>), Problem> {
    let published = published(auth.db()).await?;
    let keys = published.into_iter().map(|key| Key {
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        usage: "sig",
        kid: key.id,
        x: URL_SAFE_NO_PAD.encode(key.public),
    });
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static(KEPT))], Json(KeySet { keys: keys.collect() })))
}

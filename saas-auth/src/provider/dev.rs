//! A provider for development, in the program itself: whoever sits at this machine says who they are, and nobody checks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use saas_core::{ClientAddress, Clock, Form, Html, Json, Page, Problem, Query, Routes, Secret, Token};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;
use utoipa::ToSchema;

use super::{config::Provider, es256::Es256};
use crate::refused;

const NAME: &str = "dev";
const CLIENT_ID: &str = "this-program";
const KEY_ID: &str = "dev";
const PAGE: &str = "auth/dev_provider.html";
/// How long a code waits to be exchanged.
const CODE: TimeDelta = TimeDelta::seconds(60);
/// How long a token says that it holds.
const TOKEN: TimeDelta = TimeDelta::minutes(5);

/// An OpenID Connect provider that believes everybody, at `/dev/oidc`. It signs real tokens, so that the button works with no account anywhere.
///
/// # Security
///
/// Whoever reaches it is whoever they want to be: it answers browsers on the same machine alone, and is in no program that is built without the
/// feature `dev-oidc`.
#[derive(Clone)]
pub struct DevProvider {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    issuer: String,
    redirect: Url,
    endpoints: [Url; 3],
    secret: Secret,
    key: Es256,
    codes: Mutex<BTreeMap<String, Grant>>,
}

/// What a code is worth.
struct Grant {
    at: DateTime<Utc>,
    challenge: String,
    nonce: String,
    person: Person,
}

struct Person {
    email: String,
    name: String,
    is_confirmed: bool,
}

/// What somebody is sent here with, and what the form carries on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct Asks {
    client_id: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    code_challenge: String,
}

/// Who they want to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Says {
    #[serde(flatten)]
    asks: Asks,
    email: String,
    name: String,
    /// A box that is not ticked is not sent.
    confirmed: Option<String>,
    cancel: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exchange {
    code: String,
    code_verifier: String,
    redirect_uri: String,
}

impl DevProvider {
    /// At the address of the program, for which it is.
    ///
    /// # Errors
    ///
    /// Fails if nothing can stand below the address.
    pub fn new(public_url: &Url, clock: Clock) -> Result<Self, url::ParseError> {
        let at = |path: &str| public_url.join(path);
        let endpoints = [at("/dev/oidc/authorize")?, at("/dev/oidc/token")?, at("/dev/oidc/keys")?];
        let issuer = at("/dev/oidc")?.to_string();
        let redirect = at(&format!("/sign-in/with/{NAME}/return"))?;
        let (secret, key) = (Token::generate().text(), Es256::generate());
        Ok(Self { inner: Arc::new(Inner { clock, issuer, redirect, endpoints, secret, key, codes: Mutex::default() }) })
    }

    /// The provider, for [`AuthBuilder::provider`](crate::AuthBuilder::provider).
    #[must_use]
    pub fn provider(&self) -> Provider {
        let [authorization, token, keys] = self.inner.endpoints.clone();
        Provider::oidc(NAME, &self.inner.issuer, CLIENT_ID, self.inner.secret.clone())
            .label("Development")
            .vouches_for_addresses()
            .endpoints(authorization, token, keys)
    }

    /// Its pages, for browsers on this machine alone.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Routes<S> {
        Routes::new()
            .get("/dev/oidc/.well-known/openid-configuration", about)
            .get("/dev/oidc/authorize", show)
            .post("/dev/oidc/authorize", submit)
            .post("/dev/oidc/token", exchange)
            .get("/dev/oidc/keys", keys)
            .with_state(self.clone())
    }
}

impl std::fmt::Debug for DevProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevProvider").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

fn only_here(ClientAddress(client): ClientAddress) -> Result<(), Problem> {
    if client.is_loopback() { Ok(()) } else { Err(Problem::not_found()) }
}

async fn about(State(dev): State<DevProvider>, client: ClientAddress) -> Result<Response, Problem> {
    only_here(client)?;
    let [authorization, token, keys] = &dev.inner.endpoints;
    Ok(document(&json!({
        "issuer": dev.inner.issuer,
        "authorization_endpoint": authorization.as_str(),
        "token_endpoint": token.as_str(),
        "jwks_uri": keys.as_str(),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })))
}

async fn keys(State(dev): State<DevProvider>, client: ClientAddress) -> Result<Response, Problem> {
    only_here(client)?;
    Ok(document(&json!({ "keys": [dev.inner.key.public(KEY_ID)] })))
}

async fn show(State(dev): State<DevProvider>, client: ClientAddress, Query(asks): Query<Asks>, page: Page) -> Result<Html, Problem> {
    only_here(client)?;
    dev.check(&asks)?;
    page.render(PAGE, json!({ "asks": asks, "wrong": false }))
}

async fn submit(State(dev): State<DevProvider>, client: ClientAddress, page: Page, Form(says): Form<Says>) -> Result<Response, Problem> {
    only_here(client)?;
    dev.check(&says.asks)?;
    let mut back = dev.inner.redirect.clone();
    back.query_pairs_mut().append_pair("state", &says.asks.state).append_pair("iss", &dev.inner.issuer);
    if says.cancel.is_some() {
        back.query_pairs_mut().append_pair("error", "access_denied");
        return Ok(Redirect::to(back.as_str()).into_response());
    }
    let (Ok(email), name) = (refused::email(&says.email), says.name.trim().to_owned()) else {
        return page.refuse(PAGE, json!({ "asks": says.asks, "wrong": true }));
    };
    let person = Person { email: email.as_str().to_owned(), name, is_confirmed: says.confirmed.is_some() };
    let code = dev.grant(says.asks, person);
    back.query_pairs_mut().append_pair("code", &code);
    Ok(Redirect::to(back.as_str()).into_response())
}

async fn exchange(
    State(dev): State<DevProvider>,
    client: ClientAddress,
    headers: http::HeaderMap,
    Form(exchange): Form<Exchange>,
) -> Result<Response, Problem> {
    only_here(client)?;
    let refuse = |status, error| Ok((status, Json(json!({ "error": error }))).into_response());
    let known = headers.get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if !bool::from(known.ct_eq(dev.basic().as_bytes())) {
        return refuse(StatusCode::BAD_REQUEST, "invalid_client");
    }
    let now = dev.inner.clock.now();
    let Some(grant) = dev.inner.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&exchange.code) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let is_the_same = URL_SAFE_NO_PAD.encode(Sha256::digest(exchange.code_verifier.as_bytes())) == grant.challenge;
    if !is_the_same || exchange.redirect_uri != dev.inner.redirect.as_str() || grant.at + CODE < now {
        return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let claims = json!({
        "iss": dev.inner.issuer,
        "aud": CLIENT_ID,
        "sub": grant.person.email.to_ascii_lowercase(),
        "iat": now.timestamp(),
        "exp": (now + TOKEN).timestamp(),
        "nonce": grant.nonce,
        "email": grant.person.email,
        "email_verified": grant.person.is_confirmed,
        "name": grant.person.name,
    });
    let token = dev.inner.key.sign(KEY_ID, &claims);
    Ok(document(&json!({ "access_token": Token::generate().text().expose(), "token_type": "Bearer", "id_token": token })))
}

fn document(value: &Value) -> Response {
    Json(value).into_response()
}

impl DevProvider {
    /// Whether it is this program that sent somebody here.
    fn check(&self, asks: &Asks) -> Result<(), Problem> {
        let is_ours = asks.client_id == CLIENT_ID && asks.redirect_uri == self.inner.redirect.as_str() && !asks.code_challenge.is_empty();
        let detail = "Come here by the button on the sign-in page.";
        if is_ours { Ok(()) } else { Err(Problem::new(&saas_core::ProblemType::BAD_REQUEST).detail(detail)) }
    }

    /// What the program shows with a code.
    fn basic(&self) -> String {
        use base64::engine::general_purpose::STANDARD;
        format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{}", self.inner.secret.expose())))
    }

    fn grant(&self, asks: Asks, person: Person) -> String {
        let (code, now) = (Token::generate().text().expose().to_owned(), self.inner.clock.now());
        let mut codes = self.inner.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, grant| grant.at + CODE > now);
        codes.insert(code.clone(), Grant { at: now, challenge: asks.code_challenge, nonce: asks.nonce, person });
        code
    }
}

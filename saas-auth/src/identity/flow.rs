//! The way to a provider and back. It works once, for ten minutes, and in the browser in which it began.

use axum::extract::FromRequestParts;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use cookie::{Cookie, SameSite};
use http::{HeaderValue, header, request::Parts};
use saas_core::{DbError, Declares, Problem, Purpose, Secret, Token, TokenHash, UserId};
use url::Url;
use uuid::Uuid;

use super::{MAILBOX_LIFETIME, Refused};
use crate::{
    Auth,
    provider::{Asked, ProviderClient},
};

const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What the ID token must repeat.
const NONCE: Purpose = Purpose::new("auth provider nonce");
/// What the code is worth nothing without (RFC 7636).
const VERIFIER: Purpose = Purpose::new("auth provider verifier");

/// Where somebody is to go, and what their browser keeps until they are back.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) url: Url,
    pub(crate) browser: Token,
}

/// A way that somebody has come back on.
#[derive(Debug)]
pub(super) struct Flow {
    /// Who wants to link the account there with theirs; nobody if somebody signs in.
    pub(super) user: Option<UserId>,
    pub(super) next: Option<String>,
}

/// Sends somebody to a provider who wants to sign in.
pub(crate) async fn sign_in_begin(
    auth: &Auth,
    provider: &ProviderClient,
    browser: FlowBrowser,
    next: Option<&str>,
) -> Result<Begun, Refused> {
    flow_begin(auth, provider, browser, None, next).await
}

pub(super) async fn flow_begin(
    auth: &Auth,
    provider: &ProviderClient,
    browser: FlowBrowser,
    user: Option<UserId>,
    next: Option<&str>,
) -> Result<Begun, Refused> {
    let state = Token::generate();
    // Two ways that begin in one browser, in two tabs, both lead back.
    let browser = browser.0.unwrap_or_else(Token::generate);
    let url = provider.authorization(&asked(auth, &state)).await?;
    let mut tx = auth.db().system("send somebody to a provider").begin().await?;
    let (state_hash, browser_hash, now) = (state.hash(), browser.hash(), tx.now());
    sqlx::query!(
        "insert into auth.provider_flow (state_hash, browser_hash, provider, user_id, next, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)",
        state_hash.as_bytes(),
        browser_hash.as_bytes(),
        provider.name(),
        user.map(Uuid::from) as Option<Uuid>,
        next,
        now,
        now + LIFETIME,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Begun { url, browser })
}

/// Uses up a way: of any number that come back on it at once, one does.
pub(super) async fn flow_use(
    auth: &Auth,
    provider: &ProviderClient,
    state: TokenHash,
    browser: TokenHash,
) -> Result<Option<Flow>, DbError> {
    let mut tx = auth.db().system("take somebody back from a provider").begin().await?;
    let now = tx.now();
    let flow = sqlx::query_as!(
        Flow,
        r#"update auth.provider_flow set used_at = $4
        where state_hash = $1 and browser_hash = $2 and provider = $3 and used_at is null and expires_at > $4
        returning user_id as "user: UserId", next"#,
        state.as_bytes(),
        browser.as_bytes(),
        provider.name(),
        now,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(flow)
}

/// What goes with somebody. Nonce and verifier are derived from the state, so they are found again and stand nowhere.
pub(super) fn asked(auth: &Auth, state: &Token) -> Asked {
    let hash = state.hash();
    let derived = |purpose| URL_SAFE_NO_PAD.encode(auth.keys().sign(purpose, hash.as_bytes()));
    Asked { state: state.text(), nonce: derived(NONCE), verifier: Secret::new(derived(VERIFIER)) }
}

/// How the browser is known again in which a way began.
///
/// # Security
///
/// Strict: it comes with our own pages alone. The page to which the provider sends people back needs no cookie; the form on it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlowCookie {
    secure: bool,
}

impl FlowCookie {
    pub(crate) const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn name(self) -> &'static str {
        // Another name without TLS, so that a cookie which was sent in the clear is never taken for a protected one.
        if self.secure { "__Host-provider" } else { "lan-provider" }
    }

    /// Gives the browser what it must come back with, from the provider or with a link from a mail.
    pub(crate) fn set(self, browser: &Token) -> Result<HeaderValue, Problem> {
        let cookie = Cookie::build((self.name(), browser.text().expose().to_owned()))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .max_age(cookie::time::Duration::seconds(MAILBOX_LIFETIME.num_seconds()))
            .build();
        HeaderValue::try_from(cookie.to_string()).map_err(Problem::internal)
    }
}

/// What a request says about the browser. Two cookies of the name mean that somebody planted one: neither is believed.
#[derive(Debug, Clone)]
pub(crate) struct FlowBrowser(pub(super) Option<Token>);

impl FromRequestParts<Auth> for FlowBrowser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut ours = cookies.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|it| it.name() == auth.flow_cookie().name());
        Ok(Self(match (ours.next(), ours.next()) {
            (Some(one), None) => Token::parse(one.value()),
            _ => None,
        }))
    }
}

impl Declares for FlowBrowser {}

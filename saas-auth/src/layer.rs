use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures_core::future::BoxFuture;
use http::{header, request::Parts};
use saas_core::{ClientAddress, Principal, Problem, ProblemType, StepUp, TenantHost, Token};
use tower::{Layer, Service};

use crate::{
    Auth,
    agent::{credential_by_text, credential_seen, credential_taken_over},
    bearer::{Bearer, bearer},
    key::{KeyText, Kind},
    session::{Carried, FoundSession, session_by_token, session_seen},
    token::AccessToken,
};

/// The header with which a page reads a part of itself again, or has checked what is being typed.
const FRAGMENT: &str = "x-fragment";

/// Applies [`AuthService`]. Made by [`Auth::layer`].
#[derive(Debug, Clone)]
#[must_use]
pub struct AuthLayer {
    auth: Auth,
}

impl AuthLayer {
    pub(crate) fn new(auth: Auth) -> Self {
        Self { auth }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { inner, auth: self.auth.clone() }
    }
}

/// Puts a [`Principal`] on each request: who it comes from, or that nobody knows.
#[derive(Debug, Clone)]
pub struct AuthService<S> {
    inner: S,
    auth: Auth,
}

impl<S> Service<Request> for AuthService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone has not been polled ready; the original has, so it takes the call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let auth = self.auth.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let (principal, stale) = match auth.authenticate(&parts).await {
                Ok(Caller { principal, stale }) => (principal, stale),
                Err(problem) => return Ok(problem.into_response()),
            };
            parts.extensions.insert(principal.clone());
            parts.extensions.insert(auth.clone());
            parts.extensions.insert(Arc::new(auth.clone()) as Arc<dyn StepUp>);
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            response.extensions_mut().insert(principal);
            // A cookie that opens nothing is taken away, unless the answer has just given another.
            if stale
                && !auth.cookie().is_in(response.headers())
                && let Ok(cleared) = auth.cookie().clear()
            {
                response.headers_mut().append(header::SET_COOKIE, cleared);
            }
            Ok(response)
        })
    }
}

/// Whether a request says that somebody is there: what an open page asks by itself, to stay as it should be, does not. Else a session whose page is left open
/// would never be unused.
fn is_use(parts: &Parts) -> bool {
    let asks_for_stream = parts.headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
    !(parts.method.is_safe() && (parts.headers.contains_key(FRAGMENT) || asks_for_stream))
}

/// Whether a session opens anything where the request was sent to. One of the main host opens nothing at an organization's; one of such a host opens that
/// alone, and only for as long as it is the host of the organization for which it began, and its person belongs there.
fn opens_here(found: &FoundSession, host: Option<&TenantHost>) -> bool {
    match (&found.host, host) {
        (None, None) => true,
        (Some(of), Some(host)) => host.name.as_str() == of && found.signed_in.memberships.iter().any(|place| host.is_of(place)),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

struct Caller {
    principal: Principal,
    /// Whether the request carries a cookie that is no session, or no more.
    stale: bool,
}

impl Auth {
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Problem> {
        self.refuse_in_address(parts).await?;
        let carried = self.cookie().read(&parts.headers);
        match (bearer(&parts.headers, self.agent_key_prefix())?, carried) {
            (Bearer::Nothing, Carried::Nothing) => Ok(Caller { principal: Principal::Anonymous, stale: false }),
            (Bearer::Nothing, Carried::Garbage) => Ok(Caller { principal: Principal::Anonymous, stale: true }),
            (Bearer::Nothing, Carried::Token(token)) => self.person(&token, parts).await,
            (Bearer::Text(text), Carried::Nothing) => self.keyed(&text, parts).await,
            (Bearer::Token(token), Carried::Nothing) => self.holder(&token).await,
            (Bearer::Text(_) | Bearer::Token(_), _) => {
                Err(Problem::new(&ProblemType::BAD_REQUEST).detail("a request comes with a session or with a key, not with both"))
            }
        }
    }

    async fn person(&self, token: &Token, parts: &Parts) -> Result<Caller, Problem> {
        let now = self.db().clock().now();
        let host = parts.extensions.get::<TenantHost>();
        let found = session_by_token(self, token, now).await?.filter(|found| opens_here(found, host));
        let Some(FoundSession { signed_in, seen_long_ago, .. }) = found else {
            return Ok(Caller { principal: Principal::Anonymous, stale: true });
        };
        tracing::Span::current().record("user.id", tracing::field::display(signed_in.user));
        if seen_long_ago && is_use(parts) {
            let session = signed_in.session;
            self.note(async move |db| session_seen(&db, session, now).await);
        }
        Ok(Caller { principal: Principal::User(Arc::new(signed_in)), stale: false })
    }

    async fn holder(&self, token: &AccessToken) -> Result<Caller, Problem> {
        let holder = self.token(token).await?.ok_or_else(Problem::unauthenticated)?;
        tracing::Span::current().record("user.id", tracing::field::display(holder.user));
        Ok(Caller { principal: Principal::Token(Arc::new(holder)), stale: false })
    }

    async fn keyed(&self, text: &KeyText, parts: &Parts) -> Result<Caller, Problem> {
        let address = parts.extensions.get::<ClientAddress>().copied();
        let principal = match text.kind {
            Kind::ApiKey => {
                let key = self.api_key(text, address).await?.ok_or_else(Problem::unauthenticated)?;
                tracing::Span::current().record("key.id", tracing::field::display(key.key));
                Principal::Key(Arc::new(key))
            }
            // It is not somebody yet: the one route that takes such keys looks at it with `ByAgentKey`.
            Kind::AgentKey => Principal::Anonymous,
            Kind::Credential => self.machine(text, address).await?,
            // It gets other tokens and opens nothing.
            Kind::RefreshToken => return Err(Problem::unauthenticated()),
        };
        Ok(Caller { principal, stale: false })
    }

    async fn machine(&self, text: &KeyText, address: Option<ClientAddress>) -> Result<Principal, Problem> {
        let found = credential_by_text(self.db(), text, address).await?.ok_or_else(Problem::unauthenticated)?;
        tracing::Span::current().record("agent.id", tracing::field::display(found.principal.agent));
        if let Some(id) = found.taking_over {
            self.note(async move |db| credential_taken_over(&db, found.principal, id).await);
        }
        if let Some(id) = found.unseen {
            self.note(async move |db| credential_seen(&db, found.principal, id).await);
        }
        Ok(Principal::Agent(found.principal))
    }
}
